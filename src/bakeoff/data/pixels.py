"""Pictures as Python callers hold them, arrays of numbers of any range, to bytes and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.scale import picture_shape
from bakeoff.errors import InputError

__all__ = ["BYTES", "SHARES", "PixelRange", "as_picture", "joined", "row_shape"]

BLOCK = 1024  # pictures turned into bytes at once, so that floats of all are never in memory
SMALLEST_COLOUR = 8  # side; 3, 12 or 27 numbers are hardly ever a picture in colour
NEARLY_BYTES = 128  # the brightest of many pictures from 0 to 255 is above this
SLIGHTLY_OVER = 2  # pictures from 0 to 1 that were scaled may exceed it a little


@dataclass(frozen=True)
class PixelRange:
    """The numbers that stand for black and for white."""

    lowest: float
    highest: float

    @classmethod
    def of(cls, blocks: Sequence[NDArray[Any]]) -> PixelRange:
        """From 0 to 1, from 0 to 255 (as all bytes are), or else from the least to the greatest."""
        lowest = float(min(block.min() for block in blocks))
        highest = float(max(block.max() for block in blocks))
        if lowest >= 0 and highest <= 1:
            return SHARES
        if all(block.dtype == np.uint8 for block in blocks):
            return BYTES
        if lowest >= 0 and NEARLY_BYTES <= highest <= 255:
            return BYTES
        return cls(lowest, highest if highest > lowest else lowest + 1)

    def check(self, blocks: Sequence[NDArray[Any]]) -> None:
        """Refuse pictures from 0 to 255 where 0 to 1 is meant, and the other way about.

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
                f"its numbers go up to {highest:g}, and those that were learned from, "
                f"to {self.highest:g}",
                "Scale them alike",
            )

    def to_bytes(self, block: NDArray[Any]) -> NDArray[np.uint8]:
        """Black to 0, white to 255, what lies outside to the nearer of them."""
        if block.dtype == np.uint8 and self == BYTES:
            return block
        answer: NDArray[np.uint8] = np.empty(block.shape, dtype=np.uint8)
        for start in range(0, len(block), BLOCK):
            values = block[start : start + BLOCK].astype(np.float64)
            shares = (values - self.lowest) / (self.highest - self.lowest)
            answer[start : start + BLOCK] = np.rint(shares.clip(0, 1) * 255)
        return answer


SHARES = PixelRange(0, 1)
BYTES = PixelRange(0, 255)


def as_picture(array: NDArray[Any], subject: str) -> NDArray[Any]:
    """…×H×W or …×H×W×C numbers as …×H×W×C; `subject` is what to call them in a refusal.

    Three dimensions are H×W×C. With four, the first counts pictures.

    Raises
    ------
    InputError
        It has other dimensions, no pixels, other than 1 or 3 channels, or is not of numbers.
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim not in (3, 4) or array.shape[-1] not in (1, 3) or not array.size:
        raise InputError(
            subject,
            f"is of shape {'×'.join(map(str, array.shape))}, which no picture has",
            "Give height × width, or height × width × 1 or 3 channels",
        )
    if array.dtype.kind not in "buif" or not np.isfinite(array).all():
        raise InputError(
            subject, "holds something other than finite numbers", "Give pixels from 0 to 255"
        )
    return array


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


def row_shape(count: int) -> tuple[int, int, int]:
    """H, W and C of a row of `count` numbers: a square in grey or RGB, or a strip of one line."""
    return picture_shape(count, smallest_colour=SMALLEST_COLOUR) or (1, count, 1)
