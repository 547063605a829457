import pytest

from bakeoff.data.words import count, nor_others, spaced, utf8


def test_thousands_are_separated() -> None:
    assert [spaced(n) for n in (0, 999, 42_000, 1_234_567)] == ["0", "999", "42 000", "1 234 567"]


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "class", "0 classes"),
        (1, "class", "1 class"),
        (1000, "class", "1 000 classes"),
        (1, "picture", "1 picture"),
        (2, "picture", "2 pictures"),
    ],
)
def test_nouns_follow_their_number(number: int, noun: str, words: str) -> None:
    assert count(number, noun) == words


def test_the_others_are_counted() -> None:
    assert nor_others(1) == ""
    assert nor_others(2) == " (nor does 1 other)"
    assert nor_others(3) == " (nor do 2 others)"


def test_what_utf8_cannot_hold_becomes_a_question_mark() -> None:
    assert utf8("caf\udce9") == "caf?"
    assert utf8("café ×") == "café ×"
