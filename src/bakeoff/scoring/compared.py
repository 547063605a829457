"""From the figures of all approaches to the winner: one metric, and every pair compared by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Split
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.compare import choose_winner
from bakeoff.evaluation.headline import Headline, cheapest, headline_for
from bakeoff.evaluation.ranking import choose_by, compare_by, headline_record
from bakeoff.evaluation.records import Comparison, HeadlineRecord, Winner
from bakeoff.record.config import RunConfig
from bakeoff.scoring.scored import Costs, Probabilities, Scored, held_out_rows

__all__ = ["Compared", "Judge", "compared", "cost_matrix", "judge_of"]


class Judge(NamedTuple):
    """The metric that compares approaches, and N×K probabilities to the N answers it counts."""

    headline: Headline
    answers: Callable[[Probabilities], NDArray[np.int64]]


class Compared(TypedDict):
    """The part of the results that looks at all approaches together."""

    comparison: list[Comparison]
    test_comparison: list[Comparison]
    winner: Winner
    headline: HeadlineRecord | None


def cost_matrix(config: RunConfig, classes: Sequence[str]) -> Costs | None:
    """K×K, what it costs to answer column for a picture of row; None where no costs were given.

    Raises
    ------
    BakeoffError
        A cost names a class that the set does not have.
    """
    if not config.cost:
        return None
    place = {name: index for index, name in enumerate(classes)}
    cost: Costs = 1.0 - np.eye(len(classes))
    for entry in config.cost:
        for name in (entry.truth, entry.answer):
            if name not in place:
                raise BakeoffError(
                    f"cost of {entry.answer} for {entry.truth}",
                    f"the set has no class {name}",
                    f"Its classes are {', '.join(classes[:20])}",
                )
        cost[place[entry.truth], place[entry.answer]] = entry.cost
    return cost


def judge_of(dataset: Dataset, rows: NDArray[np.int64], config: RunConfig) -> Judge:
    """How approaches are compared on some pictures of a run."""
    counts = np.bincount(dataset.labels[rows], minlength=len(dataset.classes)).tolist()
    cost = cost_matrix(config, dataset.classes)
    headline = headline_for(counts, config.metric, cost)

    def answers(probabilities: Probabilities) -> NDArray[np.int64]:
        if headline.name == "cost" and cost is not None:
            return cheapest(probabilities, cost)
        most_probable: NDArray[np.int64] = probabilities.argmax(1)
        return most_probable

    return Judge(headline, answers)


def compared(
    scored: Sequence[Scored], parts: Split, dataset: Dataset, config: RunConfig
) -> Compared:
    """Compare all pairs, out of fold and on the locked test, and name the winner if there is one.

    The verdict says why, when all is known.

    Where there are both, the folds name the winner: they hold more pictures.
    """
    titles = {one.name: one.title for one in scored}
    scores = {one.name: one.out_of_fold or one.test for one in scored}
    known = {name: given for name, given in scores.items() if given}
    if not known:
        return Compared(comparison=[], test_comparison=[], winner=Winner(None, ""), headline=None)
    fold_of, rows = None, parts.test
    if parts.folds:
        sizes = [len(fold.held_out) for fold in parts.folds]
        fold_of, rows = np.repeat(np.arange(len(sizes)), sizes), held_out_rows(parts)
    labels, judge = dataset.labels[rows], judge_of(dataset, rows, config)
    headline, answers = judge
    record = headline_record(headline, labels, dataset.classes, asked=config.metric != "auto")
    main = {
        one.name: one.probabilities if parts.folds else one.test_probabilities for one in scored
    }
    comparison = compare_by(
        headline,
        labels,
        {name: answers(each) for name, each in main.items() if each is not None},
        fold_of,
        titles,
    )
    on_test = {one.name: one.test_probabilities for one in scored if parts.folds}
    test_comparison = compare_by(
        headline,
        dataset.labels[parts.test],
        {name: answers(each) for name, each in on_test.items() if each is not None},
        titles=titles,
    )
    trained = {one.name for one in scored if not one.answered.fixed} or set(known)
    known = {name: given for name, given in known.items() if name in trained}
    among = [one for one in comparison if {one.a, one.b} <= trained]
    best = (
        choose_winner(known, among)
        if record.name == "accuracy"
        else choose_by(record, known, among)
    )
    return Compared(
        comparison=comparison,
        test_comparison=test_comparison,
        winner=Winner(best, ""),
        headline=record,
    )
