"""What pseudo labels gain, as runs measure it and on fresh pictures.

    python benchmarks/pseudo_label.py [--seeds N] SET:EACH[,EACH…] … > benchmarks/pseudo_label.txt

SET is anything that bakeoff reads, such as doodles or a folder. EACH pictures of every class keep
their labels. Half of the others are given to `bakeoff run --unlabelled --pseudo-label`; the other
half are fresh: no model sees them, and the mean accuracy of the models of all folds on them,
without and with pseudo labels, says what was gained in truth. "folds" is what the run itself
measures, with its 95 % interval; "used" whether its rule keeps the pseudo labels; "sure" the share
of pictures without a label that got one. Two approaches, quick budget.
"""

from __future__ import annotations

import tempfile
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import hardware
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.dataset import Dataset
from bakeoff.data.image import to_image
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.evaluation.records import PseudoLabels
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.training.compute import Compute
from bakeoff.workers.pseudo import pseudo_name
from bakeoff.workers.runner import load_model

APPROACHES = ("scattering", "transfer")
HEAD = (
    f"{'labels a class':>15}{'seed':>5} {'approach':11}{'without':>8}{'with':>7}"
    f"{'folds: gain':>13}{'95 % interval':>17}{'used':>5}{'sure':>6}{'fresh: gain':>13}"
)


def main() -> None:
    """Print a row for each approach of each run, as soon as the run is finished."""
    parser = ArgumentParser()
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print(hardware())
    for text in options.sets:
        source, _, counts = text.rpartition(":")
        dataset = read(source)
        print(f"\n{dataset.name}: {len(dataset)} pictures, {len(dataset.classes)} classes")
        print(HEAD, flush=True)
        for each in map(int, counts.split(",")):
            for seed in range(options.seeds):
                for row in _rows(dataset, each, seed):
                    print(row, flush=True)


def _rows(dataset: Dataset, each: int, seed: int) -> Iterator[str]:
    labelled, more, fresh = _parts(dataset.labels, each, seed)
    with tempfile.TemporaryDirectory() as folder:
        unlabelled = Path(folder, "more")
        _write(dataset.pictures.take(more), unlabelled)
        run = bake(
            replace(dataset.take(labelled), official_test=None),
            Path(folder, "run"),
            approaches=APPROACHES,
            unlabelled=unlabelled,
            pseudo_label=True,
            budget="quick",
            test=0,
            seed=seed,
            robustness=False,
            bundles=False,
            workers="local:1",
        )
        for result in run.results().approaches:
            gain = result.pseudo
            assert gain is not None, "it was asked for"
            names = [fold.name for fold in result.folds]
            without = _accuracy(run, result.name, names, dataset.take(fresh))
            with_them = _accuracy(run, result.name, [*map(pseudo_name, names)], dataset.take(fresh))
            yield (
                f"{each:15}{seed:5} {result.name:11}{without:8.1%}{with_them:7.1%}"
                f"{_measured(gain)}{100 * (with_them - without):+13.1f}"
            )


def _measured(gain: PseudoLabels) -> str:
    low, high = gain.interval
    return (
        f"{100 * gain.gain:+13.1f}{f'{100 * low:+.1f} to {100 * high:+.1f}':>17}"
        f"{'yes' if gain.used else 'no':>5}{gain.sure / gain.pictures:6.0%}"
    )


def _parts(
    labels: NDArray[np.int64], each: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows that keep their labels, that are without one in the run, and that are fresh."""
    rng = np.random.default_rng(seed)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        half = each + (len(rows) - each) // 2
        for part, some in zip(parts, np.split(rows, [each, half]), strict=True):
            part.extend(some.tolist())
    labelled, more, fresh = (np.sort(np.array(part, dtype=np.int64)) for part in parts)
    return labelled, rng.permutation(more), fresh


def _write(pictures: Pictures, folder: Path) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        image: Image.Image = to_image(picture)
        image.save(folder / f"{number:05d}.png")


def _accuracy(run: RunFolder, name: str, fits: Sequence[str], fresh: Dataset) -> float:
    """The mean accuracy of the models of all folds."""
    approach, compute = run.config.approach(name).build(), Compute.choose("cpu", 1, "fp32")
    shares = []
    for fit in fits:
        logits, _ = load_model(run, approach, fit).judge(fresh.pictures, compute)
        shares.append(float((logits.argmax(axis=1) == fresh.labels).mean()))
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
