import gzip
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.data import read as reading
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read, read_as_found
from bakeoff.data.readers import folder as folder_reader
from bakeoff.errors import BakeoffError

from .pictures_made import class_folders, drawing, encoded, save


def zipped(folder: Path, path: Path, below: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, below + file.relative_to(folder).as_posix())
    return path


def drawings(count: int) -> NDArray[np.uint8]:
    return np.stack([drawing(index, height=8, width=8) for index in range(count)])


def table(path: Path, count: int, *, labels: bool = True, group: bool = False) -> Path:
    """A CSV as Kaggle writes it, labels 0, 1, 0, 1…"""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["label"] * labels + ["group"] * group + [f"pixel{i}" for i in range(64)]
    lines = [",".join(names)]
    for index, picture in enumerate(drawings(count)):
        cells = [str(index % 2)] * labels + ["anna"] * group + list(map(str, picture.ravel()))
        lines.append(",".join(cells))
    path.write_text("\n".join(lines) + "\n")
    return path


def idx(folder: Path, part: str, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images = struct.pack(">IIII", 2051, count, 8, 8) + drawings(count).tobytes()
    labels = struct.pack(">II", 2049, count) + bytes(index % 2 for index in range(count))
    (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))


def npz(path: Path) -> Path:
    labels = np.arange(6) % 2
    np.savez(path, x_train=drawings(6), y_train=labels, x_test=drawings(2), y_test=labels[:2])
    return path


# Layouts


def test_class_folders(tmp_path: Path) -> None:
    data = read(class_folders(tmp_path / "pets", "cat", "dog"), group="^style.")
    assert data.name == "pets"
    assert data.description == (
        "class folders, 6 pictures of 16×12, 2 classes, 2 groups, dark on light"
    )
    assert data.group_names == ("style0", "style1")


def test_text_and_paths_are_the_same_source(tmp_path: Path) -> None:
    root = class_folders(tmp_path, "cat", "dog")
    assert read(str(root)).fingerprint() == read(root).fingerprint()


def test_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    class_folders(tmp_path / "pets", "cat", "dog")
    assert len(read("~/pets")) == 6


def test_metadata_folder_and_the_file_itself(tmp_path: Path) -> None:
    for index in range(4):
        save(tmp_path / f"{index}.png", index)
    rows = "".join(f"{index}.png,{index % 2}\n" for index in range(4))
    (tmp_path / "metadata.csv").write_text("file_name,label\n" + rows)
    assert read(tmp_path).fingerprint() == read(tmp_path / "metadata.csv").fingerprint()


def test_a_wrapper_folder_is_opened(tmp_path: Path) -> None:
    class_folders(tmp_path / "download" / "v2" / "images", "cat", "dog")
    (tmp_path / "download" / "README.txt").write_text("Thanks to all who drew.")
    data = read(tmp_path / "download")
    assert data.names[0] == "cat/style0_0.png"
    assert data.name == "download"


def test_idx_files(tmp_path: Path) -> None:
    idx(tmp_path, "train", 6)
    idx(tmp_path, "t10k", 2)
    data = read(tmp_path)
    assert "8 pictures of 8×8, 2 classes, official test of 2" in data.description
    assert np.array_equal(data.pictures[5][..., 0], drawings(6)[5])
    assert len(read(tmp_path / "train-images-idx3-ubyte.gz")) >= 6


def test_a_table(tmp_path: Path) -> None:
    data = read(table(tmp_path / "digits.csv", 6))
    assert data.description == "Kaggle CSV, 6 pictures of 8×8, 2 classes, dark on light"
    assert data.name == "digits"


def test_a_table_with_groups(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 6, group=True)
    assert read(path).group_names == ("anna",)
    assert read(path, group="column:group").group_names == ("anna",)
    with pytest.raises(BakeoffError, match=r"--group 'folder' does not fit it: its rows have no"):
        read(path, group="folder")


