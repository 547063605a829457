import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.data.grouping import Grouping, encode_names, parse_grouping, why_mixed
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError


@pytest.mark.parametrize(
    ("text", "grouping"),
    [
        ("folder", Grouping("folder")),
        ("column:writer", Grouping("column", "writer")),
        ("column: writer ", Grouping("column", "writer")),
        ("^[a-z]+", Grouping("pattern", "^[a-z]+")),
        ("folder.", Grouping("pattern", "folder.")),
        ("[[a]", Grouping("pattern", "[[a]")),  # of which Python warns
    ],
)
def test_texts_of_group_are_parsed(text: str, grouping: Grouping) -> None:
    assert parse_grouping(text) == grouping


@pytest.mark.parametrize("text", ["", "column:", "column: ", "(", "a{99999999999999999999}"])
def test_a_text_without_a_grouping_is_refused(text: str) -> None:
    with pytest.raises(BakeoffError, match="--group"):
        parse_grouping(text)


def test_a_pattern_sees_the_file_name_only() -> None:
    assert parse_grouping("^[a-z]+").of("smiley/drawn03.jpg", (), {}) == "drawn"
    assert parse_grouping("smiley").of("smiley/drawn03.jpg", (), {}) is None


def test_a_pattern_s_first_capture_names_the_group() -> None:
    assert parse_grouping("digit(..)").of("digit17_left.png", (), {}) == "17"
    assert parse_grouping("(x)?digit").of("digit17.png", (), {}) is None


def test_a_folder_groups_by_the_level_below_the_class() -> None:
    folder = parse_grouping("folder")
    assert folder.of("cat/anna/day1/a.png", ("anna", "day1"), {}) == "anna"
    assert folder.of("cat/a.png", (), {}) is None


def test_a_column_groups_by_its_cell() -> None:
    column = parse_grouping("column:who")
    assert column.of("a.png", (), {"who": "anna"}) == "anna"
    assert column.of("a.png", (), {"who": ""}) is None
    assert column.of("a.png", (), {}) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x+", r"a\.png: --group 'x\+' matches nothing in its file name"),
        ("folder", r"a\.png: it is directly in its class folder"),
        ("column:who", r"a\.png: its column 'who' is empty"),
    ],
)
def test_a_refusal_names_the_first_picture_and_counts_the_others(text: str, words: str) -> None:
    grouping = parse_grouping(text)
    assert "others" not in str(grouping.refuse(["a.png"]))
    with pytest.raises(BakeoffError, match=words + r".* \(nor do 2 others\)"):
        raise grouping.refuse(["a.png", "b.png", "c.png"])


def test_texts_are_encoded_in_order() -> None:
    indices, names = encode_names(["b", "a", "b", "10", "2"])
    assert names == ("10", "2", "a", "b")
    assert indices.tolist() == [3, 2, 3, 0, 1]
    assert indices.dtype == np.int64


def test_numbers_are_sorted_as_numbers() -> None:
    assert encode_names(["10", "2", "-1", "01", "1"])[1] == ("-1", "01", "1", "2", "10")


def test_no_texts() -> None:
    indices, names = encode_names([])
    assert (indices.tolist(), names) == ([], ())


@given(st.lists(st.text(max_size=4) | st.integers().map(str)))
def test_encoding_loses_no_text(texts: list[str]) -> None:
    indices, names = encode_names(texts)
    assert [names[index] for index in indices] == [nfc(text) for text in texts]
    assert len(set(names)) == len(names)


# -- whether groups can be kept together ---------------------------------------------

WRITERS = np.repeat(np.arange(10), 6)
LABELS = np.tile(np.arange(3), 20)
NAMES = ("a", "b", "c")


def test_enough_groups_with_every_class_can_be_kept_together() -> None:
    assert why_mixed(LABELS, NAMES, WRITERS, 5) is None
    assert why_mixed(LABELS, NAMES, WRITERS, 2) is None
    assert why_mixed(LABELS, NAMES, WRITERS, 0) is None  # as for five


def test_too_few_groups() -> None:
    why = why_mixed(LABELS, NAMES, WRITERS, 6)
    assert why == "10 are too few: 6 folds need at least 12 to be filled evenly"


def test_a_group_that_is_most_of_the_set() -> None:
    groups = np.where(np.arange(60) < 31, 0, np.arange(60))
    assert why_mixed(LABELS, NAMES, groups, 5) == "one of them holds more than half of the pictures"


def test_a_class_that_few_groups_have() -> None:
    labels = np.where((LABELS == 2) & (WRITERS > 2), 0, LABELS)
    assert why_mixed(labels, NAMES, WRITERS, 5) == "class c is in 3 of them, fewer than 5 folds"
    assert why_mixed(labels, NAMES, WRITERS, 3) is None
    # Of two pictures there can be no five groups.
    few = np.where((LABELS == 2) & ~np.isin(np.arange(60), [2, 8]), 0, LABELS)
    assert why_mixed(few, NAMES, WRITERS, 5) is None
    few[8] = 0
    few[5] = 2
    assert why_mixed(few, NAMES, WRITERS, 5) == "class c is in 1 of them, fewer than 5 folds"


def test_unlabelled_pictures_and_the_official_test_are_ignored() -> None:
    labels = np.where(WRITERS < 2, -1, LABELS)
    assert "8 are too few" in (why_mixed(labels, NAMES, WRITERS, 5) or "")
    assert "9 are too few" in (why_mixed(LABELS, NAMES, WRITERS, 5, WRITERS == 3) or "")
    assert why_mixed(LABELS, NAMES, WRITERS, 4, WRITERS == 3) is None


def test_groups_on_both_sides_of_the_official_test() -> None:
    # Kept together, they would take the training part with them.
    official = np.arange(60) % 6 == 0
    why = why_mixed(LABELS, NAMES, WRITERS, 2, official)
    assert why == "some are both in the set's own test part and in the rest"
