"""Class names in a file beside numbered labels, and EMNIST on its side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.data.readers.tables import read_table

from .arrays_made import noise
from .test_idx import put


def csv(path: Path, labels: Sequence[int], header: bool = False) -> Path:
    """A table of drawings of 28×28 that have blank corners, with the label first."""
    pictures = noise(len(labels), 28, 28) // 2 * np.uint8(2)
    pictures[:, :3] = pictures[:, -3:] = 0
    rows = [
        ",".join(map(str, [label, *picture.ravel()]))
        for label, picture in zip(labels, pictures, strict=True)
    ]
    names = ["label," + ",".join(f"pixel{at}" for at in range(784))] if header else []
    path.write_text("\n".join([*names, *rows]))
    return path


LETTERS = [1, 2, 26] * 4
MAPPING = "1 65 97\n2 66 98\n26 90 122\n"


@pytest.mark.parametrize("header", [False, True])
def test_a_table_of_emnist_is_turned(tmp_path: Path, header: bool) -> None:
    turned = read_table(csv(tmp_path / "emnist-letters-train.csv", LETTERS, header))
    as_it_is = read_table(csv(tmp_path / "letters-train.csv", LETTERS, header))
    assert np.array_equal(turned.pictures[3][..., 0], as_it_is.pictures[3][..., 0].T)
    assert turned.labels.tolist() == as_it_is.labels.tolist()
    assert "EMNIST, transposed" in turned.description
    assert "EMNIST" not in as_it_is.description


def test_train_and_test_of_emnist_with_their_mapping(tmp_path: Path) -> None:
    csv(tmp_path / "emnist-letters-train.csv", LETTERS)
    csv(tmp_path / "emnist-letters-test.csv", LETTERS[:3])
    (tmp_path / "emnist-letters-mapping.txt").write_text(MAPPING)
    (tmp_path / "emnist-balanced-mapping.txt").write_text("1 48\n2 49\n26 50\n")
    data = read(tmp_path)
    assert data.classes == ("A", "B", "Z")
    assert "classes named by emnist-letters-mapping.txt, 15 pictures" in data.description
    assert data.labels.tolist() == [0, 1, 2] * 5
    assert data.official_test is not None
    assert data.official_test.sum() == 3


def test_a_part_without_the_last_class_is_named_as_the_others(tmp_path: Path) -> None:
    csv(tmp_path / "train.csv", [0, 1, 2] * 4)
    csv(tmp_path / "test.csv", [0, 1, 1, 0] * 3)
    (tmp_path / "classes.txt").write_text("ape\nbee\ncat\n")
    data = read(tmp_path)
    assert data.classes == ("ape", "bee", "cat")
    assert data.official_test is not None
    assert data.official_test.sum() == 12


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("emnist-letters-mapping.txt", "3 65 97\n1 66 98\n"),
        ("classmap.csv", "index,codepoint,char\n3,U+0041,A\n1,U+0042,B\n"),
        ("label_map.csv", "1,B\n3,A\n"),
        ("classes.txt", "N/A\nB\nC\nA\n"),
        ("batches.meta.txt", "C\nB\nD\nA\n"),
        ("class_names.txt", "1: B\n3: A\n"),
    ],
)
def test_names_beside_idx_files(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, "train-images-idx3-ubyte", noise(4, 4, 4))
    put(tmp_path, "train-labels-idx1-ubyte", np.array([3, 1, 3, 1], dtype=np.uint8))
    (tmp_path / name).write_text(text)
    data = read(tmp_path)
    assert [data.classes[label] for label in data.labels] == ["A", "B", "A", "B"]


def test_names_beside_an_npz_count_from_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=noise(4, 4, 4), labels=[2, 1, 2, 1])
    (tmp_path / "classes.txt").write_text("red apple\ngreen pear\n")
    assert read(tmp_path / "set.npz").classes == ("red apple", "green pear")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "a\nb\n"),  # no name for 3
        ("labels.txt", "a\nb\na\nb\n"),  # those of the pictures
        ("mapping.txt", "1 65\n3 65\n"),  # two classes of one name
        ("mapping.txt", ""),
        ("notes.txt", "a\nb\nc\nd\n"),
        ("classes.txt", "a\nb\nc\nd\ne\nf\n"),  # those of another set
    ],
)
def test_names_that_do_not_fit_change_nothing(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, "train-images-idx3-ubyte", noise(4, 4, 4))
    put(tmp_path, "train-labels-idx1-ubyte", np.array([3, 1, 3, 1], dtype=np.uint8))
    (tmp_path / name).write_text(text)
    assert read(tmp_path).classes == ("1", "3")
