from __future__ import annotations

from typing import TypedDict

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.split import Fold, Split, split
from bakeoff.errors import BakeoffError

Rows = NDArray[np.int64]


class Settings(TypedDict, total=False):
    folds: int
    seed: int
    official_test: NDArray[np.bool_] | None
    test_share: float | None
    together: Rows | None
    validation_share: float


def even(classes: int, each: int) -> Rows:
    return np.repeat(np.arange(classes), each)


def counts(labels: Rows, rows: Rows) -> Rows:
    return np.bincount(labels[rows], minlength=int(labels.max()) + 1)


def all_rows(parts: Split) -> list[list[int]]:
    """Everything in a split, to compare two."""
    arrays = [parts.test, parts.dropped]
    for fold in (*parts.folds, parts.final):
        arrays += [fold.train, fold.validation, fold.held_out]
    return [rows.tolist() for rows in arrays]


labelled = st.lists(st.integers(0, 4), min_size=20, max_size=120).map(np.array)


@given(labelled, st.integers(0, 99), st.sampled_from([2, 3]), st.sampled_from([None, 0.0, 0.3]))
def test_parts_are_disjoint_complete_and_stratified(
    labels: Rows, seed: int, folds: int, share: float | None
) -> None:
    parts = split(labels, folds=folds, seed=seed, test_share=share)
    training = np.setdiff1d(np.arange(len(labels)), parts.test)
    assert parts.final.train.tolist() == training.tolist()
    assert parts.final.validation.size == parts.final.held_out.size == 0
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    assert sorted([*held_out.tolist(), *parts.unscored.tolist()]) == training.tolist()
    # The only picture of a class cannot be scored by a model that knows the class.
    single = np.flatnonzero(np.bincount(labels[training]) == 1)
    assert parts.unscored.tolist() == training[np.isin(labels[training], single)].tolist()
    for fold in parts.folds:
        rows = [fold.train, fold.validation, fold.held_out]
        assert all((np.diff(part) > 0).all() for part in rows)
        assert sorted(np.concatenate(rows).tolist()) == training.tolist()
    table = np.array([counts(labels, fold.held_out) for fold in parts.folds])
    assert np.ptp(table, axis=0).max() <= 1
    assert np.ptp(table.sum(axis=1)) <= 1
    if share:
        wanted = share * np.bincount(labels)
        assert (np.abs(counts(labels, parts.test) - wanted) <= 1).all()


@given(labelled, st.integers(0, 99))
def test_the_inner_slice_has_every_class_that_has_three_and_empties_none(
    labels: Rows, seed: int
) -> None:
    for fold in split(labels, folds=2, seed=seed, test_share=0).folds:
        inner, train = counts(labels, fold.validation), counts(labels, fold.train)
        assert (inner[inner + train >= 3] >= 1).all()
        assert (train[inner + train >= 1] >= 1).all()


@given(st.data(), labelled, st.integers(0, 99), st.sampled_from([0.0, 0.25]))
def test_pictures_of_one_id_stay_in_one_part(
    data: st.DataObject, labels: Rows, seed: int, share: float
) -> None:
    ids = np.array(
        data.draw(st.lists(st.integers(0, 30), min_size=len(labels), max_size=len(labels)))
    )
    # Units larger than a fold leave folds empty, which is refused, and tested below.
    assume(np.unique(ids).size >= 10)
    parts = split(labels, folds=2, seed=seed, test_share=share, together=ids)
    for fold in parts.folds:
        learned = np.concatenate([fold.train, fold.validation])
        assert not np.isin(ids[learned], ids[fold.held_out]).any()
        assert not np.isin(ids[learned], ids[parts.test]).any()
    held_out = np.concatenate([fold.held_out for fold in parts.folds])
    everything = np.concatenate([held_out, parts.test, parts.unscored])
    assert sorted(everything.tolist()) == list(range(len(labels)))
    for fold in parts.folds:
        learned = np.concatenate([fold.train, fold.validation])
        assert np.isin(labels[fold.held_out], labels[learned]).all()


@given(labelled, st.integers(0, 99))
def test_one_seed_gives_one_split(labels: Rows, seed: int) -> None:
    assert all_rows(split(labels, folds=2, seed=seed)) == all_rows(
        split(labels, folds=2, seed=seed)
    )


