"""Groups in a run: kept together, left out one by one, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.record.events import RunStarted
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.run.protocol import about_groups

from ..strokes import ONE, QUICKLY, strokes
from .plans import planned

Arrays = dict[str, NDArray[Any]]


def test_each_group_is_scored_by_models_that_never_saw_it(tmp_path: Path) -> None:
    names = ("ann", "final", "../bob")
    groups = (np.arange(60) // 3) % 3
    dataset = strokes(groups=groups, group_names=names)
    run = bake(dataset, tmp_path / "run", leave_one_group_out=True, **ONE)
    results = run.results()
    assert results.protocol.leave_one_group_out
    assert results.protocol.fold_names == ["ann", "group final", "../bob"]
    assert results.dataset.groups == list(names)
    assert results.dataset.group_counts == [21, 21, 18]
    assert run.picture_index().groups == groups.tolist()
    for number, fold in enumerate(results.protocol.fold_names):
        rows = run.load_unit("baseline", fold)[1]["rows"]
        assert rows.tolist() == np.flatnonzero(groups == number).tolist()
    scores = results.approaches[0].out_of_fold
    assert scores is not None
    assert [(one.name, one.pictures) for one in scores.per_group] == [
        ("ann", 21),
        ("final", 21),
        ("../bob", 18),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_kept_groups_are_never_parted() -> None:
    groups = np.arange(60) // 6
    dataset = strokes(groups=groups, group_names=tuple("abcdefghij"))
    one, other = (
        set(groups[fold.held_out]) for fold in planned(dataset, keep_groups=True).parts.folds
    )
    assert one.isdisjoint(other)
    assert one | other == set(range(10))


@pytest.mark.parametrize(
    ("count", "wish", "kept", "words"),
    [
        (10, None, True, "groups are kept together"),
        (10, False, False, "groups are mixed: as was asked"),
        (3, None, False, "groups are mixed: 3 are too few"),
        (3, True, True, "groups are kept together"),
    ],
)
def test_groups_are_kept_together_where_that_can_be_done(
    count: int, wish: bool | None, kept: bool, words: str
) -> None:
    names = tuple("abcdefghij"[:count])
    dataset = strokes(groups=np.arange(60) // (60 // count), group_names=names)
    plan = planned(dataset, keep_groups=wish)
    assert str(about_groups(dataset, plan.config)).startswith(words)
    # What was settled is written down: a resumed run does not decide again.
    assert plan.config.keep_groups is kept


def test_without_groups_nothing_is_said_of_them(finished: RunFolder) -> None:
    (started,) = (event for event in finished.events() if isinstance(event, RunStarted))
    assert started.groups is None
    assert finished.config.keep_groups is False
    assert finished.results().protocol.kept_together == "duplicates"


def test_what_became_of_groups_is_logged_and_written_down(tmp_path: Path) -> None:
    dataset = strokes(groups=np.arange(60) // 6, group_names=tuple("abcdefghij"))
    run = bake(dataset, tmp_path / "run", **ONE)
    assert run.results().protocol.kept_together == "groups"
    (started,) = (event for event in run.events() if isinstance(event, RunStarted))
    assert started.groups == "groups are kept together"
    assert run.config.keep_groups is True


def test_a_model_can_learn_from_one_picture(tmp_path: Path) -> None:
    dataset = strokes(12, groups=np.array([0] * 11 + [1]), group_names=("many", "one"))
    run = bake(dataset, tmp_path / "run", leave_one_group_out=True, **QUICKLY)
    # Of the group that is left out, only pictures of the class that the other one shows.
    assert [fold.pictures for fold in run.results().approaches[0].folds] == [3, 1]
    assert run.results().protocol.unscored == ["bar", "dash"]


@pytest.mark.parametrize("wish", ["keep_groups", "leave_one_group_out"])
def test_groups_that_are_not_there_are_refused(tmp_path: Path, wish: str) -> None:
    with pytest.raises(BakeoffError, match=r"has no groups .* --group"):
        bake(strokes(), tmp_path / "run", **ONE | {wish: True})
    assert not (tmp_path / "run").exists()
