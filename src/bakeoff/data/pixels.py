"""Numbers of any range to pixels of uint8, for files and for arrays from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.image import on_white, to_image
from bakeoff.data.pictures import Pictures
from bakeoff.errors import InputError

__all__ = [
    "BYTES",
    "CHANNELS",
    "SHARES",
    "SIXTEEN_BITS",
    "SMALLEST_COLOUR",
    "PixelRange",
    "as_picture",
    "has_channels",
    "is_grey",
    "joined",
    "picture_shape",
    "row_shape",
    "shape_text",
    "without_alpha",
]

CHANNELS = (1, 2, 3, 4)  # grey, grey and alpha, RGB, RGBA

BLOCK = 1024  # pictures turned into bytes at once, so that floats of all are never in memory
SMALLEST_COLOUR = 8  # side; 3, 12 or 27 numbers are hardly ever a picture in colour
GREY_SPREAD = 1  # WebP's rounding makes the channels of a grey picture differ by one step
NEARLY_BYTES = 128  # the brightest of many pictures from 0 to 255 is above this
SLIGHTLY_OVER = 2  # pictures from 0 to 1 that were scaled may exceed it a little


@dataclass(frozen=True)
class PixelRange:
    """The numbers that stand for black and for white."""

    lowest: float
    highest: float

    @staticmethod
    def by_convention(lowest: float, highest: float) -> PixelRange | None:
        """The range that numbers from `lowest` to `highest` have in files; None if they have none.

        Up to 1 they are shares of white (or ink), up to 255 bytes, up to 65 535 sixteen bits.
        """
        if lowest < 0:
            return None
        known = (SHARES, BYTES, SIXTEEN_BITS)
        return next((pixels for pixels in known if highest <= pixels.highest), None)

    @classmethod
    def of(cls, blocks: Sequence[NDArray[Any]]) -> PixelRange:
        """The range of arrays from Python, which may also be of a scale of their own.

        Shares and bytes are recognised by convention; bytes only if they are uint8 or bright
        enough. Anything else goes from its minimum to its maximum.
        """
        lowest = float(min(block.min() for block in blocks))
        highest = float(max(block.max() for block in blocks))
        conventional = cls.by_convention(lowest, highest)
        if conventional == SHARES:
            return SHARES
        if all(block.dtype == np.uint8 for block in blocks):
            return BYTES
        if conventional == BYTES and highest >= NEARLY_BYTES:
            return BYTES
        return cls(lowest, highest if highest > lowest else lowest + 1)

    def check(self, blocks: Sequence[NDArray[Any]]) -> None:
        """Refuse pictures from 0 to 255 where 0 to 1 is expected, and the reverse.

        Raises
        ------
        InputError
            They would all be white, or all black.
        """
        highest = float(max(block.max() for block in blocks))
        white = self == SHARES and highest > SLIGHTLY_OVER
        # Bytes may be that dark: one black picture with a speck.
        black = (
            self == BYTES
            and 0 < highest <= 1
            and not all(block.dtype == np.uint8 for block in blocks)
        )
        if white or black:
            raise InputError(
                "X",
                f"its numbers go up to {highest:g}, those of the training pictures "
                f"to {self.highest:g}",
                "Scale both in the same way",
            )

    def to_bytes(
        self, block: NDArray[Any], precision: type[np.floating] = np.float64
    ) -> NDArray[np.uint8]:
        """Black to 0, white to 255, numbers outside of the range to the nearer of them.

        Parameters
        ----------
        block : numbers of any shape.
        precision : of the arithmetic. Readers take float32, in which text and npz files are
            parsed: there 0.3 × 255 is 76.5, while the same float32 in float64 gives 76.500003.
        """
        if block.dtype == np.uint8 and self == BYTES:
            return block
        pixels: NDArray[np.uint8] = np.empty(block.shape, dtype=np.uint8)
        for start in range(0, len(block), BLOCK):
            values = block[start : start + BLOCK].astype(precision)
            shares = (values - self.lowest) / (self.highest - self.lowest)
            pixels[start : start + BLOCK] = np.rint(shares.clip(0, 1) * 255)
        return pixels


SHARES = PixelRange(0, 1)
BYTES = PixelRange(0, 255)
SIXTEEN_BITS = PixelRange(0, 65535)  # 257 × 255, so that black stays black and white white


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: 28×28×3."""
    return "×".join(map(str, shape))


def has_channels(array: NDArray[Any]) -> bool:
    """Whether the last of three or four dimensions is the channels, not the width."""
    return array.ndim in (3, 4) and array.shape[-1] in CHANNELS


def is_grey(pixels: NDArray[np.uint8]) -> bool:
    """Whether H×W×C bytes without alpha are grey: in one channel, or the same in all of them."""
    return pixels.shape[-1] == 1 or int(np.ptp(pixels, axis=-1).max()) <= GREY_SPREAD


def as_picture(array: NDArray[Any], subject: str) -> NDArray[Any]:
    """…×H×W or …×H×W×C numbers as …×H×W×C; `subject` is their name in errors.

    Three dimensions are H×W×C. With four, the first counts pictures.

    Raises
    ------
    InputError
        It has other dimensions, no pixels, more than 4 channels, or is not of numbers.
    """
    if array.ndim == 2:
        array = array[..., None]
    if not has_channels(array) or not array.size:
        raise InputError(
            subject,
            f"is of shape {shape_text(array.shape)}, which is not that of a picture",
            "Give height × width, or height × width × channels: 1 (grey), 3 (RGB), or 2 or 4 "
            "with alpha",
        )
    if array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise InputError(
            subject, "holds something other than finite numbers", "Give pixels from 0 to 255"
        )
    return array


def without_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """N×H×W×C bytes laid on white as transparent files are: 2 channels become 1, and 4 become 3."""
    channels = pixels.shape[-1]
    if channels in (1, 3):
        return pixels
    flat = np.empty((*pixels.shape[:-1], channels - 1), dtype=np.uint8)
    for picture, laid in zip(pixels, flat, strict=True):
        laid[:] = np.asarray(on_white(to_image(picture)))[..., : channels - 1]
    return flat


def joined(blocks: Sequence[NDArray[np.uint8]]) -> Pictures:
    """Blocks of n×H×W×C bytes, each of its own size, as pictures in that order."""
    if len(blocks) == 1:
        return Pictures.from_array(blocks[0])
    shapes = np.concatenate([np.tile(block.shape[1:], (len(block), 1)) for block in blocks])
    ends = np.cumsum(shapes.prod(axis=1))
    return Pictures(
        np.concatenate([block.reshape(-1) for block in blocks]),
        np.concatenate([[0], ends[:-1]]).astype(np.int64),
        shapes.astype(np.int32),
    )


def picture_shape(count: int, *, smallest_colour: int = 2) -> tuple[int, int, int] | None:
    """Height, width and channels of a square picture of `count` numbers, or None.

    Grey is tried before RGB; no count is both. In RGB the channels come last.

    Parameters
    ----------
    count : numbers in one row.
    smallest_colour : the least side that is believed to be RGB.
    """
    for channels, smallest in ((1, 2), (3, smallest_colour)):
        side = isqrt(count // channels)
        if side >= smallest and side * side * channels == count:
            return side, side, channels
    return None


def row_shape(count: int) -> tuple[int, int, int]:
    """H, W and C of a row of `count` numbers: a square in grey or RGB, or a strip of one line."""
    return picture_shape(count, smallest_colour=SMALLEST_COLOUR) or (1, count, 1)
