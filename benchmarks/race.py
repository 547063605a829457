"""Accuracy against seconds: bakeoff's approaches and what people would use instead.

    python benchmarks/race.py RUNS drawings=DRAWINGS doodles=doodles digits=MNIST photos=PHOTOS \
        > benchmarks/race.txt
    python benchmarks/race.py --draw

Each model is a run of its own on the same five folds, with one thread. Its seconds are those of the
processor, for the features, five folds and the final fit, so that other work on the machine matters
little. MNIST is a folder with its four IDX files, of which 1 000 training digits are used. The runs
are kept in RUNS, and a finished one is not done again. ``--draw`` draws the tables of race.txt as
docs/screens/race.webp.

Nothing is tuned for a set. All that trains in bakeoff's loop has the quick budget, also the two
models of the projects that it grew out of; `peers/usual.py` says how the usual models train. fastai
and AutoGluon are not in the race: they fetch weights from the network when they start.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.transforms import Bbox
from measure import done_once, first_digits, hardware, said
from PIL import Image

from bakeoff.record.events import UnitFinished
from bakeoff.record.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "docs/screens/race.webp"
OURS = ("scattering", "transfer", "cnn", "vit")
USUAL = tuple(f"{HERE}/peers/usual.py:{name}" for name in ("hog_svm", "pixels_svm", "PlainCNN"))
SEEDS = tuple(
    f"{HERE.parent}/examples/seeds/{name}"
    for name in ("first.py:FirstTransfer", "second.py:SecondCNN")
)
COMMON = ("--budget", "quick", "--precision", "fp32", "--threads", "1", "--workers", "local:1")
SPARED = ("--no-robustness", "--no-bundles")
DIGITS = 1_000
DOT = 6  # pixels from its middle to where a name may begin
PLACES = (  # of a name, in points from its dot, the best first
    *((9, 0, "left"), (-9, 0, "right"), (0, 12, "center"), (0, -12, "center")),
    *((9, 11, "left"), (9, -11, "left"), (-9, 11, "right"), (-9, -11, "right")),
    *((9, 22, "left"), (9, -22, "left"), (-9, -22, "right")),
)
SHORT = {
    "Transfer learning": "Transfer",
    "CNN from scratch": "CNN",
    "Vision Transformer from scratch": "ViT",
    "HOG + SVM (scikit-learn)": "HOG + SVM",
    "Pixels + SVM (scikit-learn)": "Pixels + SVM",
    "Plain CNN (PyTorch)": "Plain CNN",
}
TITLES = {
    "drawings": "431 drawings",
    "doodles": "1 000 doodles",
    "digits": "1 000 MNIST digits",
    "photos": "396 photos of ants and bees",
}


@dataclass(frozen=True)
class Runner:
    """A row of a table."""

    title: str
    accuracy: float
    low: float
    high: float
    seconds: float


def main() -> None:
    """Print a table for each set; a row as soon as it is measured."""
    if sys.argv[1:] == ["--draw"]:
        draw((HERE / "race.txt").read_text(encoding="utf-8"))
        return
    runs = Path(sys.argv[1]).resolve()
    print(hardware())
    for each in sys.argv[2:]:
        name, _, source = each.partition("=")
        race(name, source, runs)


def race(name: str, source: str, runs: Path) -> None:
    """Print the table of one set."""
    if name == "digits":
        source = str(first_digits(Path(source), runs / "digits", DIGITS, test=False))
    elif Path(source).is_dir():
        source = str(Path(source).resolve())
    arguments = ["run", source, "--folds", "5", *COMMON, *SPARED]
    if name == "drawings":
        arguments += ["--group", "^[a-z]+"]
    print(f"\n## {TITLES[name]}\n\n    {said(arguments)} --approach NAME\n")
    print("| approach | pictures | accuracy | 95 % interval | processor, s |")
    print("|---|---|---|---|---|", flush=True)
    for approach in (*OURS, *USUAL, *(SEEDS if name != "photos" else ())):
        own = approach.rpartition(":")[2].lower()
        run = done_once([*arguments, "--approach", approach], runs / f"{name}-{own}")
        print(row(run), flush=True)


def row(run: RunFolder) -> str:
    """The only approach of a run, as a row."""
    (one,) = run.results().approaches
    scores = one.out_of_fold
    assert scores is not None, "there are folds"
    low, high = scores.interval
    seconds = sum(
        event.cpu_seconds or 0.0 for event in run.events() if isinstance(event, UnitFinished)
    )
    return (
        f"| {one.title} | {scores.pictures} | {scores.accuracy:.2%} "
        f"| {low:.1%}–{high:.1%} | {seconds:.1f} |"
    )


def tables(text: str) -> dict[str, list[Runner]]:
    """The rows of each set, by its title."""
    found: dict[str, list[Runner]] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            rows = found.setdefault(line[3:], [])
        elif given := re.match(
            r"\| ([^|]+) \| \d+ \| ([\d.]+)% \| ([\d.]+)%–([\d.]+)% \| ([\d.]+) \|", line
        ):
            rows.append(Runner(given[1], *map(float, given.groups()[1:])))
    return found


def draw(text: str) -> None:
    """A panel for each set: percent right by seconds, bakeoff's approaches in blue."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    found = tables(text)
    down = -(-len(found) // 2)
    figure, axes = plt.subplots(
        down, 2, figsize=(11, 3.9 * down), layout="constrained", dpi=100, squeeze=False
    )
    for plot in axes.flat[len(found) :]:
        plot.axis("off")
    for (title, rows), plot in zip(found.items(), axes.flat, strict=False):
        panel(plot, rows)
        plot.set_title(title, fontsize=11)
    figure.draw_without_rendering()  # now it is known where the dots are
    for rows, plot in zip(found.values(), axes.flat, strict=False):
        name(plot, rows)
    data = io.BytesIO()
    figure.savefig(data, format="png")
    with Image.open(data) as image:
        image.convert("RGB").save(OUT, quality=88)


def panel(plot: Axes, rows: Sequence[Runner]) -> None:
    """A dot and its interval for each model."""
    for one in rows:
        colour = colour_of(one)
        plot.plot([one.seconds] * 2, [one.low, one.high], color=colour, linewidth=2, alpha=0.3)
        plot.plot(one.seconds, one.accuracy, "o", color=colour, markersize=8)
    plot.set_xscale("log")
    plot.set_xlim(min(one.seconds for one in rows) / 3, max(one.seconds for one in rows) * 8)
    ticks = [tick for tick in (3, 10, 30, 100, 300, 1000) if plot.get_xlim()[0] < tick]
    plot.set_xticks(ticks, [f"{tick} s" for tick in ticks])
    plot.minorticks_off()
    plot.set_xlim(right=max(one.seconds for one in rows) * 8)
    plot.set_xlabel("one core, five folds and the final fit")
    plot.set_ylabel("right, out of fold (%)")
    plot.grid(color="#e5e5e5")
    plot.set_axisbelow(True)


def colour_of(one: Runner) -> str:
    """Blue for bakeoff's own approaches."""
    return "#b3541e" if "(" in one.title or "project" in one.title else "#1f6f8b"


def name(plot: Axes, rows: Sequence[Runner]) -> None:
    """The name of each model beside its dot, where it covers no other name and no dot."""
    taken = [
        Bbox.from_extents(x - DOT, y - DOT, x + DOT, y + DOT)
        for x, y in plot.transData.transform([(one.seconds, one.accuracy) for one in rows])
    ]
    for one in sorted(rows, key=lambda one: -one.accuracy):
        for x, y, side in PLACES:
            text = plot.annotate(
                SHORT.get(one.title, one.title),
                (one.seconds, one.accuracy),
                (x, y),
                textcoords="offset points",
                fontsize=9,
                color=colour_of(one),
                horizontalalignment=side,
                verticalalignment="center",
            )
            box = text.get_window_extent()
            inside = plot.bbox.x0 <= box.x0 and box.x1 <= plot.bbox.x1 and box.y1 <= plot.bbox.y1
            if inside and not box.count_overlaps(taken):
                break
            if (x, y, side) != PLACES[-1]:
                text.remove()
        taken.append(box)


if __name__ == "__main__":
    main()
