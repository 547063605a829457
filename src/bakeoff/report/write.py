"""Write a run, or a check of a set, as a single HTML file that needs no server or network."""

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

# A report should fit into a mail (about 15 MB); pictures may take most of that.
PICTURES_BYTES = 8_000_000
PER_CLASS = 24  # pictures that illustrate each class


def write_report(run: RunFolder) -> Path:
    """Write report.html of a finished run; the same run gives the same bytes.

    Raises
    ------
    BakeoffError
        The run is not finished, or this installation has no page.
    """
    path = run.path / "report.html"
    write_page(path, "run", _embedded(run))
    return path


def check_page(run: RunFolder) -> bytes:
    """The page of a check: the pictures of a finished run and their issues, without scores.

    Raises
    ------
    BakeoffError
        As in `write_report`.
    """
    return page_of("check", _embedded(run))


def _embedded(run: RunFolder) -> View:
    """The view, with as many thumbnails as the file has room for."""
    view = view_of(run, Sheets(tile=1, urls=[], rows=""))
    return view.model_copy(update={"sheets": _sheets(run, view)})


def _sheets(run: RunFolder, view: View) -> Sheets:
    """The thumbnails in the report, the most important first, while there is room."""
    small = run.sheets()
    urls: list[str] = []
    included: list[int] = []
    room = PICTURES_BYTES
    ordered = list(dict.fromkeys(_by_importance(view)))
    for start in range(0, len(ordered), PER_SHEET):
        rows = ordered[start : start + PER_SHEET]
        packed = sheet_of((small[row] for row in rows), small.tile, lossy=small.tile > 64)
        room -= len(packed) * 4 // 3
        if room < 0:
            break
        included += rows
        urls.append(f"data:image/webp;base64,{base64.b64encode(packed).decode()}")
    return Sheets(tile=small.tile, urls=urls, rows=column(included, "<u4"))


def _by_importance(view: View) -> Iterator[int]:
    """Rows of the dataset: mistakes of each approach in turn, issues, examples, then the rest."""
    labels = _numbers(view.pictures.labels)
    worst: list[Sequence[int]] = []
    for predictions in view.predictions.values():
        answer, loss = _numbers(predictions.answer), _numbers(predictions.loss)
        mistakes = np.flatnonzero((answer != labels) & (answer != NOTHING))
        worst.append(mistakes[np.argsort(-loss[mistakes], kind="stable")].tolist())
    for turn in zip_longest(*worst):
        yield from (row for row in turn if row is not None)
    if health := view.results.health:
        yield from (suspect.index for suspect in health.suspects)
        yield from (outlier.index for outlier in health.odd)
    for number in range(len(view.results.dataset.classes)):
        yield from np.flatnonzero(labels == number)[:PER_CLASS].tolist()
    row_of = {name: row for row, name in enumerate(view.pictures.names)}
    for duplicate in view.results.dataset.duplicates:
        yield from (row_of[name] for name in duplicate.names if name in row_of)
    yield from range(len(labels))


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.frombuffer(base64.b64decode(text), "<u2").astype(np.int64)