def test_npz(tmp_path: Path) -> None:
    data = read(npz(tmp_path / "mine.npz"))
    assert "8 pictures of 8×8, 2 classes, official test of 2" in data.description
    with pytest.raises(BakeoffError, match=r"--group '.' does not fit it: its pictures have no"):
        read(tmp_path / "mine.npz", group=".")


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    images = [{"bytes": encoded(drawing(index)), "path": f"{index}.png"} for index in range(6)]
    whole = arrow.table({"image": images, "label": [0, 1] * 3, "who": list("aabbcc")})
    parquet.write_table(whole, tmp_path / "mine.bin")
    data = read(tmp_path / "mine.bin", group="column:who")
    assert "6 pictures of 16×12, 2 classes, 3 groups" in data.description


@pytest.mark.parametrize("inside", ["a.csv", "a.npz", "a.zip"])
def test_a_folder_with_one_dataset_file(tmp_path: Path, inside: str) -> None:
    folder = tmp_path / "folder"
    if inside == "a.csv":
        table(folder / inside, 6)
    else:
        folder.mkdir()
        class_folders(tmp_path / "pets", "cat", "dog")
        if inside == "a.npz":
            npz(folder / inside)
        else:
            zipped(tmp_path / "pets", folder / inside)
    (folder / "LICENSE").write_text("CC0")
    data = read(folder)
    assert data.name == "folder"
    assert len(data) in (6, 8)


def test_train_and_test_tables(tmp_path: Path) -> None:
    table(tmp_path / "mnist_train.csv", 6)
    table(tmp_path / "mnist_test.csv", 4)
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    data = read(tmp_path)
    assert "10 pictures of 8×8, 2 classes, official test of 4" in data.description
    assert data.official_test is not None
    assert {name.split()[0] for name in data.names[:4]} == {"mnist_test.csv"}
    assert data.official_test.tolist() == [True] * 4 + [False] * 6


