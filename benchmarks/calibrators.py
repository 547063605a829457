"""Temperature, isotonic regression and Venn-Abers, on the out-of-fold predictions of runs.

    python benchmarks/calibrators.py RUN... > benchmarks/calibrators.txt

Each calibrator is fitted on what all folds but one held out, and changes what that one held out:
no label is used for its own picture. *As it is* is what the run has scored: the temperature of each
fold, from an inner slice or in closed form. The others begin with the logits. Isotonic regression
(Zadrozny and Elkan, 2002) and Venn-Abers predictors (Vovk and Petej, 2014; the pair of
probabilities becomes p1 / (1 - p0 + p1)) treat one class against the others; the shares of all
classes are then divided by their sum. The loss clips probabilities at 0.0001 for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import hardware
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from bakeoff.evaluation.calibration import (
    calibration_null_level,
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
)
from bakeoff.evaluation.classwise import classwise_errors, classwise_null_level
from bakeoff.record.folder import RunFolder
from bakeoff.run.source import read_again

LEAST = 1e-4

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def main() -> None:
    """Print a table for each approach of each run."""
    print(hardware())
    for path in sys.argv[1:]:
        folder = RunFolder.open(Path(path))
        results, labels = folder.results(), read_again(folder.config).labels
        for result in results.approaches:
            units = [folder.load_unit(result.name, fold.name) for fold in result.folds]
            logits = [arrays["logits"].astype(np.float64) for _, arrays in units]
            truths = [labels[arrays["rows"]] for _, arrays in units]
            scored = np.concatenate(
                [
                    softmax(each, record.temperature)
                    for each, (record, _) in zip(logits, units, strict=True)
                ]
            )
            print(
                f"\n{results.dataset.name}, {sum(map(len, truths))} pictures out of fold, "
                f"{len(results.dataset.classes)} classes, {result.name}"
            )
            print(f"{'':>12}{'accuracy':>10}{'loss':>9}{'calibration':>13}{'by class':>10}")
            _row("as it is", scored, np.concatenate(truths))
            for name, calibrate in CALIBRATORS.items():
                _row(name, _left_out(calibrate, logits, truths), np.concatenate(truths))
            by_chance = calibration_null_level(
                scored.max(1).astype(np.float64), reliability(scored, np.concatenate(truths))
            )
            classwise = classwise_null_level(scored)
            assert classwise is not None
            print(
                f"{'by chance':>12}{'':>19}{100 * by_chance:>13.2f}{100 * classwise:>10.2f}",
                flush=True,
            )


def _row(name: str, shares: Floats, labels: Labels) -> None:
    right = (shares.argmax(1) == labels).mean()
    loss = -np.log(np.clip(shares[np.arange(len(labels)), labels], LEAST, 1)).mean()
    error = expected_calibration_error(reliability(shares, labels))
    by_class = classwise_errors(shares, labels).mean()
    print(f"{name:>12}{right:>10.2%}{loss:>9.4f}{100 * error:>13.2f}{100 * by_class:>10.2f}")


Calibrate = Callable[[Floats, Labels, Floats], Floats]


def _left_out(calibrate: Calibrate, logits: list[Floats], truths: list[Labels]) -> Floats:
    parts = []
    for fold, held_out in enumerate(logits):
        others = [place for place in range(len(logits)) if place != fold]
        known = np.concatenate([logits[place] for place in others])
        parts.append(
            calibrate(known, np.concatenate([truths[place] for place in others]), held_out)
        )
    return np.concatenate(parts)


def _temperature(known: Floats, labels: Labels, logits: Floats) -> Floats:
    return softmax(logits, fit_temperature(known, labels)).astype(np.float64)


def _one_against_others(one: Callable[[Floats, Floats, Floats], Floats]) -> Calibrate:
    def calibrate(known: Floats, labels: Labels, logits: Floats) -> Floats:
        scores, new = softmax(known).astype(np.float64), softmax(logits).astype(np.float64)
        shares = np.stack(
            [
                one(scores[:, label], (labels == label).astype(np.float64), new[:, label])
                for label in range(scores.shape[1])
            ],
            axis=1,
        )
        shares += 1e-9  # where every class has 0
        normalised: Floats = shares / shares.sum(1, keepdims=True)
        return normalised

    return calibrate


def _isotonic(scores: Floats, truth: Floats, new: Floats) -> Floats:
    order = np.argsort(scores, kind="stable")
    fitted = isotonic_regression(truth[order], y_min=0, y_max=1)
    interpolated: Floats = np.interp(new, scores[order], fitted)
    return interpolated


def _venn_abers(scores: Floats, truth: Floats, new: Floats) -> Floats:
    order = np.argsort(scores, kind="stable")
    scores, truth = scores[order], truth[order]
    distinct, place = np.unique(new, return_inverse=True)
    shares = np.empty(len(distinct))
    for number, score in enumerate(distinct):
        at = int(np.searchsorted(scores, score))
        low, high = (
            isotonic_regression(np.insert(truth, at, label), y_min=0, y_max=1)[at]
            for label in (0.0, 1.0)
        )
        shares[number] = high / (1 - low + high)
    return shares[place]


CALIBRATORS: dict[str, Calibrate] = {
    "temperature": _temperature,
    "isotonic": _one_against_others(_isotonic),
    "Venn-Abers": _one_against_others(_venn_abers),
}

if __name__ == "__main__":
    main()
