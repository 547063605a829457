"""The table of metrics: what `score` computes for every approach and results.json keeps by name.

A metric is a function of N×K probabilities and N labels. A new one is a function and a line of
`METRICS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.calibration import expected_calibration_error, reliability
from bakeoff.evaluation.classwise import classwise_errors

__all__ = ["LEAST_PROBABILITY", "METRICS", "Metric", "losses", "metrics_of"]

LEAST_PROBABILITY = 1e-7

Probabilities: TypeAlias = NDArray[np.floating]
Labels: TypeAlias = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of a set of predictions.

    Attributes
    ----------
    title : what people read.
    function : N×K probabilities, whose rows sum to one, and N labels to the value.
    higher_is_better : whether the best approach has the highest value.
    is_share : whether the value is a share from 0 to 1, shown in percent.
    """

    title: str
    function: Callable[[Probabilities, Labels], float]
    higher_is_better: bool = True
    is_share: bool = True


def metrics_of(probabilities: Probabilities, labels: Labels) -> dict[str, float]:
    """The value of every metric of the table, by name."""
    return {name: float(one.function(probabilities, labels)) for name, one in METRICS.items()}


def losses(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """The negative log-likelihood of each of N pictures, in nats.

    Probabilities are clipped at 1e-7 first, about the resolution of float32: no picture costs more
    than 16.1 nats, and one confident mistake does not make the mean infinite.
    """
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # Subtracted, because minus the log of 1 would be the odd-looking -0.0.
    cost: NDArray[np.float64] = 0.0 - np.log(np.clip(of_truth, LEAST_PROBABILITY, 1.0))
    return cost


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """The share of correct answers."""
    return int((probabilities.argmax(axis=1) == labels).sum()) / len(labels)


def balanced_accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """The mean recall of the classes that have pictures, small classes counting as much as large.

    Brodersen et al., "The balanced accuracy and its posterior distribution" (2010).
    """
    right = probabilities.argmax(axis=1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """The mean F1 of the classes that have pictures or were answered."""
    answers = probabilities.argmax(axis=1)
    present = np.union1d(labels, answers)
    return float(
        np.mean(
            [
                2
                * ((answers == label) & (labels == label)).sum()
                / ((answers == label).sum() + (labels == label).sum())
                for label in present
            ]
        )
    )


def mean_loss(probabilities: Probabilities, labels: Labels) -> float:
    """The mean of `losses`."""
    return float(losses(probabilities, labels).mean())


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """The expected calibration error in 15 bins of equal mass."""
    return expected_calibration_error(reliability(probabilities, labels))


def classwise_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """The mean over classes of how far their stated and true frequency differ."""
    return float(classwise_errors(probabilities, labels).mean())


METRICS: dict[str, Metric] = {
    "accuracy": Metric("Accuracy", accuracy),
    "balanced_accuracy": Metric("Balanced accuracy", balanced_accuracy),
    "macro_f1": Metric("Macro F1", macro_f1),
    "loss": Metric("Log loss", mean_loss, higher_is_better=False, is_share=False),
    "calibration_error": Metric("Calibration error", calibration_error, higher_is_better=False),
    "classwise_calibration_error": Metric(
        "Class-wise calibration error", classwise_calibration_error, higher_is_better=False
    ),
}
