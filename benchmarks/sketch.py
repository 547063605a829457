"""How well does the backbone for drawings know what it never saw? Few pictures, doodles, drawings.

    python benchmarks/sketch.py QUICKDRAW DRAWINGS sketch Lite0 scattering > benchmarks/sketch.txt

QUICKDRAW is the npz file of `scripts/make_sketch_backbone.py`, with 100 drawings a class; DRAWINGS
a folder of class folders whose file names begin with the style. The rest names what is measured;
each prints its own tables. The unseen classes are those that never trained the backbone: the ten
of the bundled doodles, and eight others. Of each class 5, 10, 20 or 80 drawings train, and the 20
to 80 that are left after the first 20 are asked for; five draws, two for transfer's own head. One
thread; the other head is scikit-learn's logistic regression on standardised features.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import mean, pstdev

import numpy as np
import torch
from measure import hardware
from numpy.typing import NDArray
from out_of_fold import STYLES, out_of_fold
from safetensors import safe_open
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
DRAWS, OWN_DRAWS = 5, 2
EMBEDDINGS: dict[str, tuple[str, dict[str, object]]] = {
    "sketch": ("transfer", {"backbone": "sketch"}),
    "Lite0": ("transfer", {"backbone": "tf_efficientnet_lite0"}),
    "scattering": ("scattering", {}),
}

Rows = NDArray[np.int64]
Answer = Callable[[Rows], Rows]


def main() -> None:
    """Print the tables of each embedding."""
    quickdraw, drawings, *names = sys.argv[1:]
    torch.set_num_threads(1)
    print(f"{hardware()}, one thread, a busy machine")
    for name in names:
        cost(name)
        few_pictures(name, quickdraw)
        if name == "sketch":
            whole_sets(drawings)


def cost(title: str) -> None:
    """Multiplications, bytes and time of one answer's features."""
    name, settings = EMBEDDINGS[title]
    approach = configure(name, settings)
    frozen, preprocess = approach.frozen(_task()), approach.preprocess(_task())
    assert frozen is not None, "all of these are frozen"
    x = torch.rand(1, preprocess.channels, preprocess.size, preprocess.size)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        frozen.eval()(x)
    numbers = sum(each.numel() for each in frozen.parameters())
    print(
        f"\n{title}: {preprocess.size}×{preprocess.size}, {counter.get_total_flops() / 2e6:.1f} "
        f"million multiplications, {numbers:,} parameters, {_milliseconds(frozen, x):.1f} ms"
    )
    if title == "sketch":
        with safe_open(SKETCH_WEIGHTS, framework="pt") as file:
            arguments = file.metadata()["arguments"]
        print(f"{SKETCH_WEIGHTS.stat().st_size / 1e6:.2f} MB, made with {arguments}")


def few_pictures(title: str, quickdraw: str) -> None:
    """Accuracy on unseen classes by the number of drawings that train."""
    name, settings = EMBEDDINGS[title]
    print(f"\n| {title}: unseen classes | head | 5 | 10 | 20 | 80 a class |")
    print("|---|---|---|---|---|---|")
    for classes in (DOODLES, STRANGERS):
        images, labels = _of_classes(quickdraw, classes)
        features = _features(configure(name, settings), images)
        right = _right(labels, partial(_logistic, features, labels), DRAWS)
        print(f"| {len(classes)} | logistic | {right} |", flush=True)
        if title == "sketch":
            right = _right(labels, partial(_ours, images, labels), OWN_DRAWS)
            print(f"| {len(classes)} | transfer's | {right} |", flush=True)


def whole_sets(drawings: str) -> None:
    """Out of fold, as in a run of transfer learning."""
    sets = [
        ("doodles, the demo's 800, quick", "doodles", {"budget": "quick"}),
        ("doodles, the demo's 800", "doodles", {}),
        ("drawings, unseen style", drawings, STYLES),
        ("drawings", drawings, {}),
    ]
    print("\n| set | pictures | right | by fold | mean of folds | features | six fits |")
    print("|---|---|---|---|---|---|---|")
    for title, source, options in sets:
        run = out_of_fold(source, "transfer", {**options, "seed": 0})
        cells = [
            title,
            run.pictures,
            f"{run.accuracy:.2%}",
            " ".join(f"{share:.1%}" for share in run.right),
            f"{mean(run.right):.2%}",
            f"{run.preparing:.1f} s",
            f"{run.fitting:.1f} s",
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


def _right(labels: Rows, answers: Answer, draws: int) -> str:
    """Shares of right answers by the number of drawings a class, over the draws."""
    cells = []
    for shots in SHOTS:
        shares = []
        for draw in range(draws):
            random = np.random.default_rng(draw)
            orders = [random.permutation(np.flatnonzero(labels == c)) for c in np.unique(labels)]
            train = np.concatenate([order[:shots] for order in orders])
            asked = np.concatenate([order[max(shots, ASKED_AFTER) :] for order in orders])
            shares.append(float((answers(train)[asked] == labels[asked]).mean()))
        cells.append(f"{mean(shares):.1%} ± {pstdev(shares):.1%}")
    return " | ".join(cells)


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
