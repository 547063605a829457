from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.readers.idx import has_idx, looks_like_idx, read_idx
from bakeoff.data.readers.npz import read_npz
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.errors import BakeoffError

Bytes = NDArray[np.uint8]
Save = Callable[..., Path]


def noise(*shape: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def idx(array: Bytes) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def put(folder: Path, name: str, array: Bytes) -> Path:
    data = idx(array)
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


LABELS = np.asarray([3, 1, 3], dtype=np.uint8)

MNIST = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def four(folder: Path, names: tuple[str, ...] = MNIST, end: str = "") -> Bytes:
    pictures = noise(5, 4, 6)
    put(folder, names[0] + end, pictures[:3])
    put(folder, names[1] + end, LABELS)
    put(folder, names[2] + end, pictures[3:])
    put(folder, names[3] + end, np.asarray([0, 1], dtype=np.uint8))
    return pictures


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    "names",
    [
        MNIST,
        tuple(name.replace("-idx", ".idx") for name in MNIST),
        tuple(name.replace("t10k", "test") for name in MNIST),
        ("train-images", "train-labels", "test-images", "test-labels"),
    ],
)
def test_idx_folder(tmp_path: Path, names: tuple[str, ...], end: str) -> None:
    pictures = four(tmp_path, names, end)
    assert has_idx(tmp_path)
    dataset = read_idx(tmp_path)
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], pictures)
    assert dataset.classes == ("0", "1", "3")
    assert dataset.labels.tolist() == [2, 1, 2, 0, 1]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 3 + [True] * 2
    assert dataset.names[2:4] == ("train/00002", "test/00000")
    assert dataset.description == "IDX"


def test_idx_one_pair(tmp_path: Path) -> None:
    pictures = four(tmp_path)
    for name in (MNIST[0], MNIST[1]):
        dataset = read_idx(tmp_path / name)
        assert len(dataset) == 3
        assert dataset.official_test is None
    assert np.array_equal(read_idx(tmp_path / MNIST[2]).pictures[1][..., 0], pictures[4])
    assert read_idx(tmp_path / MNIST[2]).official_test is None


def test_idx_packed_beside_unpacked(tmp_path: Path) -> None:
    four(tmp_path, end=".gz")
    four(tmp_path)
    assert len(read_idx(tmp_path)) == 5
    (tmp_path / MNIST[0]).write_bytes(b"broken")
    # The packed file was given, so it is read.
    assert len(read_idx(tmp_path / f"{MNIST[0]}.gz")) == 3


def test_idx_colour(tmp_path: Path) -> None:
    pictures = noise(3, 4, 5, 3)
    put(tmp_path, "images-idx4-ubyte", pictures)
    put(tmp_path, "labels-idx1-ubyte", LABELS)
    assert np.array_equal(read_idx(tmp_path).pictures[2], pictures[2])


def test_emnist_is_transposed(tmp_path: Path) -> None:
    pictures = noise(3, 5, 5)
    put(tmp_path, "emnist-letters-train-images-idx3-ubyte.gz", pictures)
    put(tmp_path, "emnist-letters-train-labels-idx1-ubyte.gz", LABELS)
    dataset = read_idx(tmp_path)
    assert np.array_equal(dataset.pictures[1][..., 0], pictures[1].T)
    assert "EMNIST" in dataset.description


def of_int(array: NDArray[Any]) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 0x0C, array.ndim, *array.shape)
    return head + array.astype(">i4").tobytes()


