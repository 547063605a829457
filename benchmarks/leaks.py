"""Two planted leaks: how they inflate a score, and how much remains in bakeoff's own.

    python benchmarks/leaks.py MNIST > benchmarks/leaks.txt

MNIST is the folder of its four files. First, 200 of 500 training pictures are in the set twice:
rotated by 4 to 12 degrees, shifted by up to two pixels and saved as JPEG, with names like the
others; once with true labels, once with 30 % random labels, where a copy has its original's label,
which only a model that saw the original can predict. Second, 40 made-up writers with their own hand
and paper, who mostly wrote one or two digits each, so that recognising the writer helps. Both sets
are scored twice in five folds: dealt picture by picture, as in plain k-fold cross-validation, and
as bakeoff deals them. The same models then answer new pictures by new writers: the honest score is
the one close to that.
"""

from __future__ import annotations

import io
import itertools
import math
import sys
from collections.abc import Sequence

import numpy as np
from measure import hardware, spread
from numpy.typing import NDArray
from PIL import Image

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.grouping import why_mixed
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.split import Split, split
from bakeoff.training.compute import Compute

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Labelled = tuple[Pixels, Labels]

SEEDS = (0, 1, 2)
APPROACHES = ("baseline", "cnn")
NOISES = {
    0.0: APPROACHES,
    0.3: APPROACHES,
}  # share of random labels
DIGITS = tuple("0123456789")
PICTURES, COPIED, NEW = 500, 200, 2000
WRITERS, NEW_WRITERS, EACH = 40, 100, 10
HABIT = (0.7, 0.2)  # how often a writer writes a digit of choice, and another


def main() -> None:
    """Print what was found, and both tables of scores."""
    mnist = read(sys.argv[1])
    assert mnist.official_test is not None
    digits = np.stack([one[..., 0] for one in mnist.pictures])
    old = digits[~mnist.official_test], mnist.labels[~mnist.official_test]
    new = digits[mnist.official_test], mnist.labels[mnist.official_test]
    print(f"{hardware()}\n\n## {COPIED} of {PICTURES} pictures are there again, turned a little\n")
    copies(old, new)
    print(f"\n## {WRITERS} writers, each with a hand, a paper and a habit\n")
    people(old, new)


def copies(old: Labelled, new: Labelled) -> None:
    """The first leak."""
    print(
        "| seed | planted pairs found | other pairs claimed | in two folds: dealt one by one "
        "| as bakeoff deals | … of those found |\n|---|---|---|---|---|---|"
    )
    rows: dict[str, list[list[float]]] = {}
    for seed, (noise, approaches) in itertools.product(SEEDS, NOISES.items()):
        rng = np.random.default_rng(seed)
        pictures, labels, pairs = with_copies(*drawn(*old, PICTURES, noise, rng), rng)
        fresh, truth = drawn(*new, NEW, noise, rng)
        # New pictures are turned as often as those of the set, or they would be easier.
        for row in np.flatnonzero(rng.random(NEW) < COPIED / len(labels)):
            fresh[row] = turned(fresh[row], rng)
        groups = find_duplicates(Pictures.from_array(pictures))
        ids = together(len(labels), [one.indices for one in groups])
        naive = split(labels, seed=seed, test_share=0)
        kept = split(labels, seed=seed, test_share=0, together=ids)
        if not noise:
            found = ids[pairs[:, 0]] == ids[pairs[:, 1]]
            others = len(labels) - len(np.unique(ids)) - found.sum()
            apart = parted(naive, pairs), parted(kept, pairs), parted(kept, pairs[found])
            cells = (seed, f"{found.sum()} of {COPIED}", others, *apart)
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
        for name in approaches:
            line = f"{name}, {noise:.0%} of the labels at random" if noise else name
            rows.setdefault(line, []).append(
                [
                    *scored(name, pictures, labels, naive, fresh, truth, seed),
                    *scored(name, pictures, labels, kept, fresh, truth, seed),
                ]
            )
    show(rows, "copies in two folds", "copies kept together")


def people(old: Labelled, new: Labelled) -> None:
    """The second leak."""
    rows: dict[str, list[list[float]]] = {}
    for seed in SEEDS:
        rng = np.random.default_rng(100 + seed)
        pictures, labels, writers = written(*old, WRITERS, rng)
        fresh, truth, _ = written(*new, NEW_WRITERS, rng)
        assert why_mixed(labels, DIGITS, writers, 5) is None  # so that a run keeps them together
        naive = split(labels, seed=seed, test_share=0)
        kept = split(labels, seed=seed, test_share=0, together=writers)
        for name in APPROACHES:
            rows.setdefault(name, []).append(
                [
                    *scored(name, pictures, labels, naive, fresh, truth, seed),
                    *scored(name, pictures, labels, kept, fresh, truth, seed),
                ]
            )
    show(rows, "writers in all folds", "writers kept together")


