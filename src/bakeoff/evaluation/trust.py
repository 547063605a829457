"""Thresholds for trusting an answer, from out-of-fold predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.headline import UNEVEN
from bakeoff.evaluation.records import NOTHING_DRAWN, Strangers, SureRule, Trust, TrustMeasured

__all__ = [
    "FLOOR",
    "REFUSAL_RATE",
    "STRANGERS_SURE",
    "SURE_ERRORS",
    "Judged",
    "Probed",
    "joined",
    "trust",
]

REFUSAL_RATE = 0.015
PROBED_REFUSAL_RATE = 0.05  # where the OOD score knows other drawings, and refuses many of them
MOST_ERRORS = 0.05  # a set of classes that misses the truth more often is useless
SURE_ERRORS = 0.02  # wrong answers among those called sure, at most
CONFIDENCE = 0.95  # of that promise
STRANGERS_SURE = 0.02  # other things called sure, at most, where models were asked for some
FLOOR = 0.5  # a lower probability is never sure
STEPS = 40  # thresholds that are tested for "sure", at most


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions for N pictures by models that never saw them.

    Attributes
    ----------
    probabilities : N×K, calibrated.
    ood_score : N, how far each picture lies from the training pictures.
    labels : N, the true classes; -1 for other things.
    """

    probabilities: NDArray[np.floating]
    ood_score: NDArray[np.floating]
    labels: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        """A selection of them."""
        return Judged(self.probabilities[rows], self.ood_score[rows], self.labels[rows])


@dataclass(frozen=True, eq=False)
class Probed:
    """Predictions for pictures that are made of others, and for other things.

    Attributes
    ----------
    pens : unseen pictures of the set, drawn with one pen of the page each time; one for each pen.
    others : drawings of other things.
    """

    pens: tuple[Judged, ...]
    others: Judged


