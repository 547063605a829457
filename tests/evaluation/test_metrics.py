from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, f1_score

from bakeoff.evaluation.metrics import METRICS, Metric, metrics_of
from bakeoff.evaluation.scores import score

CLASSES = ("anchor", "balloon", "spiral")
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.9, 0.0]], dtype=np.float32)
LABELS = np.array([0, 0, 1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 5))
def test_metrics_agree_with_scikit_learn(seed: int, pictures: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), pictures)
    labels = rng.integers(0, classes, pictures)
    answers = probabilities.argmax(1)
    metrics = metrics_of(probabilities, labels)
    with warnings.catch_warnings():  # that it leaves out answers of classes without pictures
        warnings.simplefilter("ignore", UserWarning)
        balanced = balanced_accuracy_score(labels, answers)
    assert metrics["balanced_accuracy"] == pytest.approx(balanced)
    assert metrics["macro_f1"] == pytest.approx(f1_score(labels, answers, average="macro"))


def test_accuracy_loss_and_calibration_are_fields_of_the_scores() -> None:
    scores = score(PROBABILITIES, LABELS, CLASSES)
    assert scores.metrics.keys() == METRICS.keys()
    assert scores.metrics["accuracy"] == scores.accuracy
    assert scores.metrics["loss"] == scores.loss
    assert scores.metrics["calibration_error"] == scores.calibration_error


def test_a_metric_added_to_the_table_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    def top_2(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
        best = probabilities.argsort(axis=1)[:, -2:]
        return float((best == labels[:, None]).any(axis=1).mean())

    monkeypatch.setitem(METRICS, "top_2", Metric("Top-2 accuracy", top_2))
    assert score(PROBABILITIES, LABELS, CLASSES).metrics["top_2"] == 1.0
