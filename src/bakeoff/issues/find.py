"""What is wrong with the pictures of a run: in records, in words, and as proposed corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.corrections import ASKED, Action, Correction
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.exact_and_near import DuplicateGroup, together
from bakeoff.data.health import MOST, Guessed, backgrounds, odd_pictures, shortcut_accuracy, sizes
from bakeoff.data.split import Split
from bakeoff.data.words import count
from bakeoff.evaluation.intervals import wilson
from bakeoff.evaluation.prose import percent, span
from bakeoff.evaluation.records import Health, Odd, Shortcut, Suspect
from bakeoff.evaluation.suspects import outliers, suspects
from bakeoff.run.scoring import Scored

__all__ = ["find_issues"]

CLEARLY = 0.05  # above chance, the least of the interval: what is less is no harm
# Of quality: below, all approaches agreeing, 323 of 332 proposals gave back the true label.
RELABEL = 0.05
UNEVEN = 5.0  # times as many pictures in the largest class as in the smallest
NAMED = 3  # of the pictures behind a sentence


def find_issues(
    dataset: Dataset,
    duplicates: Sequence[DuplicateGroup],
    parts: Split,
    scored: Sequence[Scored] = (),
    done: Sequence[Correction] = (),
) -> tuple[Health, list[Correction]]:
    """All that can be found, and what to do about it.

    Labels of the locked test are judged too, by the final models, which never saw them; but a
    change of those is left to people, since a test that follows the models measures nothing.

    Parameters
    ----------
    scored : what models said of pictures that they had not seen; without any, looks alone tell.
    done : corrections that the dataset has had.

    Returns
    -------
    The findings, and corrections: what was done before, then what acts, then what keeps a picture
    to be looked at. So the table can take the place of that which it came from.
    """
    odd = [
        Odd(one.row, dataset.names[one.row], _label(dataset, one.row), one.what, one.why)
        for one in odd_pictures(dataset.pictures)
    ]
    doubted: list[Suspect] = []
    if scored:
        rows = np.concatenate([*(fold.held_out for fold in parts.folds), parts.test])
        odd += _strange(dataset, rows, scored, {one.index for one in odd})
        said = {
            one.result.name: np.concatenate(
                [part for part in (one.out_of_fold, one.test) if part is not None]
            )
            for one in scored
        }
        doubted = suspects(said, dataset.labels[rows], dataset.classes, dataset.names, rows)
    shortcuts = list(_giveaways(dataset, duplicates, parts))
    words = [
        *_words_of_pictures(dataset, duplicates, parts, odd, doubted),
        *_words_of_classes(dataset),
        *_words_of_groups(dataset, parts),
        *(one.words for one in shortcuts),
    ]
    health = Health(odd=odd, suspects=doubted, shortcuts=shortcuts, words=words)
    proposed = _proposed(dataset, duplicates, parts, health, len(scored))
    settled = {one.name for one in done}
    return health, [*done, *(one for one in proposed if one.name not in settled)]


def _label(dataset: Dataset, row: int) -> str:
    number = dataset.labels[row]
    return "" if number == UNLABELLED else dataset.classes[number]


def _strange(
    dataset: Dataset, rows: NDArray[np.int64], scored: Sequence[Scored], known: set[int]
) -> Iterator[Odd]:
    found = rows[outliers({one.result.name: one.ood_score for one in scored})]
    why = "it is far stranger than the others to every approach"
    for row in sorted(set(found.tolist()) - known):
        yield Odd(row, dataset.names[row], _label(dataset, row), "outlier", why)


# -- what gives itself away ---------------------------------------------------------


def _giveaways(
    dataset: Dataset, duplicates: Sequence[DuplicateGroup], parts: Split
) -> Iterator[Shortcut]:
    learnable = np.concatenate([parts.final.train, parts.final.validation])
    rows = np.sort(np.random.default_rng(0).permutation(learnable)[:MOST])
    some = dataset.take(rows)
    ids = together(len(dataset), [one.indices for one in duplicates])[rows]
    for by, features in (
        ("background", backgrounds(some.pictures)),
        ("size", sizes(some.pictures)),
    ):
        if features is None:
            continue
        yield from _giveaway("class", by, shortcut_accuracy(features, some.labels, ids))
        if some.groups is not None and len(np.unique(some.groups)) > 1:
            yield from _giveaway("group", by, shortcut_accuracy(features, some.groups, ids))


def _giveaway(
    what: Literal["class", "group"], by: str, found: Guessed | None
) -> Iterator[Shortcut]:
    if found is None:
        return
    low, high = wilson(found.right, found.pictures)
    if low < found.chance + CLEARLY:
        return
    accuracy = found.right / found.pictures
    so = {
        "class": "Models may learn that instead of what is shown: take pictures of all classes "
        "alike, or believe scores only on pictures taken otherwise.",
        "group": "Models may know a group by it: --leave-one-group-out says how they do on a new "
        "one.",
    }[what]
    yield Shortcut(
        predicts=what,
        by=by,
        accuracy=accuracy,
        interval=(low, high),
        chance=found.chance,
        words=f"By the {by} of a picture alone its {what} can be told in {percent(accuracy)} of "
        f"cases ({span((low, high))}), where always naming the most frequent is right in "
        f"{percent(found.chance)}. {so}",
    )


# -- in words -----------------------------------------------------------------------


def _words_of_pictures(
    dataset: Dataset,
    duplicates: Sequence[DuplicateGroup],
    parts: Split,
    odd: Sequence[Odd],
    doubted: Sequence[Suspect],
) -> Iterator[str]:
    unused = [one.subject for one in dataset.left_out if one.problem != ASKED]
    if unused:
        yield f"{_there(unused, 'item')} not usable and left out: {_some(unused)}."
    for what, names in _by_kind(odd):
        yield f"{_there(names, 'picture')} {what}: {_some(names)}."
    for exact, how in ((True, "the same"), (False, "nearly the same")):
        some = [one for one in duplicates if one.exact == exact]
        alike = [one for one in some if len(_labels(dataset, one)) < 2]
        if alike:
            names = [dataset.names[row] for one in alike for row in one.indices[1:]]
            yield (
                f"{_there(names, 'picture')} {how} as another of the class: {_some(names)}. "
                "Copies share a fold, so that none is both learnt from and scored."
            )
        unlike = [dataset.names[one.indices[0]] for one in some if len(_labels(dataset, one)) > 1]
        if unlike:
            yield (
                f"{_there(unlike, 'picture')} there again, {how}, under another class, so that "
                f"a label is likely wrong: {_some(unlike)}."
            )
    if len(parts.dropped):
        names = [dataset.names[row] for row in parts.dropped]
        yield f"{_there(names, 'picture')} in the test too, so not learnt from: {_some(names)}."
    if doubted:
        test = set(parts.test.tolist())
        locked = sum(one.index in test for one in doubted)
        names = [f"{one.name} ({one.label}, or {one.proposed}?)" for one in doubted]
        yield f"{_there(names, 'label')} doubted by the models: {_some(names)}." + (
            f" Of these, {locked} {'is' if locked == 1 else 'are'} of the test." if locked else ""
        )


def _words_of_classes(dataset: Dataset) -> Iterator[str]:
    counts = np.bincount(dataset.labels[dataset.labels >= 0], minlength=len(dataset.classes))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= UNEVEN * counts[least]:
        yield (
            f"The classes are uneven: {dataset.classes[most]} has "
            f"{count(int(counts[most]), 'picture')}, {dataset.classes[least]} has {counts[least]}. "
            "The accuracy speaks mostly of the large ones."
        )
    if dataset.official_test is not None:
        tested = np.unique(dataset.labels[dataset.official_test])
        missing = [name for number, name in enumerate(dataset.classes) if number not in tested]
        if missing:
            yield f"{_there(missing, 'class')} missing from the test part: {_some(missing)}."


def _words_of_groups(dataset: Dataset, parts: Split) -> Iterator[str]:
    groups = dataset.groups
    if groups is None:
        return
    if any(np.isin(groups[fold.held_out], groups[fold.train]).any() for fold in parts.folds):
        yield (
            "Pictures of one group lie in several folds, so that the scores are of groups that the "
            "models have seen; --keep-groups or --leave-one-group-out scores on new ones."
        )


def _by_kind(odd: Sequence[Odd]) -> Iterator[tuple[str, list[str]]]:
    kinds = {
        "empty": "empty, or nearly so",
        "inverted": "inverted beside the others",
        "ink": "unlike the others in ink",
        "size": "of another size than the others",
        "shape": "of another shape than the others",
        "outlier": "stranger than the others to every approach",
    }
    for what, words in kinds.items():
        if names := [one.name for one in odd if one.what == what]:
            yield words, names


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _there(names: Sequence[str], noun: str) -> str:
    return f"{count(len(names), noun)} {'is' if len(names) == 1 else 'are'}"


def _labels(dataset: Dataset, group: DuplicateGroup) -> set[int]:
    return set(dataset.labels[[*group.indices]].tolist()) - {UNLABELLED}


# -- corrections --------------------------------------------------------------------


def _proposed(
    dataset: Dataset,
    duplicates: Sequence[DuplicateGroup],
    parts: Split,
    health: Health,
    approaches: int,
) -> list[Correction]:
    """One for each picture that someone should look at.

    What acts does so where a careful person would hardly say no. A label changes where two
    approaches or more, and all, agree on another. Empty pictures go, and exact copies whose labels
    still contradict each other.
    """
    test = set(parts.test.tolist())
    said: dict[int, list[str]] = {}
    action: dict[int, Action] = {}
    proposed: dict[int, Suspect] = {one.index: one for one in health.suspects}

    def note(row: int, why: str, act: Action = "keep") -> None:
        said.setdefault(row, []).append(why)
        if action.get(row, "keep") == "keep":
            action[row] = act

    for suspect in health.suspects:
        sure = 1 < approaches == len(suspect.agree) and suspect.quality < RELABEL
        who = ", ".join(suspect.agree) or "all together"
        note(suspect.index, f"{who}: {suspect.proposed}", "relabel" if sure else "keep")
    settled = {row: proposed[row].proposed for row, act in action.items() if act == "relabel"}
    for one in health.odd:
        note(one.index, one.why, "leave out" if one.what == "empty" else "keep")
    for group in duplicates:
        if len(_labels(dataset, group)) < 2:
            continue
        labels = {row: label for row in group.indices if (label := _label(dataset, row))}
        agreed = len({settled.get(row, label) for row, label in labels.items()}) == 1
        for row, label in labels.items():
            other = next(copy for copy, its in labels.items() if its != label)
            note(
                row,
                f"{'the same' if group.exact else 'nearly the same'} as {dataset.names[other]}, "
                f"labelled {labels[other]}",
                "leave out" if group.exact and not agreed else "keep",
            )
    times = Counter(dataset.names)
    for row in action:
        if row in test:
            action[row] = "keep"
            said[row].append("of the locked test, so it is for you alone to decide")
        elif times[dataset.names[row]] > 1:
            action[row] = "keep"
            said[row].append("other pictures have the same name")
    order: Callable[[int], tuple[bool, float, int]] = lambda row: (
        action[row] == "keep",
        proposed[row].quality if row in proposed else 1.0,
        row,
    )
    return [
        Correction(
            action[row],
            dataset.names[row],
            _label(dataset, row),
            proposed[row].proposed if row in proposed else "",
            "; ".join(said[row]),
            proposed[row].quality if row in proposed else None,
        )
        for row in sorted(action, key=order)
    ]