@pytest.mark.parametrize("end", ["", ".gz"])
def test_qmnist(tmp_path: Path, end: str) -> None:
    pictures = noise(6, 4, 4)
    for part, rows in (("train", slice(0, 4)), ("test", slice(4, 6))):
        labels = np.zeros((6, 8), dtype=np.int64)
        labels[:, 0] = [5, 0, 5, 0, 5, 0]
        labels[:, 1] = 4  # the series of NIST
        labels[:, 2] = [701, 701, 33, 33, 2000, 2000]
        put(tmp_path, f"qmnist-{part}-images-idx3-ubyte{end}", pictures[rows])
        data = of_int(labels[rows])
        path = tmp_path / f"qmnist-{part}-labels-idx2-int{end}"
        path.write_bytes(gzip.compress(data) if end else data)
    dataset = read_idx(tmp_path)
    assert dataset.classes == ("0", "5")
    assert dataset.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert dataset.group_names == ("33", "701", "2000")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [1, 1, 0, 0, 2, 2]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([3, 1, 3]), [1, 0, 1]),
        (np.array([[3], [1], [3]]), [1, 0, 1]),
        (np.eye(8)[[3, 1, 3]], [1, 0, 1]),
    ],
    ids=["N", "N×1", "one-hot"],
)
def test_idx_labels_of_integers(tmp_path: Path, labels: NDArray[Any], expected: list[int]) -> None:
    put(tmp_path, "train-images-idx3-ubyte", noise(3, 4, 4))
    (tmp_path / f"train-labels-idx{labels.ndim}-int").write_bytes(of_int(labels))
    dataset = read_idx(tmp_path)
    assert dataset.labels.tolist() == expected
    assert dataset.groups is None


def test_idx_labels_of_unknown_columns(tmp_path: Path) -> None:
    put(tmp_path, "train-images-idx3-ubyte", noise(3, 4, 4))
    (tmp_path / "train-labels-idx2-int").write_bytes(of_int(np.arange(15).reshape(3, 5)))
    with pytest.raises(BakeoffError, match="5 numbers for each picture, and none is known"):
        read_idx(tmp_path)


def test_idx_validation_files_join_the_training_part(tmp_path: Path) -> None:
    for part in ("validation", "train", "t10k"):
        put(tmp_path, f"{part}-images-idx3-ubyte", noise(3, 4, 4))
        put(tmp_path, f"{part}-labels-idx1-ubyte", LABELS)
    dataset = read_idx(tmp_path)
    assert [name.split("/")[0] for name in dataset.names[::3]] == ["train", "val", "test"]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 6 + [True] * 3


def test_has_idx(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "image01.png").write_bytes(idx(noise(1, 2, 2)))
    (tmp_path / "images-idx3-ubyte").write_bytes(b"something else")
    put(tmp_path, "labels-idx1-ubyte", LABELS)
    assert not has_idx(tmp_path)
    assert looks_like_idx(tmp_path / "labels-idx1-ubyte")
    assert not looks_like_idx(tmp_path / "images")
    assert not looks_like_idx(tmp_path / "missing")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (cut, "its header promises 88 bytes, but it has 87"),
        (lengthen, "its header promises 88 bytes, but it has 89"),
        (lambda path: path.write_bytes(b"\0\0"), "does not start like IDX pictures"),
        (lambda path: path.write_bytes(idx(LABELS)), "does not start like IDX pictures"),
        (lambda path: path.write_bytes(b"\0\0\x0d\x03" + bytes(12)), "its values are not bytes"),
        (lambda path: path.write_bytes(b"\0\0\x08\x03" + bytes(5)), "ends within its header"),
        (lambda path: path.write_bytes(idx(noise(2, 4, 6))), "2 pictures, but .* holds 3 labels"),
        (lambda path: path.write_bytes(idx(noise(3, 4, 6, 2))), "have 2 channels"),
        (lambda path: path.write_bytes(idx(noise(3, 0, 6))), "holds no pictures"),
        (lambda path: path.unlink(), "the file of its pictures is missing"),
    ],
)
def test_idx_damage(tmp_path: Path, break_it: Callable[[Path], object], message: str) -> None:
    put(tmp_path, MNIST[1], LABELS)
    break_it(put(tmp_path, MNIST[0], noise(3, 4, 6)))
    with pytest.raises(BakeoffError, match=message):
        read_idx(tmp_path / MNIST[0] if (tmp_path / MNIST[0]).exists() else tmp_path / MNIST[1])


def head(*shape: int) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(idx(noise(3, 4, 6)), mtime=0)[:-9], "it is damaged"),
        (gzip.compress(idx(noise(3, 4, 6))[:-1], mtime=0), "cut short"),
        (gzip.compress(idx(noise(3, 4, 6)) + b"\0" * 10**6, mtime=0), "longer than its header"),
        (gzip.compress(head(3, 60_000, 60_000), mtime=0), "its header promises 10800000016 bytes"),
    ],
)
def test_packed_idx_damage(tmp_path: Path, data: bytes, message: str) -> None:
    put(tmp_path, MNIST[1], LABELS)
    (tmp_path / f"{MNIST[0]}.gz").write_bytes(data)
    with pytest.raises(BakeoffError, match=message):
        read_idx(tmp_path)


