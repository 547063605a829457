"""The scores of one set of predictions: overall, by class and by group, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import (
    calibration_interval,
    calibration_null_level,
    reliability,
)
from bakeoff.evaluation.classwise import classwise_errors, classwise_null_level
from bakeoff.evaluation.headline import cheapest
from bakeoff.evaluation.intervals import (
    Sampling,
    balanced_interval,
    cost_interval,
    macro_f1_interval,
    mean_interval,
    share_interval,
)
from bakeoff.evaluation.metrics import losses, metrics_of
from bakeoff.evaluation.records import ClassScore, GroupScore, Scores

__all__ = ["FEWEST", "score"]

FEWEST = 5  # pictures of a class; with four, all of them right, its recall may be 51 %


def score(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    groups: NDArray[np.integer] | None = None,
    group_names: Sequence[str] = (),
    sampling: Sampling | None = None,
    cost: NDArray[np.float64] | None = None,
) -> Scores:
    """Score N predictions against their labels.

    Accuracy, balanced accuracy, macro F1, loss, calibration error and cost have 95 % intervals (see
    `bakeoff.evaluation.intervals`); `Scores.metrics` has every metric of the table in
    `bakeoff.evaluation.metrics`. 0/0 counts as 0: the precision of a class that was never
    answered, and recall and F1 of a class without pictures, whose interval is then (0, 1). Groups
    without pictures are not listed.

    Parameters
    ----------
    probabilities : N×K, rows sum to one.
    labels : N, index into `classes`; every picture has one.
    classes : K names.
    groups : N, index into `group_names`, or None.
    group_names : names of the groups.
    sampling : how the pictures were scored; None for independent pictures, answered by the final
        model.
    cost : K×K, of answering column for a picture of row. `metrics` then has the mean "cost" of
        the answers of least expected cost; all other figures are of the most probable class.

    Raises
    ------
    BakeoffError
        A probability is not a finite number.
    ValueError
        Shapes disagree, a label or group has no name, or N is 0.
    """
    _check(probabilities, labels, classes)
    sampling = sampling or Sampling()
    answers = probabilities.argmax(axis=1)
    right = answers == labels
    loss = losses(probabilities, labels)
    confusion = _confusion(labels, answers, len(classes))
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = reliability(probabilities, labels)
    metrics = metrics_of(probabilities, labels)
    intervals = {
        "balanced_accuracy": balanced_interval(right, labels, sampling),
        "macro_f1": macro_f1_interval(answers, labels, sampling),
    }
    if cost is not None:
        cheap = cheapest(probabilities, cost)
        metrics["cost"] = float(cost[labels, cheap].mean())
        intervals["cost"] = cost_interval(cheap, labels, cost, sampling)
    return Scores(
        pictures=len(labels),
        correct=int(right.sum()),
        accuracy=metrics["accuracy"],
        interval=share_interval(right, sampling),
        loss=metrics["loss"],
        calibration_error=metrics["calibration_error"],
        per_class=_per_class(
            labels, right, confusion, classes, sampling, classwise_errors(probabilities, labels)
        ),
        per_group=[]
        if groups is None
        else _per_group(right, loss, confidence, groups, group_names, sampling),
        confusion=confusion.tolist(),
        reliability=bins,
        loss_interval=mean_interval(loss, sampling),
        calibration_interval=calibration_interval(confidence, right, bins, sampling.clusters),
        calibration_null_level=calibration_null_level(confidence, bins),
        classwise_null_level=classwise_null_level(probabilities),
        metrics=metrics,
        metric_intervals=intervals,
    )


def _confusion(
    labels: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """K×K counts; row the truth, column the answer."""
    pairs = labels.astype(np.int64) * classes + answers
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _per_class(
    labels: NDArray[np.integer],
    right: NDArray[np.bool_],
    confusion: NDArray[np.int64],
    classes: Sequence[str],
    sampling: Sampling,
    errors: NDArray[np.float64],
) -> list[ClassScore]:
    parts = [
        (right[labels == index], sampling.take(labels == index)) for index in range(len(classes))
    ]
    return [
        _class_score(name, index, confusion, *parts[index], float(errors[index]))
        for index, name in enumerate(classes)
    ]


def _class_score(
    name: str,
    index: int,
    confusion: NDArray[np.int64],
    right: NDArray[np.bool_],
    sampling: Sampling,
    calibration_error: float,
) -> ClassScore:
    pictures = len(right)
    hits, answered = int(right.sum()), int(confusion[:, index].sum())
    return ClassScore(
        name=name,
        pictures=pictures,
        accuracy=_share(hits, pictures),
        interval=share_interval(right, sampling),
        precision=_share(hits, answered),
        f1=_share(2 * hits, pictures + answered),
        too_few=0 < pictures < FEWEST,
        calibration_error=calibration_error,
    )


def _per_group(
    right: NDArray[np.bool_],
    loss: NDArray[np.float64],
    confidence: NDArray[np.float64],
    groups: NDArray[np.integer],
    group_names: Sequence[str],
    sampling: Sampling,
) -> list[GroupScore]:
    if groups.shape != right.shape:
        raise ValueError(f"groups of shape {groups.shape} for {len(right)} pictures")
    if groups.min() < 0 or groups.max() >= len(group_names):
        raise ValueError(f"groups lie outside the {len(group_names)} group names")
    scores = []
    for index in np.unique(groups):
        members = groups == index
        pictures, hits = int(members.sum()), int(right[members].sum())
        scores.append(
            GroupScore(
                name=group_names[index],
                pictures=pictures,
                accuracy=hits / pictures,
                interval=share_interval(right[members], sampling.take(members)),
                loss=float(loss[members].mean()),
                confidence=float(confidence[members].mean()),
            )
        )
    return scores


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _check(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], classes: Sequence[str]
) -> None:
    if probabilities.shape != (len(labels), len(classes)) or labels.ndim != 1:
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for labels of shape "
            f"{labels.shape} and {len(classes)} classes"
        )
    if len(labels) == 0:
        raise ValueError("there are no pictures to score")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"labels lie outside the {len(classes)} classes")
    bad = int((~np.isfinite(probabilities).all(axis=1)).sum())
    if bad:
        raise BakeoffError(
            "probabilities",
            f"those of {bad} of {len(labels)} pictures are not numbers: the training diverged",
            "Lower the learning rate, or train in full precision",
        )
