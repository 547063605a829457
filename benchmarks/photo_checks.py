"""What bakeoff notices in sets of small photos: copies, label errors, and photos of something else.

    python benchmarks/photo_checks.py ANTS_AND_BEES CLOTHING > benchmarks/photo_checks.txt

Both are folders of class folders. Copies: a tenth of each set is planted again, changed in one way;
what is claimed in the set as it is, is a false alarm unless a person who looks disagrees. Label
errors: 5 % of the labels are changed to another class at random, and transfer learning with its
defaults judges out of fold. Strangers: a model of one set is asked about the photos of the other; a
quarter of its own set is a locked test, opened for this only.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import hardware
from none_of_these import Verdicts, auroc
from numpy.typing import NDArray
from PIL import Image
from suspects import flipped_labels

from bakeoff.bundle.bundle import load
from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import find_duplicates
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.evaluation.suspects import suspects
from bakeoff.run.bake import bake

TENTH, FLIPPED, TEST = 10, 0.05, 0.25
Change = Callable[[Image.Image], Image.Image]


def main() -> None:
    """Print the three tables."""
    sets = [read(path) for path in sys.argv[1:]]
    print(f"{hardware()}\n\n| set | claimed as it is | {' | '.join(CHANGES)} |")
    print("|---" * (2 + len(CHANGES)) + "|")
    for dataset in sets:
        claimed = len(find_duplicates(dataset.pictures))
        cells = [_found(dataset.pictures, change) for change in CHANGES.values()]
        print(f"| {_named(dataset)} | {claimed} | {' | '.join(cells)} |", flush=True)
    print("\n| set | labels changed | suspects | of these changed | changed and suspected |")
    print("|---" * 5 + "|")
    with tempfile.TemporaryDirectory() as temporary:
        for dataset in sets:
            for share in (FLIPPED, 0.0):
                _label_errors(dataset, share, Path(temporary))
        print("\n| set | strangers | AUROC | known refused | strangers refused | … called sure |")
        print("|---" * 6 + "|")
        for dataset, other in zip(sets, sets[::-1], strict=True):
            _strangers(dataset, other, Path(temporary))


def _saved(image: Image.Image, quality: int = 70) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def _mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _cut(share: float) -> Change:
    def cut(image: Image.Image) -> Image.Image:
        across, down = round(image.width * share / 2), round(image.height * share / 2)
        return image.crop((across, down, image.width - across, image.height - down))

    return cut


CHANGES: dict[str, Change] = {
    "saved again": _saved,
    "half the size": lambda image: _saved(_halved(image), 85),
    "mirrored": _mirrored,
    "mirrored, half the size": lambda image: _saved(_halved(_mirrored(image)), 85),
    "brighter": lambda image: image.point(lambda level: min(255, level + 20)),
    "2 % of the frame cut off": _cut(0.02),
    "5 % cut off": _cut(0.05),
}


def _found(pictures: Pictures, change: Change) -> str:
    """The share of planted copies that are in one group with their originals."""
    rows = np.random.default_rng(0).permutation(len(pictures))[: len(pictures) // TENTH]
    copies = [np.asarray(change(_image(pictures[int(row)]))) for row in rows]
    groups = find_duplicates(pictures.with_more(Pictures.collected(copies)))
    group = {row: number for number, each in enumerate(groups) for row in each.indices}
    hits = [
        group.get(int(row), -1) == group.get(len(pictures) + number, -2)
        for number, row in enumerate(rows)
    ]
    return f"{np.mean(hits):.0%}"


def _image(picture: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(picture.squeeze()).convert("RGB")


def _label_errors(dataset: Dataset, share: float, runs: Path) -> None:
    changed, rows, _ = flipped_labels(dataset, share, seed=1)
    folder = runs / f"{dataset.name} {share}"
    run = bake(changed, folder, approaches=["transfer"], robustness=False, bundles=False)
    arrays = run.probabilities()
    judged = arrays["out_of_fold_rows"]
    found = suspects(
        {"transfer": arrays["transfer_out_of_fold"]},
        changed.labels[judged],
        changed.classes,
        changed.names,
        judged,
    )
    hits = len({one.index for one in found} & set(rows.tolist()))
    cells = [str(len(rows)), str(len(found)), str(hits), f"{hits / len(rows):.0%}" if share else ""]
    print(f"| {_named(dataset)} | {' | '.join(cells)} |", flush=True)


def _strangers(dataset: Dataset, other: Dataset, runs: Path) -> None:
    folder = runs / f"{dataset.name} test"
    run = bake(dataset, folder, approaches=["transfer"], test=TEST, robustness=False)
    bundle = load(run.bundle("transfer"))
    known = Verdicts(bundle, dataset.take(run.probabilities()["test_rows"]).pictures)
    strange = Verdicts(bundle, other.pictures)
    cells = [f"{auroc(known.scores, strange.scores):.3f}"]
    cells += [f"{share:.1%}" for share in (known.refused.mean(), strange.refused.mean())]
    cells += [f"{strange.sure.mean():.1%}"]
    print(f"| {_named(dataset)} | {_named(other)} | {' | '.join(cells)} |", flush=True)


def _named(dataset: Dataset) -> str:
    return f"{dataset.name}, {len(dataset)}"


if __name__ == "__main__":
    main()
