"""OpenML's two forms of a table of pixels: ARFF and Parquet."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from .arrays_made import noise


def arff(path: Path, rows: list[str] | None = None) -> Path:
    """The layout of mnist_784.arff: comments, attributes, the label as the last one."""
    lines = ["% a comment", "@RELATION mnist_784", ""]
    lines += [f"@ATTRIBUTE pixel{i} real" for i in range(1, 65)]
    lines += ["@ATTRIBUTE class {0,1}", "", "@DATA"]
    made = [",".join([*map(str, row), str(i % 2)]) for i, row in enumerate(noise(4, 64).tolist())]
    path.write_text("\n".join([*lines, *(rows or made)]) + "\n")
    return path


def test_arff(tmp_path: Path) -> None:
    data = read(arff(tmp_path / "mnist_784.arff"))
    assert data.classes == ("0", "1")
    assert data.names[0] == "mnist_784.arff row 1"
    assert np.array_equal(data.pictures[3].reshape(-1), noise(4, 64)[3])
    assert data.description.startswith("ARFF, 4 pictures of 8×8")
    with pytest.raises(BakeoffError, match="sparse ARFF"):
        read(arff(tmp_path / "sparse.arff", ["{0 1, 64 1}"]))
    with pytest.raises(BakeoffError, match="no column 'age'"):
        read(tmp_path / "mnist_784.arff", label="age")


def test_arff_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = arff(tmp_path / "set.arff")
    path.write_text(path.read_text() + "1,2,3\n")
    data = read(path)
    assert [item.subject for item in data.left_out] == ["set.arff row 5"]


def parquet(path: Path, **others: list[object]) -> Path:
    """The layout of OpenML's dataset_554.pq: a column of numbers for each pixel, a dictionary."""
    columns = {f"pixel{i + 1}": noise(4, 64)[:, i] for i in range(64)}
    labels = pyarrow.array(["5", "0", "5", "0"]).dictionary_encode()
    table = pyarrow.table({**columns, "class": labels, **others})
    pyarrow.parquet.write_table(table, path)
    return path


def test_parquet_of_pixels(tmp_path: Path) -> None:
    data = read(parquet(tmp_path / "dataset_554.parquet"))
    assert data.classes == ("0", "5")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert np.array_equal(data.pictures[3].reshape(-1), noise(4, 64)[3])
    assert data.description.startswith("Parquet of pixels, 4 pictures of 8×8")
    path = parquet(tmp_path / "more.parquet", who=["a", "a", "b", "b"], id=[1, 2, 3, 4])
    assert read(path, group="who").group_names == ("a", "b")
    assert read(path, label="who").classes == ("a", "b")


def test_parquet_of_other_numbers(tmp_path: Path) -> None:
    columns = {f"pixel{i}": np.linspace(-5, 9, 4) for i in range(64)}
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table({**columns, "class": list("abab")}), path)
    with pytest.raises(BakeoffError, match="numbers that are not pixels"):
        read(path)
