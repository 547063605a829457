"""What the static page computes when it is taught, by the functions of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.approaches.scattering import SHARPNESS
from bakeoff.evaluation.calibration import fit_temperature, softmax
from bakeoff.evaluation.intervals import Sampling, share_interval
from bakeoff.evaluation.trust import Judged, trust
from bakeoff.training.ridge import ridge

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Taught:
    """Out-of-fold answers to N pictures, by fold, and the model of all of them."""

    probabilities: NDArray[np.float32]
    temperatures: list[float]
    temperature: float
    interval: tuple[float, float]
    weights: Features
    bias: Features


def taught(
    x: Features,
    labels: NDArray[np.int64],
    folds: NDArray[np.integer],
    classes: int,
    balance: float = 0.0,
) -> Taught:
    """Solve and score as a run does, for N×D features."""
    logits = np.zeros((len(x), classes), dtype=np.float32)
    probabilities, temperatures, sizes = logits.copy(), [], []
    for fold in range(int(folds.max()) + 1):
        train, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        solved = _ridge(x[train], labels[train], classes, balance)
        unseen = (SHARPNESS * solved.left_out).numpy()
        temperatures.append(fit_temperature(unseen, labels[train]))
        weights, bias = solved.weights.numpy(), solved.bias.numpy()
        logits[held_out] = SHARPNESS * (x[held_out] @ weights + bias)
        probabilities[held_out] = softmax(logits[held_out], temperatures[-1])
        sizes.append(len(train) * len(held_out))
    right = probabilities.argmax(1) == labels
    solved = _ridge(x, labels, classes, balance)
    return Taught(
        probabilities,
        temperatures,
        fit_temperature(logits, labels),
        share_interval(right, Sampling(None, sum(sizes) / len(x), len(x))),
        solved.weights.numpy(),
        solved.bias.numpy(),
    )


def thresholds(found: Taught, labels: NDArray[np.int64], scores: Features) -> dict[str, Any]:
    """The thresholds of those answers, with such OOD scores."""
    rule = trust(Judged(found.probabilities, scores, labels))
    assert rule.sure is not None
    return {
        "least_probability": rule.least_probability,
        "max_ood_score": rule.max_ood_score,
        "least_by_class": rule.least_by_class,
        "sure": {"least_probability": rule.sure.least_probability},
    }


def _ridge(x: Features, labels: NDArray[np.int64], classes: int, balance: float) -> Any:
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights = torch.from_numpy((counts.astype(np.float64) ** -balance)[labels].astype(np.float32))
    return ridge(torch.from_numpy(x), torch.from_numpy(labels), classes, weights=weights)


NUMBERS = Path(__file__).parents[1] / "web" / "src" / "teach" / "numbers.json"
CASES = {"even": ((40, 40, 40), 30, 0.0), "uneven": ((45, 20, 5), 90, 0.5)}


def numbers() -> dict[str, Any]:
    """Made-up features and what Python makes of them, for the tests of the page."""
    return {name: _case(*case) for name, case in CASES.items()}


def _case(counts: tuple[int, ...], width: int, balance: float) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(len(counts)), counts)
    middles = rng.normal(size=(len(counts), width)) * 0.5
    x = ((middles[labels] + rng.normal(size=(len(labels), width))) * 8).round() / 8
    features = x.astype(np.float32)
    folds = np.arange(len(labels)) % 5
    found = taught(features, labels, folds, len(counts), balance)
    ood_scores = rng.gamma(5, 0.2, len(labels)).round(3).astype(np.float32)
    return {
        "x": x.ravel().tolist(),
        "labels": labels.tolist(),
        "folds": folds.tolist(),
        "width": width,
        "classes": len(counts),
        "balance": balance,
        "probabilities": found.probabilities.round(6).tolist(),
        "temperature": found.temperature,
        "interval": list(found.interval),
        "weights": found.weights.ravel().round(6).tolist(),
        "bias": found.bias.round(6).tolist(),
        "ood_scores": ood_scores.round(3).tolist(),
        "thresholds": thresholds(found, labels, ood_scores),
    }


if __name__ == "__main__":
    NUMBERS.write_text(json.dumps(numbers()), encoding="utf-8")
