"""A dataset that is learnt in a second: 12×12 strokes of three classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures

CLASSES = ("bar", "dash", "box")
SIDE = 12

# What keeps `bake` quick. One thread and float32, so that any process gets the same bytes.
QUICKLY: dict[str, Any] = {
    "approaches": ("baseline", "cnn"),
    "settings": {"": {"epochs": 2}, "cnn": {"stem": "pixels", "filters": (8, 8)}},
    "folds": 2,
    "threads": 1,
    "precision": "fp32",
    "device": "cpu",
    "bundles": False,  # each takes seconds
    "robustness": False,
}
# The same with one approach.
ONE: dict[str, Any] = QUICKLY | {"approaches": ("baseline",), "settings": {"": {"epochs": 2}}}


def picture(kind: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One stroke drawing with the paper's grain; no two are the same."""
    pixels = np.full((SIDE, SIDE), 255)
    start, end, at = rng.integers(2, 5), rng.integers(7, 11), rng.integers(3, 9)
    if kind == 0:
        pixels[start:end, at : at + 2] = 20
    elif kind == 1:
        pixels[at : at + 2, start:end] = 20
    else:
        pixels[start:end, start:end] = 20
        pixels[start + 1 : end - 1, start + 1 : end - 1] = 255
    grain = rng.integers(0, 40, pixels.shape)
    return (pixels - grain).clip(0, 255).astype(np.uint8)


def strokes(count: int = 60, *, classes: int = 3, seed: int = 0, **more: Any) -> Dataset:
    """`count` pictures, the classes in turn; `more` are further fields of the dataset."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    fields: dict[str, Any] = {
        "name": "strokes",
        "pictures": Pictures.from_array(np.stack([picture(int(kind), rng) for kind in labels])),
        "labels": labels.astype(np.int64),
        "classes": CLASSES[:classes],
        "names": tuple(f"{CLASSES[kind]}/{row}.png" for row, kind in enumerate(labels)),
    }
    return Dataset(**fields | more)
