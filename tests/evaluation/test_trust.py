from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from mapie.risk_control.fwer_control import control_fwer
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin

from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.evaluation.trust import (
    FLOOR,
    MOST_ERRORS,
    PROBED_REFUSAL_RATE,
    REFUSAL_RATE,
    STEPS,
    STRANGERS_SURE,
    SURE_ERRORS,
    Judged,
    Probed,
    _conformal,
    binomial_tail,
    trust,
)


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


def calibrated(count: int, *, errors: float, seed: int = 0) -> Judged:
    """Answers whose errors are at lower probabilities."""
    rng = np.random.default_rng(seed)
    top = rng.uniform(0.5, 1, count)
    wrong = rng.random(count) < errors * 12 * (1 - top) ** 2  # `errors` on average
    labels = rng.integers(0, 3, count)
    answers = np.where(wrong, (labels + 1) % 3, labels)
    probabilities = np.full((count, 3), ((1 - top) / 2)[:, None])
    probabilities[np.arange(count), answers] = top
    return Judged(probabilities, rng.gamma(9, 1 / 9, count), labels)


def test_sure_keeps_its_promise_in_nineteen_of_twenty_sets() -> None:
    broken = called = 0
    for seed in range(200):
        some = calibrated(800, errors=0.03, seed=seed)
        new = calibrated(4000, errors=0.03, seed=1000 + seed)
        measured = trust(some, test=new).measured
        assert measured is not None
        called += measured.sure > 0.1
        broken += measured.sure_right is not None and measured.sure_right < 1 - SURE_ERRORS
    assert called > 100
    assert broken <= 17  # 10 expected at most; 17 has a probability of 1 %


@pytest.mark.parametrize("errors", [0.0, 0.3])
def test_nothing_is_sure_with_too_few_pictures_or_too_many_errors(errors: float) -> None:
    some = calibrated(120 if errors == 0 else 2000, errors=errors)
    rule = trust(some).sure
    assert rule is not None
    assert rule.least_probability is None
    measured = trust(some, test=some).measured
    assert measured is not None
    assert (measured.sure, measured.sure_right) == (0.0, None)


def test_a_low_probability_is_never_sure() -> None:
    few = calibrated(600, errors=0.0)
    flat = np.full((600, 3), 0.3)
    flat[np.arange(600), few.labels] = 0.4
    low = Judged(np.concatenate([few.probabilities, flat]), np.ones(1200), np.tile(few.labels, 2))
    rule = trust(low).sure
    assert rule is not None
    assert rule.least_probability is not None
    assert rule.least_probability >= FLOOR


@pytest.mark.parametrize("errors", [0, 1, 7, 40])
@pytest.mark.parametrize("pictures", [150, 900])
def test_the_tail_is_that_of_the_binomial_distribution(errors: int, pictures: int) -> None:
    expected = binom.cdf(errors, pictures, SURE_ERRORS)
    assert binomial_tail(errors, pictures, SURE_ERRORS) == pytest.approx(expected, rel=1e-9)


def probes(pen_scores: float, other_scores: float) -> Probed:
    some = judged(60, right=0.9)
    pens = tuple(Judged(some.probabilities, some.ood_score * pen_scores, some.labels) for _ in "ab")
    strange = judged(50, right=0.5, seed=3)
    nowhere = np.full(50, -1)
    return Probed(pens, Judged(strange.probabilities, np.full(50, other_scores), nowhere))


def test_pens_raise_the_threshold_and_others_are_measured() -> None:
    some, fold_of = judged(400, right=0.9), np.arange(400) % 4
    plain = trust(some, fold_of=fold_of, probed=[probes(0.5, 9.0)] * 4)
    thick = trust(some, fold_of=fold_of, probed=[probes(3.0, 9.0)] * 4)
    assert thick.max_ood_score > 2 * plain.max_ood_score
    assert plain.refusal_rate == PROBED_REFUSAL_RATE
    for found in (plain, thick):
        assert found.measured is not None
        others = found.measured.others
        assert others is not None
        assert (others.pictures, others.pen_pictures) == (50, 240)
        assert others.refused == 1.0
        assert others.sure == 0.0
        assert others.pen_refused <= 0.06
    locked = trust(some, fold_of=fold_of, test=some, probed=[probes(0.5, 0.1)] * 4).measured
    assert locked is not None
    assert locked.others is not None
    assert locked.others.refused == 0.0
    assert trust(some, fold_of=fold_of, test=some).measured.others is None  # type: ignore[union-attr]


