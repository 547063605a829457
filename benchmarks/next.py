"""How many labels does it take? What to label next, beside random picks and other methods.

    python benchmarks/next.py MNIST PHOTOS UNEVEN [--seeds N] [--keep FOLDER] > benchmarks/next.txt

MNIST is a folder with the four IDX files, PHOTOS and UNEVEN are folders of class folders (ants and
bees; clothing of ten uneven classes). The doodles are bundled. A quarter of each set is kept for
scoring; the rest has no labels at first. Frozen features of the network of transfer learning, a
ridge on them (strength and temperature by leave-one-out), one thread. Twenty rounds of two labels a
class (ants and bees: four). All methods but ours begin with random picks; "cold" is where ours
begins. Each set is printed when it is finished. FOLDER keeps features and curves, so that a
stopped run goes on.

*needs* was settled before the methods were compared: the mean accuracy over the seeds (balanced for
uneven sets), made monotone by isotonic regression, so that one lucky round does not count; and the
first round in which it is within a point of that with all labels. *worst* is the round in which a
method is behind random picks by most, in points, with its standard error over the seeds.

Margin: Scheffer et al. 2001. BADGE: Ash et al. 2020 (gradients of the last layer, k-means++).
TypiClust: Hacohen et al. 2022. ActiveLab: Goh and Mueller 2023, as cleanlab has it.
"""

from __future__ import annotations

import json
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cleanlab.multiannotator import get_active_learning_scores
from measure import hardware
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.next.cold import looks_of
from bakeoff.next.picks import cover, doubt, evened, foremost, unit_features, worth

ROUNDS, POINT = 20, 0.01
STRENGTHS, SHARPENINGS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), (3, 6, 12, 24)
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """A set with features, and how it is measured."""

    name: str
    features: NDArray[np.float32]
    labels: Rows
    take: int
    balanced: bool = False


@dataclass
class State:
    """What a method may look at: rows of unit features, labels so far, and what a model says."""

    features: NDArray[np.float32]
    labelled: Rows
    free: Rows
    labels: Rows
    shares: Floats
    own_shares: Floats
    take: int
    rng: np.random.Generator


def main() -> None:
    """Print a table for each set, when it is finished."""
    parser = ArgumentParser()
    for name in ("mnist", "photos", "uneven"):
        parser.add_argument(name)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    print(hardware())
    print(f"{options.seeds} seeds", flush=True)
    kept = Kept(options.keep)
    for name, source, take, balanced in (
        ("doodles", lambda: read("doodles"), 20, False),
        ("ants and bees", lambda: read(options.photos), 8, False),
        ("clothing", lambda: read(options.uneven), 20, True),
        ("MNIST, 1 : 40", lambda: _rare(_some(read(options.mnist), 6_000)), 20, True),
        ("1 500 of MNIST", lambda: _some(read(options.mnist), 1_500), 20, False),
    ):
        features, labels = kept.features(name, source)
        _compare(Pool(name, features, labels, take, balanced), range(options.seeds), kept)