def test_idx_limits(tmp_path: Path) -> None:
    four(tmp_path)
    for limits in (
        ArrayLimits(max_bytes=71),
        ArrayLimits(max_bytes=80),
        ArrayLimits(max_pictures=4),
        ArrayLimits(max_side=5),
    ):
        with pytest.raises(BakeoffError, match="more than can be read"):
            read_idx(tmp_path, limits=limits)


def test_idx_names(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="holds no IDX pictures"):
        read_idx(tmp_path)
    with pytest.raises(BakeoffError, match="its name says neither images nor labels"):
        read_idx(put(tmp_path, "a.idx", LABELS))
    for base in ("emnist-letters", "emnist-digits"):
        put(tmp_path, f"{base}-train-images-idx3-ubyte", noise(3, 4, 4))
        put(tmp_path, f"{base}-train-labels-idx1-ubyte", LABELS)
    with pytest.raises(BakeoffError, match="several sets: emnistdigits, emnistletters"):
        read_idx(tmp_path)
    assert len(read_idx(tmp_path / "emnist-digits-train-images-idx3-ubyte")) == 3
    (tmp_path / "emnist-digits-train-labels-idx1-ubyte").unlink()
    with pytest.raises(BakeoffError, match="the file of its labels is missing"):
        read_idx(tmp_path / "emnist-digits-train-images-idx3-ubyte")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.binary(max_size=20), st.booleans(), st.booleans())
def test_idx_is_read_or_refused(
    tmp_path: Path, images: bytes, labels: bytes, magic: bool, packed: bool
) -> None:
    if magic:
        images, labels = b"\0\0\x08\x03" + images, b"\0\0\x08\x01" + labels
    (tmp_path / "images").write_bytes(gzip.compress(images) if packed else images)
    (tmp_path / "labels").write_bytes(labels)
    has_idx(tmp_path)
    try:
        dataset = read_idx(tmp_path)
    except BakeoffError:
        return
    assert len(dataset) == len(dataset.labels) > 0


# npz


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(**arrays: Any) -> Path:
        np.savez_compressed(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return save


def pixels(path: Path) -> Bytes:
    return np.stack(list(read_npz(path).pictures))


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
    ],
)
def test_npz_with_parts(save: Save, keys: tuple[str, ...]) -> None:
    pictures = noise(5, 4, 6)
    arrays = (pictures[:3], [2, 10, 2], pictures[3:], [10, 2])
    dataset = read_npz(save(**dict(zip(keys, arrays, strict=True))))
    assert np.array_equal(np.stack(list(dataset.pictures))[..., 0], pictures)
    assert dataset.classes == ("2", "10")
    assert dataset.labels.tolist() == [0, 1, 0, 1, 0]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 3 + [True] * 2
    assert dataset.groups is None
    assert dataset.name == "set"
    assert dataset.description == "npz"


def test_npz_validation_part_is_for_training(save: Save) -> None:
    arrays = {f"{part}_images": noise(2, 4, 4) for part in ("train", "val", "test")}
    dataset = read_npz(save(**arrays, train_labels=[0, 1], val_labels=[1, 0], test_labels=[0, 0]))
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 4 + [True] * 2


@pytest.mark.parametrize("keys", [("images", "labels"), ("X", "y"), ("data", "target")])
def test_npz_without_parts(save: Save, keys: tuple[str, str]) -> None:
    dataset = read_npz(save(**{keys[0]: noise(3, 4, 4), keys[1]: ["b", "a", ""]}))
    assert dataset.classes == ("a", "b")
    assert dataset.labels.tolist() == [1, 0, -1]
    assert dataset.official_test is None


def test_npz_unlabelled(save: Save) -> None:
    assert read_npz(save(images=noise(3, 4, 4))).labels.tolist() == [-1] * 3