def test_another_seed_gives_another_split() -> None:
    labels = even(4, 30)
    assert all_rows(split(labels, seed=0)) != all_rows(split(labels, seed=1))
    ids = np.arange(120) // 4
    first, second = (split(labels, seed=seed, together=ids) for seed in (0, 1))
    assert all_rows(first) != all_rows(second)


def test_copies_hardly_move_the_balance() -> None:
    labels = even(10, 43)
    rng = np.random.default_rng(0)
    ids = np.arange(430)
    for _ in range(20):
        rows = rng.integers(0, 430, 3)
        ids[rows] = ids[rows[0]]
    table = np.array([counts(labels, f.held_out) for f in split(labels, together=ids).folds])
    assert np.ptp(table, axis=0).max() <= 2
    assert np.ptp(table.sum(axis=1)) <= 2


def test_folds_are_named() -> None:
    parts = split(even(3, 9), folds=3)
    assert [fold.name for fold in parts.folds] == ["fold 1", "fold 2", "fold 3"]
    assert parts.final.name == "final"


def test_copies_stay_on_one_side_of_the_inner_slice() -> None:
    labels = even(3, 60)
    ids = np.arange(180) // 3
    for fold in split(labels, folds=3, together=ids).folds:
        assert len(fold.validation) > 0
        assert not np.isin(ids[fold.validation], ids[fold.train]).any()


def test_two_writers_are_divided_by_the_inner_slice() -> None:
    labels = np.tile(np.arange(3), 60)
    writers = np.arange(180) // 60
    for fold in split(labels, folds=3, together=writers).folds:
        assert len(np.unique(writers[fold.held_out])) == 1
        assert not np.isin(writers[fold.train], writers[fold.held_out]).any()
        assert len(fold.validation) == 18


def test_a_class_of_pairs_sends_one_pair_to_the_inner_slice() -> None:
    # Two pairs of class 1: a pair is more than the 0.6 pictures that are its share.
    labels = np.concatenate([np.ones(4, dtype=np.int64), np.zeros(41, dtype=np.int64)])
    ids = np.concatenate([[50, 50, 51, 51], np.arange(41)])
    official = np.arange(45) == 44
    final = split(labels, folds=0, official_test=official, together=ids).final
    assert counts(labels, final.validation).tolist() == [6, 2]
    assert counts(labels, final.train).tolist() == [34, 2]


def test_a_class_of_one_unit_is_never_taken_whole() -> None:
    labels = np.concatenate([np.zeros(40, dtype=np.int64), np.ones(3, dtype=np.int64)])
    ids = np.concatenate([np.arange(40), [50, 50, 50]])
    for seed in range(5):
        parts = split(labels, folds=0, seed=seed, test_share=0.5, together=ids)
        assert counts(labels, parts.final.train).tolist()[1] == 3
        assert len(parts.final.validation) > 0


def test_rare_classes_are_in_as_many_folds_as_they_can() -> None:
    labels = np.concatenate([np.zeros(20, dtype=np.int64), [1, 2, 2, 3, 3, 3]])
    table = np.array([counts(labels, fold.held_out) for fold in split(labels).folds])
    assert (table > 0).sum(axis=0).tolist() == [5, 0, 2, 3]
    for fold in split(labels).folds:
        assert (counts(labels, fold.train) > 0).all()


def test_units_of_a_class_are_spread_so_that_each_fold_can_learn_it() -> None:
    labels = np.array([1, 1, 1, 1, 1, *[0] * 30])
    ids = np.array([90, 90, 90, 91, 91, *range(30)])
    for seed in range(5):
        for fold in split(labels, folds=2, seed=seed, together=ids).folds:
            assert counts(labels, fold.train)[1] > 0


def test_a_class_of_copies_is_learned_in_every_fold_and_not_scored() -> None:
    labels = even(3, 10)
    ids = np.where(labels == 2, 99, np.arange(30))
    for seed in range(5):
        parts = split(labels, folds=5, seed=seed, together=ids)
        assert parts.unscored.tolist() == list(range(20, 30))
        assert parts.unscored_classes(labels) == [2]
        for fold in parts.folds:
            assert counts(labels, fold.held_out).tolist() == [2, 2, 0]
            assert {*range(20, 30)} <= {*fold.train.tolist(), *fold.validation.tolist()}
        assert len(parts.final.train) == 30


