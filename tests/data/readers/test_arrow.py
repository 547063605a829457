"""Folders in the layout of datasets 5.2's save_to_disk."""

import json
from pathlib import Path

import pyarrow
import pyarrow.ipc
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..pictures_made import drawing, encoded

FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["ant", "bee"], "_type": "ClassLabel"},
    "who": {"dtype": "string", "_type": "Value"},
}


def saved(folder: Path, *counts: int, noted: bool = True) -> Path:
    """One set, a stream for each count, with the names of the classes in the schema or beside."""
    folder.mkdir(parents=True)
    pictures = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    fields = [("image", pictures), ("label", pyarrow.int64()), ("who", pyarrow.string())]
    note = {b"huggingface": json.dumps({"info": {"features": FEATURES}}).encode()}
    schema = pyarrow.schema(fields, metadata=note if noted else None)
    for number, count in enumerate(counts):
        rows = [
            {
                "image": {"bytes": encoded(drawing(i)), "path": None},
                "label": i % 2,
                "who": "xy"[i % 2],
            }
            for i in range(count)
        ]
        name = f"data-{number:05d}-of-{len(counts):05d}.arrow"
        with pyarrow.ipc.new_stream(str(folder / name), schema) as stream:
            stream.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    (folder / "state.json").write_text("{}")
    return folder


@pytest.mark.parametrize("noted", [True, False])
def test_one_set(tmp_path: Path, noted: bool) -> None:
    data = read(saved(tmp_path / "set", 4, 3, noted=noted), group="who")
    assert data.classes == ("ant", "bee")
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert data.group_names == ("x", "y")
    assert data.names[0] == "data-00000-of-00002.arrow row 1"
    assert data.description.startswith("Arrow (save_to_disk), 7 pictures of 16×12")


def test_parts(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 4)):
        saved(tmp_path / part, count)
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    data = read(tmp_path)
    assert data.official_test is not None
    assert data.official_test.sum() == 4


def test_the_file_format_and_damage(tmp_path: Path) -> None:
    folder = saved(tmp_path / "set", 4)
    path = folder / "data-00000-of-00001.arrow"
    with pyarrow.ipc.open_stream(str(path)) as stream:
        table = stream.read_all()
    with pyarrow.ipc.new_file(str(tmp_path / "table.arrow"), table.schema) as file:
        file.write_table(table)
    assert read(tmp_path / "table.arrow").classes == ("ant", "bee")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(BakeoffError, match="it is not an Arrow file, or damaged"):
        read(folder)
