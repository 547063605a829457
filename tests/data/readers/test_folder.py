import os
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.decode import Limits
from bakeoff.data.grouping import Grouping, parse_grouping
from bakeoff.data.readers.files import looks_usable
from bakeoff.data.readers.folder import read_folder
from bakeoff.data.readers.listing import is_picture_folder
from bakeoff.errors import BakeoffError

from ..pictures_made import class_folders, drawing, encoded, never, save, why, write_csv


def test_class_folders(tmp_path: Path) -> None:
    save(tmp_path / "dog" / "b.png", 1)
    save(tmp_path / "cat" / "c.png", 2)
    save(tmp_path / "cat" / "deep" / "below" / "a.png", 3)
    data = read_folder(tmp_path)
    assert data.description == "class folders"
    assert data.classes == ("cat", "dog")
    assert data.names == ("cat/c.png", "cat/deep/below/a.png", "dog/b.png")
    assert data.labels.tolist() == [0, 0, 1]
    assert np.array_equal(data.pictures[0][..., 0], drawing(2))
    assert data.groups is None
    assert data.official_test is None
    assert data.left_out == ()


def test_classes_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    assert read_folder(class_folders(tmp_path, "10", "2", "1")).classes == ("1", "2", "10")


def test_classes_differing_in_case_stay_apart(tmp_path: Path) -> None:
    assert read_folder(class_folders(tmp_path, "a", "A", "b")).classes == ("A", "a", "b")


def test_split_folders(tmp_path: Path) -> None:
    for part in ("Training", "valid", "TEST"):
        class_folders(tmp_path / part, "cat", "dog", each=2)
    data = read_folder(tmp_path)
    assert data.description == (
        "class folders in TEST, Training, valid (validation joined with training)"
    )
    assert data.classes == ("cat", "dog")
    assert data.official_test is not None
    assert data.official_test.tolist() == [name.startswith("TEST/") for name in data.names]
    assert len(data) == 12


