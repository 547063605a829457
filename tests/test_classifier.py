"""`Classifier`: scikit-learn's checks of an estimator, and tests with pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from bakeoff import Classifier
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError, InputError

# The checks feed rows of two to twenty arbitrary numbers: strips, where turning, mirroring or
# looking for ink makes no sense.
STRIPS: dict[str, object] = {"augment": 0, "mirror": False, "side": 12, "learning_rate": 0.05}

# Not strict: whether the last bits differ hangs on the processor.
NOT_ALWAYS = {
    "check_methods_sample_order_invariance": (
        "wants seven digits, and sums in float32 hang in their last bits on the place in a batch"
    ),
    "check_sample_weight_equivalence_on_dense_data": (
        "wants the same digits from a picture of weight 2 as from two copies of it, which is so on "
        "average: both differ in the order of pictures and in the inner validation part"
    ),
}


def not_always(estimator: Classifier) -> dict[str, str]:
    return NOT_ALWAYS


@parametrize_with_checks(  # type: ignore[untyped-decorator] # it has no types
    [
        Classifier(
            "baseline",
            settings={**STRIPS, "cells": 3, "epochs": 15},
            mode="photo",
            threads=1,
            random_state=0,
        ),
        Classifier(
            "cnn",
            settings={**STRIPS, "filters": (16,), "epochs": 15, "dropout": 0, "batch_size": 32},
            mode="photo",
            threads=1,
            precision="fp32",
            random_state=0,
        ),
    ],
    expected_failed_checks=not_always,
)
def test_scikit_learns_checks(estimator: Classifier, check: Callable[[Classifier], None]) -> None:
    check(estimator)


@cache
def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    data = load_digits()
    return (data.images * 15).astype(np.uint8), data.target


def quick(**parameters: Any) -> Classifier:
    given = {"settings": {"epochs": 3}, "threads": 1, "random_state": 0, **parameters}
    return Classifier(**{"approach": "baseline", **given})


@cache
def fitted() -> Classifier:
    X, y = digits()
    return quick().fit(X[:300], y[:300])


def test_classifies_digits() -> None:
    X, y = digits()
    model = quick(settings={"epochs": 8}).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.9
    assert model.predict(X[1200:1300]).shape == (100,)
    assert 1 <= model.best_epoch_ <= len(model.curve_) == 8
    assert model.n_features_in_ == 64


def test_probabilities_are_those_of_its_model() -> None:
    X, _ = digits()
    model = fitted().model_
    with torch.inference_mode():
        expected = model(torch.from_numpy(X[:20, :, :, None])).numpy()
    np.testing.assert_allclose(fitted().predict_proba(X[:20]), expected, atol=1e-6)


def test_temperature_is_fitted_to_the_inner_slice() -> None:
    X, y = digits()
    assert fitted().temperature_ != 1
    without = quick(validation_share=0).fit(X[:200], y[:200])
    assert without.temperature_ == 1
    assert without.curve_[-1].validation_loss is None
    assert without.best_epoch_ == 3


@pytest.mark.parametrize("approach", ["scattering", "baseline", "cnn", "vit", "transfer"])
def test_same_seed_same_bytes(approach: str) -> None:
    X, y = digits()
    settings: dict[str, object] = {"epochs": 1}
    if approach == "transfer":
        settings |= {"side": 32}
    one, two = (
        quick(approach=approach, settings=settings).fit(X[:60], y[:60]).predict_proba(X[60:90])
        for _ in range(2)
    )
    assert one.tobytes() == two.tobytes()
    other = quick(approach=approach, settings=settings, random_state=1).fit(X[:60], y[:60])
    assert other.predict_proba(X[60:90]).tobytes() != one.tobytes()


@pytest.mark.parametrize("mode", ["ink", "photo"])
@pytest.mark.parametrize("approach", ["scattering", "baseline", "cnn", "vit", "transfer"])
def test_trains_in_bfloat16_on_every_processor(approach: str, mode: str) -> None:
    X, y = digits()
    settings: dict[str, object] = {"epochs": 1, "batch_size": 16, "side": 32}
    model = quick(approach=approach, settings=settings, mode=mode, precision="bf16")
    probabilities = model.fit(X[:40], y[:40]).predict_proba(X[40:60])
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)


def test_a_random_state_can_be_drawn_from_or_left_open() -> None:
    X, y = digits()
    one, two = (
        quick(random_state=np.random.RandomState(3)).fit(X[:60], y[:60]).predict_proba(X[:9])
        for _ in range(2)
    )
    assert one.tobytes() == two.tobytes()
    one, two = (quick(random_state=None).fit(X[:60], y[:60]).predict_proba(X[:9]) for _ in range(2))
    assert one.tobytes() != two.tobytes()


def test_leaves_torch_as_it_was() -> None:
    X, y = digits()
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    # No drawings: what the OOD score of these needs would be computed again for two threads.
    quick(threads=threads + 1, mode="photo").fit(X[:40], y[:40]).predict(X[:5])
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_cross_validation_grid_search_and_pipeline() -> None:
    X, y = digits()
    X, y = X[:300], y[:300]
    assert cross_val_score(quick(), X, y, cv=2).min() > 0.6
    assert cross_val_score(quick(), Pictures.from_array(X), y, cv=2).min() > 0.6
    grid = {"settings": [{"epochs": 1, "learning_rate": 1e-6}, {"epochs": 3}], "mode": ["ink"]}
    search = GridSearchCV(quick(), grid, cv=2, n_jobs=1).fit(X, y)
    assert search.best_params_["settings"] == {"epochs": 3}
    piped = make_pipeline(FunctionTransformer(lambda pictures: 255 - pictures), quick())
    assert piped.fit(X, y).score(X, y) > 0.6


def test_parameters_are_kept_as_given_and_cloned() -> None:
    settings = {"filters": (8,)}
    model = Classifier("cnn", settings=settings, random_state=4)
    assert model.get_params()["settings"] is settings
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert copy.settings is not settings
    copy.set_params(approach="vit", settings=None, budget="quick")
    assert (copy.approach, copy.settings, copy.budget) == ("vit", None, "quick")
    assert model.approach == "cnn"


def test_settings_and_budget_reach_training() -> None:
    X, y = digits()
    fit = quick(approach="cnn", settings={"stem": "pixels", "filters": (4,), "epochs": 2}).fit(
        X[:50], y[:50]
    )
    assert fit.model_.state_dict()["network.body.0.weight"].shape == (4, 1, 3, 3)
    assert len(fit.curve_) == 2
    long, short = (
        quick(settings={"patience": 1}, budget=budget).fit(X[:20], y[:20]).curve_[0].of
        for budget in ("standard", "quick")
    )
    assert short < long


def test_mode_is_chosen_or_set() -> None:
    X, y = digits()
    assert fitted().model_.preprocess.mode == "ink"
    assert quick(mode="photo").fit(X[:50], y[:50]).model_.preprocess.mode == "photo"


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(lambda X: X[..., None], id="N×H×W×1"),
        pytest.param(lambda X: X.reshape(len(X), -1), id="rows"),
        pytest.param(lambda X: X.reshape(len(X), -1).astype(np.float32), id="rows of floats"),
        pytest.param(lambda X: X.astype(np.int64), id="integers"),
        pytest.param(lambda X: X / 255, id="0 to 1"),
        pytest.param(lambda X: X.astype(np.float32), id="0 to 255"),
        pytest.param(lambda X: X.tolist(), id="nested lists"),
        pytest.param(list, id="list of arrays"),
        pytest.param(lambda X: tuple(X[..., None]), id="tuple of H×W×1"),
        pytest.param(Pictures.from_array, id="Pictures"),
    ],
)
def test_one_set_in_many_forms(same: Callable[[Any], Any]) -> None:
    X, y = digits()
    X = X[:80].copy()
    X[0, 0, 0] = 255
    expected = quick().fit(X, y[:80]).predict_proba(X)
    model = quick().fit(same(X), y[:80])
    assert model.predict_proba(same(X)).tobytes() == expected.tobytes()
    assert model.n_features_in_ == 64


def test_other_numbers_are_scaled_by_the_range_in_fit() -> None:
    X, y = digits()
    X = X[:80]
    model = quick().fit(X / 15, y[:80])  # 0 to 16, as scikit-learn has them
    bright = np.rint(X / 240 * 255).astype(np.uint8)
    expected = quick().fit(bright, y[:80])
    assert model.predict_proba(X / 15).tobytes() == expected.predict_proba(bright).tobytes()
    darker = X[:9] / 30  # must not be stretched anew
    halved = np.rint(X[:9] / 480 * 255).astype(np.uint8)
    assert model.predict_proba(darker).tobytes() == expected.predict_proba(halved).tobytes()
    beyond = np.full((1, 8, 8), 99.0)
    assert np.isfinite(model.predict_proba(beyond)).all()


def test_pictures_of_many_sizes() -> None:
    X, y = digits()
    ragged: list[NDArray[np.uint8]] = [
        np.kron(one, np.ones((1 + row % 3, 1 + row % 2), np.uint8)) for row, one in enumerate(X)
    ]
    ragged[3] = np.repeat(ragged[3][..., None], 3, axis=2)  # one of them in colour
    model = quick(settings={"epochs": 6}).fit(ragged[:400], y[:400])
    assert not hasattr(model, "n_features_in_")
    assert model.score(ragged[400:700], y[400:700]) > 0.75
    assert model.predict(X[:5]).shape == (5,)
    assert cross_val_score(quick(), ragged[:100], y[:100], cv=2).shape == (2,)
    with pytest.raises(InputError, match="differed in size"):
        model.predict(X[:5].reshape(5, -1))
    model.fit(X[:50], y[:50])
    assert model.n_features_in_ == 64


def test_rows_of_colour_planes_are_those_of_cifar() -> None:
    X, y = digits()
    grey = X[:60]
    colour = np.stack([grey, grey // 2, 255 - grey], axis=-1)
    planes = np.moveaxis(colour, -1, 1).reshape(60, -1)
    model = quick().fit(planes, y[:60])
    expected = quick().fit(colour, y[:60]).predict_proba(colour)
    assert model.predict_proba(planes).tobytes() == expected.tobytes()
    assert model.predict_proba(colour).tobytes() == expected.tobytes()
    # The order is that of the fit, also for a row that would not show it.
    assert model.predict_proba(planes[:1]).tobytes() == model.predict_proba(colour[:1]).tobytes()


def test_colour_alone_separates_classes() -> None:
    generator = np.random.default_rng(0)
    X = generator.integers(0, 90, (60, 8, 8, 3), dtype=np.uint8)
    y = np.arange(60) % 2
    X[y == 0, ..., 0] += 150
    X[y == 1, ..., 2] += 150
    model = quick(settings={"epochs": 8}).fit(X, y)
    assert model.model_.preprocess.channels == 3
    assert model.score(X, y) == 1
    rows = X.reshape(60, -1)
    assert quick(settings={"epochs": 8}).fit(rows, y).predict_proba(rows).tobytes() == (
        model.predict_proba(X).tobytes()
    )


@pytest.mark.parametrize(
    "labels",
    [["smiley", "house", "sun"], [7.0, -1.0, 3.0], [True, False], np.array(["a", "b"], object)],
)
def test_labels_of_any_kind(labels: Any) -> None:
    X, y = digits()
    X = X[y < len(labels)][:90]
    y = np.asarray(labels)[y[y < len(labels)][:90]]
    model = quick(settings={"epochs": 8}).fit(X, y)
    assert list(model.classes_) == sorted(labels)
    assert set(model.predict(X)) <= set(labels)
    assert (model.predict(X) == y).mean() > 0.9


def test_unfitted_says_so() -> None:
    X, _ = digits()
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(quick(), method)(X)
    with pytest.raises(NotFittedError):
        quick().score(X, np.zeros(len(X)))


FINE = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (FINE, [0, 1, 0], "inconsistent numbers"),
        (FINE, [0, 0, 0, 0], "1 class"),
        (FINE, None, "requires y"),
        (FINE, [0.1, 0.2, 0.3, 0.4], "continuous"),
        (FINE, [0, 1, np.nan, 0], "NaN"),
        (FINE, np.array([0, "a", 1, None], object), "y: "),
        (FINE, np.eye(4), "y"),
        (np.zeros((4, 8, 8, 5), np.uint8), [0, 1, 0, 1], "4×8×8×5"),
        (np.zeros((4, 8, 8, 3, 1), np.uint8), [0, 1, 0, 1], "4×8×8×3×1"),
        (np.zeros((4, 8, 0), np.uint8), [0, 1, 0, 1], "4×8×0"),
        (np.full((4, 8, 8), np.nan), [0, 1, 0, 1], "NaN"),
        (np.full((4, 8), np.inf), [0, 1, 0, 1], "infinity"),
        (np.array(["a", "b", "c", "d"]), [0, 1, 0, 1], r"X\[0\]: a: there is no such file"),
        (["digits", "digits"], [0, 1], r"X\[0\]: holds 1797 pictures"),
        ("a.png", [0], "X: is one picture"),
        ([], [], "X: "),
        ([[1, 2], [3]], [0, 1], "X: "),
        ([FINE[0], np.zeros((2, 2, 5))], [0, 1], r"X\[1\]: is of shape 2×2×5"),
        ([FINE[0], np.full((2, 2), np.nan)], [0, 1], r"X\[1\]: holds something other"),
        ([FINE[0], np.array([["a"]])], [0, 1], r"X\[1\]: holds something other"),
        ([FINE[0], np.zeros((0, 2))], [0, 1], r"X\[1\]: is of shape 0×2"),
    ],
)
def test_bad_data_is_refused_in_words(X: Any, y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        quick().fit(X, y)
    assert isinstance(refusal.value, BakeoffError)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"approach": "cmn"}, "Did you mean cnn"),
        ({"settings": {"epoch": 3}}, "Did you mean epochs"),
        ({"settings": {"epochs": "many"}}, "whole number"),
        ({"budget": "huge"}, "quick or standard or thorough"),
        ({"mode": "paint"}, "auto or ink or photo"),
        ({"validation_share": 1.0}, "is not a share"),
        ({"device": "abacus"}, "device abacus"),
        ({"precision": "fp64"}, "auto, fp32 or bf16"),
    ],
)
def test_bad_parameters_are_refused_in_words(parameters: dict[str, Any], words: str) -> None:
    X, y = digits()
    with pytest.raises(BakeoffError, match=words):
        quick(**parameters).fit(X[:20], y[:20])


def test_another_scale_than_in_fit_is_refused() -> None:
    X, y = digits()
    with pytest.raises(InputError, match="Scale both in the same way"):
        fitted().predict(X / 255)
    shares = quick().fit(X[:40] / 255, y[:40])
    with pytest.raises(InputError, match="go up to 240"):
        shares.predict(X)
    assert shares.predict(np.zeros((1, 8, 8))).shape == (1,)
    assert fitted().predict(np.zeros((1, 8, 8))).shape == (1,)
    assert fitted().predict(np.eye(8, dtype=np.uint8)[None]).shape == (1,)


def test_rows_of_another_length_are_refused() -> None:
    X, _ = digits()
    words = "expecting 64 features.*X is of shape 8×8, the training pictures N×8×8"
    with pytest.raises(InputError, match=words):
        fitted().predict(X[0])  # one picture, not in a list


@cache
def coloured() -> Classifier:
    X, y = digits()
    return quick().fit(np.stack([255 - X[:60] // 2, 255 - X[:60], 255 - X[:60]], -1), y[:60])


@pytest.mark.parametrize(
    ("model", "shape", "training"),
    [
        (fitted, (8, 8, 1), "N×8×8"),
        (fitted, (8, 8, 3), "N×8×8"),
        (fitted, (8, 8, 4), "N×8×8"),
        (fitted, (5, 16, 16), "N×8×8"),
        (coloured, (8, 8, 3), "N×8×8×3"),
        (coloured, (8, 8, 4), "N×8×8×3"),
        (coloured, (5, 16, 16, 3), "N×8×8×3"),
        (coloured, (5, 3, 8, 8), "N×8×8×3"),  # channels first
        (fitted, (5, 1, 8, 8), "N×8×8"),
        (fitted, (5, 8, 8, 5), "N×8×8"),
        (fitted, (5, 8, 8, 1, 1), "N×8×8"),
    ],
)
def test_an_array_unlike_those_fitted_is_refused_with_both_shapes(
    model: Callable[[], Classifier], shape: tuple[int, ...], training: str
) -> None:
    with pytest.raises(InputError) as refusal:
        model().predict(np.full(shape, 255, np.uint8))
    assert "×".join(map(str, shape)) in str(refusal.value)
    assert training in str(refusal.value)


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_are_refused_where_all_training_pictures_were_grey(channels: int) -> None:
    X, _ = digits()
    grey = X[60:70]
    red = np.stack([255 - grey // 2, grey, grey, np.full_like(grey, 255)], -1)[..., :channels]
    words = f"10×8×8×{channels} and in colour, and the training pictures were N×8×8, in grey"
    for wrong in (red, red.astype(float), red.tolist()):
        with pytest.raises(InputError, match=words):
            fitted().predict(wrong)
    # One by one they are files.
    read = [Image.fromarray(one) for one in red]
    np.testing.assert_array_equal(fitted().predict(list(red)), fitted().predict(read))
    # Another way to write grey pictures is none of colours.
    same = np.stack([grey, grey, grey, np.full_like(grey, 255)], -1)[..., :channels]
    np.testing.assert_allclose(
        fitted().predict_proba(same), fitted().predict_proba(grey), atol=1e-5
    )
    if channels == 3:
        expected = coloured().predict_proba(same)
        for written in (grey, grey[..., None]):
            np.testing.assert_allclose(coloured().predict_proba(written), expected, atol=1e-5)


def test_of_many_sizes_one_picture_is_not_taken_for_many() -> None:
    X, y = digits()
    ragged = [np.kron(one, np.ones((1 + row % 2, 1), np.uint8)) for row, one in enumerate(X[:60])]
    model = quick().fit(ragged, y[:60])
    with pytest.raises(InputError, match="8×8×3, and the training pictures were of many sizes"):
        model.predict(np.zeros((8, 8, 3), np.uint8))
    assert model.predict([np.zeros((8, 8, 3), np.uint8)]).shape == (1,)
    colours = np.zeros((2, 8, 8, 3), np.uint8) + np.arange(3, dtype=np.uint8) * 90
    with pytest.raises(InputError, match="were of many sizes, in grey"):
        model.predict(colours)


def test_alpha_is_laid_on_white_in_fit_and_predict() -> None:
    X, y = digits()
    X, y = X[:60], y[:60]
    zeros = np.zeros_like(X)
    ink = np.stack([zeros, zeros, zeros, X], -1)  # as a canvas has it
    white = 255 - X
    expected = quick().fit(white, y).predict_proba(white)
    for transparent in (ink, ink[..., 2:], ink.astype(float), list(ink)):
        model = quick().fit(white, y)
        np.testing.assert_allclose(model.predict_proba(transparent), expected, atol=1e-6)
    same = np.stack([white, white, white], -1)
    model = quick().fit(ink, y)
    assert model.n_features_in_ == 192
    assert model.predict_proba(ink).tobytes() == quick().fit(same, y).predict_proba(same).tobytes()


def test_import_is_light() -> None:
    code = (
        "import sys, bakeoff; assert 'torch' not in sys.modules and 'sklearn' not in sys.modules;"
        "assert bakeoff.Classifier.__name__ == 'Classifier'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
