import pytest

from bakeoff.evaluation.prose import listed


@pytest.mark.parametrize(
    ("names", "words"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_listed_as_people_list_them(names: list[str], words: str) -> None:
    assert listed(names) == words
