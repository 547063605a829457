from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import (
    TEMPERATURE_BOUNDS,
    calibration_interval,
    calibration_null_level,
    expected_calibration_error,
    fit_temperature,
    reliability,
    softmax,
)


def drawn(pictures: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn from the very probabilities that they state."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=1.5, size=(pictures, 5))
    # Gumbel's trick: the arg max of logits plus Gumbel noise is a draw from their softmax.
    return logits, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20))
def test_softmax_gives_rows_that_sum_to_one(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(scale=1000, size=(7, 4)).astype(np.float32)
    probabilities = softmax(logits, temperature)
    assert probabilities.dtype == np.float32
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (probabilities.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_a_higher_temperature_is_less_sure() -> None:
    logits = np.array([[2.0, 0.0]])
    np.testing.assert_allclose(softmax(logits, 2)[0, 0], 1 / (1 + np.exp(-1)), rtol=1e-6)


def test_softmax_refuses_temperatures_of_0_or_less() -> None:
    with pytest.raises(ValueError, match="temperature"):
        softmax(np.zeros((1, 2)), 0.0)


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_the_temperature_undoes_a_scale(scale: float) -> None:
    logits, labels = drawn(3000)
    assert fit_temperature(logits * scale, labels) == pytest.approx(scale, rel=0.1)


def test_the_fitted_temperature_calibrates() -> None:
    logits, labels = drawn(3000)
    before = expected_calibration_error(reliability(softmax(logits * 4), labels))
    temperature = fit_temperature(logits * 4, labels)
    after = expected_calibration_error(reliability(softmax(logits * 4, temperature), labels))
    assert before > 0.15
    assert after < 0.04


def test_a_perfect_slice_does_not_make_confidence_unlimited() -> None:
    labels = np.arange(40) % 5
    temperature = fit_temperature(np.eye(5)[labels] * 6, labels)
    assert 0.4 < temperature < 1
    assert fit_temperature(np.eye(5)[(labels + 1) % 5] * 6, labels) > 5


@pytest.mark.parametrize(
    "logits", [np.empty((0, 3)), np.full((4, 3), 7.0), np.arange(4.0)[:, None]]
)
def test_without_information_it_is_one(logits: NDArray[np.float64]) -> None:
    assert fit_temperature(logits, np.zeros(len(logits), dtype=np.int64)) == 1.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.floats(1e-3, 1e3))
def test_it_stays_in_bounds(seed: int, pictures: int, scale: float) -> None:
    logits, labels = drawn(pictures, seed)
    low, high = TEMPERATURE_BOUNDS
    assert low <= fit_temperature(logits * scale, labels) <= high


def test_logits_that_are_not_numbers_are_named() -> None:
    with pytest.raises(BakeoffError, match=r"logits: .* diverged"):
        fit_temperature(np.array([[np.inf, 0.0]]), np.array([0]))


@pytest.mark.parametrize("shape", [(3, 2), (2,)])
def test_logits_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="logits of shape"):
        fit_temperature(np.zeros(shape), np.zeros(2 if len(shape) > 1 else 3, dtype=np.int64))


def test_bins_have_equal_mass_and_ascending_confidence() -> None:
    logits, labels = drawn(300)
    bins = reliability(softmax(logits), labels, bins=15)
    assert [part.pictures for part in bins] == [20] * 15
    assert all(part.lower <= part.confidence <= part.upper for part in bins)
    edges = [(part.lower, part.upper) for part in bins]
    assert edges == sorted(edges)


def test_equal_confidences_share_a_bin_so_that_order_does_not_matter() -> None:
    probabilities = np.tile(np.array([[0.75, 0.25]]), (40, 1))
    labels = np.repeat([0, 1], [30, 10])
    bins = reliability(probabilities, labels)
    assert len(bins) == 1
    assert (bins[0].pictures, bins[0].confidence, bins[0].accuracy) == (40, 0.75, 0.75)
    assert expected_calibration_error(bins) == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_order_of_the_pictures_does_not_matter(seed: int, pictures: int) -> None:
    rng = np.random.default_rng(seed)
    # A few distinct confidences, so that there are ties to be broken wrongly.
    sure = rng.choice([0.5, 0.75, 1.0], pictures)
    probabilities = np.stack([sure, 1 - sure], axis=1)
    labels = rng.integers(0, 2, pictures)
    other = rng.permutation(pictures)
    assert reliability(probabilities, labels) == reliability(probabilities[other], labels[other])


def test_the_error_is_the_mean_distance() -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1]])
    bins = reliability(probabilities, np.array([0, 1]))
    assert expected_calibration_error(bins) == pytest.approx((0.4 + 0.9) / 2)


def test_no_pictures_no_bins_no_error() -> None:
    assert reliability(np.empty((0, 2)), np.empty(0, dtype=np.int64)) == []
    assert expected_calibration_error([]) == 0


def _stated(pictures: int, off: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two-class answers that are right as often as they say, less `off`."""
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.6, 0.95, pictures)
    right = rng.random(pictures) < confidence - off
    return np.stack([confidence, 1 - confidence], 1).astype(np.float32), np.where(right, 0, 1)


@pytest.mark.parametrize(("off", "by_chance"), [(0.0, True), (0.15, False)])
def test_a_calibration_error_has_an_interval_and_a_null_level(off: float, by_chance: bool) -> None:
    probabilities, labels = _stated(1500, off)
    confidence = probabilities.max(1).astype(np.float64)
    bins = reliability(probabilities, labels)
    error = expected_calibration_error(bins)
    low, high = calibration_interval(confidence, labels == 0, bins, None)
    assert low <= off <= high
    assert 0 <= low < high <= 1
    # A sample shows more error than there is, which the interval takes off again.
    assert low < error
    assert (error <= calibration_null_level(confidence, bins)) == by_chance


def test_few_pictures_show_much_error_by_chance() -> None:
    probabilities, labels = _stated(60, 0.0)
    bins = reliability(probabilities, labels)
    few = calibration_null_level(probabilities.max(1).astype(np.float64), bins)
    probabilities, labels = _stated(6000, 0.0)
    bins = reliability(probabilities, labels)
    many = calibration_null_level(probabilities.max(1).astype(np.float64), bins)
    assert few > 0.1 > 0.03 > many
