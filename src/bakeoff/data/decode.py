"""Decode picture files to pixels, within limits: the first step of every picture.

Training and serving both call `decode`, so a picture means the same pixels in both.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from bakeoff.data.image import averaged, fitted, on_white, to_image
from bakeoff.data.pixels import is_grey
from bakeoff.errors import BakeoffError
from bakeoff.said import say

__all__ = [
    "FORMATS",
    "Limits",
    "decode",
    "decode_file",
    "ending_of",
    "is_picture",
    "looks_like",
    "pillow_is_quiet",
    "pixels_of",
    "read_bounded",
]

_TABLE: dict[str, Any] = json.loads(
    files("bakeoff.data").joinpath("formats.json").read_text(encoding="utf-8")
)
"""The formats that are read, and how files begin; the page reads the same table."""

FORMATS: tuple[str, ...] = tuple(name.upper() for name in _TABLE["read"])
"""The formats Pillow may open. Every further one would be another parser open to attack."""

_CONVERT = "Save it as PNG or JPEG"

_LOOKS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern.encode("latin-1"), re.DOTALL | re.IGNORECASE), words)
    for pattern, words in _TABLE["signatures"]
)
_HEAD = 1024
_ENDINGS = {"JPEG": ".jpg", "TIFF": ".tif"}  # of the others: their name

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one picture.

    Attributes
    ----------
    max_bytes : larger files are refused unread.
    max_pixels : larger pictures are refused before a pixel is decoded; the size
        is in the header, so a decompression bomb costs nothing.
    keep_side : pictures are shrunk until their longest side is at most this many
        pixels, so that ten thousand phone photos fit on a disk.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    keep_side: int = 512


def looks_like(head: bytes) -> str | None:
    """Recognise a file by its first bytes: words such as "a PNG picture", or None."""
    head = head[:_HEAD]
    for pattern, words in _LOOKS:
        if pattern.match(head):
            return words
    if head and not re.search(rb"[\0-\x08\x0e-\x1f\x7f]", head):
        return "a text file"
    return None


def is_picture(head: bytes) -> bool:
    """Whether a file that starts like this is in one of `FORMATS`, damaged or not."""
    kind = looks_like(head)
    return kind is not None and _format(kind) in FORMATS


def ending_of(data: bytes, name: str) -> str:
    """The ending of a file name for a picture in one of `FORMATS`: ".jpg", ".png", ….

    Raises
    ------
    BakeoffError
        It is in none of them.
    """
    kind = _format(looks_like(data) or "")
    if kind not in FORMATS:
        raise _not_a_picture(data, name)
    return _ENDINGS.get(kind, f".{kind.lower()}")


def decode_file(path: Path, name: str, limits: Limits = Limits()) -> NDArray[np.uint8]:
    """`decode` the file at `path`."""
    return decode(read_bounded(path, name, limits), name, limits)


def read_bounded(path: Path, name: str, limits: Limits = Limits()) -> bytes:
    """Read a file, but at most one byte more than `limits` allow, so that `decode` refuses it."""
    try:
        # Python reserves what it is told to read: 50 MB for each file takes longer than decoding
        # a small one (34 us; 10 us with the size of the file, and less without a file object).
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            size = min(os.fstat(file).st_size, limits.max_bytes)
            data = os.read(file, size + 1)
            while len(data) != size and len(data) <= limits.max_bytes:
                more = os.read(file, min(1 << 20, limits.max_bytes + 1 - len(data)))
                if not more:
                    break
                data += more
            return data
        finally:
            os.close(file)
    except OSError as error:
        raise BakeoffError(
            name, f"it cannot be read ({error.strerror})", "Check that you may open it"
        ) from error


def decode(data: bytes, name: str, limits: Limits = Limits()) -> NDArray[np.uint8]:
    """Decode one picture file.

    The format is recognised by content, never by name. The EXIF orientation is applied,
    transparency becomes white, and of an animation the first frame is used.

    Parameters
    ----------
    data : the whole file: JPEG, PNG, BMP, GIF, WebP or TIFF.
    name : its name in errors.
    limits : bounds on bytes and pixels, and the longest side to keep.

    Returns
    -------
    H×W×1 (grey) or H×W×3 (RGB) of uint8. A picture whose three channels are equal
    everywhere, up to rounding, is grey, however it was stored.

    Raises
    ------
    BakeoffError
        The file is empty, too large, not a picture, of an unknown format, or damaged.
        No `data` raises any other error.
    """
    if not data:
        raise BakeoffError(name, say("file.empty"), say("file.again"))
    if len(data) > limits.max_bytes:
        if not is_picture(data):
            raise _not_a_picture(data, name)
        raise BakeoffError(
            name,
            say("file.large", n=_millions(limits.max_bytes)),
            say("file.smaller"),
        )
    with pillow_is_quiet():
        try:
            return _pixels(data, name, limits)
        except BakeoffError:
            raise
        except UnidentifiedImageError as error:
            raise _not_a_picture(data, name) from error
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(name, limits) from error
        except Exception as error:
            # Pillow's decoders raise OSError, SyntaxError, ValueError, EOFError,
            # struct.error, zlib.error and more for a damaged file; none is a bug of ours.
            raise _damaged(name) from error


def _pixels(data: bytes, name: str, limits: Limits) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > limits.max_pixels:
            raise _too_many_pixels(name, limits)
        # Not `image.draft`, which decodes a JPEG to half its size in half the time (102 ms, not
        # 208, for 4000×3000): no browser offers it, and strokes differ by up to 60 of 255.
        image.load()
        if data.startswith(b"\xff\xd8") and not _jpeg_ends(data):
            raise _damaged(name)
        return pixels_of(image, name, limits)


def _jpeg_ends(data: bytes) -> bool:
    """Whether the marker of the end follows the pixels; a thumbnail before them has its own.

    Where other bytes follow instead, Pillow reads what it can: all rows of a baseline JPEG. The
    page cannot count rows, as Firefox fills missing ones with grey, so both look for the marker.
    """
    if data.endswith(b"\xff\xd9"):
        return True
    at = 2
    while at + 4 <= len(data) and data[at + 1] != 0xDA:
        kind = data[at + 1]
        if data[at] != 0xFF:
            return True  # not for this function to judge
        if kind == 0xFF:
            at += 1
        elif 0xD0 <= kind <= 0xD8:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return b"\xff\xd9" in data[at + 1 :]


def pixels_of(image: Image.Image, name: str, limits: Limits = Limits()) -> NDArray[np.uint8]:
    """The pixels of an open picture, as `decode` returns them.

    Raises
    ------
    BakeoffError
        It has too many pixels, or grey levels outside of 0 to 65 535.
    """
    if image.width * image.height > limits.max_pixels:
        raise _too_many_pixels(name, limits)
    flat = _flat(_turned(image), name)
    size = fitted(flat.width, flat.height, limits.keep_side)
    if size != flat.size:
        flat = averaged(flat, size)
    # A third faster than np.array for small pictures.
    pixels = np.frombuffer(bytearray(flat.tobytes()), dtype=np.uint8)
    pixels = pixels.reshape(flat.height, flat.width, *(() if flat.mode == "L" else (3,)))
    if pixels.ndim == 3 and is_grey(pixels):
        pixels = np.array(flat.convert("L"))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _turned(image: Image.Image) -> Image.Image:
    """The picture with its EXIF orientation applied; Pillow has turned a TIFF already.

    Neither `ImageOps.exif_transpose`, which also rewrites the EXIF block and fails if some other
    tag in it is damaged, nor `Image.getexif`, which also looks into XMP and into old text chunks:
    browsers and viewers do not, so people see such a picture as it is stored.
    """
    block = image.info.get("exif")
    if not block:
        return image
    exif = Image.Exif()
    try:
        exif.load(block)
        turn = _TURNS.get(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:
        # A damaged EXIF block does not matter: the pixels are already decoded.
        return image
    return image if turn is None else image.transpose(turn)


def _flat(image: Image.Image, name: str) -> Image.Image:
    """The picture in mode L or RGB."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep_grey(image, name)
    if image.has_transparency_data:
        return on_white(image)
    # CMYK too: Pillow has already undone Adobe's inversion of JPEGs, as browsers do.
    mode = "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _from_deep_grey(image: Image.Image, name: str) -> Image.Image:
    """Grey of 16 bits or of floats, scaled to 8 bits.

    The scale depends on the type of file and never on the brightest pixel, which
    would make the same paper another grey in every picture. 65 535 = 257 × 255, so
    division by 257 maps black to black, white to white and each level to the nearest.
    Floats are 0–1 by convention; if any exceeds 1, they are 0–255, else 0–65 535.
    """
    values = np.asarray(image).astype(np.float32)
    top = 65535.0
    if image.mode == "F":
        top = next((t for t in (1.0, 255.0) if values.max() <= t), top)
    # Written so that NaN, for which every comparison is false, is refused too.
    if not (values.min() >= 0 and values.max() <= top):
        raise BakeoffError(name, "its greys are not numbers from 0 to 65535", _CONVERT)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        values[values == clear] = top
    tags: Any = getattr(image, "tag_v2", {})
    if image.mode != "F" and tags.get(ExifTags.Base.PhotometricInterpretation) == 0:
        values = top - values  # "white is zero", which Pillow applies to 8 bits only
    return to_image(np.rint(values * (255 / top)).astype(np.uint8))


