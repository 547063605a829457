"""Label errors and outliers, from out-of-fold predictions of all approaches."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.health import Suspect
from bakeoff.evaluation.metrics import LEAST_PROBABILITY

__all__ = ["outliers", "pooled", "suspects"]

SURELY_WRONG = 0.02
# Robust deviations of the log OOD score: for each approach, and on average. Among 3 000 digits and
# 431 drawings none has a mean above 3.5; chequers and noise among digits have 5.
FAR_FOR_EACH, FAR_ON_AVERAGE = 2.0, 4.5
ENOUGH = 100  # pictures; fewer do not show how widely scores vary


def suspects(
    probabilities: Mapping[str, NDArray[np.floating]],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    names: Sequence[str],
    rows: NDArray[np.integer],
) -> list[Suspect]:
    """Likely label errors, the likeliest first.

    By confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating
    uncertainty in dataset labels", 2021; the authors' own cleanlab) on all approaches `pooled`.
    Its method "prune_by_class" takes as many pictures of each class as are estimated to be
    mislabelled, those whose label has the lowest probability first: of deliberately flipped labels
    it found the most for as few false alarms (benchmarks/suspects.txt). On a few hundred pictures
    it estimates too few, so a label with a probability below 2 % counts too.

    Parameters
    ----------
    probabilities : by approach, N×K of models that never saw the picture; calibrated.
    labels : N, index into `classes`.
    classes : K names.
    names : names of all pictures of the dataset.
    rows : N, the rows of the judged pictures in the dataset.
    """
    # Imported late: it loads pandas, and training needs the memory.
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    together = pooled(list(probabilities.values()))
    present, label_of = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return []
    known = together[:, present] / together[:, present].sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        # The interval of its score already shows that a class is small.
        warnings.simplefilter("ignore")
        doubted = find_label_issues(label_of, known, filter_by="prune_by_class", n_jobs=1)
    quality = get_label_quality_scores(label_of, known, method="self_confidence")
    answers = together.argmax(axis=1)
    wrong = np.flatnonzero((doubted | (quality < SURELY_WRONG)) & (answers != labels))
    answers_of = {name: matrix.argmax(axis=1) for name, matrix in probabilities.items()}
    return [
        Suspect(
            index=int(rows[i]),
            name=names[rows[i]],
            label=classes[labels[i]],
            proposed=classes[answers[i]],
            quality=float(quality[i]),
            agree=[name for name, own in answers_of.items() if own[i] == answers[i]],
        )
        for i in wrong[np.lexsort((rows[wrong], quality[wrong]))]
    ]


def pooled(probabilities: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """The normalised geometric mean of several approaches' probabilities, N×K.

    An approach that excludes a class counts more than in an arithmetic mean (Hinton, "Training
    products of experts", 2002).
    """
    logs = [
        np.log(np.clip(matrix.astype(np.float64), LEAST_PROBABILITY, 1)) for matrix in probabilities
    ]
    mean = np.exp(np.mean(logs, axis=0))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True))


def outliers(ood_score: Mapping[str, NDArray[np.floating]]) -> NDArray[np.int64]:
    """Which of N pictures have a far higher OOD score than the others in all approaches, ascending.

    Far is, in robust deviations of the log score above its median, 4.5 on average and 2 for each
    approach. Among fewer than 100 pictures none is named.

    Parameters
    ----------
    ood_score : by approach, N; of models that never saw the picture.
    """
    if len(next(iter(ood_score.values()))) < ENOUGH:
        return np.empty(0, dtype=np.int64)
    logs = np.log(np.maximum(np.stack([*ood_score.values()]).astype(np.float64), 1e-6))
    apart = logs - np.median(logs, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(apart), axis=1, keepdims=True)
    deviations = apart / np.maximum(spread, 1e-3)
    far = (deviations.min(axis=0) > FAR_FOR_EACH) & (deviations.mean(axis=0) > FAR_ON_AVERAGE)
    return np.flatnonzero(far).astype(np.int64)
