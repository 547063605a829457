"""The training, validation and held-out rows: decided once, for every approach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.said import say

__all__ = ["TEST_FROM", "TEST_SHARE", "Fold", "Split", "split", "unscored_split", "validation_rows"]

TEST_SHARE = 0.2
# With fewer pictures a test part is too small to measure anything, and training needs them.
TEST_FROM = 600

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fold:
    """One fit: it trains on `train`, selects by `validation` and is scored on `held_out`.

    All are ascending rows of the dataset and no row is in two of them.
    `validation` may select the epoch and the temperature and is never scored.
    """

    name: str
    train: Rows
    validation: Rows
    held_out: Rows

    def without_validation(self) -> Fold:
        """The same fold for a fit that needs no validation rows and trains on them as well."""
        train = np.sort(np.concatenate([self.train, self.validation]))
        return replace(self, train=train, validation=self.validation[:0])


@dataclass(frozen=True, eq=False)
class Split:
    """The folds, the final fit, and the locked test part.

    Attributes
    ----------
    folds : their held-out rows cover the training part once, but for the rows in `unscored`;
        empty for folds=0.
    final : all of the training part. Where there are folds its `validation` is
        empty, as they have determined the schedule; else it holds an inner slice.
    test : the locked test part, used once, at the end; may be empty.
    test_kind : "official" for the set's own test part, "held out" for a random one, or None.
    dropped : training rows that are copies of official test rows, and are in no part.
    together : an id for every row; rows of one id were kept in one part.
    unscored : rows that no fold or test scores, because a model that has not seen them would
        have seen nothing of their class.
    """

    folds: tuple[Fold, ...]
    final: Fold
    test: Rows
    test_kind: Literal["official", "held out"] | None
    dropped: Rows
    together: Rows
    unscored: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def unscored_classes(self, labels: NDArray[np.int64]) -> list[int]:
        """The classes of N `labels` that no model can be scored on, as units hold them whole.

        Out of fold, or without folds on the test.
        """
        scored = np.concatenate([fold.held_out for fold in self.folds] or [self.test])
        learned = np.concatenate([self.final.train, self.final.validation])
        ids = self.together[learned]
        whole = learned[np.isin(ids, _only_units(labels[learned], ids))]
        kept = np.concatenate([self.unscored, whole])
        return [int(label) for label in np.setdiff1d(labels[kept], labels[scored])]


def split(
    labels: NDArray[np.int64],
    *,
    folds: int = 5,
    seed: int = 0,
    official_test: NDArray[np.bool_] | None = None,
    test_share: float | None = None,
    together: NDArray[np.int64] | None = None,
    leave_out: tuple[NDArray[np.int64], Sequence[str]] | None = None,
    validation_share: float = 0.15,
) -> Split:
    """Divide N pictures, each class evenly, keeping related pictures together.

    Every part gets its share of every class to within one picture, as far as
    `together` allows. No class goes completely to the test or validation part, and no fold
    holds one out completely: pictures for which that is unavoidable, such as a class of copies
    of one picture, train every fold and are in `Split.unscored`. The test part depends on the
    seed and its share only, so it stays locked when the number of folds changes.

    Parameters
    ----------
    labels : N, class of each picture; pictures of class -1 are in no part.
    folds : 2 or more for cross-validation, 0 for the test part alone.
    seed : the same seed gives the same split on every machine.
    official_test : N, True for pictures of the set's own test part. Others that
        share an id of `together` with one of them are dropped from training, unless nothing
        else of their class is left to train on: then the test does without those.
    test_share : share of pictures to lock. None takes the official part,
        or else a fifth from 600 pictures on and none below. 0 uses no test part: an
        official part is then not used at all.
    together : N ids; pictures of one id (copies, a writer's) stay in one part.
        Only the inner validation slice may divide them: if they are few and large, so
        that whole ones make up less than half of its size, or more than twice as much.
    leave_out : N group indices, and the groups' names. Instead of `folds` there
        is one fold per group, named after it, that holds out all of it; copies
        of its pictures in other groups are kept out of that fold's training. Its pictures of
        classes that no other group has are in neither, and not scored.
    validation_share : share of a fold's training pictures that selects its epoch;
        at least one picture of each class that has three.

    Raises
    ------
    BakeoffError
        Nothing would be scored, there are too few pictures or groups for the folds, or a
        share is not from 0 to 1.
    """
    ids = np.arange(len(labels)) if together is None else np.asarray(together)
    _check(folds, test_share, validation_share, official_test is not None)
    labelled = np.flatnonzero(labels >= 0)
    training, test, kind, dropped = _lock(labels, labelled, ids, official_test, test_share, seed)

    def fold(name: str, rows: Rows, held_out: Rows, number: int) -> Fold:
        rng = np.random.default_rng([seed, 2, number])
        chosen = validation_rows(labels[rows], ids[rows], validation_share, rng)
        return Fold(name, rows[~chosen], rows[chosen], held_out)

    if leave_out is not None:
        parts = _by_group(training, labels, ids, *leave_out)
    elif folds:
        parts = _by_class(training, labels, ids, folds, seed)
    elif len(test):
        parts = []
    else:
        raise BakeoffError(
            "folds",
            "with 0 folds and no test part nothing would be scored",
            "Use 2 folds or more, or a test part of 0.2",
        )
    done = [
        fold(name, rows, held_out, number) for number, (name, rows, held_out) in enumerate(parts)
    ]
    nothing = training[:0]
    if done:
        final = Fold("final", training, nothing, nothing)
    else:
        final = fold("final", training, nothing, 0)
    scored = np.concatenate([test, *(fold.held_out for fold in done)] if done else [training, test])
    unscored = np.setdiff1d(labelled, np.concatenate([scored, dropped]))
    if test_share == 0 and official_test is not None:
        unscored = unscored[~official_test[unscored]]
    return Split(tuple(done), final, test, kind, dropped, ids, unscored)


def unscored_split(labels: NDArray[np.int64], together: NDArray[np.int64]) -> Split:
    """The split of N pictures of which no class has two: all of them train, and none is scored."""
    training = np.flatnonzero(labels >= 0)
    nothing = training[:0]
    final = Fold("final", training, nothing, nothing)
    return Split((), final, nothing, None, nothing, together, training)


def _outside(name: str, group: Rows, training: Rows, ids: NDArray[np.int64]) -> Rows:
    """The training rows that share no id with a row of the group."""
    rest: Rows = training[~np.isin(ids[training], ids[group])]
    if len(rest) == 0:
        raise BakeoffError(
            f"group {name}",
            "all other pictures are copies of its pictures, or kept together with them",
            "Do not keep other groups together while leaving one out",
        )
    return rest


def _check(folds: int, test_share: float | None, validation_share: float, official: bool) -> None:
    if folds < 0 or folds == 1:
        raise BakeoffError("folds", say("folds.number", n=folds), say("folds.two"))
    if test_share is not None and not 0 <= test_share < 1:
        raise BakeoffError(
            "test part", f"{test_share} is not a share", "Use 0 for none, or 0.2 for a fifth"
        )
    if not 0 <= validation_share < 1:
        raise BakeoffError(
            "validation part", f"{validation_share} is not a share", "Use 0.15, or 0 for none"
        )
    if official and test_share:
        raise BakeoffError(
            "test part",
            f"a share of {test_share} was requested, but the set has a test part of its own",
            "Leave the share out to use the set's own, or use 0 for none",
        )


def _lock(
    labels: NDArray[np.int64],
    labelled: Rows,
    ids: NDArray[np.int64],
    official_test: NDArray[np.bool_] | None,
    test_share: float | None,
    seed: int,
) -> tuple[Rows, Rows, Literal["official", "held out"] | None, Rows]:
    """Training rows, test rows, the kind of test, dropped rows."""
    nothing = labelled[:0]
    if official_test is not None and official_test[labelled].any():
        test = labelled[official_test[labelled]]
        rest = labelled[~official_test[labelled]]
        if test_share == 0:
            return rest, nothing, None, nothing
        copied = np.isin(ids[rest], ids[test])
        lost = np.setdiff1d(labels[rest], labels[rest[~copied]])
        # Without these copies nothing of their class could be learned, so the test does
        # without them.
        spared = ids[rest[copied & np.isin(labels[rest], lost)]]
        test = test[~np.isin(ids[test], spared)]
        copied &= ~np.isin(ids[rest], spared)
        if not len(test):
            raise BakeoffError(
                "training part",
                "every picture shares a group with the official test part",
                "Do not keep groups together, or add labelled pictures outside of the test part",
            )
        return rest[~copied], test, "official", rest[copied]
    if test_share is None:
        test_share = TEST_SHARE if len(labelled) >= TEST_FROM else 0.0
    if not test_share:
        return labelled, nothing, None, nothing
    rng = np.random.default_rng([seed, 0])
    locked = _take(labels[labelled], ids[labelled], test_share, 0, rng)
    if not locked.any():
        raise BakeoffError(
            "test part",
            f"a share of {test_share} of {len(labelled)} pictures is less than one picture",
            "Use a larger share, or 0 for none; groups that are kept together may be too large",
        )
    return labelled[~locked], labelled[locked], "held out", nothing


def _by_class(
    training: Rows, labels: NDArray[np.int64], ids: NDArray[np.int64], folds: int, seed: int
) -> list[tuple[str, Rows, Rows]]:
    """Name, rows to learn from, and held-out rows of each fold."""
    counts = np.bincount(labels[training], minlength=1)
    if folds > counts.max():
        raise BakeoffError(
            "folds",
            say("folds.many", n=folds, most=int(counts.max())),
            say("folds.atMost", n=int(counts.max())) if counts.max() > 1 else say("folds.add"),
        )
    dealt = training[~np.isin(ids[training], _only_units(labels[training], ids[training]))]
    if not len(dealt):
        raise BakeoffError(
            "folds",
            "the pictures of each class are copies of one another or of one group, so a model "
            "that has not seen them has not seen the class",
            "Add different pictures of each class, or do not keep groups together",
        )
    wanted = np.tile(np.bincount(labels[dealt], minlength=len(counts)) / folds, (folds, 1))
    part = _deal(labels[dealt], ids[dealt], wanted, np.random.default_rng([seed, 1]))
    learned = np.setdiff1d(training, dealt)
    _leave_some_of_each_class(part, labels[dealt], ids[dealt], labels[learned])
    if len(filled := np.unique(part[part >= 0])) < folds:
        raise BakeoffError(
            "folds",
            f"the groups and copies that are kept together fill {len(filled)} of {folds} folds",
            "Use fewer folds, or do not keep groups together",
        )
    held_out = [dealt[part == number] for number in range(folds)]
    return [
        (f"fold {number}", np.setdiff1d(training, rows), rows)
        for number, rows in enumerate(held_out, 1)
    ]


def _only_units(labels: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The units that hold all pictures of a class, of M pictures; every fold trains on them."""
    pairs = np.unique(np.stack([labels, ids]), axis=1)
    _, first, units = np.unique(pairs[0], return_index=True, return_counts=True)
    only: NDArray[np.int64] = pairs[1, first[units == 1]]
    return only


def _leave_some_of_each_class(
    part: NDArray[np.int64],
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    learned: NDArray[np.int64],
) -> None:
    """Take units out of parts that hold a class completely: their pictures get part -1.

    Parameters
    ----------
    part, labels, ids : M, of the pictures that were dealt.
    learned : classes of the pictures that every fold trains on.
    """
    for label in np.setdiff1d(labels, learned):
        of_class = np.flatnonzero(labels == label)
        if len(np.unique(part[of_class])) > 1:
            continue
        units, sizes = np.unique(ids[np.isin(ids, ids[of_class])], return_counts=True)
        part[ids == units[sizes.argmin()]] = -1


def _by_group(
    training: Rows,
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    groups: NDArray[np.int64],
    names: Sequence[str],
) -> list[tuple[str, Rows, Rows]]:
    """Name, rows to learn from, and held-out rows of each group that is left out."""
    named = [(name, training[groups[training] == index]) for index, name in enumerate(names)]
    # A run stores each fit under its name, and "final" is the name of the last fit.
    named = [(f"group {name}" if name == "final" else name, rows) for name, rows in named]
    named = [(name, rows) for name, rows in named if len(rows)]
    if len(named) < 2:
        raise BakeoffError(
            "groups",
            f"at least two are needed to leave one out; the training part has {len(named)}",
            "Set --group to a pattern that finds the groups in the file names, or score by folds",
        )
    parts = []
    for name, group in named:
        rest = _outside(name, group, training, ids)
        scored = group[np.isin(labels[group], labels[rest])]
        if len(scored):
            parts.append((name, rest, scored))
    if not parts:
        raise BakeoffError(
            "groups",
            "no class is in two of them, so a model that has not seen a group has not seen its "
            "classes",
            "Add pictures of each class to at least two groups, or score by folds",
        )
    return parts


def validation_rows(
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """A mask of the M pictures that form the inner validation slice, M.

    Parameters
    ----------
    labels, ids : M, the class and the unit of each picture; see `split`.
    share : of the pictures; at least one picture of each class that has three.
    """
    chosen = _take(labels, ids, share, 1, rng)
    if not 0.5 <= chosen.sum() / max(1.0, share * len(labels)) <= 2:
        # With two or three writers, one of them would be half of the training pictures.
        # The slice is never scored, so it may contain a writer that is trained on.
        chosen = _take(labels, np.arange(len(labels)), share, 1, rng)
    return chosen


def _take(
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    share: float,
    least: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """A mask of the M pictures in a part of this share, M; no class goes completely.

    A class of three or more pictures contributes at least `least`, if a unit is small enough.
    """
    counts = np.bincount(labels, minlength=1)
    floor = np.where((counts >= 3) & (share > 0), least, 0)
    taken = np.minimum(np.maximum(share * counts, floor), np.maximum(counts - 1, 0))
    part = _deal(labels, ids, np.stack([counts - taken, taken]), rng, learner=0)
    for missing in np.flatnonzero(floor > np.bincount(labels[part == 1], minlength=len(counts))):
        if len(unit := _smallest_unit(missing, labels, ids, part)):
            part[unit] = 1
    chosen: NDArray[np.bool_] = part == 1
    return chosen


def _smallest_unit(
    of_class: np.integer, labels: NDArray[np.int64], ids: NDArray[np.int64], part: NDArray[np.int64]
) -> Rows:
    """The smallest unit with a picture of the class that leaves half of each class it has."""
    counts = np.bincount(labels)
    kept = np.bincount(labels[part == 0], minlength=len(counts))
    candidates = np.unique(ids[labels == of_class])
    units = sorted((np.flatnonzero(ids == unit) for unit in candidates), key=len)
    for unit in units:
        held = np.bincount(labels[unit], minlength=len(counts))
        if (2 * (kept - held) >= counts)[held > 0].all():
            return unit
    return np.empty(0, dtype=np.int64)


def _deal(
    labels: NDArray[np.int64],
    ids: NDArray[np.int64],
    wanted: NDArray[np.float64],
    rng: np.random.Generator,
    learner: int | None = None,
) -> NDArray[np.int64]:
    """Deal M pictures to P parts so that each comes close to its target for each class.

    Like cards, in random order: the largest units first, each to the part
    that lacks its classes most; then single pictures, class by class, each
    to the part that lacks most pictures of the class, or most pictures overall
    if two parts are equal. scikit-learn's StratifiedGroupKFold balances folds as well,
    but supports neither a part of a given share nor a minimum for each class, and
    takes 10 s for 60 000 single pictures, where this takes 0.1 s.

    Parameters
    ----------
    labels, ids : M, the class and the unit of each picture.
    wanted : P×K, pictures of each class that each part should get.
    learner : the part that is trained on, if there is one. A class that went to another part
        completely could not be learned, so that happens only if it is unavoidable.

    Returns
    -------
    NDArray
        M, the part of each.
    """
    part = np.zeros(len(labels), dtype=np.int64)
    lack = wanted.copy()
    counts = np.bincount(labels, minlength=wanted.shape[1])
    single, units = _units(ids, rng)
    for unit in units:
        classes, held = np.unique(labels[unit], return_counts=True)
        eager = lack[:, classes] @ held
        after = wanted[:, classes] - lack[:, classes] + held
        whole = (after >= counts[classes]).any(axis=1) & (np.arange(len(lack)) != learner)
        order = np.lexsort((-lack.sum(axis=1), -eager, whole))
        part[unit] = order[0]
        lack[order[0], classes] -= held
    # Plain lists, since NumPy is slow at one number at a time and most pictures are single.
    spare = lack.sum(axis=1).tolist()
    by_class = single[np.argsort(labels[single], kind="stable")]
    edges = np.flatnonzero(np.diff(labels[by_class])) + 1
    for rows in np.split(by_class, edges):
        short = lack[:, labels[rows[0]]].tolist() if len(rows) else []
        for row in rows.tolist():
            neediest = max(range(len(short)), key=lambda p: (short[p], spare[p]))
            part[row] = neediest
            short[neediest] -= 1
            spare[neediest] -= 1
    return part


def _units(ids: NDArray[np.int64], rng: np.random.Generator) -> tuple[Rows, Iterator[Rows]]:
    """Rows that are units of their own, in random order; then the other units, largest first."""
    shuffled = rng.permutation(len(ids))
    _, inverse, sizes = np.unique(ids[shuffled], return_inverse=True, return_counts=True)
    single = shuffled[sizes[inverse] == 1]
    shared = shuffled[sizes[inverse] > 1]
    # Shuffled again, so that units of one size do not come in the order of their ids.
    turn = rng.permutation(len(sizes))
    which = inverse[sizes[inverse] > 1]
    order = np.lexsort((turn[which], -sizes[which]))
    edges = np.flatnonzero(np.diff(which[order])) + 1
    return single, (rows for rows in np.split(shared[order], edges) if len(rows))
