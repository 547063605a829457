"""Names in NFC and NFD, which are one name to people: "é" as one character and as two."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.correction import Correction
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.readers.matching import match_files
from bakeoff.data.validate import validate

from .pictures_made import drawing, encoded, save

NFC = unicodedata.normalize("NFC", "café")
NFD = unicodedata.normalize("NFD", "café")
assert NFC != NFD


def table(path: Path, *rows: tuple[object, ...]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def test_class_folders_of_train_and_test(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "train" / NFD / f"{number}.png", number)
        save(tmp_path / "test" / NFC / f"{number}.png", 10 + number)
        save(tmp_path / "train" / "tea" / f"{number}.png", 20 + number)
    dataset = read(tmp_path)
    assert dataset.classes == (NFC, "tea")
    assert dataset.official_test is not None
    assert (dataset.labels[dataset.official_test] == 0).all()
    assert dataset.names[0] == f"test/{NFC}/0.png"


def test_two_class_folders_are_one_class(tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / NFD / f"{number}.png", number)
        save(tmp_path / NFC / f"{number}.png", 10 + number)
        save(tmp_path / "tea" / f"{number}.png", 20 + number)
    assert np.bincount(read(tmp_path).labels).tolist() == [4, 2]


def test_rows_of_metadata_and_files(tmp_path: Path) -> None:
    save(tmp_path / f"{NFD}-0.png", 0)
    save(tmp_path / f"{NFC}-1.png", 1)
    save(tmp_path / "2.png", 2)
    save(tmp_path / "3.png", 3)
    table(
        tmp_path / "metadata.csv",
        ("file_name", "label", f"{NFD} visitor"),
        (f"{NFC}-0.png", NFC, "a"),
        (f"{NFD}-1.png", NFD, "b"),
        ("2.png", "tea", NFC),
        ("3.png", "tea", NFD),
    )
    dataset = read(tmp_path, group=f"column:{NFC} visitor")
    assert dataset.classes == (NFC, "tea")
    assert not dataset.left_out
    assert dataset.group_names == ("a", "b", NFC)
    assert np.bincount(dataset.labels).tolist() == [2, 2]


def test_two_files_that_differ_by_their_form_keep_their_rows() -> None:
    both = [f"{NFC}.png", f"{NFD}.png"]
    assert match_files(both, both) == dict(zip(both, both, strict=True))


def test_a_pattern_for_groups(tmp_path: Path) -> None:
    for label in ("coffee", "tea"):
        save(tmp_path / label / f"{NFD} 1.png", 1)
        save(tmp_path / label / f"{NFC} 2.png", 2)
    assert read(tmp_path, group=f"^{NFC}").group_names == (NFC,)


def test_corrections(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / NFD / f"{NFD}-{number}.png", number)
        save(tmp_path / "tea" / f"{number}.png", 10 + number)
    dataset = read(
        tmp_path,
        corrections=[
            Correction("relabel", "tea/0.png", label="tea", proposed=NFD),
            Correction("leave out", f"{NFC}/{NFD}-0.png", label=NFC),
        ],
    )
    assert np.bincount(dataset.labels).tolist() == [3, 2]


@pytest.mark.parametrize("kind", ["csv", "npz", "zip"])
def test_tables_arrays_and_archives(kind: str, tmp_path: Path) -> None:
    texts = [NFC, NFD, "tea", "tea"]
    path = tmp_path / f"drinks.{kind}"
    pixels = np.arange(4 * 16).reshape(4, 16)
    if kind == "csv":
        header = ("label", *(f"pixel{number}" for number in range(16)))
        table(path, header, *((t, *row) for t, row in zip(texts, pixels.tolist(), strict=True)))
    elif kind == "npz":
        np.savez(path, images=pixels.reshape(4, 4, 4).astype(np.uint8), labels=np.asarray(texts))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for number, text in enumerate(texts):
                name = f"{text}/{number}.png"
                archive.writestr(name, encoded(drawing(number)))
    dataset = read(path)
    assert dataset.classes == (NFC, "tea")
    assert np.bincount(dataset.labels).tolist() == [2, 2]


def test_the_class_names_of_any_reader_become_one() -> None:
    pixels = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4, 1)
    dataset = validate(
        Dataset(
            "drinks",
            Pictures.from_array(pixels),
            np.array([0, 1, 2, 2, 3]),
            (NFD, NFC, "tea"),
            tuple(f"{NFD} {row}" for row in range(5)),
            groups=np.array([0, 1, 1, 0, 0]),
            group_names=(NFC, NFD),
        )
    )
    assert (dataset.classes, dataset.group_names) == ((NFC, "tea"), (NFC,))
    assert dataset.labels.tolist() == [0, 0, 1, 1]
    assert dataset.names[0] == f"{NFC} 0"
    assert [out.problem for out in dataset.left_out] == ["its label 3 is not one of the 2 classes"]
