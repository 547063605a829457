"""Learning curves: every fold thin, their mean thick, the chosen epoch marked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard
from xml.etree import ElementTree as ET

from markupsafe import Markup

from bakeoff.record.results import EpochRecord, FoldResult
from bakeoff.report.charts.scales import (
    Scale,
    linear,
    log_ticks,
    logarithmic,
    nice_ticks,
    share_range,
)
from bakeoff.report.charts.svg import SHAPES, element, line, marker, markup, path, root

__all__ = ["Curves"]

WIDTH, HEIGHT = 340, 200
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 8, 26
LEAST_LOSS = 1e-4

Reading = Callable[[EpochRecord], float | None]


class Curves:
    """The curves of several approaches on shared y axes.

    The x axis is each approach's own: an epoch of a Vision Transformer costs
    what a hundred of a linear head do, so equal epochs mean nothing.

    Parameters
    ----------
    fits : the folds (or else the final fit) of every approach.
    """

    def __init__(self, fits: Iterable[Sequence[FoldResult]]) -> None:
        epochs = [epoch for folds in fits for fold in folds for epoch in fold.curve]
        losses = _known(epochs, (lambda e: e.train_loss, lambda e: e.validation_loss))
        shares = _known(epochs, (lambda e: e.train_accuracy, lambda e: e.validation_accuracy))
        least, most = max(LEAST_LOSS, min(losses, default=0.1)), max(losses, default=1.0)
        # A loss falls by orders of magnitude; on a plain axis all that matters lies on its floor.
        low, high = 0.85 * least, max(1.15 * most, 2 * least)
        floor, ceiling = share_range(shares)
        self._loss = logarithmic(low, high, HEIGHT - BOTTOM, TOP)
        self._loss_ticks = [(self._loss(tick), f"{tick:g}") for tick in log_ticks(low, high)]
        self._share = linear(floor, ceiling, HEIGHT - BOTTOM, TOP)
        self._share_ticks = [
            (self._share(tick), f"{100 * tick:.6g} %") for tick in nice_ticks(floor, ceiling)
        ]

    def loss(self, approach: int, title: str, folds: Sequence[FoldResult]) -> Markup:
        """Training and validation loss, on a logarithmic axis."""
        name = f"{title}: loss in training and on the inner validation slice, by epoch"
        svg, x = _frame(name, folds, self._loss_ticks)
        _draw(svg, x, self._loss, folds, lambda e: e.train_loss, "train")
        validation: Reading = lambda e: e.validation_loss
        _draw(svg, x, self._loss, folds, validation, f"validation c{approach % len(SHAPES)}")
        _best(svg, x, self._loss, approach, folds, validation)
        return markup(svg)

    def accuracy(self, approach: int, title: str, folds: Sequence[FoldResult]) -> Markup:
        """Training and validation accuracy."""
        name = f"{title}: accuracy in training and on the inner validation slice, by epoch"
        svg, x = _frame(name, folds, self._share_ticks)
        _draw(svg, x, self._share, folds, lambda e: e.train_accuracy, "train")
        validation: Reading = lambda e: e.validation_accuracy
        _draw(svg, x, self._share, folds, validation, f"validation c{approach % len(SHAPES)}")
        _best(svg, x, self._share, approach, folds, validation)
        return markup(svg)


def _known(epochs: Sequence[EpochRecord], readings: Iterable[Reading]) -> list[float]:
    values = [reading(epoch) for reading in readings for epoch in epochs]
    return [value for value in values if _drawable(value)]


def _drawable(value: float | None) -> TypeGuard[float]:
    """A fit that diverged leaves losses that are no number; its other epochs are shown."""
    return value is not None and math.isfinite(value)


def _frame(
    title: str, folds: Sequence[FoldResult], ticks: Iterable[tuple[float, str]]
) -> tuple[ET.Element, Scale]:
    svg = root(WIDTH, HEIGHT, title)
    for y, label in ticks:
        line(svg, LEFT, y, WIDTH - RIGHT, y, "grid")
        element(svg, "text", label, x=LEFT - 6, y=y + 4, text_anchor="end")
    epochs = [epoch.epoch for fold in folds for epoch in fold.curve]
    first, last = min(epochs), max(max(epochs), min(epochs) + 1)
    x = linear(first, last, LEFT + 4, WIDTH - RIGHT - 4)
    for tick in nice_ticks(first, last, most=6):
        if tick.is_integer():
            element(svg, "text", f"{tick:g}", x=x(tick), y=HEIGHT - 8, text_anchor="middle")
    return svg, x


def _draw(
    svg: ET.Element,
    x: Scale,
    y: Scale,
    folds: Sequence[FoldResult],
    reading: Reading,
    class_: str,
) -> None:
    lines = [_points(fold, reading) for fold in folds]
    if len(folds) > 1:
        for points in lines:
            path(svg, ((x(epoch), y(value)) for epoch, value in points.items()), f"fold {class_}")
    # Where some folds have stopped, the mean of the rest would jump: it ends with the first.
    shared = [epoch for epoch in lines[0] if all(epoch in points for points in lines)]
    mean = {epoch: sum(points[epoch] for points in lines) / len(lines) for epoch in shared}
    path(svg, ((x(epoch), y(value)) for epoch, value in mean.items()), f"mean {class_}")


def _best(
    svg: ET.Element,
    x: Scale,
    y: Scale,
    approach: int,
    folds: Sequence[FoldResult],
    reading: Reading,
) -> None:
    for fold in folds:
        value = _points(fold, reading).get(fold.best_epoch)
        if value is not None:
            mark = marker(svg, approach, x(fold.best_epoch), y(value), 3.2, "best")
            element(mark, "title", f"fold {fold.name}: best epoch {fold.best_epoch}")


def _points(fold: FoldResult, reading: Reading) -> dict[int, float]:
    points = {epoch.epoch: reading(epoch) for epoch in fold.curve}
    return {epoch: value for epoch, value in points.items() if _drawable(value)}
