"""Which of many pictures to look at first: arithmetic on arrays, without files and models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Coverage",
    "cover",
    "doubt",
    "evened",
    "foremost",
    "likeness",
    "unit_features",
    "worth",
]

Features = NDArray[np.float32]

# How fast likeness falls with the distance of two pictures. At one label a class, 1 named more
# pictures well than 3, 6 and 12 in an uneven set and of MNIST; later, 1 to 3 were alike.
SHARPNESS = 1.0
# How fast it falls where it says how crowded a place is, and the power of that. Of the powers 1/4
# to 1, on digits and drawings that are not in benchmarks/next.txt, most of them uneven, this named
# most pictures well: 1.0 and 2.5 points more at one and two labels a class than without it.
CROWDED, EVENING = 4.0, 0.75
USUAL = 0.25  # of pictures are less like their neighbours; they are not called alike
ROUNDING = 1e-5
SAME = 4.0  # labels of a class at which doubt counts as much as that part
SOME = 2  # times as many pictures as are wanted: at least so many are chosen from
COPY = 0.9  # cosine from which on two pictures are near-copies
MOST = 4_000  # pictures that are compared with each other: 64 MB of likeness
SHRINK = 0.3  # of the mean deviation, added to that of each feature, so that none is all noise


@dataclass(frozen=True)
class Coverage:
    """Pictures chosen one after the other.

    Attributes
    ----------
    rows : n row numbers, best first.
    stand_for : n, how many of the pictures (it counts itself) are nearest to this one and alike.
    nearest : n, likeness to the most similar picture that was covered before, from 0 to 1.
    """

    rows: NDArray[np.int64]
    stand_for: NDArray[np.int64]
    nearest: NDArray[np.float32]


def unit_features(*parts: NDArray[np.floating]) -> tuple[Features, ...]:
    """Features of one length 1 whose cosine says how alike two pictures are.

    Parameters
    ----------
    parts : each n×E; centred and scaled together.

    Returns
    -------
    The same parts, each row of length 1.
    """
    every = np.concatenate(parts).astype(np.float32)
    every -= every.mean(axis=0)
    spread = every.std(axis=0)
    every /= spread + SHRINK * spread.mean() + 1e-12
    every /= np.linalg.norm(every, axis=1, keepdims=True) + 1e-12
    return tuple(np.split(every, np.cumsum([len(part) for part in parts])[:-1]))


def doubt(probabilities: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
    """How unsure models are together, from 0 to 1, for each of N pictures.

    One less the margin between the two most probable classes of the mean of their probabilities:
    high if all hesitate, and if each is sure of something else.

    Parameters
    ----------
    probabilities : N×K of each model.
    """
    best = np.sort(np.mean(probabilities, axis=0), axis=1)[:, -2:]
    margins: NDArray[np.float32] = (1 - (best[:, 1] - best[:, 0])).astype(np.float32)
    return margins


def worth(doubts: NDArray[np.float32], classes: int, labelled: int) -> NDArray[np.float32]:
    """How much each picture wants to be told about: its doubt, and a part that is the same for all.

    That part is large where a class has few labels, and models do not know what they doubt: with
    doubt alone, the second eight labels of ants and bees took 91.8 % right down to 84.2 %.

    Parameters
    ----------
    doubts : N, from `doubt`.
    classes, labelled : how many classes, and pictures that have a label.
    """
    return doubts + np.float32(SAME * classes / max(labelled, 1))


def evened(features: Features, *, seed: int = 0) -> NDArray[np.float32]:
    """Weights by which a large group of alike pictures counts for less than its size: N, mean 1.

    Else the commonest class of an uneven set takes most of the first picks.

    Parameters
    ----------
    features : N×E, of length 1.
    seed : of the sample of `MOST` pictures that the others are compared with.
    """
    some = features[_sample(len(features), seed)]
    crowds = np.empty(len(features), dtype=np.float32)
    for start in range(0, len(features), MOST):
        alike = likeness(features[start : start + MOST], some, CROWDED)
        crowds[start : start + MOST] = alike.mean(axis=1)
    weights: NDArray[np.float32] = crowds ** np.float32(-EVENING)
    weights *= len(weights) / (float(weights.sum()) or 1.0)
    return weights


def foremost(classes: int, labelled: int) -> float:
    """The share of the pictures, those of most doubt, that are chosen from.

    It falls with the labels, as models get to know what they doubt. On drawings and digits that are
    not in benchmarks/next.txt, 0.2 to 0.6 points more were right on average over twenty rounds than
    with all pictures.

    Parameters
    ----------
    classes, labelled : as of `worth`.
    """
    labels = labelled / classes
    return (SAME / (SAME + labels)) ** 2


def likeness(some: Features, others: Features, sharpness: float = SHARPNESS) -> Features:
    """n×m likeness of pictures, from 0 to 1 for two of the same features.

    exp(−`sharpness` · (1 − cosine)): what one label says of another picture fades with distance.
    """
    alike: Features = np.exp(sharpness * (some @ others.T - 1), dtype=np.float32)
    return alike


def cover(
    features: Features,
    weights: NDArray[np.floating],
    covered: Features,
    take: int,
    *,
    share: float = 1.0,
    seed: int = 0,
) -> Coverage:
    """Choose pictures that tell most about all: greedy weighted facility location.

    Each next picture is the one whose label adds most: the sum, over all pictures, of weight times
    the likeness that no covered or chosen picture has to it already. A near-copy of a chosen
    picture adds nothing, a picture that is like nothing else only itself. After Wei, Iyer and
    Bilmes, "Submodularity in data subset selection and active learning" (2015).

    Parameters
    ----------
    features : N×E, of length 1, of the pictures to choose from.
    weights : N, how much each wants to be told about: see `worth` and `evened`. Ones choose the
        middle of each large group of alike pictures.
    covered : M×E, of the pictures that are labelled already.
    take : how many to choose; fewer if there are fewer.
    share : of the pictures, those of most weight, to choose from and to tell about: see `foremost`.
    seed : of the sample of `MOST` pictures, where there are more.
    """
    rows = _sample(len(features), seed)
    kept, weight = features[rows], weights[rows].astype(np.float32)
    near = np.zeros(len(rows), dtype=np.float32)
    for start in range(0, len(covered), MOST):
        near = np.maximum(near, likeness(kept, covered[start : start + MOST]).max(axis=1))
    before, alike = near.copy(), likeness(kept, kept)
    free = _first(alike, weight, max(SOME * take, round(share * len(rows))))
    weight = np.where(free, weight, 0)
    picks: list[int] = []
    nearest: list[float] = []
    for _ in range(min(take, len(rows))):
        gain = np.maximum(alike - near, 0) @ weight
        gain[~free] = -1
        pick = int(gain.argmax())
        picks.append(pick)
        nearest.append(float(near[pick]))
        free[pick] = False
        near = np.maximum(near, alike[pick])
    return Coverage(
        rows[picks], _stand_for(alike, before, picks), np.array(nearest, dtype=np.float32)
    )


def _first(alike: Features, weight: NDArray[np.float32], count: int) -> NDArray[np.bool_]:
    """The `count` pictures of most weight, N truth values; near-copies of others come last.

    Else all of them could be copies of one picture, such as the frames of a film.
    """
    if count >= len(weight):
        return np.ones(len(weight), dtype=np.bool_)
    order = np.argsort(-weight, kind="stable")
    copy = np.zeros(len(weight), dtype=np.bool_)
    own: list[int] = []
    for row in order:
        if not copy[row]:
            own.append(int(row))
            copy |= alike[row] >= np.exp(SHARPNESS * (COPY - 1))
        if len(own) == count:
            break
    first = np.zeros(len(weight), dtype=np.bool_)
    first[own] = True
    first[order[~first[order]][: count - len(own)]] = True
    return first


def _sample(count: int, seed: int) -> NDArray[np.int64]:
    """Rows of at most `MOST` of `count` pictures, at random, ascending."""
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:MOST])


def _stand_for(
    alike: Features, before: NDArray[np.float32], picks: Sequence[int]
) -> NDArray[np.int64]:
    """For each pick, the pictures that are most like it, and as like as neighbours are."""
    if not picks:
        return np.zeros(0, dtype=np.int64)
    others = alike.copy()
    np.fill_diagonal(others, 0)
    usual = float(np.quantile(others.max(axis=1), USUAL)) - ROUNDING
    to_picks = alike[:, list(picks)]
    best = to_picks.argmax(axis=1)
    near = to_picks.max(axis=1)
    counted = (near >= usual) & (near > before)
    counted[list(picks)] = True
    best[list(picks)] = np.arange(len(picks))
    return np.bincount(best[counted], minlength=len(picks)).astype(np.int64)