def joined(parts: Sequence[Judged]) -> Judged:
    """The concatenation of `parts`."""
    return Judged(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.ood_score for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def trust(
    unseen: Judged,
    *,
    fold_of: NDArray[np.integer] | None = None,
    test: Judged | None = None,
    probed: Sequence[Probed] = (),
) -> Trust:
    """Thresholds from `unseen` predictions, and the rates they reach on other pictures.

    The possible classes are a conformal set: the classes with at least the probability that the
    true class has for all but a share `error_rate` of pictures (Sadinle, Lei and Wasserman, "Least
    ambiguous set-valued classifiers with bounded error levels", 2019), and always the most
    probable class. An error rate above that of the most probable class alone would ask for empty
    sets, so the rate is half of it: sets then halve the errors, and show where they are. It is at
    most 5 %, and at least what the number of pictures can resolve. If the largest class has
    `UNEVEN` times the pictures of the smallest or more, each class has a threshold of its own
    (Mondrian conformal prediction, Vovk et al. 2005): one for all would miss rare classes.

    The OOD threshold is conformal too: a share `REFUSAL_RATE` of the unseen pictures exceeds it.
    With `probed` predictions it is a share `PROBED_REFUSAL_RATE` of the unseen pictures, and of
    those drawn with each of the page's pens that are answered right. For "sure" see `_sure`.

    Parameters
    ----------
    unseen : out-of-fold predictions, at least one.
    fold_of : N, the fold of each, to measure each fold with thresholds from the others.
    test : predictions on the locked test; if given, the rates are measured on it instead.
    probed : for each fold in order, what its model said of its pictures in other pens, and of
        other things; empty where the OOD score knows no other drawings. Also with a `test`, these
        are measured fold by fold.
    """
    rate, counts = _error_rate(unseen), np.bincount(unseen.labels)
    by_class = bool(counts.max() >= UNEVEN * counts[counts > 0].min())
    thresholds = _thresholds(unseen, rate, probed, by_class)
    folds = np.unique(fold_of) if fold_of is not None else np.empty(0)
    parts = []
    if len(folds) >= 2:
        for place, fold in enumerate(folds):
            rest = [*probed[:place], *probed[place + 1 :]]
            others = _thresholds(unseen.take(fold_of != fold), rate, rest, by_class)
            parts.append((others, unseen.take(fold_of == fold)))
    strangers = None
    if len(probed) == len(parts) and parts:
        rules = [thresholds for thresholds, _ in parts]
        strangers = _strangers(list(zip(rules, probed, strict=True)))
    if test is not None:
        parts = [(thresholds, test)]
    if not parts:
        return thresholds
    return replace(thresholds, measured=replace(_measured(parts), others=strangers))


def _error_rate(unseen: Judged) -> float:
    wrong = float((unseen.probabilities.argmax(1) != unseen.labels).mean())
    return min(max(wrong / 2, 1 / (len(unseen) + 1)), MOST_ERRORS)


def _thresholds(
    unseen: Judged, error_rate: float, probed: Sequence[Probed], by_class: bool
) -> Trust:
    drawn = unseen.ood_score[unseen.ood_score < NOTHING_DRAWN]
    if not len(drawn):
        drawn = unseen.ood_score
    refusal_rate = PROBED_REFUSAL_RATE if probed else REFUSAL_RATE
    most = _conformal(drawn, refusal_rate)
    for of_pen in zip(*(one.pens for one in probed), strict=True):
        pen = joined(of_pen)
        # To refuse what would be answered wrong is no loss.
        scores = pen.ood_score[pen.probabilities.argmax(1) == pen.labels]
        scores = scores[scores < NOTHING_DRAWN]
        most = max(most, _conformal(scores, refusal_rate)) if len(scores) else most
    of_truth = unseen.probabilities[np.arange(len(unseen)), unseen.labels]
    least = -_conformal(-of_truth, error_rate)
    found = Trust(
        error_rate=error_rate,
        least_probability=least,
        refusal_rate=max(refusal_rate, 1 / (len(unseen) + 1)),
        max_ood_score=most,
        measured=None,
        least_by_class=_by_class(unseen, of_truth, error_rate, least) if by_class else None,
    )
    others = joined([one.others for one in probed]) if probed else None
    return replace(found, sure=_sure(found, unseen, others))


def _by_class(
    unseen: Judged, of_truth: NDArray[np.floating], error_rate: float, least: float
) -> list[float]:
    """The threshold of each class; too few pictures of one for the rate can only lower it."""
    thresholds = []
    for label in range(unseen.probabilities.shape[1]):
        values = of_truth[unseen.labels == label]
        own = -_conformal(-values, error_rate) if len(values) else least
        enough = (len(values) + 1) * error_rate >= 1
        thresholds.append(own if enough else min(own, least))
    return thresholds


def _sure(thresholds: Trust, unseen: Judged, others: Judged | None) -> SureRule:
    """The rule for "sure" that keeps its promise on new pictures like these.

    Learn then test (Angelopoulos et al., 2021): thresholds of the top probability are tested in a
    fixed sequence, from that which calls half of the pictures sure to that which calls all of
    them, for as long as a binomial test rejects that more than `SURE_ERRORS` of these answers are
    wrong. With each comes the highest OOD score at which at most `STRANGERS_SURE` of the other
    things are sure. The sequence follows from the probabilities and scores alone, never from the
    labels, so testing one after the other costs no confidence, nor does taking the thresholds of
    those tested that call the most pictures sure.
    """
    candidates = _candidates(thresholds, unseen)
    right = unseen.probabilities.argmax(1) == unseen.labels
    top = unseen.probabilities.max(1)[candidates]
    order = np.argsort(-top, kind="stable")
    top, wrong = top[order], ~right[candidates][order]
    scores = unseen.ood_score[candidates][order]
    fewest = math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - SURE_ERRORS))
    found, most = SureRule(SURE_ERRORS, CONFIDENCE, None, len(top)), 0
    for size in np.unique(
        np.linspace(max(fewest, len(top) // 2), len(top), STEPS).astype(int)
        if len(top) >= fewest
        else np.empty(0, int)
    ):
        least = float(top[size - 1])
        limit = None if others is None else _limit(thresholds, others, least)
        # Answers that are as probable as the last one are called sure too.
        chosen = (top >= least) & (limit is None or scores <= limit)
        count = int(chosen.sum())
        if count < fewest:
            continue
        if binomial_tail(int(wrong[chosen].sum()), count, SURE_ERRORS) > 1 - CONFIDENCE:
            break
        if count >= most:
            found, most = replace(found, least_probability=least, max_ood_score=limit), count
    return found


def _candidates(thresholds: Trust, judged: Judged) -> NDArray[np.bool_]:
    """N: whether an answer could be sure, but for its probability."""
    accepted = judged.ood_score <= thresholds.max_ood_score
    likely: NDArray[np.bool_] = judged.probabilities.max(1) >= FLOOR
    return _single(thresholds, judged) & accepted & likely


def _limit(thresholds: Trust, others: Judged, least: float) -> float:
    """The highest OOD score of sure answers, if they have at least this probability."""
    sure = _candidates(thresholds, others) & (others.probabilities.max(1) >= least)
    scores, allowed = np.sort(others.ood_score[sure]), int(STRANGERS_SURE * len(others))
    if len(scores) <= allowed:
        return thresholds.max_ood_score
    return float(np.nextafter(scores[allowed], -np.inf))


def binomial_tail(errors: int, pictures: int, rate: float) -> float:
    """The probability of at most this many errors if each picture is wrong with this rate."""
    steps = np.arange(1, errors + 1)
    ratios = np.log((pictures - steps + 1) / steps) + math.log(rate / (1 - rate))
    logs = pictures * math.log(1 - rate) + np.concatenate([[0.0], ratios.cumsum()])
    return float(min(1.0, np.exp(logs).sum()))


def _conformal(values: NDArray[np.floating], rate: float) -> float:
    """The threshold that a new value exceeds with probability `rate` at most (Vovk et al. 2005).

    If there are too few values to guarantee that, the largest of them.
    """
    rank = math.ceil((len(values) + 1) * (1 - rate))
    return float(np.sort(values)[min(rank, len(values)) - 1])


def _measured(parts: list[tuple[Trust, Judged]]) -> TrustMeasured:
    covered, sure, right, refused = _all_outcomes(parts)
    return TrustMeasured(
        pictures=len(covered),
        covered=float(covered.mean()),
        sure=float(sure.mean()),
        sure_right=float(right[sure].mean()) if sure.any() else None,
        refused=float(refused.mean()),
    )


def _strangers(parts: list[tuple[Trust, Probed]]) -> Strangers:
    _, sure, _, refused = _all_outcomes([(rule, probed.others) for rule, probed in parts])
    pens = [(rule, joined(probed.pens)) for rule, probed in parts]
    _, _, right, pen_refused = _all_outcomes(pens)
    return Strangers(
        pictures=len(parts[0][1].others),
        refused=float(refused.mean()),
        sure=float(sure.mean()),
        pen_pictures=sum(len(probed.pens[0]) for _, probed in parts),
        pen_refused=float(pen_refused.mean()),
        pen_right_refused=float(pen_refused[right].mean()) if right.any() else None,
    )


def _all_outcomes(parts: Sequence[tuple[Trust, Judged]]) -> list[NDArray[np.bool_]]:
    outcomes = (_outcomes(thresholds, judged) for thresholds, judged in parts)
    return [np.concatenate(outcome) for outcome in zip(*outcomes, strict=True)]


def _possible(thresholds: Trust, judged: Judged) -> NDArray[np.bool_]:
    least = thresholds.least_by_class or thresholds.least_probability
    possible: NDArray[np.bool_] = judged.probabilities >= np.asarray(least)
    possible[np.arange(len(judged)), judged.probabilities.argmax(1)] = True
    return possible


def _single(thresholds: Trust, judged: Judged) -> NDArray[np.bool_]:
    single: NDArray[np.bool_] = _possible(thresholds, judged).sum(1) == 1
    return single


def _outcomes(thresholds: Trust, judged: Judged) -> tuple[NDArray[np.bool_], ...]:
    """N each: the set holds the truth, the answer is sure, it is right, it is refused."""
    every = np.arange(len(judged))
    refused = judged.ood_score > thresholds.max_ood_score
    rule = thresholds.sure
    sure = _single(thresholds, judged) & ~refused
    if rule is not None:
        least = math.inf if rule.least_probability is None else rule.least_probability
        sure &= judged.probabilities.max(1) >= least
        if rule.max_ood_score is not None:
            sure &= judged.ood_score <= rule.max_ood_score
    return (
        _possible(thresholds, judged)[every, judged.labels],
        sure,
        judged.probabilities.argmax(1) == judged.labels,
        refused,
    )