def test_drawings_with_a_pen_that_are_answered_wrong_do_not_raise_the_threshold() -> None:
    some = judged(400, right=0.9)
    odd = np.arange(400) % 4 == 0  # a quarter, and very unlike the training pictures
    scores = some.ood_score + 10 * odd
    answers = some.probabilities.argmax(1)
    right = Judged(some.probabilities, scores, answers)
    wrong = Judged(some.probabilities, scores, np.where(odd, (answers + 1) % 4, answers))
    others = some.take(odd)
    raised, same = (trust(some, probed=[Probed((pens,), others)]) for pens in (right, wrong))
    assert raised.max_ood_score > 10
    assert same.max_ood_score < 3


def test_each_pen_is_spared_however_well_others_do() -> None:
    some = judged(400, right=0.9)
    odd = np.arange(400) % 16 == 0  # 6 % with one pen, 3 % of all
    right = Judged(some.probabilities, some.ood_score, some.probabilities.argmax(1))
    pen = Judged(right.probabilities, right.ood_score + 10 * odd, right.labels)
    found = trust(some, probed=[Probed((right, pen), some.take(odd))])
    assert found.max_ood_score > 10
    assert (pen.ood_score > found.max_ood_score).mean() <= PROBED_REFUSAL_RATE


def test_few_other_things_are_sure_however_probable_they_are() -> None:
    some = judged(2000, right=0.95)
    fold_of, scores = np.arange(2000) % 5, np.linspace(0.8, 3, 200)
    others = Judged(np.eye(4)[np.zeros(200, int)], scores, np.full(200, -1))
    probed = [Probed((some.take(fold_of == fold),), others) for fold in range(5)]
    before, found = (trust(some, fold_of=fold_of, probed=each) for each in ([], probed))
    assert before.sure is not None
    assert found.sure is not None
    assert before.sure.max_ood_score is None
    first_refused = scores[round(STRANGERS_SURE * 200)]
    assert found.sure.max_ood_score == pytest.approx(first_refused)
    assert found.sure.max_ood_score < first_refused
    assert found.measured is not None
    assert found.measured.others is not None
    assert found.measured.others.sure == STRANGERS_SURE
    assert before.measured is not None
    assert 0.1 < found.measured.sure < 0.5 * before.measured.sure
    assert found.measured.sure_right is not None
    assert found.measured.sure_right >= 1 - SURE_ERRORS


def test_what_is_improbable_or_refused_leaves_the_score_of_sure_answers_alone() -> None:
    some = judged(2000, right=0.95)
    improbable = Judged(np.full((200, 4), 0.25), np.full(200, 0.1), np.full(200, -1))
    refused = Judged(np.eye(4)[np.zeros(200, int)], np.full(200, 9.0), np.full(200, -1))
    for others in (improbable, refused):
        found = trust(some, probed=[Probed((some,), others)])
        assert found.sure is not None
        assert found.sure.max_ood_score == found.max_ood_score


