import contextlib
import io
import struct
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bakeoff.data.decode import Limits, decode, decode_file, is_picture, looks_like
from bakeoff.errors import BakeoffError

from .pictures_made import drawing, encoded

COLOUR = np.zeros((12, 16, 3), dtype=np.uint8)
COLOUR[:, :8] = (200, 40, 20)
COLOUR[:, 8:] = (20, 90, 220)


def near(actual: Any, expected: Any, tolerance: int) -> bool:
    return bool((np.abs(actual.astype(int) - expected.astype(int)) <= tolerance).all())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF"])
def test_lossless_formats_keep_every_grey(kind: str) -> None:
    pixels = drawing()
    assert np.array_equal(decode(encoded(pixels, kind), "a"), pixels[..., None])


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("GIF", {})],
)
def test_lossless_formats_keep_every_colour(kind: str, options: dict[str, Any]) -> None:
    assert np.array_equal(decode(encoded(COLOUR, kind, **options), "a"), COLOUR)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(kind: str) -> None:
    smooth = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8), (48, 64))
    pixels = decode(encoded(np.ascontiguousarray(smooth), kind, quality=95), "a")
    assert pixels.shape == (48, 64, 1)
    assert near(pixels[..., 0], smooth, 6)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_grey_stored_as_colour_is_grey(kind: str) -> None:
    image = Image.fromarray(drawing()).convert("RGB")
    options = {"lossless": True} if kind == "WEBP" else {}
    assert decode(encoded(image, kind, **options), "a").shape == (12, 16, 1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_used(kind: str) -> None:
    first, second = Image.fromarray(drawing(0)), Image.fromarray(255 - drawing(1))
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(first, kind, save_all=True, append_images=[second], **options)
    assert np.array_equal(decode(data, "a")[..., 0], drawing(0))


def test_a_phone_picture_of_several_frames_is_its_first() -> None:
    first, second = Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert near(decode(data, "a"), decode(encoded(first, "JPEG", quality=95), "a"), 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_orientation_is_applied(kind: str, turn: int) -> None:
    upright = Image.fromarray(np.kron(drawing(), np.ones((8, 8), dtype=np.uint8)))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[turn]) if turn in undo else upright
    exif = Image.Exif()
    exif[0x0112] = turn
    pixels = decode(encoded(stored, kind, exif=exif), "a")
    assert pixels.shape == (96, 128, 1)
    assert near(pixels[..., 0], np.asarray(upright), 30)


def test_a_picture_with_a_damaged_exif_block_is_read() -> None:
    data = encoded(drawing(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert decode(data, "a").shape == (12, 16, 1)


def test_exif_that_cannot_be_read_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Image.Exif, data: bytes) -> None:
        raise struct.error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr(Image.Exif, "load", broken)
    assert np.array_equal(decode(encoded(drawing()), "a")[..., 0], drawing())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_only_exif_turns_a_picture(kind: str) -> None:
    # Browsers and viewers do not look into XMP, so people see the picture as it is stored.
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    assert decode(encoded(drawing(), kind, xmp=xmp), "a").shape == (12, 16, 1)


def test_a_large_jpeg_is_averaged_over_all_its_pixels() -> None:
    # Browsers cannot decode a JPEG to half its size, which moves the edges of strokes.
    strokes = np.full((1500, 2000), 255, np.uint8)
    strokes[:, 100:2000:90] = strokes[:, 101:2000:90] = strokes[77:1500:91] = 0
    data = encoded(strokes, "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as image:
        box = Image.Resampling.BOX
        averaged = image.resize((512, 1500), box).resize((512, 384), box)
    assert np.array_equal(decode(data, "a")[..., 0], np.asarray(averaged))


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGBA", "PNG"), ("RGBA", "TIFF"), ("RGBA", "WEBP"), ("LA", "PNG"), ("LA", "TIFF")],
)
def test_transparency_becomes_white(mode: str, kind: str) -> None:
    layer = Image.new("RGBA", (3, 2), (0, 0, 0, 0))
    layer.putpixel((0, 0), (0, 0, 0, 255))
    layer.putpixel((1, 0), (0, 0, 0, 128))
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(encoded(layer.convert(mode), kind, **options), "a")
    assert pixels.shape == (2, 3, 1)
    assert pixels[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palette_keeps_its_colours_and_its_transparency(kind: str) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([250, 0, 0, 0, 0, 250, 0, 250, 0])
    image.putdata([0, 1, 2])
    pixels = decode(encoded(image, kind, transparency=1), "a")
    assert pixels[0].tolist() == [[250, 0, 0], [255, 255, 255], [0, 250, 0]]


def test_a_palette_with_an_alpha_for_every_colour() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.putdata([0, 1])
    data = encoded(image, "PNG", transparency=bytes([255, 0]))
    assert decode(data, "a")[0, :, 0].tolist() == [0, 255]


def test_a_colour_that_counts_as_transparent() -> None:
    data = encoded(COLOUR, "PNG", transparency=(200, 40, 20))
    pixels = decode(data, "a")
    assert (pixels[:, :8] == 255).all()
    assert np.array_equal(pixels[:, 8:], COLOUR[:, 8:])


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_one_bit(kind: str) -> None:
    image = Image.new("1", (9, 3), 1)
    image.putpixel((2, 1), 0)
    pixels = decode(encoded(image, kind), "a")
    assert pixels.shape == (3, 9, 1)
    assert pixels[1, 2, 0] == 0
    assert int((pixels == 255).sum()) == 26


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_sixteen_bits_is_scaled_not_cut(kind: str) -> None:
    deep = np.asarray([[0, 128, 129, 257, 4095, 32768, 65535]], dtype=np.uint16)
    assert decode(encoded(deep, kind), "a")[0, :, 0].tolist() == [0, 0, 1, 1, 16, 128, 255]


def test_grey_of_sixteen_bits_big_endian() -> None:
    image = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 65535, 257 * 7))
    assert decode(encoded(image, "TIFF"), "a")[0, :, 0].tolist() == [255, 7]


def test_transparent_grey_of_sixteen_bits() -> None:
    deep = np.asarray([[0, 1000]], dtype=np.uint16)
    assert decode(encoded(deep, "PNG", transparency=1000), "a")[0, :, 0].tolist() == [0, 255]


def test_white_is_zero_at_sixteen_bits() -> None:
    deep = np.asarray([[0, 65535]], dtype=np.uint16)
    data = bytearray(encoded(deep, "TIFF"))
    at = data.index(struct.pack("<HHI", 262, 3, 1))
    data[at + 8] = 0
    assert decode(bytes(data), "a")[0, :, 0].tolist() == [255, 0]


def test_grey_of_thirty_two_bits_holds_sixteen() -> None:
    deep = np.asarray([[0, 65535]], dtype=np.int32)
    assert decode(encoded(deep, "TIFF"), "a")[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0.5, 1], [0, 128, 255]), ([0, 2, 255], [0, 2, 255]), ([0, 257, 65535], [0, 1, 255])],
)
def test_floats_are_scaled_by_their_range(values: list[float], expected: list[int]) -> None:
    data = encoded(np.asarray([values], dtype=np.float32), "TIFF")
    assert decode(data, "a")[0, :, 0].tolist() == expected


