"""`Classifier` with files, images and weights, and inside of scikit-learn's ensembles."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data
from sklearn.utils.validation import has_fit_parameter

from bakeoff import Classifier
from bakeoff.bundle.inputs import gather
from bakeoff.errors import InputError

from .test_classifier import digits, quick


def drawn(X: NDArray[np.uint8], folder: Path) -> tuple[list[Path], list[Image.Image]]:
    """Digits as files of several sizes and modes, and as the images that these hold."""
    paths, images = [], []
    for row, digit in enumerate(X):
        image = Image.fromarray(digit).resize((8 + row % 3, 8))
        if row % 4 == 1:
            image = image.convert("P")
        elif row % 4 == 2:
            image = Image.merge("RGBA", [image, image, image, Image.new("L", image.size, 255)])
        elif row % 4 == 3:
            image = image.convert("RGB")
        paths.append(folder / f"{row}.png")
        image.save(paths[-1])
        images.append(image)
    return paths, images


def test_paths_images_and_bytes_are_read_as_predict_of_a_bundle_reads_them(tmp_path: Path) -> None:
    X, y = digits()
    paths, images = drawn(X[:90], tmp_path)
    expected = quick().fit(paths[:60], y[:60]).predict_proba(paths[60:])
    read = [gather(path).pictures[0] for path in paths]
    forms: list[Any] = [
        images,
        tuple(images),
        [str(path) for path in paths],
        np.array([str(path) for path in paths]),
        [path.read_bytes() for path in paths],
        read,
        [
            path if row % 2 else picture
            for row, (path, picture) in enumerate(zip(paths, read, strict=True))
        ],
    ]
    for form in forms:
        found = quick().fit(form[:60], y[:60]).predict_proba(form[60:])
        assert found.tobytes() == expected.tobytes()
    assert cross_val_score(quick(), images, y[:90], cv=2).shape == (2,)
    assert cross_val_score(quick(), [str(path) for path in paths], y[:90], cv=2).shape == (2,)
    # Files hold bytes, whatever the scale of the arrays that it was trained on.
    shares = quick().fit(X[:60] / 255, y[:60])
    assert (
        shares.predict(images[:9]).tolist() == shares.predict([r / 255 for r in read[:9]]).tolist()
    )
    with pytest.raises(InputError, match="is one picture"):
        shares.predict(paths[0])


def test_weights_change_what_is_learned() -> None:
    X, y = digits()
    X, y = X[y < 2][:80], y[y < 2][:80]
    flipped = np.concatenate([y, 1 - y])  # each picture under both labels
    both = np.concatenate([X, X])
    for first in (True, False):
        weights = np.where((np.arange(160) < 80) == first, 1.0, 0.05)
        model = quick(settings={"epochs": 12}).fit(both, flipped, sample_weight=weights)
        assert (model.predict(X) == (y if first else 1 - y)).mean() > 0.9


def test_weights_of_zero_leave_out_and_their_scale_does_not_matter() -> None:
    X, y = digits()
    X, y = X[:90], y[:90]
    kept = np.arange(90) % 3 > 0
    expected = quick().fit(X[kept], y[kept]).predict_proba(X)
    left = quick().fit(X, y, sample_weight=kept.astype(int))
    np.testing.assert_allclose(left.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_allclose(
        quick().fit(X, y, sample_weight=np.full(90, 7.0)).predict_proba(X),
        quick().fit(X, y).predict_proba(X),
        atol=1e-4,
    )
    for weights in (np.full(90, -1.0), np.full(90, np.nan), [1.0], ["a"] * 90):
        with pytest.raises(InputError, match="sample_weight: "):
            quick().fit(X, y, sample_weight=weights)
    with pytest.raises(InputError, match="found 1 class"):
        quick().fit(X, y, sample_weight=(y == 3).astype(int))


@pytest.mark.parametrize("nuisance", [0.0, 0.3])
def test_in_a_closed_form_whole_weights_are_copies(nuisance: float) -> None:
    """To the byte, in any order, with and without random views of the pictures."""
    X, y = digits()
    X, y = X[:80], y[:80]
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 4, len(y))
    copies = rng.permutation(np.repeat(np.arange(len(y)), counts))
    mixed = rng.permutation(len(y))

    def made() -> Classifier:
        settings = {"nuisance": nuisance, "side": 16, "orientations": 2}
        return Classifier("scattering", settings=settings, random_state=0, threads=1)

    weighted = made().fit(X[mixed], y[mixed], sample_weight=counts[mixed]).predict_proba(X)
    copied = made().fit(X[copies], y[copies]).predict_proba(X)
    assert weighted.tobytes() == copied.tobytes()
    plain = made().fit(X[counts > 0], y[counts > 0]).predict_proba(X)
    assert np.abs(plain - weighted).max() > 0.01
    # A picture under two labels is no copy.
    both = made().fit(np.concatenate([X, X]), np.concatenate([y, 9 - y]))
    assert both.predict_proba(X).max() < 0.9


def test_scikit_learns_own_check_of_weights_holds_in_a_closed_form() -> None:
    settings = {"augment": 0, "mirror": False, "side": 12, "orientations": 2}
    model = Classifier("scattering", settings=settings, mode="photo", threads=1, random_state=0)
    check_sample_weight_equivalence_on_dense_data("Classifier", model)


@pytest.mark.parametrize(
    "ensemble",
    [
        BaggingClassifier(quick(), n_estimators=2, random_state=0),
        AdaBoostClassifier(quick(), n_estimators=2, random_state=0),
        StackingClassifier([("one", quick())], LogisticRegression(), cv=2, passthrough=True),
        VotingClassifier([("one", quick()), ("two", quick(random_state=1))], voting="soft"),
        CalibratedClassifierCV(quick(), cv=2),
    ],
    ids=lambda ensemble: type(ensemble).__name__,
)
def test_ensembles_of_scikit_learn_take_rows(ensemble: Any) -> None:
    X, y = digits()
    rows = X.reshape(len(X), -1) / 255
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        ensemble.fit(rows[:240], y[:240])
    assert ensemble.score(rows[240:400], y[240:400]) > 0.5
    weights = np.ones(240)
    weights[:120] = 0.01
    if has_fit_parameter(ensemble, "sample_weight"):
        ensemble.fit(rows[:240], y[:240], sample_weight=weights)


def test_stacking_with_passthrough_of_pictures_is_refused_by_scikit_learn() -> None:
    X, y = digits()
    stack = StackingClassifier([("one", quick())], LogisticRegression(), cv=2, passthrough=True)
    with pytest.raises(ValueError, match="dim"):
        stack.fit(X[:60], y[:60])