def test_sure_is_what_mapie_controls() -> None:
    promised = 0
    for seed in range(12):
        some = calibrated(1500, errors=0.03, seed=seed)
        found = trust(some)
        assert found.sure is not None
        top, answers = some.probabilities.max(1), some.probabilities.argmax(1)
        single = (some.probabilities >= found.least_probability).sum(1) <= 1
        rows = np.flatnonzero(single & (some.ood_score <= found.max_ood_score) & (top >= FLOOR))
        rows = rows[np.argsort(-top[rows], kind="stable")]
        sizes = np.unique(np.linspace(max(149, len(rows) // 2), len(rows), STEPS).astype(int))
        wrong = np.cumsum(answers[rows] != some.labels[rows])[sizes - 1]
        # A little less than the share: MAPIE rounds the number of errors up.
        p = compute_hoeffding_bentkus_p_value(
            np.maximum(wrong - 1e-6, 0) / sizes, sizes.astype(float), SURE_ERRORS, binary=True
        )
        valid = control_fwer(p[:, 0], 0.05, "fixed_sequence")
        expected = float(top[rows[sizes[valid[-1]] - 1]]) if len(valid) else None
        assert found.sure.least_probability == expected
        promised += expected is not None
    assert promised >= 3


class Answering(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose pictures are its probabilities."""

    def __init__(self, classes: int = 3) -> None:
        self.classes = classes
        self.classes_ = np.arange(classes)
        self.n_features_in_ = classes

    def fit(self, _pictures: object, _labels: object) -> Answering:
        return self

    def predict_proba(self, pictures: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(pictures)

    def predict(self, pictures: NDArray[np.float64]) -> NDArray[np.int64]:
        answers: NDArray[np.int64] = np.asarray(pictures).argmax(1)
        return answers


@pytest.mark.parametrize("count", [37, 400])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2])
def test_possible_classes_are_those_of_mapie(count: int, rate: float) -> None:
    """The order statistic of its split conformal classifier (LAC) is ours."""
    rng = np.random.default_rng(count)
    shares = rng.dirichlet([1.0, 1.0, 1.0], size=2 * count)
    labels = np.array([rng.choice(3, p=row) for row in shares])
    ours = -_conformal(-shares[np.arange(count), labels[:count]], rate)
    theirs = SplitConformalClassifier(
        Answering(), confidence_level=1 - rate, prefit=True, conformity_score="lac"
    )
    theirs.conformalize(shares[:count], labels[:count])
    _, sets = theirs.predict_set(shares[count:])
    np.testing.assert_array_equal(shares[count:] >= ours, sets[:, :, 0])


def uneven(count: int, seed: int) -> Judged:
    """A hundred pictures of a class to one of another, which answers often miss."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.02).astype(np.int64)
    rare = np.where(labels == 1, rng.beta(2, 3, count), rng.beta(1, 40, count))
    return Judged(np.stack([1 - rare, rare], axis=1), np.ones(count), labels)


def test_rare_classes_are_among_the_possible_ones_as_often_as_others() -> None:
    some, new = uneven(8000, 0), uneven(60_000, 1)
    found = trust(some)
    assert found.least_by_class is not None
    for label in (0, 1):
        of_truth = new.probabilities[new.labels == label, label]
        missed = float((of_truth < found.least_by_class[label]).mean())
        assert missed == pytest.approx(found.error_rate, abs=0.012)
    rare = new.probabilities[new.labels == 1, 1]
    assert (rare < found.least_probability).mean() > 0.2  # as one threshold for all would do


def test_too_few_pictures_of_a_class_only_lower_its_threshold() -> None:
    some = uneven(400, 2)
    found = trust(some)
    assert found.least_by_class is not None
    rare = some.probabilities[some.labels == 1, 1]
    assert (len(rare) + 1) * found.error_rate < 1
    assert found.least_by_class[1] == min(found.least_probability, rare.min())


def test_even_classes_share_a_threshold() -> None:
    assert trust(judged(400, right=0.5)).least_by_class is None
    labels = np.repeat([0, 1], [400, 81])
    shares = np.eye(2)[labels] * 0.8 + 0.1
    assert trust(Judged(shares, np.ones(481), labels)).least_by_class is None
    labels = np.repeat([0, 1, 3], [400, 80, 80])  # no picture of class 2 is out of fold
    shares = np.eye(4)[labels] * 0.6 + 0.1
    found = trust(Judged(shares, np.ones(560), labels)).least_by_class
    assert found is not None
    assert len(found) == 4
