"""Make the bundled set `clothing` from the clothing dataset (small).

    python scripts/make_clothing.py clothing-dataset-small/

The source is a folder of class folders, or of the parts train, validation and test with such
folders in them. The photos were taken by many people, mostly with phones, and given to the public
domain (CC0): https://github.com/alexeygrigorev/clothing-dataset-small. At most 40 of each of the
ten classes are kept, chosen at random, with a longer side of 192 pixels.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

PER_CLASS = 40
SIDE = 192  # pixels
QUALITY = 75  # of WebP
TARGET = Path(__file__).parents[1] / "src/bakeoff/data/bundled/clothing.zip"


def main(source: Path) -> None:
    """Write some photos of each class to the package."""
    by_class: dict[str, list[Path]] = {}
    for path in sorted(source.rglob("*.jpg")):
        by_class.setdefault(path.parent.name, []).append(path)
    generator = np.random.default_rng(0)
    count = 0
    with zipfile.ZipFile(TARGET, "w") as archive:
        for name, paths in sorted(by_class.items()):
            chosen = generator.permutation(len(paths))[:PER_CLASS]
            for number, row in enumerate(sorted(chosen.tolist()), 1):
                # Without a date, so that the same photos make the same file.
                member = zipfile.ZipInfo(f"{name}/{number:02d}.webp", (1980, 1, 1, 0, 0, 0))
                archive.writestr(member, smaller(paths[row]))
                count += 1
    print(f"{TARGET}: {count} photos, {TARGET.stat().st_size / 1e6:.2f} MB")


def smaller(path: Path) -> bytes:
    """The photo as WebP, without what its camera wrote beside the pixels."""
    with Image.open(path) as photo:
        image = photo.convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=QUALITY, method=6)
    return stream.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