def test_npz_class_names_and_groups(save: Save) -> None:
    path = save(
        images=noise(5, 4, 4),
        labels=[1, -1, 0, 7, 1],
        classes=["cat", "dog"],
        groups=["ann", "bob", "ann", "bob", "bob"],
    )
    dataset = read_npz(path)
    assert dataset.classes == ("cat", "dog")
    assert dataset.labels.tolist() == [1, -1, 0, 1]
    assert dataset.group_names == ("ann", "bob")
    assert dataset.groups is not None
    assert dataset.groups.tolist() == [0, 1, 0, 1]
    (left_out,) = dataset.left_out
    assert left_out.subject == "set.npz train/00003"
    assert left_out.problem == "its label 7 is not one of the 2 classes"


def test_npz_text_labels_outside_the_classes(save: Save) -> None:
    path = save(images=noise(3, 4, 4), labels=["dog", "cow", "cat"], classes=["cat", "dog"])
    dataset = read_npz(path)
    assert dataset.labels.tolist() == [1, 0]
    assert "its label cow is not one" in dataset.left_out[0].problem


@pytest.mark.parametrize(
    "labels",
    [
        np.asarray([2, 0, 2], dtype=np.uint8),
        np.asarray([2.0, 0.0, 2.0]),
        np.asarray([[2], [0], [2]]),
        np.eye(3)[[2, 0, 2]],
        np.eye(3, dtype=np.bool_)[[2, 0, 2]],
        np.asarray([b"2", b"0", b"2"]),
        np.asarray([["2"], ["0"], ["2"]]),
    ],
    ids=["bytes", "floats", "column", "one-hot", "one-hot of bool", "ASCII", "column of texts"],
)
def test_npz_spellings_of_labels(save: Save, labels: NDArray[Any]) -> None:
    dataset = read_npz(save(images=noise(3, 4, 4), labels=labels))
    assert dataset.classes == ("0", "2")
    assert dataset.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "labels",
    [
        np.asarray([0.5, 1, 2]),
        np.asarray([np.nan, 1, 2]),
        np.full((3, 2), 0.5),
        np.zeros((3, 2)),
        np.zeros((3, 1, 1)),
        np.asarray([1j, 0, 0]),
    ],
)
def test_npz_no_labels(save: Save, labels: NDArray[Any]) -> None:
    with pytest.raises(BakeoffError, match=r"array 'labels': its .* are not labels"):
        read_npz(save(images=noise(3, 4, 4), labels=labels))


def _spellings() -> dict[str, NDArray[Any]]:
    bytes_ = noise(3, 4, 6)
    bytes_[0, 0, 0] = 255
    return {
        "N×H×W": bytes_,
        "N×H×W×1": bytes_[..., None],
        "N×1×H×W": bytes_[:, None],
        "0–1": bytes_ / 255,
        "0–1 in float32": (bytes_ / 255).astype(np.float32),
        "0–255 floats": bytes_.astype(np.float64),
        "64 bits": bytes_.astype(np.int64),
        "16 bits": bytes_.astype(np.uint16) * 257,
        "big-endian": (bytes_.astype(np.uint16) * 257).astype(">u2"),
        "Fortran order": np.asfortranarray(bytes_),
        "8 of 16 bits": bytes_.astype(np.uint16),
    }


@pytest.mark.parametrize("spelling", list(_spellings()))
def test_npz_spellings_of_pictures(save: Save, spelling: str) -> None:
    expected = _spellings()["N×H×W"][..., None]
    assert np.array_equal(pixels(save(images=_spellings()[spelling])), expected)


def test_npz_more_layouts(save: Save) -> None:
    colour = noise(3, 4, 6, 3)
    assert np.array_equal(pixels(save(x=colour)), colour)
    assert np.array_equal(pixels(save(x=np.moveaxis(colour, -1, 1))), colour)
    grey = noise(3, 5, 5)
    assert np.array_equal(pixels(save(x=grey.reshape(3, 25)))[..., 0], grey)
    black_and_white = grey > 100
    assert np.array_equal(pixels(save(x=black_and_white))[..., 0], black_and_white * np.uint8(255))


@pytest.mark.parametrize("word", ["validation", "dev", "valid"])
def test_npz_validation_parts_of_any_name(save: Save, word: str) -> None:
    arrays = {"x_train": noise(2, 4, 4), f"x_{word}": noise(3, 4, 4), "x_test": noise(1, 4, 4)}
    dataset = read_npz(save(**arrays, y_train=[0, 1], **{f"y_{word}": [1, 0, 1]}, y_test=[0]))
    assert dataset.labels.tolist() == [0, 1, 1, 0, 1, 0]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 5 + [True]
    assert len(set(dataset.names)) == 6


