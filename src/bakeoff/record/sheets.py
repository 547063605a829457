"""Small versions of all pictures of a run, many to a file, so that a page can show any of them.

pictures/0000.webp holds those of rows 0 to 255, sixteen across; 0001.webp the next.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.image import thumbnail
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import read_file

__all__ = ["ACROSS", "PER_SHEET", "SheetReader", "sheet_of", "sheets_of"]

ACROSS = 16
PER_SHEET = ACROSS * ACROSS
SIDE = 96  # pixels, the most a side of a small picture has
NUMBERED = re.compile(r"[0-9]{4}")  # other names are not ours, and could stand for any number
QUALITY = 80  # of WebP, for photos; drawings and digits are kept to the pixel


def sheets_of(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[bytes]:
    """All pictures in order, as WebP files of `PER_SHEET` each.

    Parameters
    ----------
    pictures : each H×W×C of uint8, C = 1 (grey) or 3 (RGB).
    """
    longest = max(max(picture.shape[:2]) for picture in pictures)
    tile, lossy = min(SIDE, longest), longest > SIDE and pictures[0].shape[2] == 3
    for start in range(0, len(pictures), PER_SHEET):
        some = range(start, min(start + PER_SHEET, len(pictures)))
        yield sheet_of(
            (thumbnail(pictures[row], tile).convert("RGBA") for row in some), tile, lossy=lossy
        )


def sheet_of(tiles: Iterable[Image.Image], tile: int, *, lossy: bool = False) -> bytes:
    """Up to `PER_SHEET` small pictures as one WebP file, each in the middle of its square.

    Parameters
    ----------
    tile : side of a square, in pixels; no picture is larger.
    """
    placed = list(tiles)
    sheet = Image.new("RGBA", (ACROSS * tile, -(-len(placed) // ACROSS) * tile))
    for place, one in enumerate(placed):
        left = place % ACROSS * tile + (tile - one.width) // 2
        top = place // ACROSS * tile + (tile - one.height) // 2
        sheet.paste(one, (left, top))
    buffer = io.BytesIO()
    # exact: what is transparent has no colour that anyone needs. method 2: a third of the time
    # of the default for a few percent more bytes.
    sheet.save(buffer, "WEBP", lossless=not lossy, quality=QUALITY if lossy else 60, method=2)
    return buffer.getvalue()


class SheetReader:
    """The small pictures of a run, by row of its dataset.

    Parameters
    ----------
    folder : that holds 0000.webp and so on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = [int(path.stem) for path in folder.glob("*.webp") if NUMBERED.fullmatch(path.stem)]
        # By number, so that a file that is lost in the middle moves no picture to another row.
        self.paths = [folder / f"{number:04}.webp" for number in range(max(found, default=-1) + 1)]
        self._sheet = lru_cache(maxsize=8)(self._opened)

    @property
    def tile(self) -> int:
        """Side of the square of one picture, in pixels."""
        return self._sheet(0).width // ACROSS

    def __getitem__(self, row: int) -> Image.Image:
        """The square of a picture, RGBA."""
        sheet, place = divmod(row, PER_SHEET)
        tile = self.tile
        left, top = place % ACROSS * tile, place // ACROSS * tile
        return self._sheet(sheet).crop((left, top, left + tile, top + tile))

    def _opened(self, number: int) -> Image.Image:
        try:
            data = io.BytesIO(read_file(self.paths[number]))
            with Image.open(data, formats=("WEBP",)) as image:
                return image.convert("RGBA")
        except Exception as error:  # Pillow's decoders raise whatever they like
            raise BakeoffError(
                str(self.folder / f"{number:04}.webp"),
                f"is not there or damaged ({type(error).__name__})",
                f"Delete {self.folder} and rebuild it with: bakeoff run --resume "
                f"{self.folder.parent}",
            ) from None
