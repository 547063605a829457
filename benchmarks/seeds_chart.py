"""Draw seeds.txt: a dot for each model, and a cross where its project published a figure.

    python benchmarks/seeds_chart.py

Writes examples/seeds/screen.webp. The background is opaque, so that it reads on dark pages too.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from PIL import Image

mpl.use("agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "examples/seeds/screen.webp"
# In percent, as the two projects wrote them: of drawings, and after training on 60 000 digits.
PUBLISHED = {
    "drawings": {"First project: transfer": 98.6},
    "mnist": {"Second project: CNN": 99.47, "Second project: ViT": 98.53},
}
TITLES = {
    "drawings": "431 drawings, out of fold",
    "mnist": "MNIST, trained on 2 000 digits",
}
MARKS = (("quick budget", "o", "white"), ("longer", "o", "black"), ("published", "x", "black"))
THEIRS, OURS = "#b3541e", "#1f6f8b"
LOWEST = 0.1  # percent wrong where the axis ends; a model without an error is drawn there


@dataclass(frozen=True)
class Measured:
    """A row of the table: percent right, and its 95 % interval."""

    title: str
    right: float
    low: float
    high: float


def main() -> None:
    """Read the tables and draw a panel for each set."""
    found = tables((HERE / "seeds.txt").read_text(encoding="utf-8"))
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", dpi=110)
    for (name, title), plot in zip(TITLES.items(), axes, strict=True):
        draw(plot, found[name, "quick"], found[name, "long"], PUBLISHED[name])
        plot.set_title(title, fontsize=11)
    figure.legend(
        handles=[
            Line2D([], [], ls="", marker=mark, mfc=face, mec="black", label=words)
            for words, mark, face in MARKS
        ],
        loc="outside lower center",
        ncols=len(MARKS),
        frameon=False,
    )
    data = io.BytesIO()
    figure.savefig(data, format="png")
    with Image.open(data) as image:
        image.convert("RGB").save(OUT, quality=85)


def tables(text: str) -> dict[tuple[str, str], list[Measured]]:
    """The rows by set and budget; the line with the command says which."""
    found: dict[tuple[str, str], list[Measured]] = {}
    rows: list[Measured] = []
    for line in text.splitlines():
        if command := re.match(r" +bakeoff run (\w+) (.*)", line):
            budget = "quick" if "--budget quick" in command[2] else "long"
            rows = found.setdefault((command[1], budget), [])
        elif row := re.match(r"\| ([^|]+) \| \d+ \| ([\d.]+)% \| ([\d.]+)%–([\d.]+)% ", line):
            rows.append(Measured(row[1], *map(float, row.groups()[1:])))
    return found


def draw(
    plot: Axes, quick: list[Measured], long: list[Measured], published: dict[str, float]
) -> None:
    """Percent wrong on a logarithmic axis, the best at the top."""
    longer = {row.title: row for row in long}
    best = {row.title: row.right for row in quick} | {row.title: row.right for row in long}
    titles = sorted(best, key=lambda title: best[title])
    for row in quick:
        dot(plot, row, titles.index(row.title), filled=False)
    for row in longer.values():
        dot(plot, row, titles.index(row.title), filled=True)
    for title, right in published.items():
        plot.plot(100 - right, titles.index(title), "x", color="black", markersize=8, zorder=4)
    plot.set_yticks(range(len(titles)), titles, fontsize=9)
    plot.set_xscale("log")
    plot.set_xlim(LOWEST, 100)
    plot.set_xticks([0.1, 1, 10, 100], ["≤ 0.1 %", "1 %", "10 %", "100 %"])
    plot.set_xlabel("wrong, with 95 % interval")
    plot.grid(axis="x", color="#dddddd")
    plot.set_axisbelow(True)


def dot(plot: Axes, row: Measured, height: int, *, filled: bool) -> None:
    """One measurement; hollow is the quick budget."""
    colour = THEIRS if "project" in row.title else OURS
    wrong, low, high = (max(100 - share, LOWEST) for share in (row.right, row.high, row.low))
    plot.plot([low, high], [height, height], color=colour, linewidth=2, alpha=0.45)
    face = colour if filled else "white"
    plot.plot(
        wrong,
        height,
        "o",
        color=colour,
        markerfacecolor=face,
        markersize=8,
        zorder=3,
        clip_on=False,
    )


if __name__ == "__main__":
    main()