def show(rows: dict[str, list[list[float]]], naive: str, kept: str) -> None:
    """A line an approach: each score beside what the same models reach on new pictures."""
    print(
        f"\n| % right, {len(SEEDS)} seeds | {naive} | on new pictures | too high by | {kept} "
        "| on new pictures | too high by |\n|---|---|---|---|---|---|---|"
    )
    for name, found in rows.items():
        cells = []
        for score, reached in np.split(100 * np.asarray(found).T, 2):
            cells += [spread(score.tolist(), ".1f"), spread(reached.tolist(), ".1f")]
            above = score - reached
            cells.append(f"{above.mean():+.1f} ± {above.std(ddof=1):.1f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def scored(
    name: str,
    pictures: Pixels,
    labels: Labels,
    parts: Split,
    new: Pixels,
    truth: Labels,
    seed: int,
) -> tuple[float, float]:
    """Share right out of fold, and the mean share of the folds' models on new pictures."""
    compute = Compute.choose("cpu", 1)
    compute.apply()
    store, fresh = Pictures.from_array(pictures), Pictures.from_array(new)
    approach = configure(name, {})
    task = Task.of(store, 10, "auto", "quick")
    trainer = Trainer(approach, task, store, labels, compute, seed=seed)
    right, reached = 0, []
    for fold in parts.folds:
        model = trainer.fit(fold.name, train=fold.train, validation=fold.validation).model
        answers = model.logits_of(store.take(fold.held_out), compute).argmax(axis=1)
        right += int(np.sum(answers == labels[fold.held_out]))
        reached.append(float(np.mean(model.logits_of(fresh, compute).argmax(axis=1) == truth)))
    return right / len(labels), float(np.mean(reached))


def parted(parts: Split, pairs: NDArray[np.int64]) -> int:
    """How many pairs have a picture in each of two folds."""
    fold_of = np.empty(1 + int(max(fold.held_out.max() for fold in parts.folds)), dtype=np.int64)
    for number, fold in enumerate(parts.folds):
        fold_of[fold.held_out] = number
    return int(np.sum(fold_of[pairs[:, 0]] != fold_of[pairs[:, 1]]))


def drawn(
    digits: Pixels, labels: Labels, count: int, noise: float, rng: np.random.Generator
) -> Labelled:
    """Some pictures; a share of their labels is any of the ten, as where people disagree."""
    rows = rng.choice(len(labels), count, replace=False)
    lots = rng.integers(0, 10, count)
    return digits[rows], np.where(rng.random(count) < noise, lots, labels[rows])


def with_copies(
    pictures: Pixels, labels: Labels, rng: np.random.Generator
) -> tuple[Pixels, Labels, NDArray[np.int64]]:
    """The pictures and turned copies of some, shuffled; and which two rows are one, COPIED×2."""
    copied = rng.choice(len(pictures), COPIED, replace=False)
    copies = [turned(pictures[row], rng) for row in copied]
    order = rng.permutation(len(pictures) + COPIED)
    place = np.argsort(order)
    pairs = np.stack([place[copied], place[len(pictures) :]], axis=1)
    everything = np.concatenate([pictures, np.stack(copies)])[order]
    return everything, np.concatenate([labels, labels[copied]])[order], pairs


def turned(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """Turned by 4 to 12 degrees to either side, moved by up to two pixels, saved as JPEG."""
    turn = math.radians(rng.uniform(4, 12) * rng.choice([-1, 1]))
    x, y = rng.uniform(-2, 2, 2)
    cos, sin = math.cos(turn), math.sin(turn)
    middle = picture.shape[0] / 2
    matrix = [
        *(cos, sin, middle - cos * (middle + x) - sin * (middle + y)),
        *(-sin, cos, middle + sin * (middle + x) - cos * (middle + y)),
    ]
    file = io.BytesIO()
    moved(picture, matrix).save(file, "JPEG", quality=85)
    return np.asarray(Image.open(file))


def moved(picture: Pixels, matrix: Sequence[float]) -> Image.Image:
    """The picture, seen through an affine map."""
    image = Image.fromarray(picture)
    return image.transform(
        image.size, Image.Transform.AFFINE, list(matrix), Image.Resampling.BICUBIC
    )


def written(
    digits: Pixels, labels: Labels, writers: int, rng: np.random.Generator
) -> tuple[Pixels, Labels, Labels]:
    """Ten digits by each writer, on the writer's own paper: N×28×28×3, labels, writers."""
    pictures, truth = [], []
    for writer in range(writers):
        habits = [writer % 10, (writer * 7 + 3) % 10]
        lean, pressed = rng.uniform(-0.4, 0.4), rng.uniform(0.5, 1.0)
        paper, ink = rng.uniform(150, 255, 3), rng.uniform(0, 90, 3)
        for _ in range(EACH):
            chance = rng.random()
            label = (
                habits[0]
                if chance < HABIT[0]
                else habits[1]
                if chance < sum(HABIT)
                else int(rng.integers(10))
            )
            digit = digits[rng.choice(np.flatnonzero(labels == label))]
            slanted = np.asarray(moved(digit, [1, lean, -14 * lean, 0, 1, 0])) / 255
            depth = pressed * slanted[..., None]
            sheet = paper * (1 - depth) + ink * depth + rng.normal(0, 6, (28, 28, 1))
            pictures.append(sheet.clip(0, 255).astype(np.uint8))
            truth.append(label)
    return (
        np.stack(pictures),
        np.asarray(truth, dtype=np.int64),
        np.repeat(np.arange(writers), EACH).astype(np.int64),
    )


if __name__ == "__main__":
    main()