def _not_a_picture(data: bytes, name: str) -> BakeoffError:
    kind = looks_like(data)
    if kind is None:
        return BakeoffError(name, say("file.notPicture"), say("file.saveAs"))
    if _format(kind) in FORMATS:
        return _damaged(name)
    *others, last = _TABLE["read"]
    kinds = f"{', '.join(others)} or {last}"
    return BakeoffError(name, say("file.looksLike", kind=kind, kinds=kinds), _CONVERT)


def _damaged(name: str) -> BakeoffError:
    return BakeoffError(name, say("file.damaged"), say("file.again"))


def _format(words: str) -> str:
    """Pillow's name of a format that `looks_like` returns: WEBP for "a WebP picture"."""
    return words.removeprefix("a ").removesuffix(" picture").upper()


def _too_many_pixels(name: str, limits: Limits) -> BakeoffError:
    return BakeoffError(
        name,
        say("file.pixels", n=_millions(limits.max_pixels)),
        say("file.smaller"),
    )


def _millions(number: int) -> str:
    return f"{number / 1e6:.4g}"


_quiet_lock = threading.Lock()
_quiet_users = 0
_quiet_filters = warnings.catch_warnings()


@contextmanager
def pillow_is_quiet() -> Iterator[None]:
    """Ignore Pillow's warnings (odd EXIF tags, large pictures) in every thread that decodes.

    `warnings.catch_warnings` swaps a list that all threads share; two that overlap
    would restore each other's. So the first thread in swaps, the last one out restores. Around
    many pictures, it saves 8 us for each of them.
    """
    global _quiet_users, _quiet_filters
    with _quiet_lock:
        if _quiet_users == 0:
            _quiet_filters = warnings.catch_warnings()
            _quiet_filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\b")
        _quiet_users += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_users -= 1
            if _quiet_users == 0:
                _quiet_filters.__exit__(None, None, None)
