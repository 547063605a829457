"""Labels for pictures without one: the table, and the pictures beside a set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.new_labels import joined, read_labels, without_waiting
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..strokes import strokes


def folders(root: Path, *names: str) -> Path:
    """Pictures of these names, all different."""
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9), 20 * number, dtype=np.uint8)).save(path)
    return root


def unlabelled(count: int = 4) -> Dataset:
    dataset = strokes(count)
    return replace(
        dataset,
        name="more",
        labels=np.full(count, UNLABELLED),
        classes=(),
        names=tuple(f"{row}.png" for row in range(count)),
    )


def test_a_filled_in_table_gives_labels(tmp_path: Path) -> None:
    table = tmp_path / "next.csv"
    table.write_text("name;label;why\nmore/1.png;cat;x\nmore/2.png;;\n'=3.png; dog ;\n")
    first, second = read_labels(table)
    assert (first.name, first.proposed, first.label, first.line) == ("more/1.png", "cat", "", 2)
    assert (second.name, second.proposed) == ("=3.png", "dog")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,why\na.png,x\n", "one column called label; found 0"),
        ("label,label,name\na,b,c\n", "one column called label; found 2"),
        ("name,label\na.png,cat\na.png,dog\n", "a.png is cat in line 2, here dog"),
        ("name,label\na.png\n", "1 cells, the header 2"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(BakeoffError, match=words):
        read_labels(tmp_path / "t.csv")


def test_pictures_beside_a_set_join_it_when_they_have_a_label(tmp_path: Path) -> None:
    pictures = folders(tmp_path / "pets", "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    more = folders(tmp_path / "more", "1.png", "2.png", "3.png")
    before = read(pictures, unlabelled=more)
    assert len(before) == 4
    assert before.left_out == ()
    assert "3 pictures without a label wait" in before.description
    table = tmp_path / "next.csv"
    table.write_text("name,label\nmore/1.png,dog\nmore/2.png,fox\nmore/3.png,\n")
    after = read(pictures, unlabelled=more, corrections=read_labels(table))
    assert after.classes == ("cat", "dog", "fox")
    assert after.labels[after.names.index("more/1.png")] == 1
    assert after.labels[after.names.index("more/2.png")] == 2
    assert len(after) == 6


def test_labels_alone_make_a_set_of_a_flat_folder(tmp_path: Path) -> None:
    more = folders(tmp_path / "more", *(f"{number}.png" for number in range(5)))
    table = tmp_path / "next.csv"
    table.write_text("name,label\n0.png,a\n1.png,a\n2.png,b\n3.png,b\n4.png,\n")
    dataset = read(more, corrections=read_labels(table))
    assert dataset.classes == ("a", "b")
    assert dataset.names == ("0.png", "1.png", "2.png", "3.png")


def test_a_labelled_picture_gets_no_new_class(tmp_path: Path) -> None:
    pictures = folders(tmp_path / "pets", "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    table = tmp_path / "next.csv"
    table.write_text("name,label\ncat/1.png,catt\n")
    with pytest.raises(BakeoffError, match="'catt' is not one of the classes"):
        read(pictures, corrections=read_labels(table))


def test_what_has_classes_already_is_no_picture_to_label(tmp_path: Path) -> None:
    pictures = folders(tmp_path / "pets", "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    more = folders(tmp_path / "more", "2024/1.png", "2025/1.png", "2025/2.png")
    with pytest.raises(BakeoffError, match="have a class already"):
        read(pictures, unlabelled=more)


def test_groups_and_the_official_test_part_stay() -> None:
    test = np.arange(12) >= 9
    names = ("anna", "ben")
    dataset = strokes(12, groups=np.arange(12) % 2, group_names=names, official_test=test)
    both = joined(dataset, unlabelled())
    assert both.group_names == ("anna", "ben", "more")
    assert both.groups is not None
    assert both.groups[12:].tolist() == [2] * 4
    assert both.official_test is not None
    assert both.official_test.tolist() == [*test.tolist(), *[False] * 4]
    assert joined(strokes(12), unlabelled()).groups is None
    assert joined(strokes(12), unlabelled()).official_test is None
    assert len(without_waiting(both)) == 12