@pytest.mark.parametrize("value", [-1.0, 70000.0, np.nan, np.inf])
def test_floats_that_are_not_greys_are_refused(value: float) -> None:
    data = encoded(np.asarray([[0, value]], dtype=np.float32), "TIFF")
    with pytest.raises(BakeoffError, match=r"deep\.tif: its greys are not numbers"):
        decode(data, "deep.tif")


def test_cmyk_is_converted() -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        assert near(decode(encoded(ink, kind), "a")[8, 8], np.asarray([255, 0, 0]), 3)


def test_adobe_s_inverted_cmyk() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG")
    assert b"Adobe" in data  # the mark of the inverted kind, which Pillow writes as well
    assert near(decode(data, "a")[8, 8], np.asarray([0, 255, 255]), 3)


def test_large_pictures_are_averaged_down() -> None:
    stripes = np.tile(np.asarray([0, 255], dtype=np.uint8), (600, 600))
    pixels = decode(encoded(stripes), "a", Limits(keep_side=600))
    assert pixels.shape == (300, 600, 1)
    assert near(pixels, np.full(pixels.shape, 127), 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_phone_photo_is_kept_at_512(kind: str) -> None:
    ramp = np.linspace(0, 255, 3000).astype(np.uint8)
    photo = np.ascontiguousarray(np.broadcast_to(ramp[:, None], (3000, 2000)))
    pixels = decode(encoded(photo, kind), "a")
    assert pixels.shape == (512, 341, 1)
    assert near(pixels[:, 100, 0], np.linspace(0, 255, 512), 3)


def test_a_very_thin_picture_keeps_one_pixel() -> None:
    assert decode(encoded(np.zeros((1, 5000), dtype=np.uint8)), "a").shape == (1, 512, 1)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes of PNG whose header says that it is huge."""

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [png_chunk(b"IHDR", header), png_chunk(b"IDAT", body), png_chunk(b"IEND", b"")]
    )


@pytest.mark.parametrize("side", [7_100, 10_000, 60_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    with pytest.raises(BakeoffError, match=r"bomb\.png: it unpacks to more than 50 million pixels"):
        decode(png_that_claims(side, side), "bomb.png")


def test_too_many_bytes_are_refused() -> None:
    limits = Limits(max_bytes=40)
    with pytest.raises(BakeoffError, match=r"big\.png: the file is larger than 4e-05 MB"):
        decode(encoded(drawing()), "big.png", limits)
    with pytest.raises(BakeoffError, match="it looks like a text file"):
        decode(b"a film is refused as what it is, not as a large picture", "a", limits)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(BakeoffError, match=r"none\.png: the file is empty"):
        decode(b"", "none.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_a_picture_cut_short_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(noise, kind)
    for length in (18, 100, len(data) // 2):
        with pytest.raises(BakeoffError, match=r"half\.x: the picture is damaged or cut short"):
            decode(data[:length], "half.x")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "an SVG drawing"),
        (b"\n<!DOCTYPE html><html></html>", "a web page"),
        (b"<?xml version='1.0'?><a/>", "an XML document"),
        (b"%PDF-1.7 \0", "a PDF document"),
        (b"PK\x03\x04 \0", "a zip archive"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture, as phones take them"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a film"),
        (b"just words\n", "a text file"),
    ],
)
def test_other_files_are_refused_with_their_type(data: bytes, words: str) -> None:
    assert looks_like(data) == words
    assert not is_picture(data)
    with pytest.raises(BakeoffError, match=f"x: it looks like {words}"):
        decode(data, "x")


def test_unknown_bytes_are_not_a_picture() -> None:
    with pytest.raises(BakeoffError, match="x: it is not a picture"):
        decode(b"\0\1\2\3 rubbish", "x")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "MPO"])
def test_every_format_is_recognised_by_its_first_bytes(kind: str) -> None:
    assert is_picture(encoded(COLOUR, kind)[:64])


def test_other_formats_of_pillow_are_not_opened() -> None:
    for kind in ("PPM", "TGA", "ICO", "EPS", "PDF"):
        with pytest.raises(BakeoffError):
            decode(encoded(COLOUR, kind), "x")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"gone\.png: it cannot be read \(No such file"):
        decode_file(tmp_path / "gone.png", "gone.png")


def test_pillow_s_warnings_do_not_escape_and_ours_come_back() -> None:
    before = list(warnings.filters)
    # Pillow warns of an animation of no frames, and shows the still picture.
    still = encoded(drawing())
    data = still[:33] + png_chunk(b"acTL", bytes(8)) + still[33:]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=decode, args=(bytes(data), "a")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert caught == []
        with Image.open(io.BytesIO(data)) as image:
            image.load()
        assert caught  # so Pillow would have warned, and may again
    assert list(warnings.filters) == before


SEEDS = [
    encoded(COLOUR, "PNG"),
    encoded(COLOUR, "JPEG"),
    encoded(COLOUR, "GIF"),
    encoded(COLOUR, "WEBP"),
    encoded(COLOUR, "TIFF"),
    encoded(COLOUR, "TIFF", compression="tiff_lzw"),
    encoded(COLOUR, "BMP"),
    encoded(np.asarray([[0, 65535]], dtype=np.uint16), "PNG"),
]


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8),
    st.integers(0, 4000),
)
@settings(max_examples=200)
def test_a_damaged_picture_decodes_or_is_refused(
    data: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(data)
    for at, value in changes:
        damaged[at % len(data)] = value
    check(bytes(damaged[: cut or None]))


@given(st.sampled_from([b"", *(seed[:16] for seed in SEEDS)]), st.binary(max_size=300))
@settings(max_examples=200)
def test_random_bytes_decode_or_are_refused(head: bytes, tail: bytes) -> None:
    check(head + tail)


def check(data: bytes) -> None:
    # A header may be damaged into that of a huge picture.
    with contextlib.suppress(BakeoffError):
        pixels = decode(data, "subject", Limits(max_pixels=1_000_000))
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] in (1, 3)
        assert 1 <= max(pixels.shape[:2]) <= 512