@pytest.mark.parametrize(
    "keys",
    [
        ("imagesTrain", "labelsTrain", "imagesTest", "labelsTest"),
        ("trainX", "trainY", "testX", "testY"),
        ("train_set_x_orig", "train_set_y_orig", "test_set_x_orig", "test_set_y_orig"),
        ("training_images", "training_labels", "evaluation_images", "evaluation_labels"),
    ],
)
def test_npz_names_of_parts(save: Save, keys: tuple[str, ...]) -> None:
    arrays = (noise(3, 4, 6), [2, 10, 2], noise(2, 4, 6), [10, 2])
    dataset = read_npz(save(**dict(zip(keys, arrays, strict=True))))
    assert dataset.labels.tolist() == [0, 1, 0, 1, 0]
    assert dataset.official_test is not None
    assert dataset.official_test.tolist() == [False] * 3 + [True] * 2


def test_npz_arrays_that_are_not_used_are_listed(save: Save) -> None:
    dataset = read_npz(save(x_train=noise(2, 4, 4), y_train=[0, 1], x_mine=noise(2, 4, 4)))
    assert [(out.subject, out.problem) for out in dataset.left_out] == [
        ("set.npz, array 'x_mine'", "its name does not say what it holds, and of which part")
    ]


@pytest.mark.parametrize("shape", [(3, 784, 1), (3, 1, 784), (3, 784), (3, 1, 1, 784)])
def test_npz_rows_are_squares_and_no_strips(save: Save, shape: tuple[int, ...]) -> None:
    grey = noise(3, 28, 28)
    assert np.array_equal(pixels(save(x=grey.reshape(shape)))[..., 0], grey)


def smooth(count: int = 6, side: int = 16) -> Bytes:
    """Photos of a kind, N×side×side×3: waves of another phase in each colour."""
    rng = np.random.default_rng(0)
    down, across = np.mgrid[:side, :side] / side
    waves = [
        np.sin(6 * (down * rng.uniform() + across * rng.uniform()) + rng.uniform(0, 6))
        for _ in range(3 * count)
    ]
    photos = (127 + 120 * np.stack(waves)).astype(np.uint8).reshape(count, 3, side, side)
    return np.moveaxis(photos, 1, -1)


@pytest.mark.parametrize(
    "rows",
    [
        lambda photos: photos.reshape(6, -1),
        lambda photos: np.moveaxis(photos, -1, 1).reshape(6, -1),
        lambda photos: np.moveaxis(photos, -1, 1).reshape(6, 3, -1),
        lambda photos: photos.reshape(6, -1, 3),
        lambda photos: np.moveaxis(photos, -1, 1).reshape(6, 1, -1) / 255,
    ],
    ids=["by pixel", "planes", "N×3×flat", "N×flat×3", "shares in planes"],
)
def test_npz_rows_of_colours(save: Save, rows: Callable[[Bytes], NDArray[Any]]) -> None:
    photos = smooth()
    assert np.array_equal(pixels(save(data=rows(photos))), photos)


def test_npz_parts_share_one_scale_but_not_one_size(save: Save) -> None:
    faint = np.ones((1, 3, 3), dtype=np.uint8)
    dataset = read_npz(save(x_train=noise(2, 4, 4), x_test=faint))
    assert dataset.pictures[2].tolist() == np.ones((3, 3, 1)).tolist()


