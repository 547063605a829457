"""Pseudo labels in a run: what they gain, and whether that is shown.

The one rule: an approach uses pseudo labels only if, out of fold, it is better with them than
without by the test that compares approaches, at 5 % for all approaches of the run together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.compare import ALPHA, paired_interval
from bakeoff.evaluation.headline import Headline
from bakeoff.evaluation.intervals import bootstrap
from bakeoff.evaluation.ranking import compare_by
from bakeoff.evaluation.records import Interval, PseudoLabels
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import UnitRecord
from bakeoff.run.plan import Plan
from bakeoff.said import Said, say
from bakeoff.scoring.compared import Judge, judge_of
from bakeoff.scoring.scored import Arrays
from bakeoff.workers.pseudo import pseudo_name

__all__ = ["gain_of"]


def gain_of(folder: RunFolder, plan: Plan, name: str, title: str) -> PseudoLabels | None:
    """What pseudo labels gain an approach whose folds are trained without and with them.

    Parameters
    ----------
    name, title : of the approach.

    Returns
    -------
    None where they were not asked for, or the approach is not trained.
    """
    config, parts = plan.config, plan.parts
    if name not in config.trained_twice:
        return None
    names = [fold.name for fold in parts.folds]
    before = [folder.load_unit(name, fold) for fold in names]
    after = [folder.load_unit(name, pseudo_name(fold)) for fold in names]
    rows = np.concatenate([arrays["rows"] for _, arrays in before])
    labels, judge = plan.dataset.labels[rows], judge_of(plan.dataset, rows, config)
    answers = {"after": _answers(after, judge), "before": _answers(before, judge)}
    return _gain(
        judge.headline,
        labels,
        answers,
        parts.together[rows],
        len(config.trained_twice),
        pictures=len(plan.unlabelled),
        learned=[record.pseudo_labels for record, _ in after],
        title=title,
    )


def _answers(units: Sequence[tuple[UnitRecord, Arrays]], judge: Judge) -> NDArray[np.int64]:
    return np.concatenate(
        [judge.answers(softmax(arrays["logits"], record.temperature)) for record, arrays in units]
    )


def _gain(
    headline: Headline,
    labels: NDArray[np.int64],
    answers: dict[str, NDArray[np.int64]],
    clusters: NDArray[np.int64],
    among: int,
    *,
    pictures: int,
    learned: Sequence[int],
    title: str,
) -> PseudoLabels:
    after, before = answers["after"], answers["before"]
    (pair,) = compare_by(headline, labels, answers)
    sign = 1 if headline.higher_is_better else -1
    figures = {name: headline.of(labels, given) for name, given in answers.items()}
    gain = sign * (figures["after"] - figures["before"])
    p = pair.mcnemar_p if pair.metric_p is None else pair.metric_p
    interval: Interval
    if headline.name == "accuracy":
        interval = paired_interval(pair.only_a, pair.only_b, len(labels))
    else:
        apart = partial(_apart, headline, labels, after, before)
        low, high = np.quantile(bootstrap(apart, len(labels), clusters), [0.025, 0.975])
        interval = (float(low), float(high)) if sign > 0 else (-float(high), -float(low))
    # Where the model of a fold found nothing to learn from, the pictures are of another kind.
    shown = gain > 0 and p <= ALPHA / among and min(learned) > 0
    sure = float(np.mean(learned))
    return PseudoLabels(
        pictures=pictures,
        sure=sure,
        metric=headline.name,
        before=figures["before"],
        after=figures["after"],
        gain=gain,
        interval=interval,
        p=p,
        used=shown,
        words=_words(headline, title, pictures, sure, gain, interval, p, among, used=shown),
    )


def _apart(
    headline: Headline,
    labels: NDArray[np.int64],
    after: NDArray[np.int64],
    before: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> float:
    return headline.of(labels[rows], after[rows]) - headline.of(labels[rows], before[rows])


def _words(
    headline: Headline,
    title: str,
    pictures: int,
    sure: float,
    gain: float,
    interval: Interval,
    p: float,
    among: int,
    *,
    used: bool,
) -> Said:
    if not sure:
        return say("pseudo.none", title=title, pictures=pictures)
    low, high = (_signed(headline, end) for end in interval)
    size = _signed(headline, gain)
    if headline.is_share:
        size = say("pseudo.points", gain=size)
    several = say("pseudo.needed", needed=f"{ALPHA / among:.2g}", n=among) if among > 1 else ""
    return say(
        "pseudo.used" if used else "pseudo.unused",
        sure=f"{sure:.0f}",
        pictures=pictures,
        title=title,
        gain=size,
        metric=headline.title.lower(),
        low=low,
        high=high,
        **({} if used else {"p": p, "several": several}),
    )


def _signed(headline: Headline, figure: float) -> Said:
    """A difference of the metric with its sign, in points if it is a share."""
    if headline.is_share:
        return say("pseudo.share", points=figure)
    return say("pseudo.figure", figure=figure)
