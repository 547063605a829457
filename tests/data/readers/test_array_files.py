"""Arrays in files of their own."""

from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from .arrays_made import noise


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