def test_npz_many_batches(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakeoff.data.readers.npz._BATCH_BYTES", 100)
    pictures = noise(20, 4, 6)
    assert np.array_equal(pixels(save(images=pictures / 255))[..., 0], pictures)


def test_npz_pictures_that_hold_no_pixels(save: Save) -> None:
    pictures = noise(5, 4, 4) / 255
    pictures[1, 0, 0] = np.nan
    pictures[3, 0, 0] = -1
    dataset = read_npz(save(images=pictures, labels=[0, 1, 2, 3, 4], classes=list("abcd")))
    assert dataset.labels.tolist() == [0, 2]
    assert [left.subject for left in dataset.left_out] == [
        "set.npz train/00001",
        "set.npz train/00003",
        "set.npz train/00004",
    ]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": noise(3, 4, 4), "labels": [1, 2]}, r"shape \(2,\), but there are 3 pictures"),
        ({"images": noise(3, 4, 4), "groups": [1]}, "but there are 3 pictures"),
        (
            {"x_train": noise(1, 4, 4), "x_test": noise(1, 4, 4), "groups_test": ["a"]},
            "array 'groups_test': another part has no groups",
        ),
        ({"images": noise(3, 4, 4), "labels": 5}, "but there are 3 pictures"),
        ({"images": noise(3, 4, 4), "groups": np.ones((3, 2))}, "not a list of names"),
        ({"images": noise(3, 4, 4), "classes": [1.5]}, "not a list of names"),
        ({"images": noise(3, 4, 4, 2)}, r"shape \(3, 4, 4, 2\) is not that of pictures"),
        ({"images": noise(3, 7)}, "is not that of pictures"),
        ({"images": np.uint8(3)}, "is not that of pictures"),
        ({"images": noise(0, 4, 4)}, "it holds no pictures"),
        ({"images": noise(3, 0, 4)}, "it holds no pictures"),
        ({"images": np.asarray(["a", "b"])}, "does not hold numbers"),
        ({"images": np.full((2, 2, 2), 300.5)}, "numbers up to 300.5"),
        ({"images": np.full((2, 2, 2), 70_000)}, "numbers up to 70000"),
        ({"images": -noise(2, 2, 2).astype(float) - 1}, "most pictures hold negative"),
        ({"arr_0": noise(3, 4, 4)}, r"none of its arrays is called images: arr_0\. Name them"),
        ({}, "it has none"),
    ],
)
def test_npz_refusals(save: Save, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(BakeoffError, match=message):
        read_npz(save(**arrays))


def test_npz_with_pickled_objects(save: Save) -> None:
    path = save(images=np.asarray([noise(2, 2), noise(3, 3)], dtype=object))
    with pytest.raises(BakeoffError, match=r"holds Python objects \(a pickle\)"):
        read_npz(path)
    with pytest.raises(BakeoffError, match="array 'labels': it holds Python objects"):
        read_npz(save(images=noise(1, 2, 2), labels=np.asarray([None])))


def test_npz_limits_come_before_unpacking(save: Save) -> None:
    path = save(images=np.zeros((100, 100, 100), dtype=np.uint8))
    assert path.stat().st_size < 3000
    with pytest.raises(BakeoffError, match="unpacks to 1000128 bytes"):
        read_npz(path, limits=ArrayLimits(max_bytes=10**6))
    with pytest.raises(BakeoffError, match="more than can be read"):
        read_npz(path, limits=ArrayLimits(max_pictures=99))


def member(shape: str, data: bytes, version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode() + data


@pytest.mark.parametrize(
    "content",
    [
        member("(2, 2, 2)", bytes(7)),
        member("(2, 2, 2)", bytes(9)),
        member("(10**9, 2, 2)", bytes(8)),
        member("(1000000000, 1000, 1000)", bytes(8)),
        member("(-1, 2, 2)", bytes(8)),
        member("(2, 2, 2)", bytes(8), version=b"\x09\x00"),
        member("(2, 2, 2)", b"")[:20],
        b"",
    ],
)
def test_npz_with_a_false_header(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(BakeoffError, match=r"its header does not fit its size|or damaged"):
        read_npz(path)


def test_npz_cut_at_every_place(save: Save) -> None:
    data_of_file = save(images=noise(3, 2, 2), labels=[0, 1, 0]).read_bytes()
    path = Path(save())
    for length in range(0, len(data_of_file), 7):
        path.write_bytes(data_of_file[:length])
        with pytest.raises(BakeoffError, match=r"it is not an npz, or damaged or cut short"):
            read_npz(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_npz_with_flipped_bytes(tmp_path: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=noise(3, 2, 2), labels=[0, 1, 0])
    broken = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(broken) - 1), min_size=1, max_size=3)):
        broken[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.npz"
    path.write_bytes(broken)
    try:
        dataset = read_npz(path)
    except BakeoffError:
        return
    assert len(dataset) == len(dataset.labels)