def test_a_class_of_one_group_is_learned_with_what_else_the_group_has() -> None:
    # Group 7 drew all of class 1 and some of class 0; the rest of class 0 is scored.
    labels = np.array([0] * 12 + [1] * 4)
    groups = np.array([1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 7, 7, 7, 7, 7, 7])
    parts = split(labels, folds=2, together=groups)
    assert parts.unscored.tolist() == [10, 11, 12, 13, 14, 15]
    assert parts.unscored_classes(labels) == [1]
    assert sorted(np.concatenate([f.held_out for f in parts.folds]).tolist()) == list(range(10))


def test_no_class_is_held_out_whole_where_units_force_it_into_one_part() -> None:
    # Both units of class 0 also hold a class that must be in the other fold.
    labels = np.array([0, 1, 1, 0, 2, 2, 1, 1, 1, 2, 2, 2])
    ids = np.array([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    for seed in range(20):
        parts = split(labels, folds=2, seed=seed, together=ids)
        for fold in parts.folds:
            learned = np.concatenate([fold.train, fold.validation])
            assert np.isin(labels[fold.held_out], labels[learned]).all()


def test_copies_of_the_official_test_stay_if_nothing_else_of_their_class_is_learned() -> None:
    labels = even(3, 10)
    official = np.arange(30) % 5 == 0
    ids = np.where(labels == 2, 99, np.arange(30))
    ids[1] = ids[0]
    parts = split(labels, folds=2, official_test=official, together=ids)
    assert parts.dropped.tolist() == [1]
    assert counts(labels, parts.test).tolist() == [2, 2, 0]
    assert counts(labels, parts.final.train).tolist() == [7, 8, 8]
    assert parts.unscored.tolist() == list(range(20, 30))
    alone = split(labels, folds=0, official_test=official, together=ids)
    assert alone.unscored.tolist() == [20, 25]
    assert alone.unscored_classes(labels) == [2]


def test_a_class_of_one_group_is_not_scored_when_that_is_left_out() -> None:
    labels = np.tile(np.arange(3), 20)
    styles = np.arange(60) // 20
    labels[:20][labels[:20] == 2] = 3  # only the first style has class 3
    parts = split(labels, leave_out=(styles, ("pencil", "stamp", "tablet")))
    pencil = parts.folds[0]
    assert sorted({*labels[pencil.held_out].tolist()}) == [0, 1]
    assert (styles[np.concatenate([pencil.train, pencil.validation])] != 0).all()
    assert parts.unscored.tolist() == np.flatnonzero(labels == 3).tolist()
    assert parts.unscored_classes(labels) == [3]


def test_the_test_part_by_default() -> None:
    small, large = split(even(3, 199)), split(even(3, 200))
    assert (small.test_kind, len(small.test)) == (None, 0)
    assert large.test_kind == "held out"
    assert counts(even(3, 200), large.test).tolist() == [40, 40, 40]


def test_the_test_part_does_not_depend_on_the_folds() -> None:
    labels = even(3, 300)
    assert split(labels, folds=5).test.tolist() == split(labels, folds=3).test.tolist()


def test_the_official_part_is_locked_and_copies_of_it_dropped() -> None:
    labels = even(2, 20)
    official = np.arange(40) % 4 == 0
    ids = np.arange(40)
    ids[[5, 6]] = ids[4]
    parts = split(labels, folds=2, official_test=official, together=ids)
    assert parts.test_kind == "official"
    assert parts.test.tolist() == np.flatnonzero(official).tolist()
    assert parts.dropped.tolist() == [5, 6]
    assert len(parts.final.train) == 28
    assert not np.isin(parts.final.train, [4, 5, 6]).any()


def test_an_official_part_without_pictures_is_none() -> None:
    parts = split(even(2, 20), official_test=np.zeros(40, dtype=bool))
    assert (parts.test_kind, len(parts.final.train)) == (None, 40)


def test_zero_leaves_the_official_part_alone() -> None:
    official = np.arange(40) % 4 == 0
    parts = split(even(2, 20), folds=2, official_test=official, test_share=0)
    assert (parts.test_kind, len(parts.test)) == (None, 0)
    assert parts.final.train.tolist() == np.flatnonzero(~official).tolist()


def test_no_folds_choose_by_an_inner_slice() -> None:
    labels = even(4, 50)
    parts = split(labels, folds=0, test_share=0.2)
    assert parts.folds == ()
    assert counts(labels, parts.final.validation).tolist() == [6, 6, 6, 6]
    rows = np.concatenate([parts.test, parts.final.train, parts.final.validation])
    assert sorted(rows.tolist()) == list(range(200))


def test_no_inner_slice_for_a_share_of_zero() -> None:
    parts = split(even(4, 10), validation_share=0)
    assert all(len(fold.validation) == 0 for fold in parts.folds)


def test_pictures_without_a_label_are_in_no_part() -> None:
    labels = even(2, 20)
    labels[::5] = -1
    parts = split(labels, folds=2)
    assert parts.final.train.tolist() == np.flatnonzero(labels >= 0).tolist()


def test_leave_one_group_out() -> None:
    labels = np.tile(np.arange(4), 15)
    styles = np.arange(60) % 3
    ids = np.arange(60)
    ids[1] = ids[0]
    parts = split(labels, leave_out=(styles, ("pencil", "stamp", "tablet", "nobody")), together=ids)
    assert [fold.name for fold in parts.folds] == ["pencil", "stamp", "tablet"]
    for index, fold in enumerate(parts.folds):
        assert fold.held_out.tolist() == np.flatnonzero(styles == index).tolist()
        learned = np.concatenate([fold.train, fold.validation])
        assert (styles[learned] != index).all()
        assert (counts(labels, fold.validation) >= 1).all()
    # Row 1 is a copy of row 0: a model that is scored on one has never seen the other.
    pencil, stamp, tablet = (np.concatenate([f.train, f.validation]) for f in parts.folds)
    assert 1 not in pencil
    assert 0 not in stamp
    assert {0, 1} <= set(tablet.tolist())
    assert len(parts.final.validation) == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"folds": 1}, "1 is not a number of folds. Use 2"),
        ({"folds": -3}, "-3 is not a number of folds"),
        ({"folds": 11}, "largest class has 10 pictures .* Use at most 10 folds"),
        ({"folds": 0}, "nothing would be scored. Use 2 folds"),
        ({"test_share": 1.0}, "1.0 is not a share"),
        ({"test_share": -0.1}, "test part: -0.1 is not a share"),
        ({"test_share": 0.01}, "0.01 of 30 pictures is less than one"),
        ({"validation_share": 1.0}, "validation part: 1.0 is not a share"),
        ({"official_test": np.arange(30) < 5, "test_share": 0.2}, "test part of its own"),
        ({"together": np.arange(30) % 3}, "fill 3 of 5 folds. Use fewer folds"),
        (
            {"together": np.zeros(30, dtype=np.int64), "official_test": np.arange(30) < 5},
            "every picture shares a group .* Do not keep groups together",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(settings: Settings, says: str) -> None:
    with pytest.raises(BakeoffError, match=says):
        split(even(3, 10), **settings)


def test_classes_of_copies_alone_cannot_be_folded() -> None:
    with pytest.raises(BakeoffError, match="copies of one another or of one group"):
        split(even(3, 10), folds=2, together=even(3, 10))
    with pytest.raises(BakeoffError, match="no class is in two of them"):
        split(even(2, 10), leave_out=(even(2, 10), ("pencil", "stamp")))


def test_classes_of_one_picture_cannot_be_folded() -> None:
    with pytest.raises(BakeoffError, match="Add pictures of each class"):
        split(np.arange(6), folds=2)


def test_groups_that_cannot_be_left_out() -> None:
    same = np.zeros(12, dtype=np.int64)
    with pytest.raises(BakeoffError, match=r"at least two are needed .* the training part has 1"):
        split(even(3, 4), leave_out=(same, ("pencil",)))
    with pytest.raises(BakeoffError, match=r"group pencil: .* Do not keep other groups"):
        split(even(3, 4), leave_out=(np.arange(12) % 2, ("pencil", "stamp")), together=same)


def test_a_fold_without_validation_trains_on_it() -> None:
    fold = Fold("fold 1", np.array([0, 4, 5]), np.array([1, 7]), np.array([2, 3]))
    whole = fold.without_validation()
    assert whole.train.tolist() == [0, 1, 4, 5, 7]
    assert (whole.validation.tolist(), whole.held_out.tolist()) == ([], [2, 3])
    assert whole.name == "fold 1"
