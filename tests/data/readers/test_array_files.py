"""Arrays in files of their own."""

from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from .arrays_made import Bytes, noise


def test_npy_files_of_keras(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 4)):
        np.save(tmp_path / f"x_{part}.npy", noise(count, 9, 8))
        np.save(tmp_path / f"y_{part}.npy", np.arange(count) % 2)
    data = read(tmp_path)
    assert (len(data), data.classes, data.left_out) == (10, ("0", "1"), ())
    assert data.official_test is not None
    assert data.official_test.sum() == 4
    assert np.array_equal(data.pictures[0][..., 0], noise(6, 9, 8)[0])
    assert read(tmp_path / "x_train.npy").fingerprint() == data.fingerprint()
    assert data.description.startswith("npy files, 10 pictures of 8×9")


@pytest.mark.parametrize(
    ("images", "labels"),
    [("X.npy", "y.npy"), ("images.npy", "labels.npy"), ("my_data.npy", "my_targets.npy")],
)
def test_other_names_of_npy_files(tmp_path: Path, images: str, labels: str) -> None:
    np.save(tmp_path / images, noise(4, 64))
    np.save(tmp_path / labels, np.asarray(["ant", "bee"] * 2))
    assert read(tmp_path).classes == ("ant", "bee")
    assert read(tmp_path).pictures.sizes == "8×8"


def test_kmnist(tmp_path: Path) -> None:
    """As codh.rois.ac.jp has it: four files, each with one array called arr_0."""
    for part, count in (("train", 6), ("test", 2)):
        np.savez_compressed(tmp_path / f"k49-{part}-imgs.npz", noise(count, 28, 28))
        np.savez_compressed(tmp_path / f"k49-{part}-labels.npz", np.arange(count) % 2)
    (tmp_path / "k49_classmap.csv").write_text("index,codepoint,char\n0,U+3042,あ\n1,U+3044,い\n")
    data = read(tmp_path)
    assert data.classes == ("あ", "い")
    assert data.official_test is not None
    assert data.official_test.sum() == 2
    assert data.description.startswith("npz files, classes named by k49_classmap.csv, 8 pictures")
    assert len(read(tmp_path / "k49-train-imgs.npz")) == 8


def test_quickdraw_bitmaps(tmp_path: Path) -> None:
    np.save(tmp_path / "full_numpy_bitmap_The Eiffel Tower.npy", noise(3, 784))
    np.save(tmp_path / "ant.npy", noise(2, 784))
    data = read(tmp_path)
    assert data.classes == ("The Eiffel Tower", "ant")
    assert data.labels.tolist() == [0, 0, 0, 1, 1]
    assert data.names[3:] == ("ant.npy 0", "ant.npy 1")
    assert data.pictures.sizes == "28×28"
    (tmp_path / "ant.npy").unlink()
    with pytest.raises(BakeoffError, match="the pictures of one class"):
        read(tmp_path / "full_numpy_bitmap_The Eiffel Tower.npy")


