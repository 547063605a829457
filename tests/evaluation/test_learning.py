from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from bakeoff.evaluation.learning import learning_curve
from bakeoff.evaluation.records import LearningCurve

SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
Law = Callable[[float], float]


def law_of(error: float, floor: float, exponent: float, at: float) -> Law:
    """An error that falls by a power of the pictures and is `error` at `at`."""
    return lambda pictures: floor + (error - floor) * (pictures / at) ** -exponent


def answers(
    law: Law,
    sizes: Sequence[float],
    rng: np.random.Generator,
    *,
    pictures: int = 1000,
    folds: int = 5,
    fit: float = 0.1,
    shared: float = 0.5,
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each picture was right at each size, and its fold.

    `fit` is how much the logarithm of the error differs from fit to fit, `shared` how much of a
    picture's difficulty is its own at all sizes.
    """
    fold_of = np.arange(pictures) % folds
    hard = rng.normal(size=pictures)
    right = []
    for size in sizes:
        error = np.minimum(law(size) * np.exp(rng.normal(0, fit, folds)), 0.95)[fold_of]
        seen = np.sqrt(shared) * hard + np.sqrt(1 - shared) * rng.normal(size=pictures)
        right.append(seen < norm.ppf(1 - error))
    return np.stack(right), fold_of


def curve_of(accuracies: Sequence[float], *, pictures: int = 1000, **more: Any) -> LearningCurve:
    """The curve through these accuracies at 50, 100, 200 … pictures, the same in five folds."""
    rows = np.arange(pictures)
    right = np.stack([rows // 5 < round(one * pictures) / 5 for one in accuracies])
    sizes = [50.0 * 2**n for n in range(len(accuracies))]
    known = {"learnable": 625, "chance": 0.2} | more
    return learning_curve("cnn", sizes, right, rows % 5, **known)


def test_the_interval_holds_the_truth_of_planted_laws() -> None:
    rng = np.random.default_rng(6)
    held = []
    for _ in range(200):
        pictures, folds = int(rng.choice([150, 500, 2000])), int(rng.choice([3, 5]))
        full = 0.85 * pictures * (1 - 1 / folds)
        error = np.exp(rng.uniform(np.log(0.01), np.log(0.4)))
        floor = error * rng.choice([0, rng.uniform(0, 0.8)])
        law = law_of(error, floor, rng.uniform(0.1, 0.9), full)
        sizes = [share * full for share in SHARES]
        spread, shared = rng.uniform(0.02, 0.2), rng.choice([0.05, 0.5, 0.9])
        right, fold_of = answers(
            law, sizes, rng, pictures=pictures, folds=folds, fit=spread, shared=shared
        )
        curve = learning_curve("cnn", sizes, right, fold_of, learnable=pictures, chance=0.1)
        for forecast in curve.forecasts:
            low, high = forecast.interval
            assert low <= forecast.accuracy <= high
            held.append(low <= 1 - law(forecast.pictures) <= high)
    assert len(held) > 350
    assert np.mean(held) >= 0.9


def test_with_many_pictures_the_law_itself_is_found() -> None:
    law = law_of(0.1, 0.0, 0.5, 10_000)
    sizes = [10_000 * share for share in SHARES]
    right, fold_of = answers(law, sizes, np.random.default_rng(0), pictures=50_000, fit=0.01)
    curve = learning_curve("cnn", sizes, right, fold_of, learnable=12_500, chance=0.1)
    for forecast in curve.forecasts:
        assert 1 - forecast.accuracy == pytest.approx(law(forecast.pictures), rel=0.25)
        assert forecast.interval[0] < 1 - law(forecast.pictures) < forecast.interval[1]
    drawn = [curve.floor + curve.scale * size**-curve.exponent for size in sizes]
    assert drawn == pytest.approx([law(size) for size in sizes], rel=0.1)


def test_the_drawn_curve_passes_through_the_forecasts() -> None:
    curve = curve_of([0.6, 0.72, 0.8, 0.86])
    for forecast in curve.forecasts:
        drawn = curve.floor + curve.scale * forecast.pictures**-curve.exponent
        assert 1 - forecast.accuracy == pytest.approx(drawn, rel=0.1)


def test_farther_forecasts_are_less_certain() -> None:
    rng = np.random.default_rng(1)
    right, fold_of = answers(law_of(0.1, 0, 0.4, 700), [88, 175, 350, 700], rng)
    asked: dict[str, Any] = {"learnable": 1000, "chance": 0.1}
    curve = learning_curve("cnn", [88, 175, 350, 700], right, fold_of, **asked)
    twice, most = ([np.log(1 - end) for end in one.interval] for one in curve.forecasts)
    assert most[0] - most[1] > twice[0] - twice[1]
    few = learning_curve("cnn", [88, 175, 350, 700], right[:, :100], fold_of[:100], **asked)
    assert np.ptp(few.forecasts[0].interval) > np.ptp(curve.forecasts[0].interval)


def test_fits_that_differ_widen_the_interval() -> None:
    def width(fit: float) -> float:
        rng = np.random.default_rng(2)
        law = law_of(0.2, 0, 0.4, 700)
        right, fold_of = answers(law, [88, 175, 350, 700], rng, pictures=4000, fit=fit)
        curve = learning_curve(
            "cnn", [88, 175, 350, 700], right, fold_of, learnable=1000, chance=0.1
        )
        low, high = curve.forecasts[0].interval
        return float(np.log(1 - low) - np.log(1 - high))

    assert width(0.6) > 1.5 * width(0.0)


def test_points_are_what_was_measured() -> None:
    curve = curve_of([0.5, 0.7, 0.9])
    assert [(one.pictures, one.accuracy, one.fits) for one in curve.points] == [
        (50, 0.5, 5),
        (100, 0.7, 5),
        (200, 0.9, 5),
    ]
    assert all(one.interval[0] < one.accuracy < one.interval[1] for one in curve.points)
    assert [(one.times, one.pictures) for one in curve.forecasts] == [(2, 1250), (4, 2500)]


# -- words ---------------------------------------------------------------------------


def test_the_words_give_a_gain_with_its_interval() -> None:
    words = curve_of([0.6, 0.72, 0.8, 0.86]).words
    assert words.startswith("Twice as many pictures (1 250) would probably lift cnn from ")
    assert "with all 625 to " in words
    assert "four times as many (2 500) to " in words
    assert words.count(" %)") == 2


def test_more_pictures_hardly_help_a_flat_curve() -> None:
    words = curve_of([0.8, 0.8, 0.805, 0.8], pictures=20_000).words
    assert words.startswith("More pictures would hardly help cnn: with four times as many (2 500)")


def test_more_pictures_hardly_help_a_nearly_perfect_model() -> None:
    words = curve_of([0.97, 0.99, 0.998, 0.999], pictures=10_000).words
    assert words.startswith("More pictures would hardly help cnn")
    assert "99.9" in words


def test_all_right_at_every_size() -> None:
    curve = curve_of([1, 1, 1, 1])
    assert "every unseen picture right" in curve.words
    assert all(one.interval[0] > 0.97 for one in curve.forecasts)


def test_few_pictures_are_too_noisy() -> None:
    words = curve_of([0.5, 0.6, 0.45, 0.55], pictures=40).words
    assert words.startswith("Too noisy to say whether more pictures would help cnn")


def test_more_pictures_do_not_help_a_rising_error() -> None:
    words = curve_of([0.9, 0.88, 0.86, 0.85], pictures=10_000).words
    assert words.startswith("More pictures would hardly help cnn")


def test_at_chance_there_is_nothing_to_forecast() -> None:
    curve = curve_of([0.21, 0.19, 0.2, 0.2], chance=0.2)
    assert curve.forecasts == []
    assert "no better than always answering the most frequent class" in curve.words
    assert curve.floor == pytest.approx(0.8)
    assert curve.scale == 0


def test_a_model_that_just_beats_chance_is_too_noisy() -> None:
    curve = curve_of([0.2, 0.2, 0.4, 0.7], chance=0.2)
    assert curve.forecasts == []
    assert "only from 200 pictures on" in curve.words
    one_more = curve_of([0.2, 0.4, 0.5, 0.7], chance=0.2)
    assert len(one_more.forecasts) == 2


def test_two_sizes_are_too_few() -> None:
    curve = curve_of([0.7, 0.8])
    assert curve.forecasts == []
    assert len(curve.points) == 2
    assert "Too few pictures" in curve.words
