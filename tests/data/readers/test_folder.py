import contextlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff.data.dataset import UNLABELLED
from bakeoff.data.decode import Limits
from bakeoff.data.grouping import Grouping, parse_grouping
from bakeoff.data.readers.files import looks_usable
from bakeoff.data.readers.folder import read_folder
from bakeoff.data.readers.listing import is_picture_folder
from bakeoff.data.readers.metadata import read_metadata
from bakeoff.errors import BakeoffError, LeftOut

from ..pictures_made import class_folders, drawing, encoded, save


def why(left_out: tuple[LeftOut, ...]) -> dict[str, str]:
    return {record.subject: record.problem for record in left_out}


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


# Metadata


def write_csv(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def never(done: int, of: int) -> None:
    raise AssertionError(f"{done} of {of} were decoded")


def test_metadata_names_the_classes(tmp_path: Path) -> None:
    for index in range(4):
        save(tmp_path / "all" / f"{index}.png", index)
    write_csv(
        tmp_path / "metadata.csv",
        "\ufefffile_name,label,group\n"
        "all/0.png,cat,anna\nall/1.png,dog,ben\n./all/2.png, cat ,ben\nall\\3.png,dog,anna\n\n",
    )
    data = read_folder(tmp_path)
    assert data.description == "pictures with metadata.csv"
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.group_names == ("anna", "ben")
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("column", ["label", "class", "category"])
def test_metadata_in_json_lines(tmp_path: Path, column: str) -> None:
    rows = [{"file_name": f"{i}.png", column: 9 + i % 2, "box": [1, 2]} for i in range(4)]
    lines = "\n".join(json.dumps(row) for row in rows)
    write_csv(tmp_path / "metadata.jsonl", lines + "\n")
    for index in range(4):
        save(tmp_path / f"{index}.png", index)
    data = read_folder(tmp_path)
    assert data.classes == ("9", "10")
    assert data.labels.tolist() == [0, 1, 0, 1]


def test_gaps_and_texts_in_metadata(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.png", number)
    rows = [{"file_name": f"{n}.png", "label": label} for n, label in enumerate((1, 2.0, math.nan))]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_folder(tmp_path, need_labels=False).classes == ("1", "2")
    rows = [
        {"file_name": f"{n}.png", "label": text} for n, text in enumerate(("nan", "NA", "naan"))
    ]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_folder(tmp_path).classes == ("NA", "naan", "nan")


def test_metadata_in_every_split_folder(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_csv(tmp_path / part / "metadata.csv", "file_name,label\na.png,1.0\nb.png,0.0\n")
        save(tmp_path / part / "a.png")
        save(tmp_path / part / "b.png")
    data = read_folder(tmp_path)
    assert data.description == "pictures with metadata.csv in test, train"
    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.official_test is not None
    assert data.official_test.tolist() == [True, True, False, False]


def test_one_metadata_file_above_the_split_folders(tmp_path: Path) -> None:
    rows = "".join(f"{part}/{i}.png,{i}\n" for part in ("train", "test") for i in range(2))
    write_csv(tmp_path / "metadata.csv", "file_name,label\n" + rows)
    for part in ("train", "test"):
        for index in range(2):
            save(tmp_path / part / f"{index}.png")
    data = read_folder(tmp_path)
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.left_out == ()


def test_metadata_without_labels_adds_groups_to_class_folders(tmp_path: Path) -> None:
    class_folders(tmp_path, "cat", "dog", each=1)
    save(tmp_path / "dog" / "new.png")
    write_csv(
        tmp_path / "metadata.csv",
        "file_name,who\ncat/style0_0.png,anna\ndog/style0_0.png,ben\n",
    )
    data = read_folder(tmp_path, grouping=parse_grouping("column:who"))
    assert data.description == "class folders"
    assert data.classes == ("cat", "dog")
    assert data.group_names == ("anna", "ben")
    assert why(data.left_out) == {"dog/new.png": "its column 'who' is empty"}


def test_rows_that_cannot_be_used_are_left_out(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "unlisted", "blank"):
        save(tmp_path / "data" / f"{name}.png")
    save(tmp_path / "secret.png")
    write_csv(
        tmp_path / "data" / "metadata.csv",
        "file_name,label\n"
        "a.png,cat\nb.png,dog\nc.png,cat\n"
        "a.png,dog\n"  # line 5
        "short.png\n"
        ",cat\n"
        "gone.png,cat\n"
        "../secret.png,cat\n"
        f"{tmp_path}/secret.png,cat\n"
        "C:\\secret.png,cat\n"
        ".,cat\n"
        "blank.png,\n",
    )
    data = read_folder(tmp_path / "data")
    assert data.names == ("a.png", "b.png", "c.png")
    assert data.labels.tolist() == [0, 1, 0]
    assert why(data.left_out) == {
        "metadata.csv line 5": "it repeats the file_name 'a.png'",
        "metadata.csv line 6": "the row has 1 cells, the header 2",
        "metadata.csv line 7": "it has no file_name",
        "metadata.csv row 'gone.png'": "there is no such file",
        "metadata.csv row '.'": "there is no such file",
        "metadata.csv row '../secret.png'": "it points outside of the folder",
        f"metadata.csv row '{tmp_path}/secret.png'": "it points outside of the folder",
        "metadata.csv row 'C:/secret.png'": "it points outside of the folder",
        "blank.png": "neither a class folder nor metadata gives its class (nor does 1 other)",
    }
    everything = read_folder(tmp_path / "data", need_labels=False)
    assert everything.names == ("a.png", "b.png", "blank.png", "c.png", "unlisted.png")
    assert everything.labels.tolist() == [0, 1, UNLABELLED, 0, UNLABELLED]


@pytest.mark.parametrize(
    ("name", "table", "encoding"),
    [
        ("metadata.csv", "file_name,label\n{},caf\u00e9\n{},thé\n", "utf-8"),
        ("metadata.csv", "File_Name;Label\n{};caf\u00e9\n{};thé\n", "cp1252"),
        ("metadata.csv", "\ufefffilename\tclass_name\r\n{}\tcafé\r\n{}\tthé\r\n", "utf-8"),
        ("Metadata.CSV", "label; Image Path \ncafé;{}\nthé;{}\n", "utf-16"),
        ("metadata.tsv", "FILE\tCategory\n{}\tcafé\n{}\tthé\n", "cp1252"),
        (
            "metadata.jsonl",
            '{{"File": "{}", "Label": "café"}}\n{{"File": "{}", "Label": "thé"}}',
            "utf-8",
        ),
    ],
)
@pytest.mark.parametrize(
    "rows", [("00000.png", "deep/00001.png"), ("00000", "deep/00001"), ("00000.PNG", "DEEP/00001")]
)
def test_spellings_of_metadata(
    tmp_path: Path, name: str, table: str, encoding: str, rows: tuple[str, str]
) -> None:
    save(tmp_path / "00000.png")
    save(tmp_path / "deep" / "00001.png", 1)
    (tmp_path / name).write_bytes(table.format(*rows).encode(encoding))
    data = read_folder(tmp_path)
    assert [data.classes[label] for label in data.labels] == ["café", "thé"]
    assert data.left_out == ()


def test_a_stem_of_two_files_names_neither(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "1.5.png", "1.png"):
        save(tmp_path / name)
    write_csv(tmp_path / "metadata.csv", "file_name,label\na,cat\n1.5,dog\n")
    data = read_folder(tmp_path)
    assert data.names == ("1.5.png",)
    assert why(data.left_out)["metadata.csv row 'a'"] == (
        "there is no such file, but 'a.jpg' and 'a.png' are there"
    )


def test_a_row_without_a_file_names_the_one_that_is_there(tmp_path: Path) -> None:
    save(tmp_path / "images" / "00000.png")
    save(tmp_path / "drawing_7.png", 1)
    write_csv(
        tmp_path / "metadata.csv",
        "file_name,label\ntrain/00000.png,cat\ndrawing-7.png,dog\nelse.png,dog\n",
    )
    assert why(read_folder(tmp_path, need_labels=False).left_out) == {
        "metadata.csv row 'train/00000.png'": (
            "there is no such file, but 'images/00000.png' is there"
        ),
        "metadata.csv row 'drawing-7.png'": "there is no such file, but 'drawing_7.png' is there",
        "metadata.csv row 'else.png'": "there is no such file",
    }


def test_a_group_column_in_another_case(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", 1)
    write_csv(
        tmp_path / "metadata.csv", "file_name,Label,Group,Who\na.png,cat,x,1\nb.png,dog,y,2\n"
    )
    assert read_folder(tmp_path).group_names == ("x", "y")
    assert read_folder(tmp_path, grouping=parse_grouping("column:who")).group_names == ("1", "2")


def test_lines_that_are_not_json(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "metadata.jsonl",
        '{"file_name": "a.png", "label": null}\n[]\n{"file\n{"label": 3}\n\n' + "[" * 100_000,
    )
    metadata = read_metadata(path, "m")
    assert metadata.rows == {"a.png": {}}
    assert [record.subject for record in metadata.left_out] == [f"m line {n}" for n in (2, 3, 4, 6)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no column file_name"),
        (b"name,label\na,b\n", "no column file_name"),
        (b"file_name\n\0\xfe\n", "not a text file"),
        (b'file_name\n"' + b"x" * 200_000 + b'"\n', "it is not CSV"),
    ],
)
def test_metadata_that_cannot_be_read(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(data)
    with pytest.raises(BakeoffError, match=words):
        read_folder(tmp_path)


def test_metadata_too_large(tmp_path: Path) -> None:
    with (tmp_path / "metadata.csv").open("wb") as file:
        file.truncate(500_000_001)
    with pytest.raises(BakeoffError, match="larger than 500 MB"):
        read_metadata(tmp_path / "metadata.csv", "metadata.csv")


@given(st.sampled_from([".csv", ".jsonl"]), st.binary(max_size=200) | st.text().map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_metadata_is_read_or_refused(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"metadata{suffix}"
    path.write_bytes(b"file_name,label\n" * (suffix == ".csv") + data)
    with contextlib.suppress(BakeoffError):
        metadata = read_metadata(path, "m")
        assert all(isinstance(cell, str) for row in metadata.rows.values() for cell in row.values())
