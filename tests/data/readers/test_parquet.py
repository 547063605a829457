from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.readers import parquet
from bakeoff.data.readers.parquet import read_parquet
from bakeoff.errors import BakeoffError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def picture(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (5, 6)).astype(np.uint8)


def png(seed: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture(seed)).save(stream, "PNG")
    return stream.getvalue()


def structs(*images: bytes | None) -> list[dict[str, object]]:
    return [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(images)]


def write(path: Path, classes: list[str] | None = None, **columns: Any) -> Path:
    table = pa.table(columns)
    if classes is not None:
        features = {"label": {"names": classes, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
        notes = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": notes})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def test_one_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "set.parquet", ["cat", "dog"], image=structs(png(0), png(1)), label=[1, -1]
    )
    dataset = read_parquet(path)
    assert dataset.name == "set"
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1, -1]
    assert dataset.names == ("set.parquet row 1", "set.parquet row 2")
    assert np.array_equal(dataset.pictures[1][..., 0], picture(1))
    assert dataset.official_test is None
    assert dataset.groups is None
    assert dataset.description == "Parquet"


def test_shards(tmp_path: Path) -> None:
    for number in (0, 1):
        write(
            tmp_path / f"data/train-0000{number}-of-00002.parquet",
            ["cat", "dog"],
            image=structs(png(number)),
            label=[number],
        )
    write(tmp_path / "data/test-00000-of-00001.parquet", image=structs(png(2)), label=["dog"])
    dataset = read_parquet(tmp_path)
    assert dataset.names[1] == "data/train-00000-of-00002.parquet row 1"
    assert dataset.labels.tolist() == [1, 0, 1]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [True, False, False]
    alone = read_parquet(tmp_path / "data/test-00000-of-00001.parquet")
    assert alone.official_test is None


@pytest.mark.parametrize("word", ["test", "eval", "evaluation", "dev"])
def test_shards_of_parts_by_any_name(tmp_path: Path, word: str) -> None:
    for number, name in enumerate(("train", word)):
        folder = "default/" + name if number else "default"
        path = tmp_path / folder / ("0000.parquet" if number else "train-00000-of-00001.parquet")
        write(path, image=structs(png(number)), label=["dog"])
    dataset = read_parquet(tmp_path)
    tested = dataset.official_test
    assert (tested is None) == (word == "dev")
    assert tested is None or tested.tolist() == [True, False]


def test_more_rows_than_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_BATCH", 2)
    images = [png(i) for i in range(5)]
    dataset = read_parquet(write(tmp_path / "a.parquet", image=images, label=list("abcba")))
    assert dataset.labels.tolist() == [0, 1, 2, 1, 0]
    assert np.array_equal(dataset.pictures[4][..., 0], picture(4))


@pytest.mark.parametrize(
    ("columns", "classes", "labels"),
    [
        (
            {"png": [png(0), png(1)], "thumb": [png(1), png(1)], "label": ["b", "a"]},
            ("a", "b"),
            [1, 0],
        ),
        ({"only": structs(png(0), png(1)), "y": [10.0, 9.0]}, ("9", "10"), [1, 0]),
        ({"image": [png(0), png(1)], "label": [None, 3]}, ("3",), [-1, 0]),
        ({"image": [png(0), png(1)], "label": [float("nan"), 3.5]}, ("3.5",), [-1, 0]),
        ({"image": [png(0), png(1)], "size": [1, 2]}, (), [-1, -1]),
    ],
)
def test_columns(
    tmp_path: Path, columns: dict[str, Any], classes: tuple[str, ...], labels: list[int]
) -> None:
    dataset = read_parquet(write(tmp_path / "a.parquet", **columns))
    assert dataset.classes == classes
    assert dataset.labels.tolist() == labels
    assert np.array_equal(dataset.pictures[0][..., 0], picture(0))


def test_label_column_found_by_its_class_names(tmp_path: Path) -> None:
    features = {"animal": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "odd": "note"}
    table = pa.table({"image": [png(0)], "animal": [1], "size": [3]})
    notes = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": notes}), tmp_path / "a.parquet")
    dataset = read_parquet(tmp_path / "a.parquet")
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1]


