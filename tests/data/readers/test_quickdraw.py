"""Quick, Draw! as strokes, in the layouts of its repository."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.data.readers.quickdraw import draw
from bakeoff.errors import BakeoffError

from ..pictures_made import why

BOX = [[[0, 255, 255, 0, 0], [0, 0, 255, 255, 0]]]
LINE = [[[0, 200], [100, 100]], [[50, 50], [90, 110]]]


def ndjson(path: Path, word: str, *drawings: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "word": word,
            "countrycode": ("US", "FR")[number % 2],
            "timestamp": "2017-03-14 20:09:09.53098 UTC",
            "recognized": True,
            "key_id": "5201136883597312",
            "drawing": drawing,
        }
        for number, drawing in enumerate(drawings)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def packed(path: Path, *drawings: list[list[list[int]]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b""
    for drawing in drawings:
        data += struct.pack("<Q2sbIH", 5201136883597312, b"US", 1, 1489522149, len(drawing))
        for xs, ys in drawing:
            data += struct.pack("<H", len(xs)) + bytes(xs) + bytes(ys)
    path.write_bytes(data)
    return path


def test_strokes_are_drawn_antialiased() -> None:
    picture = draw([[(0, 0), (10, 10)]], 32)
    assert picture.shape == (32, 32, 1)
    assert picture.dtype == np.uint8
    assert picture[16, 16, 0] == 255
    assert picture[0, 31, 0] == 0
    assert len(np.unique(draw([[(0, 0), (10, 3)]], 32))) > 4  # greys at the edges
    # As large as it fits, whatever the unit, and in the middle.
    assert np.array_equal(picture, draw([[(-5.0, -5.0), (-4.0, -4.0)]], 32))
    rows = np.flatnonzero(draw([[(0, 3), (10, 3)]], 32)[..., 0].any(axis=1))
    assert (rows.min(), rows.max()) == (15, 16)
    assert draw([[(7, 7)]], 32)[15:17, 15:17, 0].min() > 200  # a dot


def test_a_folder_of_ndjson(tmp_path: Path) -> None:
    ndjson(tmp_path / "box.ndjson", "square", BOX, BOX, BOX)
    ndjson(tmp_path / "line.ndjson", "line", LINE, LINE)
    data = read(tmp_path, group="countrycode")
    assert data.classes == ("line", "square")
    assert data.labels.tolist() == [1, 1, 1, 0, 0]
    assert data.group_names == ("FR", "US")
    assert data.names[0] == "box.ndjson line 1"
    assert data.description.startswith("Quick, Draw! strokes drawn at 64×64, 5 pictures of 64×64")
    with pytest.raises(BakeoffError, match="no column 'age'"):
        read(tmp_path, group="age")


def test_raw_drawings_have_times_and_any_scale(tmp_path: Path) -> None:
    raw = [[[310.5, 900.25], [22.0, 701.0], [0, 120]]]
    path = ndjson(tmp_path / "raw.ndjson", "line", raw, raw)
    with path.open("a") as file:
        file.write(ndjson(tmp_path / "more.json", "square", BOX, BOX).read_text())
    assert read(path).classes == ("line", "square")


def test_a_folder_of_bin(tmp_path: Path) -> None:
    packed(tmp_path / "full_binary_box.bin", BOX, BOX)
    packed(tmp_path / "line.bin", LINE, LINE)
    data = read(tmp_path)
    assert data.classes == ("box", "line")
    assert np.array_equal(data.pictures[0], draw([list(zip(*BOX[0], strict=True))]))
    whole = (tmp_path / "line.bin").read_bytes()
    (tmp_path / "line.bin").write_bytes(whole[:-3])
    with pytest.raises(BakeoffError, match=r"line\.bin: it is not a \.bin file .*cut short"):
        read(tmp_path)


@pytest.mark.parametrize(
    "drawing",
    [
        [],
        [[]],
        "text",
        None,
        [[[1, 2], [3]]],
        [[["a"], ["b"]]],
        [[[float("nan")], [1]]],
        [[[1e300, 2], [1, 2]]],
        [[[[1]], [[2]]]],
    ],
)
def test_drawings_that_are_none(tmp_path: Path, drawing: object) -> None:
    ndjson(tmp_path / "box.ndjson", "square", BOX, BOX, drawing)
    ndjson(tmp_path / "line.ndjson", "line", LINE, LINE)
    data = read(tmp_path)
    assert len(data) == 4
    assert list(why(data.left_out)) == ["box.ndjson line 3"]


def test_other_files_of_these_suffixes(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "words.ndjson").write_text('{"text": "a drawing"}\n')
    with pytest.raises(BakeoffError, match="no pictures and no table"):
        read(tmp_path)
