"""When photos were taken, and which were taken in one series: a burst, or walking around a thing.

Photos of one series show the same thing. If some train a model that is scored on the others, the
score is too good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image

__all__ = ["Taken", "series_of", "taken"]

PAUSE = timedelta(minutes=1)  # longer ones end a series
PROBED = 50  # photos: if none of so many says when it was taken, the others are not opened
EXIF_TIME = "%Y:%m:%d %H:%M:%S"
# As phones name photos: PXL_20240131_101112345.jpg, IMG_20240131_101112.jpg.
IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{6})[-_ ]?(\d{6})(?:\d{3})?(?!\d)")


class Taken(NamedTuple):
    """The camera, "" if it is not known, and its local time."""

    camera: str
    at: datetime


def taken(path: Path) -> Taken | None:
    """When a photo was taken, by its EXIF block (DateTimeOriginal), or else by its file name.

    None if neither says so, or the file cannot be read.
    """
    return _by_exif(path) or _by_name(path.name)


def series_of(paths: Sequence[Path]) -> list[str | None]:
    """For each of N photos, the name of its series: camera and time of the first of them.

    A series has no pause longer than `PAUSE`, and one camera. None where it is not known when a
    photo was taken.
    """
    rows = range(len(paths))
    times = {row: taken(paths[row]) for row in rows[:: max(1, len(paths) // PROBED)]}
    series: list[str | None] = [None] * len(paths)
    if not any(times.values()):
        return series
    times |= {row: taken(paths[row]) for row in rows if row not in times}
    before: Taken | None = None
    for when, row in sorted((when, row) for row, when in times.items() if when is not None):
        if before is None or when.camera != before.camera or when.at - before.at > PAUSE:
            name = f"{when.camera} {when.at:%Y-%m-%d %H:%M:%S}".strip()
        series[row], before = name, when
    return series


def _by_exif(path: Path) -> Taken | None:
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP", "TIFF")) as image:
            exif = Image.Exif()
            exif.load(image.info.get("exif") or b"")
            time = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
            camera = exif.get(ExifTags.Base.Model)
            return Taken(str(camera or "").strip("\0 "), datetime.strptime(str(time), EXIF_TIME))
    except Exception:
        # Of a damaged file or block, Pillow raises many errors; decoding says what matters.
        return None


def _by_name(name: str) -> Taken | None:
    if (match := IN_NAME.search(name)) is None:
        return None
    try:
        return Taken("", datetime.strptime(match[1] + match[2], "%Y%m%d%H%M%S"))
    except ValueError:
        return None
