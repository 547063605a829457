"""Which labels the models doubt, and which pictures are strange to all of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.metrics import LEAST_PROBABILITY
from bakeoff.evaluation.records import Suspect

__all__ = ["outliers", "pooled", "suspects"]

SURELY_WRONG = 0.02
# Robust deviations of the logarithm of OOD score: of any approach, and in the mean. Among 3 000
# digits and 431 drawings none has a mean above 3.5; chequers and noise among digits have 5.
STRANGE, VERY_STRANGE = 2.0, 4.5
ENOUGH = 100  # pictures: among fewer, how far the others spread is luck


def suspects(
    probabilities: Mapping[str, NDArray[np.floating]],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    names: Sequence[str],
    rows: NDArray[np.integer],
) -> list[Suspect]:
    """Labels that are likely wrong, the most suspect first.

    By confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating
    uncertainty in dataset labels", 2021; the authors' own cleanlab) on all approaches `pooled`.
    Of its ways to choose, that which takes as many of each class as are estimated wrong there,
    those with the least probability of their label first: of labels flipped on purpose it found
    the most among as few false alarms (benchmarks/suspects.txt). In a set of some hundred it
    counts too few, so whatever label is given less than 2 % is suspect too.

    Parameters
    ----------
    probabilities : by approach, N×K of models that never saw the picture; calibrated.
    labels : N, index into `classes`.
    classes : K names.
    names : names of all pictures of the dataset, of which N were judged.
    rows : N, which of them: the row in the dataset.
    """
    # Not before it is needed: pandas comes with it, and training wants the memory.
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    together = pooled(list(probabilities.values()))
    present, given = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return []
    known = together[:, present] / together[:, present].sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        # That a class is too small to be sure of is told by the interval of its score.
        warnings.simplefilter("ignore")
        doubted = find_label_issues(given, known, filter_by="prune_by_class", n_jobs=1)
    quality = get_label_quality_scores(given, known, method="self_confidence")
    answers = together.argmax(axis=1)
    found = np.flatnonzero((doubted | (quality < SURELY_WRONG)) & (answers != labels))
    said = {name: one.argmax(axis=1) for name, one in probabilities.items()}
    return [
        Suspect(
            index=int(rows[i]),
            name=names[rows[i]],
            label=classes[labels[i]],
            proposed=classes[answers[i]],
            quality=float(quality[i]),
            agree=[name for name, one in said.items() if one[i] == answers[i]],
        )
        for i in found[np.lexsort((rows[found], quality[found]))]
    ]


def pooled(probabilities: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """What several approaches say together, N×K: the geometric mean, whose rows sum to one.

    One that is sure that a picture is not of a class is heard more than in a plain mean
    (Hinton, "Training products of experts", 2002).
    """
    logs = [np.log(np.clip(one.astype(np.float64), LEAST_PROBABILITY, 1)) for one in probabilities]
    mean = np.exp(np.mean(logs, axis=0))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True))


def outliers(ood_score: Mapping[str, NDArray[np.floating]]) -> NDArray[np.int64]:
    """Which of N pictures are far stranger than the others to all approaches, ascending.

    Far is, in the logarithm and in robust deviations above the median, 4.5 in the mean of the
    approaches and 2 for each. Of fewer than 100 pictures none is named.

    Parameters
    ----------
    OOD score : by approach, N; of models that never saw the picture.
    """
    if len(next(iter(ood_score.values()))) < ENOUGH:
        return np.empty(0, dtype=np.int64)
    logs = np.log(np.maximum(np.stack([*ood_score.values()]).astype(np.float64), 1e-6))
    apart = logs - np.median(logs, axis=1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(apart), axis=1, keepdims=True)
    deviations = apart / np.maximum(spread, 1e-3)
    far = (deviations.min(axis=0) > STRANGE) & (deviations.mean(axis=0) > VERY_STRANGE)
    return np.flatnonzero(far).astype(np.int64)