@pytest.mark.parametrize("notes", ["not json", "[]", '{"info": null}', '{"info": {"features": 3}}'])
def test_odd_metadata_are_ignored(tmp_path: Path, notes: str) -> None:
    table = pa.table({"image": [png(0)], "label": [1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": notes}), tmp_path / "a.parquet")
    assert read_parquet(tmp_path / "a.parquet").classes == ("1",)


def test_groups(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        image=structs(png(0), png(1)),
        label=[0, 1],
        group=["b", "a"],
        writer=[7, 7],
    )
    dataset = read_parquet(path)
    assert dataset.group_names == ("a", "b")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [1, 0]
    assert read_parquet(path, group="column:writer").group_names == ("7",)
    assert read_parquet(path, group="folder").group_names == ("a", "b")
    with pytest.raises(BakeoffError, match="no column 'style'"):
        read_parquet(path, group="column:style")


def test_missing_groups(tmp_path: Path) -> None:
    write(tmp_path / "0.parquet", image=[png(0), png(1)], label=[0, 1], group=[None, "a"])
    dataset = read_parquet(tmp_path)
    assert dataset.group_names == ("a",)
    assert str(dataset.left_out[0]).startswith("0.parquet row 1: it has no group")
    write(tmp_path / "1.parquet", image=[png(0)], label=[0])
    with pytest.raises(BakeoffError, match="only some of its files have a group column"):
        read_parquet(tmp_path)


def test_unusable_rows_are_left_out(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        ["cat", "dog"],
        image=[*structs(png(0), png(1)[:40], None, png(2)), {"bytes": None, "path": None}],
        label=[0, 1, 0, 9, 1],
    )
    dataset = read_parquet(path)
    assert dataset.names == ("a.parquet row 1",)
    assert [left.subject for left in dataset.left_out] == [
        f"a.parquet row {i}" for i in (2, 3, 4, 5)
    ]
    problem = [left.problem for left in dataset.left_out[1:]]
    assert problem == [
        "it holds only the path of a picture",
        "its label 9 is not one of the 2 classes",
        "it is empty",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [png(0)], "b": [png(0)]}, "no column is recognised as the pictures: a, b"),
        ({"label": [1]}, "no column is recognised as the pictures: label"),
        ({"image": [b"x"], "label": [1]}, r"no picture can be read; a\.parquet row 1: "),
        ({"image": pa.array([], pa.binary())}, "it holds no rows"),
    ],
)
def test_refusals(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(BakeoffError, match=message):
        read_parquet(write(tmp_path / "a.parquet", **columns))


def test_folder_without_files(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="holds no Parquet file"):
        read_parquet(tmp_path)


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MAX_ROWS", 1)
    path = write(tmp_path / "a.parquet", image=[png(0), png(1)])
    with pytest.raises(BakeoffError, match="more than 1 rows"):
        read_parquet(path)


def test_shards_of_different_classes(tmp_path: Path) -> None:
    for number, classes in enumerate((["cat", "dog"], ["dog", "cat"])):
        write(tmp_path / f"{number}.parquet", classes, image=[png(0)], label=[0])
    with pytest.raises(BakeoffError, match=r"1\.parquet: its classes are not those"):
        read_parquet(tmp_path)


@pytest.mark.parametrize("noted_first", [True, False])
def test_file_without_class_names_adds_a_class(tmp_path: Path, noted_first: bool) -> None:
    noted, bare = ("0", "1") if noted_first else ("1", "0")
    write(tmp_path / f"{noted}.parquet", ["cat"], image=[png(0)], label=[0])
    write(tmp_path / f"{bare}.parquet", image=[png(0), png(1)], label=["cow", "cat"])
    dataset = read_parquet(tmp_path)
    assert dataset.classes == ("cat", "cow")
    assert dataset.labels.tolist() == ([0, 1, 0] if noted_first else [1, 0, 0])


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", image=[png(0)])
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(BakeoffError, match=r"pip install 'bakeoff\[parquet\]'"):
        read_parquet(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.data())
def test_damaged_file_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = write(tmp_path / "a.parquet", ["cat"], image=structs(png(0)), label=[0])
    broken = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(broken) - 1))
    if data.draw(st.booleans()):
        broken[place] = data.draw(st.integers(0, 255))
    else:
        del broken[place:]
    path.write_bytes(broken)
    try:
        dataset = read_parquet(path)
    except BakeoffError:
        return
    assert len(dataset) == len(dataset.labels)
