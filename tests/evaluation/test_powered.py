from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.evaluation.intervals import Sampling, share_interval
from bakeoff.evaluation.powered import power, powered

Sample = tuple[NDArray[np.bool_], NDArray[np.float64]]


def sample(count: int, seed: int, *, bias: float = 0.0) -> Sample:
    """Whether answers are right, and a confidence that says so but for a bias; 81 % are right."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1.3, 0.3, count)
    return rng.random(count) < chance, np.clip(chance + bias, 0, 1)


@pytest.mark.parametrize("bias", [0.0, 0.2])
def test_it_is_that_of_ppi_py(bias: float) -> None:
    ppi_py = pytest.importorskip("ppi_py", reason="needs numba, which this Python may lack")
    (right, confidence), (_, more) = sample(800, 1, bias=bias), sample(3000, 2, bias=bias)
    truth = right.astype(float)
    weight = power(right, confidence, more)
    (expected,) = ppi_py.ppi_mean_pointestimate(truth, confidence, more)
    low, high = (float(one[0]) for one in ppi_py.ppi_mean_ci(truth, confidence, more, alpha=0.05))
    found = powered(right, confidence, more, Sampling())
    assert found is not None
    assert found.accuracy == pytest.approx(expected, abs=1e-4)
    # Wilson's interval is as wide, a little nearer to one half.
    assert found.interval == pytest.approx((low, high), abs=0.003)
    assert found.interval[1] - found.interval[0] == pytest.approx(high - low, rel=0.02)
    fixed = ppi_py.ppi_mean_pointestimate(truth, confidence, more, lam=weight)
    assert found.accuracy == pytest.approx(float(fixed[0]), abs=1e-12)


@pytest.mark.parametrize("bias", [0.0, -0.3])
def test_it_holds_the_truth_and_is_narrower(bias: float) -> None:
    """However biased the confidence is."""
    truth = 1.3 / 1.6
    held = narrower = given = 0
    for seed in range(300):
        right, confidence = sample(200, seed, bias=bias)
        found = powered(right, confidence, sample(2000, 1000 + seed, bias=bias)[1], Sampling())
        if found is None:
            continue
        given += 1
        low, high = found.interval
        plain = share_interval(right, Sampling())
        held += low <= truth <= high
        narrower += (high - low) < 0.9 * (plain[1] - plain[0])
    assert given > 290
    assert held >= 0.92 * given
    assert narrower > 0.8 * given


def test_copies_are_worth_less() -> None:
    right, confidence = sample(400, 0)
    more = sample(4000, 1)[1]
    alone = powered(right, confidence, more, Sampling())
    pairs = Sampling(np.repeat(np.arange(400), 2))
    copies = powered(np.repeat(right, 2), np.repeat(confidence, 2), more, pairs)
    assert alone is not None
    assert copies is not None
    assert copies.worth == pytest.approx(alone.worth, rel=0.1)


def test_the_final_model_may_be_better() -> None:
    right, confidence = sample(400, 0)
    more = sample(4000, 1)[1]
    same = powered(right, confidence, more, Sampling())
    larger = powered(right, confidence, more, Sampling(None, 80, 100))
    assert same is not None
    assert larger is not None
    assert larger.interval[0] == same.interval[0]
    assert larger.interval[1] > same.interval[1]


def test_without_help_there_is_none() -> None:
    right, confidence = sample(400, 0)
    assert powered(right, np.full(400, 0.9), np.full(4000, 0.9), Sampling()) is None
    assert powered(np.ones(400, bool), confidence, confidence, Sampling()) is None  # no errors
    few = np.arange(400) >= 9
    assert powered(few, confidence, confidence, Sampling()) is None
    assert powered(right, confidence, np.empty(0), Sampling()) is None
    misleading = 1 - confidence
    assert powered(right, misleading, 1 - sample(4000, 1)[1], Sampling()) is None
