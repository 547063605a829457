"""Every figure of one set of probabilities, each with how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import (
    calibration_interval,
    calibration_null_level,
    expected_calibration_error,
    reliability,
)
from bakeoff.evaluation.intervals import Sampling, mean_interval, share_interval
from bakeoff.evaluation.records import ClassScore, GroupScore, Scores

__all__ = ["LEAST_PROBABILITY", "losses", "score"]

LEAST_PROBABILITY = 1e-7


def losses(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """Minus the log of what each picture's true class was given, N, in nats.

    Probabilities are clipped at 1e-7 first, about the resolution of float32:
    no picture costs more than 16.1 nats, and one certain mistake does not
    make the mean infinite.
    """
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # Subtracted, because minus the log of 1 would be the odd-looking -0.0.
    cost: NDArray[np.float64] = 0.0 - np.log(np.clip(given, LEAST_PROBABILITY, 1.0))
    return cost


def score(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    groups: NDArray[np.integer] | None = None,
    group_names: Sequence[str] = (),
    sampling: Sampling | None = None,
) -> Scores:
    """Score N predictions against their labels.

    Every figure has its 95 % interval (see `bakeoff.evaluation.intervals`), the loss is the
    mean of `losses`, and the calibration error is that of 15 bins of equal
    mass. Where a figure is 0/0 it is 0: the precision of a class that was
    never answered, and recall and F1 of a class without pictures, whose
    interval is then (0, 1). Groups without pictures are not listed.

    Parameters
    ----------
    probabilities : N×K, rows sum to one.
    labels : N, index into `classes`; every picture has one.
    classes : K names.
    groups : N, index into `group_names`, or None.
    group_names : names of the groups.
    sampling : how the pictures came to be scored; None for pictures on their own, answered by the
        model that is carried away.

    Raises
    ------
    BakeoffError
        Where a probability is not a finite number.
    ValueError
        Where shapes disagree, a label or group has no name, or N is 0.
    """
    _check(probabilities, labels, classes)
    sampling = sampling or Sampling()
    answers = probabilities.argmax(axis=1)
    right = answers == labels
    loss = losses(probabilities, labels)
    count = len(classes)
    confusion = np.bincount(
        labels.astype(np.int64) * count + answers, minlength=count * count
    ).reshape(count, count)
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = reliability(probabilities, labels)
    correct = int(right.sum())
    return Scores(
        pictures=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        interval=share_interval(right, sampling),
        loss=float(loss.mean()),
        calibration_error=expected_calibration_error(bins),
        per_class=[
            _class_score(
                name, index, confusion, right[labels == index], sampling.take(labels == index)
            )
            for index, name in enumerate(classes)
        ],
        per_group=[]
        if groups is None
        else _per_group(right, loss, confidence, groups, group_names, sampling),
        confusion=confusion.tolist(),
        reliability=bins,
        loss_interval=mean_interval(loss, sampling),
        calibration_interval=calibration_interval(confidence, right, bins, sampling.clusters),
        calibration_null_level=calibration_null_level(confidence, bins),
    )


def _class_score(
    name: str,
    index: int,
    confusion: NDArray[np.int64],
    right: NDArray[np.bool_],
    sampling: Sampling,
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
            f"those of {bad} of {len(labels)} pictures are not numbers, so the training diverged",
            "Lower the learning rate, or train in full precision",
        )