def test_files_that_do_not_match(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", noise(3, 8, 8))
    np.save(tmp_path / "y.npy", np.arange(4))
    with pytest.raises(BakeoffError, match=r"y\.npy: it is of shape \(4,\), but there are 3"):
        read(tmp_path)
    np.save(tmp_path / "y.npy", np.asarray([{}, {}, {}], dtype=object))
    with pytest.raises(BakeoffError, match=r"\(a pickle\), which can run any code"):
        read(tmp_path)
    (tmp_path / "y.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-5])
    with pytest.raises(BakeoffError, match="its header does not fit its size"):
        read(tmp_path)
    np.save(tmp_path / "y.npy", np.asarray([[1, 1], [0, 1], [1, 0]]))
    with pytest.raises(BakeoffError, match="several of 2 classes"):
        read(tmp_path)


def test_medmnist_names_its_classes(tmp_path: Path) -> None:
    arrays = {"train_images": noise(4, 28, 28), "train_labels": np.arange(4)[:, None] % 2}
    np.savez(tmp_path / "breastmnist_64.npz", **arrays)  # type: ignore[arg-type]
    data = read(tmp_path / "breastmnist_64.npz")
    assert data.classes == ("malignant", "normal, benign")
    assert "classes named as in MedMNIST" in data.description
    arrays["train_labels"] = np.arange(4)[:, None] + 1  # not those of the set
    np.savez(tmp_path / "breastmnist.npz", **arrays)  # type: ignore[arg-type]
    assert read(tmp_path / "breastmnist.npz").classes == ("1", "2", "3", "4")


def _write(path: Path, pixels: Bytes, header: str = "", delimiter: str = ",") -> None:
    rows = pixels.reshape(len(pixels), -1)
    np.savetxt(path, rows, fmt="%d", delimiter=delimiter, header=header, comments="")


def test_pixels_in_one_table_and_labels_in_another(tmp_path: Path) -> None:
    """As exports of Keras and MATLAB have it: no column of the first says which class it is."""
    for part, count in (("train", 9), ("test", 4)):
        _write(tmp_path / f"{part}_images.csv", noise(count, 6, 6, seed=count))
        np.savetxt(tmp_path / f"{part}_labels.csv", np.arange(count) % 3, fmt="%d")
    data = read(tmp_path)
    assert (len(data), data.classes, data.left_out) == (13, ("0", "1", "2"), ())
    assert data.official_test is not None
    assert data.official_test.sum() == 4
    assert data.labels[:4].tolist() == [0, 1, 2, 0]
    assert np.array_equal(data.pictures[12][..., 0], noise(4, 6, 6, seed=4)[3])
    assert data.description.startswith("csv files, 13 pictures of 6×6")
    assert read(tmp_path / "train_images.csv").fingerprint() == data.fingerprint()
    assert read(tmp_path / "test_labels.csv").fingerprint() == data.fingerprint()


PIXELS = ",".join(f"pixel{at}" for at in range(16))


@pytest.mark.parametrize(
    ("header", "labels"),
    [
        ("", "ant\nbee\nant\nbee\n"),
        ("", "a white ant\nbee\na white ant\nbee\n"),
        ("", '"ant"\n"bee"\n"ant"\n"bee"\n'),
        (PIXELS, "label\nant\nbee\nant\nbee\n"),
        (PIXELS, "species\n3\n7\n3\n7\n"),
        (PIXELS, ",label\n0,ant\n1,bee\n2,ant\n3,bee\n"),
        ("", "0,ant\n1,bee\n2,ant\n3,bee\n"),
        ("", "Id;Label\n4711;ant\n4712;bee\n4713;ant\n4714;bee\n"),
        ("", "3.0\n7.0\n3.0\n7.0\n"),
        ("", "1,0,0\n0,1,0\n1,0,0\n0,1,0\n"),
    ],
)
def test_ways_to_write_a_table_of_labels(tmp_path: Path, header: str, labels: str) -> None:
    _write(tmp_path / "X.csv", noise(4, 4, 4), header)
    (tmp_path / "y.csv").write_text(labels)
    data = read(tmp_path)
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert set(data.classes) <= {"ant", "a white ant", "bee", "3", "7", "0", "1"}
    assert np.array_equal(np.stack(list(data.pictures))[..., 0], noise(4, 4, 4))


def test_shapes_in_the_names_of_tables(tmp_path: Path) -> None:
    """As the Arabic handwritten characters of El-Sawy, Loey and El-Bakry (2017) have it."""
    for part, count in (("Train", 6), ("Test", 4)):
        _write(tmp_path / f"csv{part}Images {count}x36.csv", noise(count, 6, 6))
        np.savetxt(tmp_path / f"csv{part}Label {count}x1.csv", 1 + np.arange(count) % 2, fmt="%d")
    data = read(tmp_path)
    assert (len(data), data.classes) == (10, ("1", "2"))
    assert data.official_test is not None
    assert data.official_test.sum() == 4


def test_labels_as_a_table_beside_pictures_as_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", noise(4, 9, 8, 3))
    (tmp_path / "labels.csv").write_text("id,label\n0,ant\n1,bee\n2,bee\n3,ant\n")
    data = read(tmp_path)
    assert (data.classes, data.labels.tolist()) == (("ant", "bee"), [0, 1, 1, 0])
    assert data.description.startswith("csv and npy files")


def test_packed_tables_with_tabs(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "x_train.tsv.gz", noise(4, 16), fmt="%d", delimiter="\t")
    np.savetxt(tmp_path / "y_train.tsv.gz", np.arange(4) % 2, fmt="%d")
    assert read(tmp_path).labels.tolist() == [0, 1, 0, 1]


def test_a_table_with_its_own_labels_is_not_half_of_a_set(tmp_path: Path) -> None:
    header = f"label,{PIXELS}"
    _write(tmp_path / "train_data.csv", np.column_stack([[1, 2] * 3, noise(6, 16)]), header)
    (tmp_path / "labels.csv").write_text("1\n2\n")
    assert read(tmp_path / "train_data.csv").classes == ("1", "2")


@pytest.mark.parametrize(
    ("labels", "problem"),
    [("0\n1\n0\n", "but there are 4 pictures"), ("0,ant\n1\n0\n1\n", "none of its pictures has")],
)
def test_tables_that_do_not_match(tmp_path: Path, labels: str, problem: str) -> None:
    _write(tmp_path / "x.csv", noise(4, 16))
    (tmp_path / "y.csv").write_text(labels)
    with pytest.raises(BakeoffError, match=problem):
        read(tmp_path)


def test_a_pixel_that_is_no_number(tmp_path: Path) -> None:
    rows = "\n".join([",".join(["7"] * 16)] * 30 + [",".join(["7"] * 15 + ["dark"])])
    (tmp_path / "x.csv").write_text(rows)
    (tmp_path / "y.csv").write_text("0\n1\n" * 15 + "0\n")
    with pytest.raises(BakeoffError, match="row 31: field 16 is 'dark', not a number"):
        read(tmp_path)
