from pathlib import Path

import pytest

from bakeoff.data.labelling import parse_labelling, pattern_in_names
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from .pictures_made import drawing, encoded, save, why


@pytest.mark.parametrize(
    ("names", "example"),
    [
        (("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.1.jpg"), "cat"),  # dogs-vs-cats
        (("Maine_Coon_1.jpg", "Maine_Coon_22.jpg", "pug_1.jpg", "pug_2.jpg"), "Maine_Coon"),  # pets
        (("cat (1).png", "cat (2).png", "dog (1).png", "dog (2).png"), "cat"),  # Windows
        (("ant-left.png", "ant-right.png", "bee-left.png", "bee-right.png"), "ant"),
        (("train0_5.png", "test1_5.png", "train1_7.png", "val0_7.png"), "5"),  # MedMNIST
    ],
)
def test_names_show_their_classes(names: tuple[str, ...], example: str) -> None:
    pattern = pattern_in_names(names)
    assert pattern is not None
    assert parse_labelling(pattern).of(names[0]) == example


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"),  # one class
        ("a1.png", "b2.png", "c3.png"),  # a class for each picture
        ("0.png", "1.png", "2.png"),
        ("cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.1.jpg", "readme.jpg"),
    ],
)
def test_names_that_show_no_classes(names: tuple[str, ...]) -> None:
    assert pattern_in_names(names) is None


def pets(folder: Path) -> Path:
    for number, name in enumerate(("pug", "Maine_Coon")):
        for index in range(3):
            save(folder / f"{name}_{index}.jpg", 3 * number + index)
    return folder


def test_classes_in_the_names_of_a_flat_folder(tmp_path: Path) -> None:
    save(pets(tmp_path / "pets") / "cover.png")
    data = read(tmp_path / "pets", label="^(.+)_[0-9]+")
    assert data.classes == ("Maine_Coon", "pug")
    assert data.description.startswith("pictures with classes in their names, 6 pictures")
    assert why(data.left_out) == {
        "cover.png": "neither a class folder nor metadata gives its class"
    }


def test_classes_in_the_names_below_folders(tmp_path: Path) -> None:
    pets(tmp_path / "images")
    (tmp_path / "notes").mkdir()
    assert len(read(tmp_path, label="^(.+)_")) == 6
    pets(tmp_path / "kaggle" / "train")
    save(tmp_path / "kaggle" / "test1" / "1.jpg")  # without a class
    data = read(tmp_path / "kaggle", label="^(.+)_")
    assert (len(data), data.official_test, len(data.left_out)) == (6, None, 1)
    pets(tmp_path / "parts" / "train")
    pets(tmp_path / "parts" / "test")
    data = read(tmp_path / "parts", label="^(.+)_", group="([0-9])")
    assert data.official_test is not None
    assert data.official_test.sum() == 6
    assert data.group_names == ("0", "1", "2")


def test_a_refusal_proposes_what_the_names_show(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError) as caught:
        read(pets(tmp_path / "pets"))
    assert caught.value.hint.startswith("If 'Maine_Coon_0.jpg' shows a Maine_Coon, use --label '^(")
    proposed = caught.value.hint.split("'")[3]
    assert read(tmp_path / "pets", label=proposed).classes == ("Maine_Coon", "pug")


def test_a_column_of_the_metadata(tmp_path: Path) -> None:
    for index in range(4):
        save(tmp_path / f"{index}.png", index)
    rows = "file_name,Kind,site,label\n" + "".join(
        f"{i}.png,{'ab'[i % 2]},{'xy'[i // 2]},{i}\n" for i in range(4)
    )
    (tmp_path / "metadata.csv").write_text(rows)
    data = read(tmp_path, label="kind", group="Site")
    assert (data.classes, data.group_names) == (("a", "b"), ("x", "y"))
    assert "classes from the column Kind" in data.description
    with pytest.raises(BakeoffError, match=r"no such column \(columns: Kind, site, label\)"):
        read(tmp_path, label="column:nothing")
    with pytest.raises(BakeoffError, match=r"matches no name of a picture, such as '0\.png'"):
        read(tmp_path, label="nothing")


def test_a_column_of_a_table_of_pixels(tmp_path: Path) -> None:
    head = "site,kind," + ",".join(f"pixel{i}" for i in range(16))
    row = ",".join(["0"] * 15 + ["255"])
    lines = [f"{'xy'[i // 2]},{'ab'[i % 2]},{row}" for i in range(4)]
    path = tmp_path / "train.csv"
    path.write_text("\n".join([head, *lines]))
    with pytest.raises(BakeoffError, match="several columns could be the label: site, kind"):
        read(path)
    data = read(path, label="kind", group="site")
    assert (data.classes, data.group_names) == (("a", "b"), ("x", "y"))
    with pytest.raises(BakeoffError, match="no column 'age'"):
        read(path, label="age")
    with pytest.raises(BakeoffError, match="its rows have no file names"):
        read(path, label="^(.+)_")


def test_a_layout_without_columns_refuses_a_label(tmp_path: Path) -> None:
    import numpy as np

    np.savez(tmp_path / "set.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4) % 2)
    with pytest.raises(BakeoffError, match="--label 'kind' does not fit it"):
        read(tmp_path / "set.npz", label="kind")
    with pytest.raises(BakeoffError, match="--label 'kind' does not fit it"):
        read("digits", label="kind")


def test_a_broken_pattern(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(drawing()))
    with pytest.raises(BakeoffError, match="not a regular expression"):
        read(tmp_path, label="(")
    with pytest.raises(BakeoffError, match="it is empty"):
        read(tmp_path, label="column:")
