from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.data import table_lines
from bakeoff.data.correction import Correction
from bakeoff.data.corrections import correct_validated, corrected, read_corrections
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.data.words import from_spreadsheet, spreadsheet_safe
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import corrections_table

from ..strokes import strokes
from .pictures_made import class_folders

HEADER = "action,name,label,proposed,why,quality\n"
FIRST = "bar/0.png"  # of strokes


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "corrections.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(folder: Path, line: str, dataset: Dataset | None = None) -> str:
    with pytest.raises(BakeoffError) as error:
        corrected(dataset or strokes(), read_corrections(written(folder, HEADER + line + "\n")))
    return str(error.value)


# -- the table ---------------------------------------------------------------------

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
anything = st.builds(
    Correction,
    action=st.sampled_from(["relabel", "leave out", "keep"]),
    name=cells,
    label=cells,
    proposed=cells,
    why=cells,
    quality=st.none() | st.integers(0, 10_000).map(lambda number: number / 10_000),
)


@given(st.lists(anything, max_size=4))
def test_a_table_that_was_written_is_read_back(corrections: list[Correction]) -> None:
    text = corrections_table(corrections)
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    with tempfile.TemporaryDirectory() as folder:
        back = read_corrections(written(Path(folder), text))
    assert [replace(row, line=0) for row in back] == corrections


@given(cells)
def test_a_formula_is_made_spreadsheet_safe_and_comes_back(text: str) -> None:
    assert from_spreadsheet(spreadsheet_safe(text)) == text
    assert not spreadsheet_safe(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_changes_by_spreadsheets_are_reverted(tmp_path: Path) -> None:
    text = (
        "\ufeffName;Label;Action;Proposed;Quality\r\n"
        "a.png;cat; Leave  Out ;;0,25\r\n"
        ";;;;\r\n"
        "'=b.png;'-1;relabel;dog;\r\n"
    )
    assert read_corrections(written(tmp_path, text)) == (
        Correction("leave out", "a.png", "cat", quality=0.25, line=2),
        Correction("relabel", "=b.png", "-1", "dog", line=4),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: the column action is missing"),
        ("action,name,label\n", "line 1: the column proposed is missing"),
        ("action,name,label,proposed,name\n", "line 1: two columns have the same name"),
        (HEADER + "\nkeep,a\n", "line 3: it has 2 cells, the header 6"),
        (
            HEADER + "delete,a,b,,,\n",
            "line 2: the action 'delete' is not one of relabel",
        ),
        (HEADER + "keep,a,b,,,1.5\n", "line 2: the quality '1.5' is not a number from 0 to 1"),
        (HEADER + "keep,a,b,,,high\n", "line 2: the quality 'high' is not a number"),
        (HEADER + f'keep,"{"a" * 200_000}",b,,,\n', "line 2: it is not CSV"),
        (b"\xff\xfe\x00", "is not a text file in UTF-8"),
    ],
)
def test_a_bad_table_is_refused_by_its_line(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    with pytest.raises(BakeoffError) as error:
        read_corrections(written(tmp_path, text))
    assert problem in str(error.value)


def test_a_missing_and_a_huge_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BakeoffError, match="cannot be read"):
        read_corrections(tmp_path / "none.csv")
    monkeypatch.setattr(table_lines, "_MAX_BYTES", 10)
    with pytest.raises(BakeoffError, match="is larger than"):
        read_corrections(written(tmp_path, HEADER))


# -- corrected datasets ------------------------------------------------------------


def test_labels_change_and_pictures_are_left_out() -> None:
    before = strokes()
    after = corrected(
        before,
        [
            Correction("relabel", FIRST, "bar", "box"),
            Correction("relabel", FIRST, "bar", "box"),
            Correction("leave out", "dash/1.png"),
            Correction("keep", "no such picture"),
        ],
    )
    assert len(after) == 59
    assert after.classes[after.labels[0]] == "box"
    assert "dash/1.png" not in after.names
    assert [str(item) for item in after.left_out] == [
        "dash/1.png: you asked for it in corrections.csv. Delete that line to use it again."
    ]
    assert after.description == "1 label corrected, 1 picture left out on request"
    assert before.fingerprint() == strokes().fingerprint()


def test_without_corrections_the_dataset_is_itself() -> None:
    dataset = strokes()
    assert corrected(dataset, [Correction("keep", FIRST)]) is dataset
    assert correct_validated(dataset, []) is dataset


def test_a_class_that_loses_its_pictures_goes_and_is_listed() -> None:
    dataset = strokes()
    gone = [Correction("relabel", name, "", "bar") for name in dataset.names if "box" in name]
    after = correct_validated(dataset, gone)
    assert after.classes == ("bar", "dash")
    assert np.bincount(after.labels).tolist() == [40, 20]
    assert after.description == "20 labels corrected"
    assert after.left_out[0].subject == "class 'box'"


def test_a_source_is_read_with_its_corrections_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "set", "cat", "dog")
    files = {path: path.read_bytes() for path in folder.rglob("*.png")}
    corrections = [Correction("relabel", "cat/style0_0.png", "cat", "dog")]
    assert read(folder, corrections=corrections).labels.tolist() == [1, 0, 0, 1, 1, 1]
    assert "1 label corrected, 6 pictures of" in read(folder, corrections=corrections).description
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == files


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("relabel,cat.png,bar,box,,", "strokes has no picture of this name"),
        (f"relabel,{FIRST},dash,box,,", "its label is 'bar', not 'dash'"),
        (
            f"relabel,{FIRST},bar,circle,,",
            "'circle' is not one of the classes. Propose one of bar,",
        ),
        (f"relabel,{FIRST},bar,,,", "no class is proposed"),
        (
            f"leave out,{FIRST},bar,,,\nkeep,x,,,,\nrelabel,{FIRST},bar,box,,",
            "it contradicts line 2",
        ),
    ],
)
def test_a_correction_that_does_not_fit_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    message = refused(tmp_path, line)
    assert message.startswith(f"corrections line {line.count(chr(10)) + 2} (")
    assert problem in message


def test_a_name_of_two_pictures_and_a_missing_label_are_refused(tmp_path: Path) -> None:
    twice = strokes(names=("same",) * 60)
    assert "60 pictures of strokes have this name" in refused(tmp_path, "leave out,same,,,,", twice)
    unlabelled = strokes(labels=np.full(60, -1))
    assert "it has no label" in refused(tmp_path, f"relabel,{FIRST},bar,box,,", unlabelled)


def test_not_every_picture_can_be_left_out() -> None:
    dataset = strokes()
    with pytest.raises(BakeoffError, match="every picture is left out"):
        corrected(dataset, [Correction("leave out", name) for name in dataset.names])


def test_an_error_of_a_correction_without_a_line_names_the_picture() -> None:
    with pytest.raises(BakeoffError, match=r"^cat: strokes has no picture"):
        corrected(strokes(), [Correction("leave out", "cat")])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_corrections_from_any_spreadsheet(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "corrections.csv"
    path.write_bytes("action;name;label;proposed\nrelabel;é/1.png;thé;café\n".encode(encoding))
    (correction,) = read_corrections(path)
    assert (correction.name, correction.label, correction.proposed) == ("é/1.png", "thé", "café")
