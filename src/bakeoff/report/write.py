"""A run, or a check of a set -> one HTML file that needs nothing else: no server, no network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np

from bakeoff.record.folder import RunFolder
from bakeoff.record.sheets import PER_SHEET, sheet_of
from bakeoff.report.page import page_of, write_page
from bakeoff.report.view import NOTHING, Sheets, View, column, view_of

__all__ = ["check_page", "write_report"]

# A report that people mail has to stay under some 15 MB; pictures may take most of it.
PICTURES_BYTES = 8_000_000
PER_CLASS = 24  # pictures of each class to show what it looks like


def write_report(run: RunFolder) -> Path:
    """Write report.html of a finished run; the same run gives the same bytes.

    Raises
    ------
    BakeoffError
        The run is not finished, or this bakeoff was installed without its page.
    """
    path = run.path / "report.html"
    write_page(path, "run", _carried(run))
    return path


def check_page(run: RunFolder) -> bytes:
    """The page of a check: what a finished run tells of its pictures, without its scores.

    Raises
    ------
    BakeoffError
        As from `write_report`.
    """
    return page_of("check", _carried(run))


def _carried(run: RunFolder) -> View:
    """The view, with as many small pictures as a file may hold."""
    view = view_of(run, Sheets(tile=1, urls=[], rows=""))
    return view.model_copy(update={"sheets": _sheets(run, view)})


def _sheets(run: RunFolder, view: View) -> Sheets:
    """The small pictures that the report carries, the most wanted first, while there is room."""
    small = run.sheets()
    urls: list[str] = []
    carried: list[int] = []
    room = PICTURES_BYTES
    wanted = list(dict.fromkeys(_wanted(view)))
    for start in range(0, len(wanted), PER_SHEET):
        rows = wanted[start : start + PER_SHEET]
        packed = sheet_of((small[row] for row in rows), small.tile, lossy=small.tile > 64)
        room -= len(packed) * 4 // 3
        if room < 0:
            break
        carried += rows
        urls.append(f"data:image/webp;base64,{base64.b64encode(packed).decode()}")
    return Sheets(tile=small.tile, urls=urls, rows=column(carried, "<u4"))


def _wanted(view: View) -> Iterator[int]:
    """Rows of the dataset: mistakes, the approaches taking turns; what is odd; then the rest."""
    labels = _numbers(view.pictures.labels)
    worst: list[Sequence[int]] = []
    for one in view.predictions.values():
        answer, loss = _numbers(one.answer), _numbers(one.loss)
        problem = np.flatnonzero((answer != labels) & (answer != NOTHING))
        worst.append(problem[np.argsort(-loss[problem], kind="stable")].tolist())
    for turn in zip_longest(*worst):
        yield from (row for row in turn if row is not None)
    if health := view.results.health:
        yield from (one.index for one in health.suspects)
        yield from (one.index for one in health.odd)
    for number in range(len(view.results.dataset.classes)):
        yield from np.flatnonzero(labels == number)[:PER_CLASS].tolist()
    place = {name: row for row, name in enumerate(view.pictures.names)}
    for same in view.results.dataset.duplicates:
        yield from (place[name] for name in same.names if name in place)
    yield from range(len(labels))


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.frombuffer(base64.b64decode(text), "<u2").astype(np.int64)
