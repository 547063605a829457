"""OOD scores for photos, on the features of the frozen backbone: which knows strangers?

    python benchmarks/photo_strangers.py ANTS_AND_BEES CLOTHING > benchmarks/photo_strangers.txt

Each set is known in turn, by all of its photos and by five of each class; strangers are the other
set, the bundled doodles, and each class of the second set in turn, left out of what is known. Each
cell: the AUROC, and the percentage of strangers refused where 1.5 % of known photos are. Known
photos are out of fold (five folds); strangers are scored by each fold's fit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from measure import hardware
from none_of_these import auroc
from numpy.typing import NDArray
from torch import Tensor

from bakeoff.approaches.approach import Task
from bakeoff.approaches.transfer import Transfer
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.evaluation.trust import REFUSAL_RATE
from bakeoff.training.ood import CosineOOD, MahalanobisOOD

FOLDS, FEW, MOST = 5, 5, 300  # MOST: strangers of a set, at most
Score = Callable[[Tensor], Tensor]


def main() -> None:
    """Print the table."""
    ants, clothing = (read(path) for path in sys.argv[1:3])
    doodles = _features(read("doodles").take(range(0, 1000, 10)))
    x, y = _features(ants), torch.from_numpy(ants.labels)
    z, t = _features(clothing), torch.from_numpy(clothing.labels)
    heads = [f"{ants.name}: {clothing.name}", "doodles", f"{clothing.name}: {ants.name}", "doodles"]
    heads += [f"{clothing.name}: a class left out"]
    heads += [f"{FEW} of each class, {ants.name}: {clothing.name}"]
    heads += [f"{FEW} of each class, {clothing.name}: {ants.name}"]
    print(f"{hardware()}\n\n| score | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
    for name in SCORES:
        cells = [
            *(_cell(name, x, y, strange) for strange in (z, doodles)),
            *(_cell(name, z, t, strange) for strange in (x, doodles)),
            np.mean([_left_out(name, z, t, label) for label in range(len(clothing.classes))], 0),
            _cell(name, x, y, z, FEW),
            _cell(name, z, t, x, FEW),
        ]
        shown = (f"{area:.3f}, {100 * refused:.0f}" for area, refused in cells)
        print(f"| {name} | {' | '.join(shown)} |", flush=True)


def _features(dataset: Dataset) -> Tensor:
    """N×D, of the photos' backbone."""
    task = Task.of(dataset.pictures, len(dataset.classes), "photo")
    approach = Transfer(side=260)
    prepare, backbone = approach.preprocess(task), approach.frozen(task)
    assert backbone is not None, "it is not fine-tuned"
    found = torch.empty(len(dataset), 1280)
    with torch.inference_mode():
        for rows, pixels in dataset.pictures.batches(16):
            found[rows] = backbone.eval()(prepare(torch.from_numpy(pixels)))
    return found


def _left_out(name: str, x: Tensor, y: Tensor, label: int) -> NDArray[np.float64]:
    known = y != label
    return _cell(name, x[known], y[known] - (y[known] > label).long(), x[~known])


def _cell(
    name: str, x: Tensor, y: Tensor, strange: Tensor, few: int | None = None
) -> NDArray[np.float64]:
    """AUROC, and the share of strangers refused."""
    strange = strange[:: -(-len(strange) // MOST)]
    fold_of = np.random.default_rng(1).permutation(len(x)) % FOLDS
    ours, theirs = [], []
    for fold in range(FOLDS):
        train = np.flatnonzero(fold_of != fold)
        if few:
            mixed = np.random.default_rng(fold).permutation(train)
            train = np.concatenate([mixed[y[mixed] == k][:few] for k in range(int(y.max()) + 1)])
        score = SCORES[name](x[train], y[train])
        ours.append(score(x[fold_of == fold]).numpy())
        theirs.append(score(strange).numpy())
    known, strangers = np.concatenate(ours), np.concatenate(theirs)
    refused = strangers > np.quantile(known, 1 - REFUSAL_RATE)
    return np.array([auroc(known, strangers), refused.mean()])


def _mahalanobis(x: Tensor, y: Tensor) -> Score:
    """Of features as the network standardises them."""
    mean, deviation = x.mean(0), (x.var(0, correction=0) + 1e-2).sqrt()
    score = MahalanobisOOD(int(y.max()) + 1, x.shape[1]).learn((x - mean) / deviation, y)
    return lambda q: score((q - mean) / deviation)


def _nearest(count: int, *, unit: bool) -> Callable[[Tensor, Tensor], Score]:
    """The mean distance to the nearest pictures."""
    scaled = F.normalize if unit else torch.clone

    def fit(x: Tensor, y: Tensor) -> Score:  # noqa: ARG001 - it needs no labels
        return lambda q: torch.cdist(scaled(q), scaled(x)).topk(count, largest=False)[0].mean(1)

    return fit


def _means(x: Tensor, y: Tensor) -> Score:
    return CosineOOD(int(y.max()) + 1, x.shape[1]).learn(x, y)


SCORES = {
    "Mahalanobis": _mahalanobis,
    "3 nearest pictures": _nearest(3, unit=False),
    "nearest picture, unit length": _nearest(1, unit=True),
    "3 nearest pictures, unit length": _nearest(3, unit=True),
    "mean of the class, unit length": _means,
}

if __name__ == "__main__":
    main()
