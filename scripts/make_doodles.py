"""Make the bundled set `doodles` from an npz file of Quick, Draw! drawings.

    python scripts/make_doodles.py quickdraw345.npz

The source has the arrays `images` (N×28×28 uint8, ink is high), `labels` and `classes`. The ten
classes were chosen on contact sheets: everyday objects that anyone can draw in seconds and
recognise at 28×28, with one similar pair (tree, umbrella) so that a report has something to show.
All drawings of a class are kept, including the scribbles: people draw them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

CLASSES = (
    "apple",
    "bicycle",
    "cat",
    "envelope",
    "fish",
    "house",
    "star",
    "t-shirt",
    "tree",
    "umbrella",
)
PER_CLASS = 100
TARGET = Path(__file__).parents[1] / "src/bakeoff/data/bundled/doodles.npz"


def main(source: Path) -> None:
    """Write the ten classes of `source` to the package."""
    with np.load(source, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
        known = [str(name) for name in arrays["classes"]]
    rows = [np.flatnonzero(labels == known.index(name))[:PER_CLASS] for name in CLASSES]
    np.savez_compressed(
        TARGET,
        images=images[np.concatenate(rows)],
        labels=np.repeat(np.arange(len(CLASSES), dtype=np.int64), [len(row) for row in rows]),
        classes=np.asarray(CLASSES),
    )
    print(f"{TARGET}: {sum(map(len, rows))} drawings, {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