def test_a_folder_beside_train_and_test_is_left_out(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", "cat", "dog")
    class_folders(tmp_path / "extra", "cat")
    data = read_folder(tmp_path)
    assert set(data.classes) == {"cat", "dog"}
    assert why(data.left_out)["extra/"].startswith("it is beside the train and test folders")


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    assert read_folder(class_folders(tmp_path, "car", "plane", "train")).classes == (
        "car",
        "plane",
        "train",
    )


def test_a_class_called_test_without_train_is_a_class(tmp_path: Path) -> None:
    assert read_folder(class_folders(tmp_path, "probe", "test")).classes == ("probe", "test")


def test_a_test_folder_without_classes_is_listed_once(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", "cat", "dog")
    for index in range(4):
        save(tmp_path / "test" / f"{index}.png")
    data = read_folder(tmp_path)
    assert len(data) == 6
    assert why(data.left_out) == {
        "test/0.png": "neither a class folder nor metadata gives its class (nor do 3 others)"
    }
    assert data.official_test is None
    assert len(read_folder(tmp_path, need_labels=False)) == 10


def test_litter_is_ignored_silently(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    for litter in (".ipynb_checkpoints", "__MACOSX", ".hidden"):
        save(tmp_path / litter / "a.png")
        save(tmp_path / "cat" / litter / "a.png")
    for litter in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (tmp_path / "cat" / litter).write_bytes(b"litter")
    (tmp_path / "README.md").write_text("A dataset.")
    data = read_folder(tmp_path)
    assert data.classes == ("cat", "dog")
    assert len(data) == 6
    assert data.left_out == ()


def test_other_files_are_left_out(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    cat = tmp_path / "cat"
    (cat / "cut.png").write_bytes(encoded(drawing())[:40])
    (cat / "empty.png").write_bytes(b"")
    (cat / "notes.txt").write_text("buy more film")
    (cat / "page.png").write_text("<!doctype html><p>404")
    (cat / "vector.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (cat / "wide.png").write_bytes(encoded(np.zeros((50, 60), dtype=np.uint8)))
    save(tmp_path / "loose.png")
    data = read_folder(tmp_path, limits=Limits(max_pixels=2000))
    assert len(data) == 6
    assert why(data.left_out) == {
        "loose.png": "neither a class folder nor metadata gives its class",
        "cat/cut.png": "the picture is damaged or cut short (truncated)",
        "cat/empty.png": "the file is empty (0 bytes)",
        "cat/notes.txt": "it looks like a text file, not like JPEG, PNG, BMP, GIF, WebP or TIFF",
        "cat/page.png": "it looks like a web page, not like JPEG, PNG, BMP, GIF, WebP or TIFF",
        "cat/vector.svg": "it looks like an SVG drawing, "
        "not like JPEG, PNG, BMP, GIF, WebP or TIFF",
        "cat/wide.png": "it unpacks to more than 0.002 million pixels",
    }


def test_empty_classes_are_kept_for_validate(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    (tmp_path / "cow").mkdir()
    (tmp_path / "hen").mkdir()
    (tmp_path / "hen" / "a.png").write_bytes(b"")
    data = read_folder(tmp_path)
    assert data.classes == ("cat", "cow", "dog", "hen")
    assert set(data.labels) == {0, 2}


def test_links_that_leave_the_folder_are_left_out(tmp_path: Path) -> None:
    outside = save(tmp_path / "outside" / "secret.png")
    root = class_folders(tmp_path / "data", "cat", "dog")
    (root / "cat" / "file.png").symlink_to(outside)
    (root / "cat" / "folder").symlink_to(outside.parent)
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "cat" / "loop.png").symlink_to(root / "cat" / "loop.png")
    (root / "cow").symlink_to(outside.parent)
    (root / "dog" / "same.png").symlink_to(root / "cat" / "style0_0.png")
    data = read_folder(root)
    assert data.classes == ("cat", "dog")
    assert len(data) == 7
    assert "dog/same.png" in data.names
    assert set(why(data.left_out)) == {
        f"cat/{name}" for name in ("file.png", "folder", "gone.png", "loop.png")
    } | {"cow"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "cat" / "link.png").symlink_to(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "pipe.png")
    assert is_picture_folder(tmp_path)
    assert not looks_usable(tmp_path / "pipe.png")
    data = read_folder(tmp_path)
    assert len(data) == 6
    assert set(why(data.left_out)) == {"cat/link.png", "link.png"}


def test_a_file_that_cannot_be_opened_does_not_look_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.png")
    assert looks_usable(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert not looks_usable(path)


def test_circular_links_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = class_folders(tmp_path, "cat", "dog")
    (root / "cat" / "link.png").symlink_to(root / "dog" / "style0_0.png")

    def circle(self: Path) -> Path:
        raise RuntimeError("Symlink loop")  # what Python 3.11 and 3.12 raise

    real = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda p: circle(p) if p.is_symlink() else real(p))
    assert set(why(read_folder(root).left_out)) == {"cat/link.png"}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat")
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(folder)  # noqa: PTH102 - a Path cannot be made of bytes
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    save(Path(os.fsdecode(folder)) / "a.png")
    data = read_folder(tmp_path)
    assert data.classes == ("caf?", "cat")
    assert data.names[0].encode() == b"caf?/a.png"


def test_pictures_as_csv_matrices(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(2):
            np.savetxt(tmp_path / name / f"{index}.csv", drawing(index), "%d", ",")
    (tmp_path / "dog" / "bad.csv").write_text("1,2\n3\n")
    data = read_folder(tmp_path)
    assert np.array_equal(data.pictures[3][..., 0], drawing(1))
    assert list(why(data.left_out)) == ["dog/bad.csv"]


def test_progress_counts_every_file(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog", each=40)
    (tmp_path / "dog" / "x.png").write_bytes(b"")
    seen: list[tuple[int, int]] = []
    read_folder(tmp_path, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(done, 81) for done in range(1, 82)]


def test_an_interruption_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = class_folders(tmp_path / "data", "cat", "dog")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    def interrupt(done: int, of: int) -> None:
        assert list(scratch.iterdir())
        raise KeyboardInterrupt

    def reading() -> bool:
        try:
            read_folder(root, progress=interrupt)
        except KeyboardInterrupt:
            return True
        return False

    assert reading()
    assert list(scratch.iterdir()) == []


# Groups


def test_groups_from_the_file_name(tmp_path: Path) -> None:
    data = read_folder(class_folders(tmp_path, "cat", "dog"), grouping=parse_grouping("^[a-z]+."))
    assert data.group_names == ("style0", "style1")
    assert data.groups is not None
    assert data.groups.tolist() == [0, 0, 1, 0, 0, 1]


def test_groups_from_the_folder_below_the_class(tmp_path: Path) -> None:
    for path in ("cat/anna/x/1.png", "cat/ben/1.png", "dog/anna/1.png"):
        save(tmp_path / path)
    data = read_folder(tmp_path, grouping=Grouping("folder"))
    assert data.group_names == ("anna", "ben")
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 0]


def test_a_picture_without_a_group_is_refused_before_decoding(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    save(tmp_path / "cat" / "0.png")
    save(tmp_path / "dog" / "1.png")
    with pytest.raises(BakeoffError, match=r"cat/0\.png: .*'\^\[a-z\]\+'.* \(nor does 1 other\)"):
        read_folder(tmp_path, grouping=parse_grouping("^[a-z]+"), progress=never)


def test_other_files_need_no_group(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    (tmp_path / "cat" / "0.txt").write_text("notes")
    data = read_folder(tmp_path, grouping=parse_grouping("^[a-z]+"))
    assert data.group_names == ("style",)
    assert list(why(data.left_out)) == ["cat/0.txt"]


def test_a_missing_column(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog")
    with pytest.raises(BakeoffError, match=r"no such column .*no metadata"):
        read_folder(tmp_path, grouping=parse_grouping("column:who"))
    write_csv(tmp_path / "metadata.csv", "file_name,age,size\ncat/style0_0.png,3,4\n")
    with pytest.raises(BakeoffError, match=r"no such column .*it has age, size"):
        read_folder(tmp_path, grouping=parse_grouping("column:who"))
