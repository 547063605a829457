"""How many rotated copies are found before a split, and how many false alarms there are.

    python benchmarks/copies.py MNIST DRAWINGS > benchmarks/copies.txt

MNIST is the folder of its four files, DRAWINGS a folder of class folders. A tenth of each set is
planted as copies: rotated by 3 to 12 degrees to either side and shifted by up to a fourteenth of
the side (two pixels of 28) on paper of the same colour; then also saved as JPEG; then also scaled
by up to a tenth. A pair found in the original set that is not the same file is a false alarm unless
a person who looks at it disagrees, as with the two of DRAWINGS: a page that was photographed twice,
and a file that was saved twice.
"""

from __future__ import annotations

import io
import math
import sys
import time
from collections.abc import Sequence

import numpy as np
from measure import hardware
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.duplicates.find import DuplicateGroup, find_duplicates
from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.data.read import read

Pixels = NDArray[np.uint8]
SMALL_SETS = (100, 1000)  # pictures are fewer, and less alike, in a small set


def main() -> None:
    """Print a line for each set."""
    mnist = read(sys.argv[1]).pictures
    sets = {
        "MNIST, 60 000": mnist[:60000],
        "MNIST, the first 10 000": mnist[:10000],
        "MNIST, the first 1 000": mnist[:1000],
        "drawings": read(sys.argv[2]).pictures,
        "doodles (they touch the frame)": read("doodles").pictures,
        "digits (8×8: too small)": read("digits").pictures,
    }
    print(f"{hardware()}\n")
    print(
        "| set | CPU seconds | claimed as it is | of planted, found: turned and moved | … JPEG "
        "| … scaled |\n|---|---|---|---|---|---|"
    )
    for name, pictures in sets.items():
        started = time.process_time()
        claimed = len(find_duplicates(pictures))
        seconds = time.process_time() - started
        cells = [f"{seconds:.1f}", str(claimed)]
        cells += [found(pictures, jpeg, scale) for jpeg, scale in ((0, 0), (1, 0), (1, 0.1))]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    for size in SMALL_SETS:
        parts = [mnist[start : start + size] for start in range(0, 60000, size)]
        claimed = sum(len(find_duplicates(part)) for part in parts)
        print(f"\nMNIST in {len(parts)} sets of {size}: {claimed} claimed in all.", flush=True)


def found(pictures: Pictures, jpeg: bool, scale: float) -> str:
    """How many planted copies are in one group with their original."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(pictures))[: len(pictures) // 10]
    writer = PictureWriter()
    for picture in pictures:
        writer.append(picture)
    for row in chosen:
        writer.append(copy_of(pictures[int(row)], jpeg, scale, rng))
    group_of = places(find_duplicates(writer.validate()))
    pairs = ((int(row), len(pictures) + place) for place, row in enumerate(chosen))
    count = sum(a in group_of and group_of[a] == group_of.get(b) for a, b in pairs)
    return f"{count} of {len(chosen)}"


def places(groups: Sequence[DuplicateGroup]) -> dict[int, int]:
    """The number of each row's group."""
    return {row: number for number, one in enumerate(groups) for row in one.indices}


def copy_of(picture: Pixels, jpeg: bool, scale: float, rng: np.random.Generator) -> Pixels:
    """A copy of the picture, on paper of the colour of its edge."""
    height, width, channels = picture.shape
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    turn = math.radians(rng.uniform(3, 12) * rng.choice([-1, 1]))
    size = math.exp(rng.uniform(-scale, scale))
    x, y = (width, height) / np.float64(2) + rng.uniform(-1, 1, 2) * max(height, width) / 14
    cos, sin = math.cos(turn) / size, math.sin(turn) / size
    matrix = (cos, sin, width / 2 - cos * x - sin * y, -sin, cos, height / 2 + sin * x - cos * y)
    edge = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    paper = tuple(np.median(edge, axis=0).astype(int).tolist())
    image = image.transform(
        image.size,
        Image.Transform.AFFINE,
        matrix,
        Image.Resampling.BICUBIC,
        fillcolor=paper if channels == 3 else paper[0],
    )
    if jpeg:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=80)
        image = Image.open(file)
    return np.asarray(image).reshape(height, width, channels)


if __name__ == "__main__":
    main()