class Kept:
    """What takes long, in a folder; computed again each time without one."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def features(
        self, name: str, source: Callable[[], Dataset]
    ) -> tuple[NDArray[np.float32], Rows]:
        """Features and labels of a set."""
        path = self.folder / f"{name}.npz" if self.folder else None
        if path and path.is_file():
            with np.load(path) as file:
                return file["features"], file["labels"]
        dataset = source()
        features = looks_of(dataset.pictures)
        if path:
            np.savez(path, features=features, labels=dataset.labels)
        return features, dataset.labels

    def curve(self, name: str, grow: Callable[[], list[float]]) -> list[float]:
        """The scores of one method with one seed."""
        path = self.folder / f"{name}.json" if self.folder else None
        if path and path.is_file():
            curve: list[float] = json.loads(path.read_text())
            return curve
        curve = grow()
        if path:
            path.write_text(json.dumps(curve))
        return curve


def _some(dataset: Dataset, count: int) -> Dataset:
    return dataset.take(np.sort(np.random.default_rng(0).permutation(60_000)[:count]))


def _rare(dataset: Dataset) -> Dataset:
    """Class by class fewer: 400 of the first, 10 of the last, and a third more for scoring."""
    kept = []
    for label in range(10):
        rows = np.flatnonzero(dataset.labels == label)
        kept.append(rows[: max(10, round(400 * (1 / 40) ** (label / 9))) * 4 // 3])
    return dataset.take(np.concatenate(kept))


def _compare(pool: Pool, seeds: Sequence[int], kept: Kept) -> None:
    started = time.process_time()
    full = float(np.mean([_whole(pool, seed) for seed in seeds]))
    results = {
        name: np.array(
            [
                kept.curve(
                    f"{pool.name} {name} {seed}",
                    lambda method=method, seed=seed, cold=name == "ours": _grow(  # type: ignore[misc]
                        pool, seed, method, cold=cold
                    ),
                )
                for seed in seeds
            ]
        )
        for name, method in METHODS.items()
    }
    print(
        f"\n{pool.name}: {len(pool.labels)} pictures, all labels {full:.1%}"
        f"{' (balanced)' if pool.balanced else ''}; {time.process_time() - started:.0f} s"
    )
    counts = [pool.take * (number + 1) for number in range(ROUNDS)]
    shown = [0, 1, 2, 4, 6, 9, 14, 19]
    print(
        f"{'':12}{'needs':>7}{'worst':>17}"
        + "".join(f"{counts[at]:>7}" for at in shown)
        + " labels"
    )
    for name, runs in results.items():
        print(
            f"{name:12}{_needs(runs, full, counts):>7}"
            f"{_worst(runs - results['random'], counts) if name != 'random' else '':>17}"
            + "".join(f"{runs.mean(axis=0)[at]:7.1%}" for at in shown),
            flush=True,
        )
    _cold(pool, seeds)


def _needs(runs: Floats, full: float, counts: Sequence[int]) -> str:
    """The labels from which on the smoothed mean curve is within a point of all labels."""
    curve = isotonic_regression(runs.mean(axis=0)).x
    reached = np.flatnonzero(curve >= full - POINT)
    return str(counts[reached[0]]) if len(reached) else f"> {counts[-1]}"


def _worst(gaps: Floats, counts: Sequence[int]) -> str:
    """The round in which seeds×rounds differences to random picks are lowest on average."""
    means = gaps.mean(axis=0)
    at = int(means.argmin())
    error = gaps[:, at].std(ddof=1) / np.sqrt(len(gaps))
    return f"{100 * means[at]:+.1f}±{100 * error:.1f} at {counts[at]}"


def _cold(pool: Pool, seeds: Sequence[int]) -> None:
    """One label a class and two, without any model: ours beside random picks and TypiClust."""
    classes = int(pool.labels.max()) + 1
    for name in ("random", "typiclust", "ours"):
        words = []
        for many in (1, 2):
            first = [
                _grow(pool, seed, METHODS[name], cold=name != "random", take=many * classes)[0]
                for seed in seeds
            ]
            words.append(f"{np.mean(first):.1%} at {many * classes} labels")
        print(f"cold {name:10} {', '.join(words)}", flush=True)


def _grow(
    pool: Pool, seed: int, method: Callable[[State], Rows], *, cold: bool, take: int = 0
) -> list[float]:
    """The score after each round (one round if `take` is given)."""
    features, test, free, rng = _split(pool, seed)
    labelled = np.zeros(0, dtype=np.int64)
    curve: list[float] = []
    for _ in range(1 if take else ROUNDS):
        count = min(take or pool.take, len(free))
        state = _state(features, pool.labels, labelled, free, count, rng)
        chosen = method(state) if cold or len(labelled) else rng.permutation(len(free))[:count]
        labelled = np.concatenate([labelled, free[chosen]])
        free = np.delete(free, chosen)
        curve.append(_score(features, pool, labelled, test))
    return curve


def _whole(pool: Pool, seed: int) -> float:
    """The score with all labels."""
    features, test, free, _ = _split(pool, seed)
    return _score(features, pool, free, test)


def _split(pool: Pool, seed: int) -> tuple[NDArray[np.float32], Rows, Rows, np.random.Generator]:
    """Unit features, the rows for scoring, and those without a label."""
    rng = np.random.default_rng(seed)
    (features,) = unit_features(pool.features)
    order = rng.permutation(len(features))
    return features, order[: len(order) // 4], order[len(order) // 4 :], rng


def _state(
    features: NDArray[np.float32],
    labels: Rows,
    labelled: Rows,
    free: Rows,
    take: int,
    rng: np.random.Generator,
) -> State:
    shares = own = np.zeros((0, int(labels.max()) + 1))
    if len(labelled):
        both = _answers(features, labels, labelled, np.concatenate([free, labelled]))
        shares, own = np.split(both, [len(free)])
    return State(features, labelled, free, labels, shares, own, take, rng)


def _score(features: NDArray[np.float32], pool: Pool, train: Rows, test: Rows) -> float:
    right = _answers(features, pool.labels, train, test).argmax(axis=1) == pool.labels[test]
    if not pool.balanced:
        return float(right.mean())
    truth = pool.labels[test]
    return float(np.mean([right[truth == label].mean() for label in np.unique(truth)]))


def _answers(features: NDArray[np.float32], labels: Rows, train: Rows, rows: Rows) -> Floats:
    """Probabilities of a ridge, whose strength and temperature have the least left-out loss."""
    classes = int(labels.max()) + 1
    truth = labels[train]
    onehot = np.eye(classes)[truth]
    mean = onehot.mean(axis=0)
    known = onehot.sum(axis=0) > 0
    x = features[train].astype(np.float64)
    values, vectors = np.linalg.eigh(x @ x.T)
    along = vectors.T @ (onehot - mean)
    best, chosen = np.inf, (np.zeros((len(train), classes)), 1)
    for strength in STRENGTHS:
        inverse = 1 / (values.clip(min=0) + strength)
        dual = vectors @ (inverse[:, None] * along)
        left_out = onehot - dual / (vectors**2 @ inverse)[:, None]
        for sharpening in SHARPENINGS:
            loss = -_log_softmax(left_out * sharpening, known)[np.arange(len(train)), truth].mean()
            if loss < best:
                best, chosen = loss, (dual, sharpening)
    dual, sharpening = chosen
    answers: Floats = np.exp(
        _log_softmax((features[rows] @ (x.T @ dual) + mean) * sharpening, known)
    )
    return answers


def _log_softmax(logits: Floats, known: NDArray[np.bool_]) -> Floats:
    logits = np.where(known, logits, -50.0)
    logits = logits - logits.max(axis=1, keepdims=True)
    result: Floats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return result


# -- the methods: which of the free pictures, as places in `state.free` ------------------------


def _random(state: State) -> Rows:
    return state.rng.permutation(len(state.free))[: state.take]


def _margin(state: State) -> Rows:
    return np.argsort(-doubt([state.shares]), kind="stable")[: state.take]


def _entropy(state: State) -> Rows:
    entropy = -(state.shares * np.log(state.shares + 1e-9)).sum(axis=1)
    return np.argsort(-entropy, kind="stable")[: state.take]


def _badge(state: State) -> Rows:
    """k-means++ in gradient space, which is the product of an error and the features."""
    errors = state.shares - np.eye(state.shares.shape[1])[state.shares.argmax(axis=1)]
    ours = state.features[state.free].astype(np.float64)
    sizes = (errors**2).sum(axis=1)
    apart = np.full(len(ours), np.inf)
    picks = [int(sizes.argmax())]
    while True:
        at = picks[-1]
        distance = sizes + sizes[at] - 2 * (errors @ errors[at]) * (ours @ ours[at])
        apart = np.minimum(apart, distance.clip(min=0))
        if len(picks) == state.take:
            return np.array(picks)
        chances = apart.copy()
        chances[picks] = 0
        picks.append(int(state.rng.choice(len(ours), p=chances / chances.sum())))


def _typiclust(state: State) -> Rows:
    every = np.concatenate([state.labelled, state.free])
    count = min(len(state.labelled) + state.take, len(every) // 2, 500)
    clusters = _k_means(state.features[every], count, state.rng)
    theirs, ours = np.split(clusters, [len(state.labelled)])
    labelled = np.bincount(theirs, minlength=count)
    sizes = np.bincount(clusters, minlength=count)
    free = np.ones(len(ours), dtype=np.bool_)
    picks: list[int] = []
    while len(picks) < state.take:
        cluster = min(np.unique(ours[free]), key=lambda one: (labelled[one], -sizes[one]))
        members = np.flatnonzero((ours == cluster) & free)
        some = state.features[state.free[members]]
        near = np.sort(some @ some.T, axis=1)[:, -20:].mean(axis=1)
        picks.append(int(members[near.argmax()]))
        free[picks[-1]] = False
        labelled[cluster] += 1
    return np.array(picks)


def _k_means(features: NDArray[np.float32], count: int, rng: np.random.Generator) -> Rows:
    centres = [int(rng.integers(len(features)))]
    apart = np.full(len(features), np.inf)
    while len(centres) < count:
        apart = np.minimum(apart, (2 - 2 * features @ features[centres[-1]]).clip(min=0))
        apart[centres] = 0
        centres.append(int(rng.choice(len(features), p=apart / apart.sum())))
    middles = features[centres].copy()
    clusters = np.zeros(len(features), dtype=np.int64)
    for _ in range(10):
        clusters = (features @ middles.T - 0.5 * (middles**2).sum(axis=1)).argmax(axis=1)
        for cluster in np.unique(clusters):
            middles[cluster] = features[clusters == cluster].mean(axis=0)
    return clusters


def _activelab(state: State) -> Rows:
    labels = state.labels[state.labelled][:, None]
    # cleanlab wants labels of the classes that have been seen, from 0 on.
    seen, dense = np.unique(labels, return_inverse=True)
    _, scores = get_active_learning_scores(
        dense.reshape(-1, 1), state.own_shares[:, seen], state.shares[:, seen]
    )
    return np.argsort(scores, kind="stable")[: state.take]


def _ours(state: State) -> Rows:
    ours, theirs = state.features[state.free], state.features[state.labelled]
    if not len(theirs):
        return cover(ours, evened(ours), theirs, state.take).rows
    classes = state.shares.shape[1]
    weights = worth(doubt([state.shares]), classes, len(theirs))
    share = foremost(classes, len(theirs))
    return cover(ours, weights, theirs, state.take, share=share).rows


METHODS: dict[str, Callable[[State], Rows]] = {
    "random": _random,
    "margin": _margin,
    "entropy": _entropy,
    "BADGE": _badge,
    "typiclust": _typiclust,
    "ActiveLab": _activelab,
    "ours": _ours,
}

if __name__ == "__main__":
    main()
