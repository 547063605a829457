"""One approach as a scikit-learn estimator."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from bakeoff.approaches.approach import Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import BYTES, PixelRange, as_picture, joined, row_shape
from bakeoff.data.split import validation_rows
from bakeoff.errors import BakeoffError, InputError
from bakeoff.evaluation.calibration import softmax
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Budget
from bakeoff.training.preprocess import Mode

__all__ = ["Classifier"]

SHAPES = "Give pictures as N×H×W or N×H×W×C, as a list of arrays, or as N×D rows of numbers"


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # it has no types
    """One approach with the interface of a scikit-learn classifier.

    It is trained as in a run without folds: an inner validation part, in which duplicates stay
    together, chooses the epoch and the temperature of the probabilities.

    X is N×H×W or N×H×W×C numbers (C = 1 or 3), a `Pictures`, a list of H×W or H×W×C arrays
    of any sizes, or N×D rows. Bytes are used unchanged; `fit` decides whether other numbers
    range from 0 to 1, from 0 to 255, or from their minimum to their maximum, and `predict` keeps
    that range. A row is a square picture of D grey or D / 3 RGB pixels (from 8×8, channels last),
    or otherwise a strip of one line. y is N labels of any sortable type.

    Parameters
    ----------
    approach : "baseline", "cnn", "vit" or "transfer".
    settings : changes to the approach's settings, such as ``{"epochs": 5}``.
    validation_share : share of the pictures that choose the epoch and the temperature.
    budget : how long to train: "quick", "standard" or "thorough".
    mode : how pictures are preprocessed, "ink" or "photo"; "auto" decides by their pixels.
    device, threads, precision : where to compute; see `Compute.choose`.
    random_state : an int gives the same probabilities, to the byte, on the same machine.

    Attributes
    ----------
    classes_ : K labels, sorted; the order of every probability vector.
    n_features_in_ : numbers per picture; absent if the pictures differ in size.
    model_ : the trained `Model`, from raw pixels to probabilities.
    temperature_ : the divisor of the logits.
    curve_ : one `Epoch` for each epoch of training.
    best_epoch_ : the epoch whose weights were kept, counted from 1.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import cross_val_score
    >>> digits = load_digits()
    >>> cross_val_score(Classifier("baseline"), digits.images, digits.target)  # doctest: +SKIP
    """

    _shape: tuple[int, int, int] | None  # of a row as a picture; None if sizes differ

    def __init__(
        self,
        approach: str = "cnn",
        *,
        settings: Mapping[str, object] | None = None,
        validation_share: float = 0.15,
        budget: Budget = "standard",
        mode: Literal["auto"] | Mode = "auto",
        device: str = "auto",
        threads: int | None = None,
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.approach = approach
        self.settings = settings
        self.validation_share = validation_share
        self.budget = budget
        self.mode = mode
        self.device = device
        self.threads = threads
        self.precision = precision
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Classifier:
        """Train on N pictures and their labels.

        Raises
        ------
        InputError
            X or y has an unsuitable shape or type.
        BakeoffError
            A parameter or a setting is invalid.
        """
        approach = configure(self.approach, self.settings or {})
        self._check_parameters()
        self._compute = Compute.choose(self.device, self.threads, self.precision)
        classes, labels = _encoded(y)
        pictures = self._pictures(X, fitting=True)
        with _as_input_error("X and y", "Give one label for each picture"):
            check_consistent_length(pictures, labels)
        if len(classes) < 2:
            raise InputError(
                "y",
                f"at least two classes are needed; found {len(classes)} class",
                "Add another class",
            )
        seed = _seed(self.random_state)
        ids = together(len(pictures), [copy.indices for copy in find_duplicates(pictures)])
        chosen = validation_rows(
            labels, ids, self.validation_share, np.random.default_rng([seed, 2, 0])
        )
        task = Task.of(pictures, len(classes), self.mode, self.budget)
        trainer = Trainer(approach, task, pictures, labels, self._compute, seed=seed)
        with _torch_as_it_was(self._compute):
            trained = trainer.fit(
                "final", train=np.flatnonzero(~chosen), validation=np.flatnonzero(chosen)
            )
        self.classes_ = classes
        self.model_ = trained.model
        self.temperature_ = trained.temperature
        self.curve_ = trained.fitted.curve
        self.best_epoch_ = trained.fitted.best_epoch
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """N×K calibrated probabilities, in the order of `classes_`."""
        check_is_fitted(self, "model_")
        pictures = self._pictures(X, fitting=False)
        with _torch_as_it_was(self._compute):
            logits = self.model_.logits_of(pictures, self._compute)
        return softmax(logits, self.temperature_)

    def predict(self, X: Any) -> NDArray[Any]:
        """N labels, the most probable of each picture."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def _check_parameters(self) -> None:
        choices = {"budget": get_args(Budget), "mode": ("auto", *get_args(Mode))}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise BakeoffError(
                    f"{name} {getattr(self, name)}", "is not known", f"Use {' or '.join(known)}"
                )
        if not 0 <= self.validation_share < 1:
            raise BakeoffError(
                f"validation_share {self.validation_share}",
                "is not a share between 0 and 1",
                "Use 0.15, or 0 for no validation part",
            )

    def _pictures(self, X: Any, *, fitting: bool) -> Pictures:
        if isinstance(X, Pictures):
            if fitting:
                self._range = BYTES
                self._count_features(X)
            return X
        rows = not _is_list_of_pictures(X) and _dimensions(X) < 3
        blocks = [self._rows(X, fitting=fitting)] if rows else _blocks(X)
        if fitting:
            self._range = PixelRange.of(blocks)
        elif not rows:
            self._range.check(blocks)
        pictures = joined([self._range.to_bytes(block) for block in blocks])
        if fitting and not rows:
            self._count_features(pictures)
        return pictures

    def _rows(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        """N×D numbers as N×H×W×C."""
        if not fitting and self._shape is None:
            raise InputError("X", "is N×D rows, but the training pictures differed in size", SHAPES)
        with _as_input_error("X", SHAPES):
            array: NDArray[Any] = validate_data(self, X, reset=fitting)
        if fitting:
            self._shape = row_shape(array.shape[1])
        assert self._shape is not None
        return array.reshape(len(array), *self._shape)

    def _count_features(self, pictures: Pictures) -> None:
        # As `validate_data` does for rows; column names would be those of an earlier fit.
        for stale in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(stale, None)
        same = bool((pictures.shapes == pictures.shapes[0]).all())
        self._shape = None
        if same:
            height, width, channels = pictures.shapes[0].tolist()
            self._shape = height, width, channels
            self.n_features_in_ = height * width * channels


def _is_list_of_pictures(X: Any) -> bool:
    return isinstance(X, list | tuple) and len(X) > 0 and getattr(X[0], "ndim", 0) >= 2


def _dimensions(X: Any) -> int:
    if hasattr(X, "ndim"):
        return int(X.ndim)
    with _as_input_error("X", SHAPES):  # nested lists may have different lengths
        return int(np.asarray(X).ndim)


def _blocks(X: Any) -> list[NDArray[Any]]:
    """Pictures in one array, or in several, as n×H×W×C arrays."""
    if _is_list_of_pictures(X):
        return [as_picture(np.asarray(picture), f"X[{row}]")[None] for row, picture in enumerate(X)]
    with _as_input_error("X", SHAPES):
        array = check_array(X, allow_nd=True)
    return [as_picture(array if array.ndim > 3 else array[..., None], "X")]


def _encoded(y: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """K sorted classes, and N indices into them."""
    if y is None:
        raise InputError("y", "requires y to be passed, but the target y is None", "Give labels")
    with _as_input_error("y", "Give one label for each picture, all numbers or all text"):
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
    return classes, labels.astype(np.int64)


def _seed(random_state: Any) -> int:
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


@contextmanager
def _as_input_error(subject: str, hint: str) -> Iterator[None]:
    """Turn an error of scikit-learn into an `InputError`."""
    try:
        yield
    except ValueError as error:
        raise InputError(subject, str(error).rstrip("."), hint) from error


@contextmanager
def _torch_as_it_was(compute: Compute) -> Iterator[None]:
    """Compute with the chosen threads; restore torch's random state and threads afterwards."""
    threads = torch.get_num_threads()
    compute.apply()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
