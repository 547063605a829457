"""The wrong answers of every approach, as cards that show the picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from bakeoff.evaluation.records import Mistake, Scores
from bakeoff.record.results import ApproachResult

__all__ = ["Card", "Gallery", "OtherAnswer", "by_importance", "galleries", "scores_of"]

WORST = 200  # listed one by one; nobody reads further
PER_PAIR = (24, 12, 6, 3, 1)  # pictures behind one cell: the most that keeps …
BEHIND_CELLS = 2400  # … all cells of an approach together below this


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """What another approach said of the same picture: None where its list is cut short."""

    approach: int
    right: bool
    answer: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """One wrong answer, and what the other approaches said."""

    mistake: Mistake
    others: tuple[OtherAnswer, ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    """The wrong answers of one approach.

    Attributes
    ----------
    total : how many there are in all.
    worst : the `WORST` with the greatest loss.
    behind : (truth, answer) -> those of one cell of the confusion matrix, the worst first.
    """

    total: int
    worst: tuple[Card, ...]
    behind: dict[tuple[str, str], tuple[Card, ...]]


def scores_of(approach: ApproachResult) -> Scores | None:
    """The scores that rank an approach: out of fold where there are folds, else the test's."""
    return approach.out_of_fold or approach.test


def galleries(
    approaches: Sequence[ApproachResult], pairs: Sequence[Collection[tuple[str, str]]]
) -> list[Gallery]:
    """One gallery for each approach, in the same order.

    Parameters
    ----------
    pairs : for each approach the (truth, answer) whose pictures the page can open.
    """
    answers = [{one.index: one.answer for one in approach.mistakes} for approach in approaches]
    complete = [_complete(approach) for approach in approaches]

    def others(me: int, index: int) -> Iterator[OtherAnswer]:
        for other in range(len(approaches)):
            answer = answers[other].get(index)
            # An approach whose list is cut short may have been wrong all the same.
            if other != me and (answer is not None or complete[other]):
                yield OtherAnswer(other, answer is None, answer)

    return [
        _gallery(
            approach,
            [
                Card(mistake, tuple(others(me, mistake.index)))
                for mistake in sorted(approach.mistakes, key=lambda one: (-one.loss, one.index))
            ],
            wanted,
        )
        for me, (approach, wanted) in enumerate(zip(approaches, pairs, strict=True))
    ]


def by_importance(shown: Sequence[Gallery]) -> Iterator[int]:
    """Rows of the dataset whose pictures the page wants, the most important first.

    The approaches take turns, so that where there is no room for all, each
    shows its worst.
    """
    for turn in zip_longest(*(gallery.worst for gallery in shown)):
        yield from (card.mistake.index for card in turn if card)
    for rank in range(PER_PAIR[0]):
        for gallery in shown:
            cells = gallery.behind.values()
            yield from (cards[rank].mistake.index for cards in cells if rank < len(cards))


def _gallery(
    approach: ApproachResult, cards: Sequence[Card], wanted: Collection[tuple[str, str]]
) -> Gallery:
    behind: dict[tuple[str, str], list[Card]] = {pair: [] for pair in wanted}
    for card in cards:
        pair = (card.mistake.truth, card.mistake.answer)
        if pair in behind:
            behind[pair].append(card)
    sizes = [len(some) for some in behind.values()]
    most = next(
        (n for n in PER_PAIR if sum(min(n, size) for size in sizes) <= BEHIND_CELLS), PER_PAIR[-1]
    )
    scores = scores_of(approach)
    return Gallery(
        total=len(cards) if scores is None else scores.pictures - scores.correct,
        worst=tuple(cards[:WORST]),
        behind={pair: tuple(some[:most]) for pair, some in behind.items()},
    )


def _complete(approach: ApproachResult) -> bool:
    scores = scores_of(approach)
    return scores is None or len(approach.mistakes) >= scores.pictures - scores.correct
