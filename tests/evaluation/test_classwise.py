from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.evaluation.classwise import MOST, classwise_errors, classwise_null_level
from bakeoff.evaluation.metrics import METRICS, metrics_of
from bakeoff.evaluation.scores import score


def drawn(
    pictures: int, seed: int = 0, classes: int = 5
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.4), pictures)
    labels = (shares.cumsum(1) < rng.random((pictures, 1))).sum(1)
    return shares, np.minimum(labels, classes - 1)


def test_by_hand() -> None:
    """Two bins of equal probabilities: each class is off by the distance in each."""
    shares = np.array([[0.75, 0.25]] * 4 + [[0.1, 0.9]] * 6)
    labels = np.array([0, 0, 0, 1] + [1] * 6)
    # 0.75 × 4 = 3 are right in the first; in the second 0.6 of class 0 are stated, none is true.
    assert classwise_errors(shares, labels) == pytest.approx([0.06, 0.06])
    assert metrics_of(shares, labels)["classwise_calibration_error"] == pytest.approx(0.06)
    assert not METRICS["classwise_calibration_error"].higher_is_better


def test_a_class_may_be_off_where_the_most_probable_one_is_not() -> None:
    shares = np.tile([0.6, 0.3, 0.1], (3000, 1))
    labels = np.random.default_rng(0).choice([0, 2], 3000, p=[0.6, 0.4])  # never class 1
    found = score(shares, labels, ("a", "b", "c"))
    assert found.calibration_error < 0.03
    assert [one.calibration_error for one in found.per_class] == pytest.approx(
        [0, 0.3, 0.3], abs=0.03
    )
    assert found.classwise_null_level is not None
    assert found.metrics["classwise_calibration_error"] > 5 * found.classwise_null_level


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_pictures_does_not_matter(seed: int) -> None:
    shares, labels = drawn(60, seed)
    shares = shares.round(1)  # many are equal
    order = np.random.default_rng(seed).permutation(60)
    expected = classwise_errors(shares, labels)
    assert classwise_errors(shares[order], labels[order]) == pytest.approx(expected)


def test_calibrated_probabilities_exceed_the_null_level_one_time_in_twenty() -> None:
    beyond = 0
    for seed in range(200):
        shares, labels = drawn(300, seed)
        null = classwise_null_level(shares)
        assert null is not None
        beyond += classwise_errors(shares, labels).mean() > null
    assert 2 <= beyond <= 19  # 10 expected; outside with a probability of 0.5 %


def test_overconfidence_exceeds_it() -> None:
    shares, labels = drawn(1000)
    sharp = shares**3 / (shares**3).sum(1, keepdims=True)
    null = classwise_null_level(sharp)
    assert null is not None
    assert classwise_errors(sharp, labels).mean() > 1.5 * null


def test_very_large_sets_have_no_null_level() -> None:
    assert classwise_null_level(np.broadcast_to([0.5, 0.5], (MOST, 2))) is None
