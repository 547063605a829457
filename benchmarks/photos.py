"""Transfer learning on small photos, beside the plain recipe that tutorials give.

    python benchmarks/photos.py ANTS_AND_BEES CLOTHING > benchmarks/photos.txt

Both are folders of class folders. The plain recipe: EfficientNet-Lite0 without its classifier, the
shorter side of a photo to 256 pixels (bicubic) and the middle 224×224, then scikit-learn's
LogisticRegression with its defaults. Both have the same photos and folds, three seeds. Features are
computed once in each way, in one thread; seconds are of processor time. "few" trains on so many
photos of each class, at random, and is scored on all others.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from statistics import mean, stdev

import numpy as np
import torch
from measure import hardware
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.read import read
from bakeoff.data.split import split
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.metrics import losses
from bakeoff.training.backbone import Backbone
from bakeoff.training.compute import Compute

SEEDS = (0, 1, 2)
FEW = (5, 10, 20)
BATCH = 32

Rows = NDArray[np.int64]
Fit = Callable[[Rows, Rows], NDArray[np.floating]]  # train and scored rows to probabilities


def main() -> None:
    """Print a row for each set and approach."""
    torch.set_num_threads(1)
    seeds = ", ".join(map(str, SEEDS))
    print(f"{hardware()}; one thread; mean ± deviation of seeds {seeds}\n")
    print("| set | approach | right | balanced | loss | features | six fits |")
    print("|---|---|---|---|---|---|---|")
    for path in sys.argv[1:]:
        _set(read(path))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"\nPeak memory of this process: {peak} MB")


def _set(dataset: Dataset) -> None:
    ids = together(len(dataset), [copy.indices for copy in find_duplicates(dataset.pictures)])
    fits: dict[str, tuple[Fit, float]] = {"plain recipe": _plain(dataset)}
    for name, settings in OURS.items():
        fits[name] = _ours(dataset, configure("transfer", settings))
    for name, (fit, seconds) in fits.items():
        started = time.process_time()
        rows = [_scores(dataset, fit, _folds(dataset, ids, seed)) for seed in SEEDS]
        fitting = (time.process_time() - started) / len(SEEDS) * 6 / 5
        _print(f"{dataset.name}, {len(dataset)}", name, rows, f"{seconds:.0f} s | {fitting:.1f} s")
    if len(dataset.classes) > 2:
        for count in FEW:
            for name, (fit, _) in fits.items():
                few = [_scores(dataset, fit, _few(dataset, count, seed)) for seed in SEEDS]
                _print(f"{dataset.name}, few: {count}", name, few, "|")


OURS: dict[str, dict[str, object]] = {
    "transfer": {},
    "transfer, Lite0": {"backbone": "tf_efficientnet_lite0"},
}


def _plain(dataset: Dataset) -> tuple[Fit, float]:
    started = time.process_time()
    backbone = Backbone("tf_efficientnet_lite0", side=224, ink=False).eval()
    backbone.to(memory_format=torch.channels_last)
    features = []
    with torch.inference_mode():
        for first in range(0, len(dataset), BATCH):
            cut = [_middle(picture) for picture in dataset.pictures[first : first + BATCH]]
            x = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float() / 255
            features.append(backbone(x.contiguous(memory_format=torch.channels_last)).numpy())
    found = np.concatenate(features)

    def fit(train: Rows, scored: Rows) -> NDArray[np.floating]:
        model = LogisticRegression(max_iter=1000).fit(found[train], dataset.labels[train])
        probabilities: NDArray[np.floating] = model.predict_proba(found[scored])
        return probabilities

    return fit, time.process_time() - started


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
    )
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    return np.array(image.crop((left, top, left + 224, top + 224)))


def _ours(dataset: Dataset, approach: Approach) -> tuple[Fit, float]:
    task = Task.of(dataset.pictures, len(dataset.classes))
    compute = Compute("cpu", 1, bf16=Compute.choose().bf16)
    trainer = Trainer(approach, task, dataset.pictures, dataset.labels, compute, seed=0)
    started = time.process_time()
    source = trainer.source
    seconds = time.process_time() - started

    def fit(train: Rows, scored: Rows) -> NDArray[np.floating]:
        trained = trainer.fit("fit", train=train, validation=train[:0])
        with torch.inference_mode():
            logits = trained.model.network(source.plain(torch.from_numpy(scored))).numpy()
        return softmax(logits, trained.temperature)

    return fit, seconds


def _folds(dataset: Dataset, ids: Rows, seed: int) -> Iterator[tuple[Rows, Rows]]:
    for fold in split(dataset.labels, folds=5, seed=seed, test_share=0, together=ids).folds:
        yield fold.without_validation().train, fold.held_out


def _few(dataset: Dataset, count: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(dataset))
    train = [rows[dataset.labels[rows] == label][:count] for label in range(len(dataset.classes))]
    chosen = np.sort(np.concatenate(train))
    yield chosen, np.setdiff1d(rows, chosen)


def _scores(
    dataset: Dataset, fit: Fit, parts: Iterator[tuple[Rows, Rows]]
) -> tuple[float, float, float]:
    """The share of right answers, the same averaged over classes, and the loss."""
    rows, probabilities = [], []
    for train, scored in parts:
        rows.append(scored)
        probabilities.append(fit(train, scored))
    labels, answers = dataset.labels[np.concatenate(rows)], np.concatenate(probabilities)
    right = answers.argmax(1) == labels
    balanced = float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))
    return float(right.mean()), balanced, float(losses(answers, labels).mean())


def _print(title: str, name: str, rows: list[tuple[float, float, float]], seconds: str) -> None:
    right, balanced, loss = (
        f"{mean(column):{form}} ± {stdev(column):{form}}"
        for column, form in zip(zip(*rows, strict=True), (".2%", ".2%", ".3f"), strict=True)
    )
    print(f"| {title} | {name} | {right} | {balanced} | {loss} | {seconds} |", flush=True)


if __name__ == "__main__":
    main()
