from __future__ import annotations

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

from bakeoff.data.readers.npz import read_npz
from bakeoff.data.readers.parts import ArrayLimits
from bakeoff.errors import BakeoffError

from .arrays_made import Bytes, noise, smooth

Save = Callable[..., Path]


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
    monkeypatch.setattr("bakeoff.data.readers.arrays.BATCH_BYTES", 100)
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
