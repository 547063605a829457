from dataclasses import replace

import numpy as np
import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.data.readers.combine import combine
from bakeoff.data.validate import validate
from bakeoff.errors import BakeoffError, LeftOut

from .pictures_made import drawing


def dataset(labels: list[int], classes: str = "abc", test: list[int] | None = None) -> Dataset:
    pictures = np.stack([drawing(index) for index in range(len(labels))])
    return Dataset(
        name="made",
        pictures=Pictures.from_array(pictures),
        labels=np.asarray(labels, dtype=np.int64),
        classes=tuple(classes),
        names=tuple(f"{index}.png" for index in range(len(labels))),
        official_test=None if test is None else np.isin(np.arange(len(labels)), test),
        description="class folders",
    )


def test_a_valid_dataset_is_unchanged() -> None:
    before = dataset([2, 0, 1, 0, 1, 2])
    after = validate(before)
    assert after.description == "class folders, 6 pictures of 16×12, 3 classes, dark on light"
    assert after.fingerprint() == before.fingerprint()
    assert after.left_out == ()


def test_empty_classes_are_left_out_and_one_picture_is_enough() -> None:
    after = validate(dataset([0, 2, 0, 3, 2], "abcde"))
    assert after.classes == ("a", "c", "d")
    assert after.labels.tolist() == [0, 1, 0, 2, 1]
    assert after.names == ("0.png", "1.png", "2.png", "3.png", "4.png")
    assert [str(record) for record in after.left_out] == [
        "class 'b': the class has no training picture. "
        "Add more pictures of this class, or remove it.",
        "class 'e': the class has no training picture. "
        "Add more pictures of this class, or remove it.",
    ]


def test_pictures_of_the_test_part_do_not_make_a_class() -> None:
    after = validate(dataset([0, 0, 1, 1, 2, 2, 2, 0], test=[4, 5, 6, 7]))
    assert after.classes == ("a", "b")
    assert after.names == ("0.png", "1.png", "2.png", "3.png", "7.png")
    assert {record.subject for record in after.left_out} == {"class 'c'", "4.png", "5.png", "6.png"}


def test_too_few_classes() -> None:
    with pytest.raises(
        BakeoffError,
        match=r"made: at least two classes .* are needed; found 1.*class 'a'",
    ):
        validate(dataset([1, 1, 1], "ab"))
    with pytest.raises(BakeoffError, match=r"made: at least two classes .* are needed; found 0"):
        validate(dataset([0, 1], "ab", test=[0, 1]))
    with pytest.raises(BakeoffError, match=r"^made: at least two classes .* found 1\. Add"):
        validate(dataset([0, 0, 0], "a"))


def test_labels_outside_the_classes_are_left_out() -> None:
    after = validate(dataset([0, 0, 1, 1, 7, -3], "ab"))
    assert after.labels.tolist() == [0, 0, 1, 1]
    assert [str(record) for record in after.left_out] == [
        "4.png: its label 7 is not one of the 2 classes. Correct the label.",
        "5.png: its label -3 is not one of the 2 classes. Correct the label.",
    ]


def test_pictures_without_a_label_are_counted_in_one_line() -> None:
    after = validate(dataset([0, 0, 1, 1, -1, -1, -1], "ab"))
    assert len(after) == 4
    assert [str(record) for record in after.left_out] == [
        "4.png: it has no label (nor do 2 others). Give it a label; bakeoff next RUN says which "
        "to begin with."
    ]
    assert validate(dataset([0, 0, 1, 1, -1], "ab")).left_out[0].problem == "it has no label"


def test_no_labels_at_all() -> None:
    with pytest.raises(BakeoffError, match=r"made: none of its pictures has a label.*cat/01\.png"):
        validate(dataset([-1, -1]))


def test_no_pictures_at_all() -> None:
    empty = dataset([0]).take(np.zeros(0, dtype=np.int64))
    with pytest.raises(BakeoffError, match="made: no picture in it can be used"):
        validate(empty)
    empty = replace(empty, left_out=(LeftOut("a.png", "it is odd", "Remove it"),) * 2)
    with pytest.raises(BakeoffError, match=r"\(2 items left out; a\.png: it is odd\)"):
        validate(empty)


def test_groups_and_the_test_part_follow() -> None:
    before = replace(
        dataset([0, 0, 1, 1, 2, 0], test=[4, 5]),
        groups=np.asarray([3, 1, 1, 3, 0, 3]),
        group_names=("lost", "ben", "nobody", "anna"),
    )
    after = validate(before)
    assert after.groups is not None
    assert after.groups.tolist() == [1, 0, 0, 1, 1]
    assert after.group_names == ("ben", "anna")
    assert after.official_test is not None
    assert after.official_test.tolist() == [False] * 4 + [True]
    assert after.description.endswith(", 2 classes, 2 groups, official test of 1, dark on light")


def test_a_test_part_of_which_nothing_is_left_is_none() -> None:
    assert validate(dataset([0, 0, 1, 1, -1], "ab", test=[4])).official_test is None


def test_thousands_are_separated() -> None:
    pictures = Pictures.from_array(np.zeros((42_000, 2, 3), dtype=np.uint8))
    labels = np.arange(42_000) % 1000
    large = Dataset(
        "m", pictures, labels, tuple(map(str, range(1000))), tuple(map(str, range(42_000)))
    )
    assert validate(large).description == "42 000 pictures of 3×2, 1 000 classes, light on dark"


def test_many_sizes() -> None:
    writer = PictureWriter()
    for height, width in ((48, 64), (512, 400), (10, 500), (30, 31)):
        writer.append(np.zeros((height, width, 1), dtype=np.uint8))
    before = replace(dataset([0, 0, 1, 1], "ab"), pictures=writer.finish())
    assert "4 pictures of many sizes, 31×30 to 400×512, 2 classes" in validate(before).description


def test_parts_are_combined_by_name() -> None:
    train, test = dataset([0, 1, 5], "ab"), dataset([0, -1, 1], "bz")
    joined = combine([(train, "train.npz", False), (test, "test.npz", True)])
    assert joined.classes == ("a", "b", "z")
    assert joined.labels.tolist() == [0, 1, -1, 1, -1, 2]
    assert joined.official_test is not None
    assert joined.official_test.tolist() == [False] * 3 + [True] * 3
    assert np.array_equal(joined.pictures[4], test.pictures[1])
    assert joined.names == (
        *(f"train.npz/{name}" for name in train.names),
        *(f"test.npz/{name}" for name in test.names),
    )
    assert joined.groups is None


def test_groups_are_combined_if_all_parts_have_them() -> None:
    groups = np.asarray([0, 1])
    train = replace(dataset([0, 1]), groups=groups, group_names=("x", "y"))
    test = replace(dataset([0, 1]), groups=groups, group_names=("y", "z"))
    joined = combine([(train, "train.npz", False), (test, "test.npz", False)])
    assert joined.group_names == ("x", "y", "z")
    assert joined.groups is not None
    assert joined.groups.tolist() == [0, 1, 1, 2]
    partly = combine([(train, "train.npz", False), (dataset([0]), "more.npz", False)])
    assert (partly.groups, partly.group_names) == (None, ())
