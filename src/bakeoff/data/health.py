"""Unusual pictures of a dataset, and features that give its classes away, without any model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from bakeoff.data.image import thumbnail
from bakeoff.data.looks import PAPER, paper
from bakeoff.data.pictures import Pictures
from bakeoff.data.split import split
from bakeoff.errors import BakeoffError
from bakeoff.said import say

__all__ = [
    "Guessed",
    "Oddity",
    "backgrounds",
    "far_from_others",
    "odd_pictures",
    "shortcut_accuracy",
    "sizes",
]

SIDE = 32  # pixels, to which larger pictures are reduced: grain goes, ink stays
FLAT = 3.0  # grey levels: with less difference between paper and ink a picture is empty
EMPTIER = 0.1  # of the faintest hundredth of all, for paper with more grain than that
# Robust deviations. Of 108 000 pictures of MNIST, Quick, Draw!, scikit-learn's digits and 431
# drawings in three styles, one in 2 500 deviates as much, nearly all of them scribbles.
FAR = 6.0
LEAST_SPREAD = 0.08  # of a logarithm: a difference of a few percent is not unusual
SAME_WAY = 0.9  # share of pictures with ink on the same side of paper, for that to be a rule
BORDER = 0.08  # of the shorter side: mostly paper, seldom ink
TINY = 16  # pixels a side, below which strokes reach the border
MOST = 2000  # pictures are enough to see whether the paper predicts the class
FOLDS = 5
TREES = 60
CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Oddity:
    """An unusual picture: its row, `what` in a word, and `why` in a sentence."""

    row: int
    what: Literal["empty", "inverted", "ink", "size", "shape"]
    why: str


class Guessed(NamedTuple):
    """Correct out-of-fold predictions, of how many pictures, and the share of the largest class.

    Only of pictures that a fold held out.
    """

    right: int
    pictures: int
    chance: float


class _Looks(NamedTuple):
    """N each, in grey levels from paper: its level, contrast, largest and mean distances, sign."""

    paper: NDArray[np.float64]
    contrast: NDArray[np.float64]
    most: NDArray[np.float64]
    mean: NDArray[np.float64]
    lighter: NDArray[np.float64]


def odd_pictures(pictures: Pictures) -> list[Oddity]:
    """Pictures that are empty, or unusual in polarity, size, shape or ink.

    Each picture is listed once, for the first of these.

    Parameters
    ----------
    pictures : N pictures, including the locked test: no model is trained on them here.
    """
    looks = _looks(pictures)
    odd: dict[int, Oddity] = {}
    for oddity in (
        *_empty(looks),
        *(() if pictures.looks == "photos" else _inverted(looks)),
        *_unlike_in_size(pictures),
        *_unlike_in_ink(looks),
    ):
        odd.setdefault(oddity.row, oddity)
    return [odd[row] for row in sorted(odd)]


def far_from_others(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """The ratio of each of N positive values to the median; 1 unless it is unusual.

    A value is unusual if its logarithm is six robust deviations from the median; the logarithm,
    since the eye perceives ratios. The deviation is Hampel's (1974) median absolute deviation,
    which outliers do not widen.
    """
    logs = np.log(np.maximum(values.astype(np.float64), 1e-6))
    apart = logs - np.median(logs)
    spread = max(1.4826 * float(np.median(np.abs(apart))), LEAST_SPREAD)
    ratios: NDArray[np.float64] = np.exp(np.where(np.abs(apart) > FAR * spread, apart, 0.0))
    return ratios


def backgrounds(pictures: Pictures) -> NDArray[np.float64] | None:
    """Features of the paper near the border, N×F: brightness, colour, shade, grain; not the ink.

    Ink and its surroundings are left out. None for pictures too small to have anything else.
    """
    if np.median(pictures.shapes[:, :2].min(axis=1)) < TINY:
        return None
    return np.stack([_background(picture) for picture in pictures])


def sizes(pictures: Pictures) -> NDArray[np.float64]:
    """Height, width and aspect, N×3."""
    height, width = pictures.shapes[:, :2].T.astype(np.float64)
    return np.stack([height, width, width / height], axis=1)


def shortcut_accuracy(
    features: NDArray[np.float64],
    answers: NDArray[np.int64],
    together: NDArray[np.int64],
    seed: int = 0,
) -> Guessed | None:
    """How well features that should not matter predict the answers, out of fold.

    With extremely randomised trees (Geurts, Ernst and Wehenkel 2006) on five folds.

    Parameters
    ----------
    features : N×F.
    answers : N, such as classes or groups.
    together : N ids; pictures of one id (copies) stay in one fold.

    Returns
    -------
    None if all features are equal, or there are too few pictures to train on.
    """
    # Imported only when needed: training needs the memory.
    from sklearn.ensemble import ExtraTreesClassifier

    if (features == features[:1]).all() or np.bincount(answers).max() < FOLDS:
        return None
    try:
        parts = split(answers, folds=FOLDS, seed=seed, test_share=0, together=together)
    except BakeoffError:  # nearly all are copies of a few
        return None
    right = 0
    scored = answers[np.concatenate([fold.held_out for fold in parts.folds])]
    for fold in parts.folds:
        rows = np.concatenate([fold.train, fold.validation])
        trees = ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)
        trees.fit(features[rows], answers[rows])
        right += int((trees.predict(features[fold.held_out]) == answers[fold.held_out]).sum())
    return Guessed(right, len(scored), float(np.bincount(scored).max() / len(scored)))


def _looks(pictures: Pictures) -> _Looks:
    counts = np.zeros((len(pictures), 256), dtype=np.int32)
    for row, picture in enumerate(pictures):
        counts[row] = np.bincount(_small(picture).reshape(-1), minlength=256)
    parts = [_looks_of(part) for part in np.split(counts, range(CHUNK, len(counts), CHUNK))]
    return _Looks(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _looks_of(counts: NDArray[np.integer]) -> _Looks:
    """From N×256 pixels of each brightness."""
    levels = np.arange(256)
    start, _ = paper(counts)
    sheet = counts * ((levels >= start[:, None]) & (levels <= start[:, None] + PAPER))
    up_to = np.cumsum(sheet, axis=1)
    level = (up_to >= up_to[:, -1:] / 2).argmax(axis=1)
    share = counts / counts.sum(axis=1, keepdims=True)
    signed = levels - level[:, None]
    order = np.abs(signed).argsort(axis=1, kind="stable")
    up_to = np.cumsum(np.take_along_axis(share, order, 1), axis=1)
    nth = (up_to >= 0.99).argmax(axis=1)
    distances = np.abs(np.take_along_axis(signed, order, 1))
    return _Looks(
        paper=level.astype(np.float64),
        contrast=np.take_along_axis(distances, nth[:, None], 1)[:, 0].astype(np.float64),
        most=np.where(counts > 0, np.abs(signed), 0).max(axis=1).astype(np.float64),
        mean=(share * np.abs(signed)).sum(axis=1),
        lighter=(share * signed).sum(axis=1),
    )


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(thumbnail(_grey(picture), SIDE))


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture[..., 0] if picture.shape[2] == 1 else picture.mean(axis=2).astype(np.uint8)


def _empty(looks: _Looks) -> Iterator[Oddity]:
    faint = EMPTIER * float(np.quantile(looks.contrast, 0.01))
    for row in np.flatnonzero(looks.contrast < max(FLAT, faint)):
        if looks.most[row] == 0:
            why = say("odd.nothing")
        elif looks.most[row] > max(FLAT, faint):
            why = say("odd.speck")
        else:
            why = say("odd.faint", levels=round(looks.most[row]))
        yield Oddity(int(row), "empty", why)


def _inverted(looks: _Looks) -> Iterator[Oddity]:
    light_ink = looks.lighter > 0
    others = float(np.mean(light_ink)) > 0.5
    if max(np.mean(light_ink), np.mean(~light_ink)) < SAME_WAY:
        return
    # On grey paper a shadow can outweigh the ink; an inverted picture has paper of the ink's level.
    far = np.abs(looks.paper - np.median(looks.paper)) > 2 * PAPER
    for row in np.flatnonzero((light_ink != others) & far):
        why = say("odd.darkOnLight" if others else "odd.lightOnDark")
        yield Oddity(int(row), "inverted", why)


def _unlike_in_ink(looks: _Looks) -> Iterator[Oddity]:
    contrast = far_from_others(looks.contrast)
    amount = far_from_others(looks.mean / np.maximum(looks.contrast, 1))
    for row in np.flatnonzero((contrast != 1) | (amount != 1)):
        if contrast[row] != 1:
            why = say("odd.contrast", factor=contrast[row])
        else:
            why = say("odd.amount", factor=amount[row])
        yield Oddity(int(row), "ink", why)


def _unlike_in_size(pictures: Pictures) -> Iterator[Oddity]:
    height, width = pictures.shapes[:, :2].T.astype(np.float64)
    area, aspect = far_from_others(height * width), far_from_others(width / height)
    for row in np.flatnonzero((area != 1) | (aspect != 1)):
        shape = f"{width[row]:.0f}×{height[row]:.0f}"
        if aspect[row] != 1:
            code = "odd.wider" if aspect[row] > 1 else "odd.taller"
            yield Oddity(int(row), "shape", say(code, shape=shape))
        else:
            code = "odd.larger" if area[row] > 1 else "odd.smaller"
            yield Oddity(int(row), "size", say(code, shape=shape))


def _background(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    grey = _grey(picture)
    (start,), _ = paper(np.bincount(grey.reshape(-1), minlength=256)[None])
    wide = max(1, round(BORDER * min(grey.shape)))
    near = np.ones(grey.shape, dtype=np.bool_)
    near[wide:-wide, wide:-wide] = False
    drawn = (grey < start) | (grey > start + PAPER)
    sheet = near & ~binary_dilation(drawn, iterations=wide)
    if not sheet.any():
        return np.zeros(13)
    levels = grey[sheet].astype(np.float64)
    mean = levels.mean()
    colour = picture[sheet].astype(np.float64).mean(axis=0) - mean
    both = sheet[:, 1:] & sheet[:, :-1]
    steps = np.abs(np.diff(grey.astype(np.float64), axis=1))[both]
    sides = (np.s_[:wide], np.s_[-wide:], np.s_[:, :wide], np.s_[:, -wide:])
    shade = [grey[side][sheet[side]].mean() - mean if sheet[side].any() else 0.0 for side in sides]
    return np.asarray(
        [
            mean,
            levels.std(),
            *np.quantile(levels, [0.1, 0.5, 0.9]),
            steps.mean() if len(steps) else 0.0,
            *shade,
            *np.broadcast_to(colour, 3),
        ]
    )
