"""Reasons and order of a ranking, on small made arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from bakeoff.next.ranking import Answered, Candidate, cold_ranking, ranking

CAT, DOG, FOX = [0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98]
TORN = [0.5, 0.45, 0.05]


def answered(*models: list[list[float]], **more: Any) -> Answered:
    """What some models say; no picture is strange or blank unless `more` says so."""
    count = len(models[0])
    fields = {
        "strangers": np.zeros(count, dtype=np.bool_),
        "blank": np.zeros(count, dtype=np.bool_),
    } | {name: np.array(values) for name, values in more.items()}
    shares = {f"model {number}": np.array(model) for number, model in enumerate(models)}
    return Answered(("cat", "dog", "fox"), shares, **fields)


def apart(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Features of pictures of which no two are alike."""
    return np.eye(count) * 10


def by_row(candidates: list[Candidate]) -> dict[int, Candidate]:
    return {candidate.row: candidate for candidate in candidates}


def test_the_reasons_say_what_the_models_say() -> None:
    said = answered([CAT, TORN, CAT], [CAT, TORN, DOG])
    labelled = np.repeat(apart(4)[3:], 600, axis=0)
    found = ranking(said, apart(4)[:3], labelled, 3)
    reasons = {row: candidate.reasons[0] for row, candidate in by_row(found).items()}
    assert reasons[2] == "models disagree: cat / dog"
    assert reasons[1] == "between cat and dog"
    assert found[-1].row == 0  # of which all are sure
    assert found[-1].guess == "cat"
    assert np.isclose(found[-1].probability, 0.98)


def test_a_model_alone_never_disagrees() -> None:
    (first, *_) = ranking(answered([TORN, FOX]), apart(2), apart(2), 2)
    assert first.reasons[0] == "between cat and dog"


def test_strangers_are_listed_apart_and_do_not_take_the_place_of_others() -> None:
    said = answered([TORN] * 8, strangers=[False] * 6 + [True] * 2)
    found = ranking(said, apart(8), apart(8)[:2], 4)
    assert [candidate.stranger for candidate in found] == [False] * 4 + [True]
    assert found[-1].reasons[0] == "none of the classes, or a new one"
    assert found[-1].row in (6, 7)


def test_where_all_are_strangers_they_fill_the_list() -> None:
    said = answered([TORN] * 5, strangers=[True] * 5)
    assert len(ranking(said, apart(5), apart(5)[:2], 3)) == 3


def test_blank_pictures_are_never_chosen() -> None:
    said = answered([TORN] * 3, blank=[True, False, True])
    assert [candidate.row for candidate in ranking(said, apart(3), apart(3), 3)] == [1]
    strange = answered([TORN] * 2, blank=[True, False], strangers=[True, True])
    assert [candidate.row for candidate in ranking(strange, apart(2), apart(2), 3)] == [1]


def test_many_like_this_and_unlike_anything() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat([[10.0, 0, 0]], 9, axis=0)
    alone = np.array([[0, 0, 12.0]])
    labelled = np.array([0, 10.0, 0]) + rng.normal(0, 0.1, (9, 3))
    said = answered([TORN] * 10)
    found = by_row(ranking(said, np.concatenate([group, alone]), labelled, 2))
    assert 9 in found
    (other,) = set(found) - {9}
    assert any(reason.startswith("many like this (") for reason in found[other].reasons)
    assert "unlike anything so far" in found[9].reasons


def test_nothing_labelled_is_no_reason_to_call_all_unlike() -> None:
    (first, *_) = ranking(answered([CAT, CAT]), apart(2), apart(2)[:0], 2)
    assert first.reasons == ("adds variety",)


def test_without_models_a_picture_of_each_group_comes_first() -> None:
    rng = np.random.default_rng(0)
    middles = np.eye(3) * 10
    pictures = np.concatenate([middle + rng.normal(0, 0.3, (8, 3)) for middle in middles])
    found = cold_ranking(pictures, pictures[:0], 3)
    assert {candidate.row // 8 for candidate in found} == {0, 1, 2}
    assert all(candidate.guess == "" and not candidate.stranger for candidate in found)
    rest = cold_ranking(pictures[8:], pictures[:8], 2)  # the first group is labelled
    assert {candidate.row // 8 for candidate in rest} == {0, 1}
