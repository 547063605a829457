"""Photos that were taken in one series."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from bakeoff.data import taken as module
from bakeoff.data.read import read
from bakeoff.data.taken import Taken, series_of, taken
from bakeoff.errors import BakeoffError

NOON = datetime(2024, 1, 31, 12)


def photo(path: Path, at: datetime | str | None = None, camera: str = "") -> Path:
    """A photo whose EXIF block says when it was taken."""
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Model] = camera
    if at is not None:
        text = at if isinstance(at, str) else f"{at:%Y:%m:%d %H:%M:%S}"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = text
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_says_when_a_photo_was_taken(tmp_path: Path, suffix: str) -> None:
    assert taken(photo(tmp_path / f"a.{suffix}", NOON, "Phone 3")) == Taken("Phone 3", NOON)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("PXL_20240131_120000123.jpg", NOON),
        ("IMG_20240131_120000.jpg", NOON),
        ("20240131-120000.jpg", NOON),
        ("IMG-20240131-WA0007.jpg", None),
        ("IMG_20241331_120000.jpg", None),
        ("120240131_1200001.jpg", None),
        ("DSC_0123.jpg", None),
    ],
)
def test_so_do_the_names_of_phones(tmp_path: Path, name: str, at: datetime | None) -> None:
    assert taken(photo(tmp_path / name)) == (at and Taken("", at))


@pytest.mark.parametrize("at", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", ""])
def test_a_time_that_is_none_is_not_known(tmp_path: Path, at: str) -> None:
    assert taken(photo(tmp_path / "a.jpg", at)) is None


def test_what_is_no_photo_has_no_time(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 no photo")
    assert taken(tmp_path / "a.jpg") is taken(tmp_path / "missing.jpg") is None


def test_a_pause_or_another_camera_ends_a_series(tmp_path: Path) -> None:
    seconds = [0, 50, 100, 161, 5, 170]
    cameras = ["A", "A", "A", "A", "B", "A"]
    paths = [
        photo(tmp_path / f"{row}.jpg", NOON + timedelta(seconds=later), camera)
        for row, (later, camera) in enumerate(zip(seconds, cameras, strict=True))
    ]
    first, second = "A 2024-01-31 12:00:00", "A 2024-01-31 12:02:41"
    other = "B 2024-01-31 12:00:05"
    assert series_of(paths) == [first, first, first, second, other, second]
    unknown = photo(tmp_path / "no.jpg")
    assert series_of([paths[0], unknown]) == [first, None]
    assert series_of([]) == []


def test_a_large_set_without_times_is_not_opened_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(module, "_by_exif", opened.append)
    assert series_of([tmp_path / f"{row}.jpg" for row in range(5_000)]) == [None] * 5_000
    assert len(opened) <= 2 * module.PROBED


@pytest.fixture
def walks(tmp_path: Path) -> Path:
    """Two classes, each of three series of two photos."""
    for label in ("ants", "bees"):
        for number in range(6):
            later = timedelta(hours=number // 2 + 5 * (label == "bees"), seconds=number)
            photo(tmp_path / "set" / label / f"{number}.jpg", NOON + later)
    return tmp_path / "set"


def test_series_are_proposed_and_never_assumed(walks: Path) -> None:
    dataset = read(walks)
    assert dataset.groups is None
    assert "taken in 6 series, which --group taken keeps together" in dataset.description


def test_series_are_groups_if_asked_for(walks: Path) -> None:
    dataset = read(walks, group="taken")
    assert dataset.groups is not None
    assert np.bincount(dataset.groups).tolist() == [2] * 6
    assert dataset.group_names[0] == "2024-01-31 12:00:00"
    assert "series" not in dataset.description
    photo(walks / "bees" / "unknown.jpg")
    with pytest.raises(BakeoffError, match=r"unknown.jpg: .*nor its name says when"):
        read(walks, group="taken")


def test_nothing_is_proposed_without_a_series(tmp_path: Path) -> None:
    for number in range(4):
        photo(tmp_path / "set" / "ab"[number % 2] / f"{number}.jpg", NOON + timedelta(hours=number))
    assert "series" not in read(tmp_path / "set").description


def test_a_column_of_that_name_comes_first(walks: Path) -> None:
    rows = [
        f"{label}/{number}.jpg,{number % 3}" for label in ("ants", "bees") for number in range(6)
    ]
    (walks / "metadata.csv").write_text("\n".join(["file_name,taken", *rows]))
    assert read(walks, group="taken").group_names == ("0", "1", "2")
