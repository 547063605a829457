"""Which folders are parts and which are classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.data.readers.splits import split_of, split_of_path
from bakeoff.errors import BakeoffError

from ..pictures_made import class_folders, save

ANIMALS = ("ape", "bee", "cat")


def parts(root: Path, *folders: str, classes: tuple[str, ...] = ANIMALS) -> Path:
    for number, folder in enumerate(folders):
        for index, name in enumerate(classes):
            for copy in range(2):
                save(root / folder / name / f"{number}{copy}.png", 9 * number + 2 * index + copy)
    return root


def folders_of_the_test(data: Dataset) -> set[str]:
    """The upper folders of the official test part."""
    if data.official_test is None:
        return set()
    rows = zip(data.names, data.official_test, strict=True)
    return {name.split("/")[0] for name, test in rows if test}


@pytest.mark.parametrize(
    ("folders", "test"),
    [
        (("seg_train/seg_train", "seg_test/seg_test"), {"seg_test"}),
        (("training_set/training_set", "test_set/test_set"), {"test_set"}),
        (("train_data", "test_data"), {"test_data"}),
        (("train_images", "test_images"), {"test_images"}),
        (("Trainset", "Testset"), {"Testset"}),
        (("a_train/a_train", "a_test/a_test"), {"a_test"}),
        (("val", "test"), {"test"}),
        (("dev", "evaluation"), {"evaluation"}),
        (("train", "eval"), {"eval"}),
        (("train/images", "test/images"), {"test"}),
        (("train_1", "train_2", "holdout test"), {"holdout test"}),
        (("backup", "data"), set()),
        (("raw", "processed"), set()),
        (("2023/photos", "2024/photos"), set()),
    ],
)
def test_the_folder_above_the_classes_is_a_part(
    folders: tuple[str, ...], test: set[str], tmp_path: Path
) -> None:
    data = read(parts(tmp_path, *folders))
    assert data.classes == ANIMALS
    assert len(data) == 6 * len(folders)
    assert folders_of_the_test(data) == test
    assert all(folder.split("/")[0] in data.description for folder in folders)


def test_parts_below_a_folder_beside_notes(tmp_path: Path) -> None:
    parts(tmp_path / "data", "train", "test")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "README.txt").write_text("Shapes.")
    assert read(tmp_path).classes == ANIMALS


def test_levels_that_could_both_be_the_classes_are_refused(tmp_path: Path) -> None:
    parts(tmp_path, "0", "1", "2", "3", classes=("pencil", "stamp"))
    with pytest.raises(BakeoffError, match=r"\(0, 1, 2 …\) hold sub-folders .* use --group folder"):
        read(tmp_path)
    data = read(tmp_path, group="folder")
    assert data.classes == ("0", "1", "2", "3")
    assert data.group_names == ("pencil", "stamp")


def test_five_folds_are_not_five_classes(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="either could be the classes"):
        read(parts(tmp_path, *(f"fold{number}" for number in range(5))))


def test_sub_folders_of_other_names_are_within_a_class(tmp_path: Path) -> None:
    parts(tmp_path, "animals")
    parts(tmp_path, "vehicles", classes=("car", "bus"))
    assert read(tmp_path).classes == ("animals", "vehicles")


def test_classes_of_trains_are_classes(tmp_path: Path) -> None:
    class_folders(tmp_path, "freight_train", "steam_train", "test_track")
    assert read(tmp_path).classes == ("freight_train", "steam_train", "test_track")


def test_a_flat_test_folder_in_its_wrapper_is_no_class(tmp_path: Path) -> None:
    parts(tmp_path, "asl_train/asl_train")
    for number in range(3):
        save(tmp_path / "asl_test" / "asl_test" / f"{number}.png")
    data = read(tmp_path)
    assert data.classes == ANIMALS
    assert data.official_test is None
    assert [out.subject for out in data.left_out] == ["asl_test/asl_test/0.png"]


def test_a_part_with_one_class_keeps_it(tmp_path: Path) -> None:
    parts(tmp_path, "train")
    parts(tmp_path, "test", classes=("bee",))
    data = read(tmp_path)
    assert data.official_test is not None
    assert {data.classes[label] for label in data.labels[data.official_test]} == {"bee"}


def test_a_test_part_beside_the_classes(tmp_path: Path) -> None:
    class_folders(tmp_path, *ANIMALS)
    parts(tmp_path, "test/images", classes=("ape", "bee"))
    data = read(tmp_path)
    assert data.classes == ANIMALS
    assert folders_of_the_test(data) == {"test"}
    assert len(data) == 9 + 4


def test_flat_parts_in_wrappers_are_no_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number in range(3):
            save(tmp_path / part / part / f"{number}.png", number)
    with pytest.raises(BakeoffError, match="neither a class folder nor metadata"):
        read(tmp_path)


def test_metadata_below_wrappers(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number in range(4):
            save(tmp_path / part / part / f"{number}.png", number)
        rows = "".join(f"{number}.png,{'ab'[number % 2]}\n" for number in range(4))
        (tmp_path / part / part / "metadata.csv").write_text("file_name,label\n" + rows)
    data = read(tmp_path)
    assert data.classes == ("a", "b")
    assert folders_of_the_test(data) == {"test"}


def test_metadata_goes_before_levels(tmp_path: Path) -> None:
    parts(tmp_path, "a", "b", "c", "d")
    names = [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*.png"))]
    rows = [
        {"file_name": name, "label": "even" if row % 2 else "odd"} for row, name in enumerate(names)
    ]
    lines = "\n".join(map(json.dumps, rows))
    (tmp_path / "metadata.jsonl").write_text(lines)
    assert read(tmp_path).classes == ("even", "odd")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Train", "train"),
        ("mnist_train.csv", "train"),
        ("kmnist-test-imgs.npz", "test"),
        ("x_validation", "val"),
        ("traindata", "train"),
        ("contest", None),
        ("trainer", None),
        ("train_and_test", None),
    ],
)
def test_the_part_in_a_name(name: str, split: str | None) -> None:
    assert split_of(name) == split


def test_the_part_in_a_path() -> None:
    assert split_of_path("test/train-00000-of-00001.parquet") == "train"
    assert split_of_path("default/eval/0000.parquet") == "test"
    assert split_of_path("default/0000.parquet") is None
