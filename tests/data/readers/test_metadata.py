"""Tables beside the pictures that say their labels and groups."""

import contextlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff.data.dataset import UNLABELLED
from bakeoff.data.grouping import parse_grouping
from bakeoff.data.readers.folder import read_folder
from bakeoff.data.readers.metadata import read_metadata
from bakeoff.errors import BakeoffError

from ..pictures_made import class_folders, save, why, write_csv


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
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_metadata_is_read_or_refused(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"metadata{suffix}"
    path.write_bytes(b"file_name,label\n" * (suffix == ".csv") + data)
    with contextlib.suppress(BakeoffError):
        metadata = read_metadata(path, "m")
        assert all(isinstance(cell, str) for row in metadata.rows.values() for cell in row.values())
