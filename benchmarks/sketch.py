"""How well does the backbone for drawings know what it never saw? Few pictures, doodles, drawings.

    python benchmarks/sketch.py QUICKDRAW DRAWINGS > benchmarks/sketch.txt

QUICKDRAW is the npz file of `scripts/make_sketch_backbone.py`, with 100 drawings a class; DRAWINGS
a folder of class folders whose file names begin with the style. The unseen classes are those that
never train the backbone: the ten of the bundled doodles, and eight others. Of each class 5, 10, 20
or 80 drawings train, and the 20 to 80 others that are left after 20 are asked for; five draws. One
thread; the head is scikit-learn's logistic regression on standardised features, and, for the
backbone, transfer learning's own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import mean

import numpy as np
import torch
from measure import hardware, spread
from numpy.typing import NDArray
from safetensors import safe_open
from scattering import STYLES, _measured
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.transfer import SKETCH_WEIGHTS
from bakeoff.classifier import Classifier
from bakeoff.data.pictures import Pictures

DOODLES = (
    *("apple", "bicycle", "cat", "envelope", "fish", "house", "star", "t-shirt", "tree"),
    "umbrella",
)
STRANGERS = ("airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow")
SHOTS = (5, 10, 20, 80)
ASKED_AFTER = 20  # the first drawings of a draw are never asked for, however few train
DRAWS = 5
SEEDS = (0, 1, 2)
EMBEDDINGS = {
    "sketch": ("transfer", {"backbone": "sketch"}),
    "Lite0": ("transfer", {"backbone": "tf_efficientnet_lite0"}),
    "scattering": ("scattering", {}),
}

Rows = NDArray[np.int64]


def main() -> None:
    """Print a table for few pictures, one for cost, and one for whole sets."""
    quickdraw, drawings = sys.argv[1:]
    torch.set_num_threads(1)
    print(f"{hardware()}, one thread\n")
    few_pictures(quickdraw)
    costs()
    whole_sets(drawings)


def few_pictures(quickdraw: str) -> None:
    """Accuracy on unseen classes by the number of drawings that train."""
    print("| unseen classes | features, head | 5 | 10 | 20 | 80 a class |")
    print("|---|---|---|---|---|---|")
    for classes in (DOODLES, STRANGERS):
        images, labels = _of_classes(quickdraw, classes)
        for title, (name, settings) in EMBEDDINGS.items():
            features = _features(configure(name, settings), images)
            right = _right(labels, partial(_logistic, features, labels))
            print(f"| {len(classes)} | {title}, logistic | {' | '.join(right)} |", flush=True)
        right = _right(labels, partial(_ours, images, labels))
        print(f"| {len(classes)} | sketch, ours | {' | '.join(right)} |", flush=True)
    print()


def costs() -> None:
    """Multiplications, bytes and time of one answer's features."""
    print("| features | side | multiplications | size | one picture |\n|---|---|---|---|---|")
    for title, (name, settings) in EMBEDDINGS.items():
        approach = configure(name, settings)
        task = _task()
        frozen = approach.frozen(task)
        assert frozen is not None, "all of these are frozen"
        preprocess = approach.preprocess(task)
        x = torch.rand(1, preprocess.channels, preprocess.size, preprocess.size)
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), counter:
            frozen.eval()(x)
        size = sum(each.numel() for each in frozen.parameters()) * 4 / 1e6
        cells = [
            title,
            preprocess.size,
            f"{counter.get_total_flops() / 2e6:.1f} M",
            f"{size:.1f} MB",
            f"{_milliseconds(frozen, x):.1f} ms",
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    with safe_open(SKETCH_WEIGHTS, framework="pt") as file:
        arguments = file.metadata()["arguments"]
    size = SKETCH_WEIGHTS.stat().st_size / 1e6
    print(f"\nsketch.safetensors: {size:.2f} MB, made with {arguments}\n")


def whole_sets(drawings: str) -> None:
    """Out of fold, as in a run of transfer learning."""
    sets = [
        ("doodles, the demo's 800, quick", "doodles", {"budget": "quick"}),
        ("doodles, the demo's 800", "doodles", {}),
        ("drawings", drawings, {}),
        ("drawings, unseen style", drawings, STYLES),
    ]
    print("| set | backbone | pictures | right | by fold | features | six fits |")
    print("|---|---|---|---|---|---|---|")
    for title, source, options in sets:
        for backbone in ("sketch", "tf_efficientnet_lite0"):
            asked = {**options, "settings": {"transfer": {"backbone": backbone}}}
            runs = [_measured(source, "transfer", {**asked, "seed": seed}) for seed in SEEDS]
            folds = zip(*(run.right for _, run in runs), strict=True)
            cells = [
                title,
                backbone,
                runs[0][0],
                spread([run.accuracy for _, run in runs], ".2%"),
                " ".join(f"{mean(fold):.1%}" for fold in folds),
                f"{runs[0][1].preparing:.1f} s",
                f"{runs[0][1].fitting:.1f} s",
            ]
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _of_classes(quickdraw: str, classes: tuple[str, ...]) -> tuple[NDArray[np.uint8], Rows]:
    with np.load(quickdraw, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
        known = [str(name) for name in arrays["classes"]]
    parts = [images[labels == known.index(name)] for name in classes]
    numbers = np.repeat(np.arange(len(classes)), [len(part) for part in parts])
    return np.concatenate(parts), numbers


def _task() -> Task:
    return Task(classes=10, pictures=800, side=28, channels=1, mode="ink")


def _features(approach: Approach, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    frozen, preprocess = approach.frozen(_task()), approach.preprocess(_task()).eval()
    assert frozen is not None, "all of these are frozen"
    frozen.eval()
    with torch.inference_mode():
        parts = torch.from_numpy(images)[..., None].split(100)
        return torch.cat([frozen(preprocess(part)) for part in parts]).numpy()


def _right(labels: Rows, answers: Callable[[Rows], Rows]) -> list[str]:
    """Shares of right answers by the number of drawings a class, over the draws."""
    cells = []
    for shots in SHOTS:
        shares = []
        for draw in range(DRAWS):
            random = np.random.default_rng(draw)
            orders = [random.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
            train = np.concatenate([order[:shots] for order in orders])
            asked = np.concatenate([order[max(shots, ASKED_AFTER) :] for order in orders])
            shares.append(float((answers(train)[asked] == labels[asked]).mean()))
        cells.append(spread(shares, ".1%"))
    return cells


def _logistic(features: NDArray[np.float32], labels: Rows, train: Rows) -> Rows:
    known = features[train]
    deviation = known.std(0) + 0.01 * known.std() + 1e-6
    standard = (features - known.mean(0)) / deviation
    head = LogisticRegression(C=0.01, max_iter=500).fit(standard[train], labels[train])
    answers: Rows = head.predict(standard)
    return answers


def _ours(images: NDArray[np.uint8], labels: Rows, train: Rows) -> Rows:
    classifier = Classifier("transfer", mode="ink", threads=1, random_state=0)
    classifier.fit(Pictures.from_array(images[train]), labels[train])
    answers: Rows = classifier.predict(Pictures.from_array(images))
    return answers


def _milliseconds(frozen: nn.Module, x: torch.Tensor) -> float:
    times = []
    with torch.inference_mode():
        for _ in range(30):
            started = time.perf_counter()
            frozen(x)
            times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


if __name__ == "__main__":
    main()
