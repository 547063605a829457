from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.evaluation.trust import MOST_ERRORS, REFUSAL_RATE, Judged, trust


def judged(count: int, *, right: float, seed: int = 0, classes: int = 4) -> Judged:
    """Answers of a calibrated model: a probability for the truth, the rest shared at random."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    probabilities = rng.dirichlet(np.full(classes, 0.05), count)
    # Where the label is drawn by the probabilities themselves, they are calibrated.
    labels = np.array([rng.choice(classes, p=row) for row in probabilities])
    sure = rng.random(count) < right
    probabilities[sure] = np.eye(classes)[labels[sure]] * 0.9 + 0.1 / classes
    return Judged(probabilities, rng.gamma(9, 1 / 9, count), labels)


def test_sets_hold_the_truth_at_the_stated_rate_on_new_pictures() -> None:
    found = trust(judged(4000, right=0.5), test=judged(4000, right=0.5, seed=1))
    assert found.measured is not None
    assert found.measured.pictures == 4000
    assert found.measured.covered >= 1 - found.error_rate - 0.01
    assert found.measured.refused == pytest.approx(REFUSAL_RATE, abs=0.006)


def test_the_rate_is_half_of_the_errors_within_bounds() -> None:
    some = judged(2000, right=0.8)
    problem = (some.probabilities.argmax(1) != some.labels).mean()
    assert trust(some).error_rate == pytest.approx(problem / 2)
    perfect = Judged(np.eye(3)[[0, 1, 2] * 20], np.ones(60), np.array([0, 1, 2] * 20))
    assert trust(perfect).error_rate == pytest.approx(1 / 61)
    hopeless = Judged(np.full((50, 5), 0.2), np.ones(50), np.arange(50) % 5)
    assert trust(hopeless).error_rate == MOST_ERRORS


def test_halving_the_errors_leaves_more_than_one_class_somewhere() -> None:
    some = judged(3000, right=0.6)
    found = trust(some, test=judged(3000, right=0.6, seed=2)).measured
    assert found is not None
    assert found.sure < 1
    assert found.sure_right is not None
    assert found.sure_right > 1 - trust(some).error_rate - 0.01


def test_folds_are_measured_by_the_thresholds_of_the_others() -> None:
    some = judged(400, right=0.5)
    fold_of = np.arange(400) % 4
    # The OOD scores of one fold are higher: the thresholds of the others refuse its pictures.
    strange = Judged(some.probabilities, some.ood_score + 10 * (fold_of == 3), some.labels)
    found = trust(strange, fold_of=fold_of)
    assert found.measured is not None
    assert found.measured.refused >= 0.25
    assert trust(some).measured is None
    assert trust(some, fold_of=np.zeros(400, dtype=int)).measured is None


@given(count=st.integers(1, 60), seed=st.integers(0, 9))
def test_thresholds_are_observed_values(count: int, seed: int) -> None:
    some = judged(count, right=0.5, seed=seed)
    found = trust(some)
    given_to_truth = some.probabilities[np.arange(count), some.labels]
    assert found.least_probability in given_to_truth
    assert found.max_ood_score in some.ood_score
    assert 0 < found.error_rate <= max(MOST_ERRORS, 1 / (count + 1))


def test_blank_pictures_do_not_raise_the_threshold() -> None:
    some = judged(100, right=0.5)
    blank = Judged(some.probabilities, some.ood_score.copy(), some.labels)
    blank.ood_score[:20] = NOTHING_DRAWN
    assert trust(blank).max_ood_score == some.ood_score[20:].max()
    blank.ood_score[:] = NOTHING_DRAWN
    assert trust(blank).max_ood_score == NOTHING_DRAWN
