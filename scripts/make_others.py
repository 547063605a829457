"""Make the bundled drawings of other things from an npz file of Quick, Draw! drawings.

    python scripts/make_others.py quickdraw345.npz

The source is that of `make_doodles.py`. Models of drawings learn from these what "none of these"
looks like, and are asked for them. Left out are the ten bundled doodles; eight classes with which
the project measures what models say of strangers; and plain shapes, which are digits and symbols
in other people's sets. Scribbles and noise are made here, by arithmetic. Pixels have 16 levels,
which saves a third of the file.
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
PER_CLASS = 6
LEVEL = 17  # between neighbouring levels of 8 bits
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
        images=(np.concatenate(kinds) / LEVEL).round().astype(np.uint8) * LEVEL,
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
    points = np.stack([x, y], 1)[: int(generator.integers(150, 400))]
    return _drawn([points], generator)


def _tangle(generator: np.random.Generator) -> Picture:
    """Up to three lines whose curvature drifts, so that they coil and cross themselves.

    Half of them run against the border of the paper, and along it.
    """
    lines = []
    for _ in range(int(generator.integers(1, 4))):
        steps = int(generator.integers(60, 300))
        turns = 0.3 * generator.normal() + np.cumsum(generator.normal(0, 0.12, steps))
        heading = np.cumsum(turns * generator.uniform(0.3, 1))
        path = np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1), axis=0)
        lines.append(path + generator.uniform(-15, 15, 2))
    if generator.random() < 0.5:
        every = np.concatenate(lines)
        low, high = np.quantile(every, [0.15, 0.85], axis=0)
        lines = [path.clip(low, high) for path in lines]
    return _drawn(lines, generator)


def _jagged(generator: np.random.Generator) -> Picture:
    """A line through random places, with corners."""
    return _drawn([generator.normal(size=(int(generator.integers(8, 40)), 2))], generator)


def _hatching(generator: np.random.Generator) -> Picture:
    """A line to and fro that fills an area, at any angle, by an unsteady hand."""
    rows = int(generator.integers(6, 24))
    ends = np.stack([np.arange(rows) % 2 * 2.0 - 1, np.linspace(-1, 1, rows)], 1)
    ends[:, 0] *= 1 + generator.uniform(0, 0.6) * generator.normal(size=rows)
    ends += generator.normal(0, generator.uniform(0, 0.15), ends.shape)
    angle = generator.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return _drawn([ends @ turn], generator)


def _coil(generator: np.random.Generator) -> Picture:
    """Loops around a place that moves on."""
    t = np.linspace(0, 2 * np.pi * generator.uniform(3, 14), 400)
    radius = generator.uniform(0.2, 1) + np.cumsum(generator.normal(0, 0.03, 400))
    place = np.cumsum(generator.normal(0, 0.05, (400, 2)), axis=0)
    place += np.linspace(0, generator.uniform(0, 3), 400)[:, None]
    return _drawn([place + radius[:, None] * np.stack([np.cos(t), np.sin(t)], 1)], generator)


def _knot(generator: np.random.Generator) -> Picture:
    """A smooth line through random places, which crosses itself many times."""
    places = generator.normal(size=(int(generator.integers(9, 45)), 2))
    if generator.random() < 0.5:  # each near the one before
        places = np.cumsum(0.6 * places, axis=0)
    return _drawn([_smooth(places)], generator)


def _smooth(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """A line through N places: Catmull and Rom's spline."""
    ends = np.concatenate([places[:1], places, places[-1:]])
    before, here, there, after = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    t = np.linspace(0, 1, 16)[:, None, None]
    curve = (
        2 * here
        + t * (there - before)
        + t**2 * (2 * before - 5 * here + 4 * there - after)
        + t**3 * (3 * here - before - 3 * there + after)
    ) / 2
    return curve.swapaxes(0, 1).reshape(-1, 2)


def _strokes(generator: np.random.Generator) -> Picture:
    """Separate strokes, straight or bent, at random places and angles."""
    count, lines = int(generator.integers(3, 18)), []
    for _ in range(count):
        path = np.cumsum(generator.normal(size=(int(generator.integers(2, 5)), 2)), axis=0)
        size = generator.uniform(0.2, 1.2) / max(np.ptp(path, axis=0).max(), 1e-9)
        lines.append(_smooth(path * size) + generator.uniform(-1, 1, 2))
    return _drawn(lines, generator)


def _burst(generator: np.random.Generator) -> Picture:
    """A line that runs out from near a place and back, again and again."""
    ends = int(generator.integers(6, 30))
    places = 0.15 * generator.normal(size=(2 * ends, 2))
    angles = generator.uniform(0, 2 * np.pi) + generator.uniform(0.5, 7) * generator.random(ends)
    places[1::2] += np.stack([np.cos(angles), np.sin(angles)], 1)
    return _drawn([_smooth(places) if generator.random() < 0.5 else places], generator)


def _blot(generator: np.random.Generator) -> Picture:
    """An area that a line covers nearly all of, with ragged borders."""
    count = int(generator.integers(60, 160))
    spots = generator.normal(size=(count, 2)) * generator.uniform(0.2, 1, 2)
    order = spots if generator.random() < 0.5 else spots[np.argsort(spots[:, 0])]
    return _drawn([order], generator)


def _drawn(lines: list[NDArray[np.float64]], generator: np.random.Generator) -> Picture:
    """Lines of points, at any scale, drawn with some pen."""
    every = np.concatenate(lines)
    low, size = every.min(0), np.maximum(np.ptp(every, axis=0), 1e-9)
    if generator.random() < 0.5:
        size = np.full(2, size.max())  # as it is, not stretched to a square
    page = Image.new("L", (224, 224))
    draw, width = ImageDraw.Draw(page), int(generator.integers(6, 24))
    for points in lines:
        places = (points - low) / size * 180 + 22
        draw.line([tuple(at) for at in places.tolist()], 255, width, joint="curve")
    return np.asarray(page.resize((28, 28), Image.Resampling.BOX))


def _noise(generator: np.random.Generator) -> Picture:
    """Grains or clouds: noise in 5 to 28 places a side."""
    places = int(generator.integers(5, 29))
    grains = Image.fromarray(generator.integers(0, 256, (places, places), dtype=np.uint8))
    return np.asarray(grains.resize((28, 28), Image.Resampling.BICUBIC))


MADE = (
    ("scribble", _scribble, 60),
    ("tangle", _tangle, 120),
    ("jagged", _jagged, 60),
    ("hatching", _hatching, 60),
    ("coil", _coil, 60),
    ("knot", _knot, 120),
    ("strokes", _strokes, 60),
    ("burst", _burst, 60),
    ("blot", _blot, 40),
    ("noise", _noise, 60),
)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
