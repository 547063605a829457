"""Make the bundled drawings of other things from an npz file of Quick, Draw! drawings.

    python scripts/make_others.py quickdraw345.npz

The source is that of `make_doodles.py`. Models of drawings learn from these what "none of these"
looks like, and are asked for them. Left out are the ten bundled doodles; eight classes with which
the project measures what models say of strangers; and plain shapes, which are digits and symbols
in other people's sets. Scribbles and noise are made here, by arithmetic.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]

LEFT_OUT = (
    *("apple", "bicycle", "cat", "envelope", "fish", "house", "star", "t-shirt", "tree"),
    *("umbrella", "airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow"),
    *("circle", "diamond", "hexagon", "line", "octagon", "square", "squiggle", "triangle"),
    *("zigzag",),
)
PER_CLASS = 2
SEED = 5
TARGET = Path(__file__).parents[1] / "src/bakeoff/data/bundled/others.npz"


def main(source: Path) -> None:
    """Write some drawings of all other classes of `source` to the package."""
    with np.load(source, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
        known = [str(name) for name in arrays["classes"]]
    generator = np.random.default_rng(SEED)
    names = [name for name in known if name not in LEFT_OUT]
    rows = [
        generator.permutation(np.flatnonzero(labels == known.index(name)))[:PER_CLASS]
        for name in names
    ]
    kinds = [images[row] for row in rows]
    for name, make, count in MADE:
        names.append(name)
        kinds.append(np.stack([make(generator) for _ in range(count)]))
    np.savez_compressed(
        TARGET,
        images=np.concatenate(kinds),
        labels=np.repeat(np.arange(len(names), dtype=np.int64), [len(kind) for kind in kinds]),
        classes=np.asarray(names),
    )
    print(f"{TARGET}: {sum(map(len, kinds))} pictures, {TARGET.stat().st_size / 1000:.0f} kB")


def _scribble(generator: np.random.Generator) -> Picture:
    """A line that runs to and fro, by a sum of waves."""
    t = np.linspace(0, 2 * np.pi, 400)
    waves = int(generator.integers(2, 12))
    x, y = (
        sum(
            generator.normal() / wave**0.5 * np.sin(wave * t + generator.uniform(0, 7))
            for wave in range(1, waves + 1)
        )
        for _ in "xy"
    )
    points = np.stack([x, y], 1)
    points = (points - points.min(0)) / np.ptp(points, axis=0)
    points = points[: int(generator.integers(150, 400))] * 180 + 22
    page = Image.new("L", (224, 224))
    width = int(generator.integers(8, 24))
    ImageDraw.Draw(page).line([tuple(at) for at in points.tolist()], 255, width, joint="curve")
    return np.asarray(page.resize((28, 28), Image.Resampling.BOX))


def _noise(generator: np.random.Generator) -> Picture:
    """Grains or clouds: noise in 5 to 28 places a side."""
    places = int(generator.integers(5, 29))
    grains = Image.fromarray(generator.integers(0, 256, (places, places), dtype=np.uint8))
    return np.asarray(grains.resize((28, 28), Image.Resampling.BICUBIC))


MADE = (("scribble", _scribble, 90), ("noise", _noise, 60))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
