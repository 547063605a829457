"""One approach as a scikit-learn estimator."""

from __future__ import annotations

import hashlib
import numbers
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from bakeoff.approaches.approach import Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.bundle.inputs import gather
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import (
    BYTES,
    CHANNELS,
    PixelRange,
    as_picture,
    is_grey,
    joined,
    row_shape,
    shape_text,
    without_alpha,
)
from bakeoff.data.planes import are_planes, from_planes
from bakeoff.data.split import validation_rows
from bakeoff.errors import BakeoffError, InputError
from bakeoff.evaluation.calibration import softmax
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Budget
from bakeoff.training.preprocess import Mode

__all__ = ["Classifier"]

SHAPES = (
    "Give pictures as N×H×W or N×H×W×C, as a list of arrays, images or paths, or as N×D rows of "
    "numbers"
)
FILE_LIKE = (str, os.PathLike, bytes, Image.Image)


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # it has no types
    """One approach with the interface of a scikit-learn classifier.

    It is trained as in a run without folds: an inner validation part, in which duplicates stay
    together, chooses the epoch and the temperature of the probabilities.

    X is N×H×W or N×H×W×C numbers, a `Pictures`, N×D rows, or a list of pictures of any sizes:
    H×W or H×W×C arrays, or PIL images, bytes and paths of files, read as `Bundle.predict` does.
    C is 1 (grey), 3 (RGB), or 2 or 4 with alpha, which is laid on white. Bytes are used unchanged;
    `fit` decides whether other numbers range from 0 to 1, from 0 to 255, or from their minimum to
    their maximum, and `predict` keeps that range. A row is a square picture of D grey or D / 3 RGB
    pixels (from 8×8, channels last), or otherwise a strip of one line.
    y is N labels of any sortable type.

    An array given to `predict` is refused if its shape is unlike that given to `fit`: another
    height, width or number of dimensions, channels that do not come last, or colours where all
    training pictures were grey, since the model would see a grey version of them. Other channels
    only write the same picture in another way: grey is repeated for a model of colours, and with
    alpha, or with equal channels everywhere, a picture may turn out to be grey. In a list each
    picture is read by itself, as files are: of any size, and in grey if the model is.

    Estimators of scikit-learn that check X themselves (Bagging, AdaBoost, Stacking with
    passthrough) accept N×D rows only; `cross_val_score`, searches and pipelines take every form.
    Sparse matrices, missing values, several labels per picture and `partial_fit` are not supported.

    Parameters
    ----------
    approach : "scattering", "baseline", "cnn", "vit" or "transfer".
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Train on N pictures and their labels.

        Parameters
        ----------
        X, y : pictures and labels.
        sample_weight : N weights of the loss in training; None: all 1. Only their ratios matter,
            and pictures of weight 0 are not used at all. In a closed form (scattering, transfer)
            weight 2 is the same as two copies. In other approaches it is so on average, as copies
            change the order of the pictures and may be among those, unweighted, that choose the
            epoch and the temperature.

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
        weights = _weights(sample_weight, labels)
        if weights is not None:
            used = np.flatnonzero(weights)
            pictures, labels, weights = pictures.take(used), labels[used], weights[used]
        if not approach.validates:
            pictures, labels, weights = _merged(pictures, labels, weights)
        if (found := len(np.unique(labels))) < 2:
            raise InputError(
                "y", f"at least two classes are needed; found {found} class", "Add another class"
            )
        seed = _seed(self.random_state)
        ids = together(len(pictures), [copy.indices for copy in find_duplicates(pictures)])
        chosen = validation_rows(
            labels, ids, self.validation_share, np.random.default_rng([seed, 2, 0])
        )
        chosen &= approach.validates  # a closed form trains on all pictures
        task = Task.of(pictures, len(classes), self.mode, self.budget)
        trainer = Trainer(approach, task, pictures, labels, self._compute, seed=seed)
        with _torch_as_it_was(self._compute):
            trained = trainer.fit(
                "final",
                train=np.flatnonzero(~chosen),
                validation=np.flatnonzero(chosen),
                weights=weights,
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
        listed = _listed(X)
        if listed and any(isinstance(entry, FILE_LIKE) for entry in listed):
            if fitting:
                self._range = BYTES
            return self._counted(_read(listed), fitting=fitting)
        rows = not listed and _dimensions(X) < 3
        array = not (fitting or rows or listed)
        if array:
            self._check_shape(X)
        blocks = [self._rows(X, fitting=fitting)] if rows else _blocks(X, listed)
        if fitting:
            self._range = PixelRange.of(blocks)
        elif not rows:
            self._range.check(blocks)
        pixels = [without_alpha(self._range.to_bytes(block)) for block in blocks]
        if array:
            self._check_colours(X, pixels[0])
        pictures = joined(pixels)
        return pictures if rows else self._counted(pictures, fitting=fitting)

    def _check_shape(self, X: Any) -> None:
        """Refuse an array of other sizes than in `fit`, such as one picture that is not in a list.

        If sizes differed in `fit`, any size fits, but H×W×C is not taken for H pictures of W×C.
        """
        with _as_input_error("X", SHAPES):  # nested lists may have different lengths
            shape = np.asarray(X).shape
        channelled = len(shape) == 4 and shape[3] in CHANNELS
        if self._shape is None:
            fits = channelled or (len(shape) == 3 and shape[2] not in CHANNELS)
        else:
            fits = shape[1:3] == self._shape[:2] and (channelled or len(shape) == 3)
        if not fits:
            raise InputError(
                "X",
                f"is of shape {shape_text(shape)}, and the training pictures were {self._fitted}",
                "Give them as N×H×W or N×H×W×C. For one picture, or for pictures of other sizes, "
                "give a list of them: [picture]",
            )

    def _check_colours(self, X: Any, pixels: NDArray[np.uint8]) -> None:
        """Refuse an array of pictures in colour if all training pictures were grey."""
        if self._coloured or all(is_grey(picture) for picture in pixels):
            return
        raise InputError(
            "X",
            f"is of shape {shape_text(np.asarray(X).shape)} and in colour, and the training "
            f"pictures were {self._fitted}, in grey",
            "Train on pictures in colour, or give a list of the pictures: list(X). It is read as "
            "files are, in grey",
        )

    @property
    def _fitted(self) -> str:
        """The shape of all training pictures, as people write it."""
        return "of many sizes" if self._shape is None else f"N×{self._size}"

    @property
    def _size(self) -> str:
        """The shape of the training pictures, as people write it."""
        assert self._shape is not None
        return shape_text(self._shape if self._shape[2] > 1 else self._shape[:2])

    def _counted(self, pictures: Pictures, *, fitting: bool) -> Pictures:
        if fitting:
            self._count_features(pictures)
        return pictures

    def _rows(self, X: Any, *, fitting: bool) -> NDArray[Any]:
        """N×D numbers as N×H×W×C."""
        if not fitting and self._shape is None:
            raise InputError("X", "is N×D rows, but the training pictures differed in size", SHAPES)
        hint = SHAPES
        if not fitting:
            given = shape_text(np.asarray(X).shape)
            shapes = f"X is of shape {given}, the training pictures N×{self._size}"
            hint = f"{shapes}. For one picture give a list: [picture]"
        with _as_input_error("X", hint):
            array: NDArray[Any] = validate_data(self, X, reset=fitting)
        if fitting:
            self._shape = row_shape(array.shape[1])
            self._planes = are_planes(array, self._shape)
            self._coloured = self._shape[2] > 1
        assert self._shape is not None
        if self._planes:
            return from_planes(array, self._shape)
        return array.reshape(len(array), *self._shape)

    def _count_features(self, pictures: Pictures) -> None:
        # As `validate_data` does for rows; column names would be those of an earlier fit.
        for stale in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(stale, None)
        same = bool((pictures.shapes == pictures.shapes[0]).all())
        self._shape, self._planes = None, False
        self._coloured = bool((pictures.shapes[:, 2] > 1).any())
        if same:
            height, width, channels = pictures.shapes[0].tolist()
            self._shape = height, width, channels
            self.n_features_in_ = height * width * channels


def _listed(X: Any) -> list[Any] | None:
    """The pictures of a list, or of an array of paths or images; None for numbers.

    Raises
    ------
    InputError
        It is a single picture.
    """
    if isinstance(X, FILE_LIKE):
        raise InputError("X", "is one picture, not a list of them", "Give a list: [picture]")
    if not isinstance(X, list | tuple) and getattr(X, "ndim", 0) != 1:
        return None
    entries = list(X)
    pictures = (isinstance(entry, FILE_LIKE) or getattr(entry, "ndim", 0) >= 2 for entry in entries)
    return entries if any(pictures) else None


def _read(entries: list[Any]) -> Pictures:
    """One picture from each file, image or array.

    Raises
    ------
    InputError
        One cannot be read, or holds several pictures.
    """
    pictures = []
    for row, entry in enumerate(entries):
        subject = f"X[{row}]"
        try:
            read = gather(entry).pictures
        except BakeoffError as error:
            problem = f"{error.subject}: {error.problem}"
            raise InputError(subject, problem, error.hint) from error
        if len(read) != 1:
            raise InputError(
                subject,
                f"holds {len(read)} pictures",
                "Give each picture by itself, with its label",
            )
        pictures.append(read[0][None])
    return joined(pictures)


def _dimensions(X: Any) -> int:
    if hasattr(X, "ndim"):
        return int(X.ndim)
    with _as_input_error("X", SHAPES):  # nested lists may have different lengths
        return int(np.asarray(X).ndim)


def _blocks(X: Any, listed: list[Any] | None) -> list[NDArray[Any]]:
    """Pictures in one array, or in several, as n×H×W×C arrays."""
    if listed:
        return [
            as_picture(np.asarray(entry), f"X[{row}]")[None] for row, entry in enumerate(listed)
        ]
    with _as_input_error("X", SHAPES):
        array = check_array(X, allow_nd=True)
    return [as_picture(array if array.ndim > 3 else array[..., None], "X")]


def _weights(sample_weight: Any, labels: NDArray[np.int64]) -> NDArray[np.float32] | None:
    """N weights, not negative; None: all 1."""
    if sample_weight is None:
        return None
    with _as_input_error("sample_weight", "Give one number from 0 up for each picture"):
        weights: NDArray[np.float32] = _check_sample_weight(
            sample_weight, labels, dtype=np.float32, ensure_non_negative=True
        )
    return weights


def _merged(
    pictures: Pictures, labels: NDArray[np.int64], weights: NDArray[np.float32] | None
) -> tuple[Pictures, NDArray[np.int64], NDArray[np.float32] | None]:
    """Copies under one label as one picture, with the sum of their weights.

    A closed form is also calibrated by leaving each picture out: with all its copies, which would
    give its label away. The order depends on the pictures alone, so that weights and copies make
    the same model to the byte.
    """
    sums: dict[tuple[bytes, int], float] = {}
    first: dict[tuple[bytes, int], int] = {}
    for row, label in enumerate(labels.tolist()):
        pixels = pictures[row]
        named = hashlib.blake2b(repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16)
        key = named.digest(), label
        first.setdefault(key, row)
        sums[key] = sums.get(key, 0.0) + (1.0 if weights is None else float(weights[row]))
    if weights is None and len(first) == len(labels):
        return pictures, labels, None
    keys = sorted(first)
    rows = np.array([first[key] for key in keys])
    return pictures.take(rows), labels[rows], np.array([sums[key] for key in keys], np.float32)


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
