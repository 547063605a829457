from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bakeoff.evaluation.intervals import (
    Sampling,
    bootstrap,
    mean_interval,
    share_interval,
    wilson,
)


def test_wilsons_interval_as_published() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_is_never_a_point(case: tuple[int, int]) -> None:
    right, pictures = case
    low, high = wilson(right, pictures)
    assert 0 <= low <= right / pictures + 1e-12
    assert right / pictures - 1e-12 <= high <= 1
    assert high - low > 0


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_is_scipys(case: tuple[int, int]) -> None:
    right, pictures = case
    theirs = binomtest(right, pictures).proportion_ci(0.95, method="wilson")
    assert wilson(right, pictures) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_copies_count_as_fewer_pictures() -> None:
    right = np.repeat(np.arange(40) % 10 != 0, 5)
    alone = share_interval(right, Sampling())
    copied = share_interval(right, Sampling(np.repeat(np.arange(40), 5)))
    # Forty clusters that are right or wrong as one are worth forty pictures.
    assert copied == pytest.approx(wilson(36, 40), abs=0.01)
    assert copied[1] - copied[0] > 1.9 * (alone[1] - alone[0])
    assert share_interval(right, Sampling(np.arange(200))) == alone


def test_clusters_that_are_all_right_count_as_one_picture_each() -> None:
    right, ids = np.ones(100, dtype=bool), np.repeat(np.arange(20), 5)
    assert share_interval(right, Sampling(ids)) == pytest.approx(wilson(20, 20))


def test_the_design_effect_is_at_least_1() -> None:
    right = np.tile([True, False], 50)
    assert share_interval(right, Sampling(np.repeat(np.arange(50), 2))) == wilson(50, 100)


def test_the_upper_end_allows_for_more_training_pictures() -> None:
    right = np.arange(500) % 20 != 0
    low, high = wilson(475, 500)
    sampling = Sampling(train_size=400, final_train_size=500)
    better = share_interval(right, sampling)
    assert better[0] == low
    assert better[1] / (1 - better[1]) == pytest.approx(high / (1 - high) / 0.8)
    assert 1 - better[1] == pytest.approx(0.8 * (1 - high), rel=0.02)
    # A model that learns from fewer than those that were measured gains nothing, nor loses.
    assert Sampling(train_size=500, final_train_size=320).gain == 1.0


def test_guessing_has_little_to_gain() -> None:
    right = np.arange(500) % 10 == 0
    _, high = wilson(50, 500)
    assert (
        high
        < share_interval(right, Sampling(train_size=400, final_train_size=500))[1]
        < high + 0.03
    )


def test_without_pictures_the_interval_is_everything() -> None:
    none = np.empty(0)
    assert share_interval(none.astype(bool), Sampling()) == (0.0, 1.0)
    assert mean_interval(none, Sampling()) == (0.0, math.inf)


def test_intervals_of_a_mean_have_their_coverage() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        low, high = mean_interval(rng.exponential(1.0, 200), Sampling())
        held += low <= 1.0 <= high
    assert held >= 52  # 57 of 60 expected; 51 and fewer happen once in a hundred times


def test_the_bootstrap_draws_whole_clusters() -> None:
    ids = np.array([3, 1, 1, 2, 3, 3])

    def check(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        times = np.bincount(rows, minlength=len(ids))
        assert all(len(set(times[ids == one])) == 1 for one in (1, 2, 3))
        assert sum(times[ids == one][0] for one in (1, 2, 3)) == 3
        return float(len(rows))

    sizes = bootstrap(check, len(ids), ids)
    assert sizes.min() >= 3
    assert sizes.max() <= 9
    assert sizes.mean() == pytest.approx(6, abs=0.2)


def test_the_same_pictures_have_the_same_interval() -> None:
    loss = np.random.default_rng(1).exponential(1.0, 50)
    assert mean_interval(loss, Sampling()) == mean_interval(loss, Sampling())
    assert mean_interval(loss, Sampling(np.arange(50) // 2)) != mean_interval(loss, Sampling())