def test_a_test_table_without_labels_is_left_out(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", 6)
    table(tmp_path / "test.csv", 4, labels=False)
    data = read(tmp_path)
    assert len(data) == 6
    assert data.official_test is None
    assert [record.problem for record in data.left_out] == ["it has no label (nor do 3 others)"]


def test_a_single_training_table_among_others(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", 6)
    table(tmp_path / "extra.csv", 4)
    data = read(tmp_path)
    assert len(data) == 6
    assert [(record.subject, record.problem) for record in data.left_out] == [
        ("extra.csv", "it is a dataset beside those that were read")
    ]


def test_an_array_beside_class_folders_is_mentioned(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    np.savez(tmp_path / "more.npz", images=np.zeros((4, 8, 8), np.uint8), labels=[0, 1, 0, 1])
    assert [record.subject for record in read(tmp_path).left_out] == ["more.npz"]


def test_row_numbers_are_no_test(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", 6)
    header, *rows = (tmp_path / "train.csv").read_text().splitlines()
    numbered = [f"{number},{row.partition(',')[2]}" for number, row in enumerate(rows, 1)]
    lines = [header.replace("label", "ImageId"), *numbered]
    (tmp_path / "test.csv").write_text("\n".join(lines))
    data = read(tmp_path)
    assert data.official_test is None
    assert [record.problem for record in data.left_out] == ["it has no label (nor do 5 others)"]


def test_several_tables_without_a_training_part(tmp_path: Path) -> None:
    table(tmp_path / "a.csv", 6)
    table(tmp_path / "b.csv", 6)
    with pytest.raises(BakeoffError, match=r"several datasets \(a\.csv, b\.csv\)"):
        read(tmp_path)


# Archives


def test_zip_of_class_folders(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", "cat", "dog")
    data = read(zipped(root, tmp_path / "mine.zip"))
    assert data.name == "mine"
    assert data.description == (
        "class folders (in mine.zip), 6 pictures of 16×12, 2 classes, dark on light"
    )
    assert data.fingerprint() == read(root).fingerprint()


def test_one_top_folder_in_an_archive_is_opened(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "pets", "cat", "dog")
    data = read(zipped(root, tmp_path / "mine.zip", "pets-main/"))
    assert data.names == read(root).names


@pytest.mark.parametrize("kind", ["", "gz", "bz2", "xz"])
def test_tar_of_anything(tmp_path: Path, kind: str) -> None:
    class_folders(tmp_path / "pets" / "train", "cat", "dog")
    class_folders(tmp_path / "pets" / "test", "cat", "dog", each=1)
    path = tmp_path / f"mine.tar.{kind or 'x'}"
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        archive.add(tmp_path / "pets", "pets")
    data = read(path)
    assert data.name == "mine"
    assert "official test of 2" in data.description


def test_zip_of_idx_table_and_npz(tmp_path: Path) -> None:
    idx(tmp_path / "idx", "train", 6)
    table(tmp_path / "csv" / "train.csv", 6)
    (tmp_path / "npz").mkdir()
    npz(tmp_path / "npz" / "a.npz")
    for folder in ("idx", "csv", "npz"):
        data = read(zipped(tmp_path / folder, tmp_path / f"{folder}.zip"))
        assert len(data) >= 6
        assert np.array_equal(data.pictures[1][..., 0], drawings(2)[1])


def test_what_is_left_out_of_an_archive_is_listed(tmp_path: Path) -> None:
    path = zipped(class_folders(tmp_path / "pets", "cat", "dog"), tmp_path / "mine.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil.png", b"evil")
        archive.writestr("cat/notes.txt", b"notes")
        archive.writestr("cow/", b"")
    assert [record.subject for record in read(path).left_out] == [
        "mine.zip/../evil.png",
        "cat/notes.txt",
        "class 'cow'",
    ]


def test_errors_inside_an_archive_name_it(tmp_path: Path) -> None:
    for name, files in {
        "empty.zip": {"README.md": b"Nothing."},
        "deep.zip": {"one/two/README.md": b"Nothing."},
        "table.zip": {"a.csv": b"label,pixel0,pixel1,pixel2\n1,2,3,4\n2,3,4,5\n"},
    }.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for inside, data in files.items():
                archive.writestr(inside, data)
        with pytest.raises(BakeoffError) as refusal:
            read(tmp_path / name)
        assert str(refusal.value).startswith(name)
        assert "unpacked" not in str(refusal.value)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "table.zip", "table.zip")
    with pytest.raises(BakeoffError, match=r"^outer\.zip/table\.zip/a\.csv: "):
        read(tmp_path / "outer.zip")


def test_two_archives_are_both_named(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "test")):
        with zipfile.ZipFile(tmp_path / f"{part}.zip", "w") as archive:
            for index in range(4):
                name = f"{'cat' if index % 2 else 'dog'}/{index}.png"
                archive.writestr(name, encoded(drawing(5 * number + index)))
    data = read(tmp_path)
    assert data.description.startswith(
        "class folders (in test.zip), class folders (in train.zip), 8 pictures"
    )
    assert "train.zip/cat/1.png" in data.names
    assert len(set(data.names)) == 8


def test_archives_in_archives_are_bounded(tmp_path: Path) -> None:
    path = zipped(class_folders(tmp_path / "pets", "cat", "dog"), tmp_path / "0.zip")
    for depth in range(1, 4):
        outer = tmp_path / f"{depth}.zip"
        with zipfile.ZipFile(outer, "w") as archive:
            archive.write(path, "inner.zip")
        path = outer
        if depth == 2:
            assert len(read(path)) == 6
    with pytest.raises(BakeoffError, match="more than 3 deep"):
        read(path)


# Refusals


def test_a_missing_path_names_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "drawings").mkdir()
    with pytest.raises(BakeoffError) as refused:
        read(tmp_path / "drawing")
    assert refused.value.subject == str(tmp_path / "drawing")
    assert refused.value.problem == "there is no such file, folder or named set"
    assert refused.value.hint.startswith("Did you mean drawings? The named sets are digits, ")


def test_a_misspelt_set_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of folders beside it are guessed, too
    with pytest.raises(BakeoffError, match="Did you mean digits"):
        read("digts")


@pytest.mark.parametrize("source", ["no\0where", "x" * 5000, "/no/such/folder/at/all"])
def test_impossible_paths(source: str) -> None:
    with pytest.raises(BakeoffError, match="there is no such file"):
        read(source)


def test_a_named_set(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Dataset(
        name="digits",
        pictures=Pictures.from_array(drawings(4)),
        labels=np.asarray([0, 1, 0, 1]),
        classes=("0", "1"),
        names=tuple("abcd"),
        description="bundled digits",
    )
    monkeypatch.setattr(reading, "load_named", {"digits": made}.__getitem__)
    assert read("digits").description.startswith("bundled digits, 4 pictures of 8×8")
    with pytest.raises(BakeoffError, match="does not fit"):
        read("digits", group="folder")


def test_a_folder_goes_before_a_named_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class_folders(tmp_path / "digits", "cat", "dog")
    monkeypatch.chdir(tmp_path)
    assert read("digits").classes == ("cat", "dog")


def test_a_flat_folder_says_what_class_folders_are(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(BakeoffError, match=r"nothing says what they show.*cat/01\.png"):
        read(tmp_path)


def test_flat_train_and_test_folders_have_no_labels(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "test" / "a.png")
    with pytest.raises(BakeoffError, match=r"no picture in it can be used .*neither a class"):
        read(tmp_path)


def test_one_class(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"at least two classes .* are needed; found 1"):
        read(class_folders(tmp_path, "cat"))


def test_a_class_of_one_picture_is_kept(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    save(tmp_path / "cow" / "only.png")
    data = read(tmp_path)
    assert data.classes == ("cat", "cow", "dog")
    assert (data.labels == 1).sum() == 1


def test_five_hundred_classes(tmp_path: Path) -> None:
    names = [str(index) for index in range(500)]
    data = read(class_folders(tmp_path, *names, each=2))
    assert data.classes == tuple(names)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="it holds no pictures and no table"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.png", encoded(drawing()), "it is a single picture, not a dataset"),
        ("a.csv", b"", "the file is empty"),
        ("a.txt", b"just words\n", "it looks like a text file, not like a dataset"),
        ("a.npy", b"\x93NUMPY\1\0", "it holds the pictures of one class, and no labels"),
        ("a.bin", b"\0\1\2\3", "its type is not known"),
        ("a.zip", b"PK\x03\x04 cut short", "the archive is damaged or cut short"),
    ],
)
def test_files_that_hold_no_dataset(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BakeoffError, match=words) as refused:
        read(tmp_path / name)
    assert refused.value.subject == name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_no_dataset(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BakeoffError, match="neither a file nor a folder"):
        read(tmp_path / "pipe")


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_reader, "read_folder", full)
    with pytest.raises(BakeoffError, match=r"cannot be read \(No space left on device\)"):
        read(class_folders(tmp_path, "cat", "dog"))


def test_a_bad_pattern_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="it is not a regular expression"):
        read(tmp_path / "missing", group="(")


# Pictures to predict


def test_a_single_picture(tmp_path: Path) -> None:
    data = read_as_found(save(tmp_path / "a.png"), need_labels=False)
    assert data.labels.tolist() == [UNLABELLED]
    assert np.array_equal(data.pictures[0][..., 0], drawing())
    assert data.names == ("a.png",)


def test_a_flat_folder(tmp_path: Path) -> None:
    for index in range(3):
        save(tmp_path / f"{index}.png", index)
    data = read_as_found(tmp_path, need_labels=False)
    assert data.names == ("0.png", "1.png", "2.png")
    assert set(data.labels) == {UNLABELLED}


def test_nothing_is_left_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(class_folders(tmp_path / "pets", "cat", "dog"), tmp_path / "mine.zip")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    data = read(path)
    assert len(list(scratch.iterdir())) == 1  # the pixels themselves
    del data
    assert list(scratch.iterdir()) == []
