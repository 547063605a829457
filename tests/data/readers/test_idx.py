from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.readers.idx import has_idx, looks_like_idx, read_idx
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.errors import BakeoffError

from .arrays_made import Bytes, noise


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


@pytest.mark.parametrize("channels", [1, 3])
def test_datumaro_counts_values_instead_of_pictures(tmp_path: Path, channels: int) -> None:
    """Datumaro 1.13.12 writes N·H·W·C where N belongs, and no dimension for colours."""
    pixels = noise(4, 5, 6, channels)
    for part in ("train", "t10k"):
        head = struct.pack(">IIII", 2051, pixels.size, 5, 6)
        images = gzip.compress(head + pixels.tobytes())
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(images)
        labels = gzip.compress(struct.pack(">II", 2049, 4) + bytes([0, 1, 0, 1]))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(labels)
    (tmp_path / "labels.txt").write_text("ant\nbee\n")
    data = read_idx(tmp_path)
    assert data.classes == ("ant", "bee")
    assert np.array_equal(np.stack(list(data.pictures)), np.concatenate([pixels, pixels]))
