"""A run as the page shows it: the results, and every approach's answer for every picture.

`/api/runs/NAME/view` returns it, and a report contains it. Columns are base64 of little-endian
uint16, since a run can have a hundred thousand pictures.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex, Results
from bakeoff.record.sheets import ACROSS, PER_SHEET

__all__ = ["NOTHING", "PictureColumns", "Predictions", "Sheets", "View", "column", "view_of"]

NOTHING = 65535  # in a column: the approach has no answer for this picture
MAX_LOSS = 65.0  # nats; a column can hold no more


class Predictions(BaseModel):
    """One approach's out-of-fold and test predictions, as columns over all pictures."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    answer: str
    """The index of a class; 65535 for a picture without a prediction."""
    confidence: str
    """The probability of the answer, in 65535ths."""
    loss: str
    """Minus the logarithm of the true class's probability, in thousandths of a nat."""


class PictureColumns(BaseModel):
    """Names, labels, groups and parts of all pictures, in their order; see `PictureIndex`."""

    names: list[str]
    labels: str
    groups: str | None
    parts: str
    part_names: list[str]


class Sheets(BaseModel):
    """Thumbnails, many to an image file."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    tile: int
    """Pixels of a side of a thumbnail's square."""
    across: int = ACROSS
    """Thumbnails in a row."""
    per_sheet: int = PER_SHEET
    """Thumbnails in a file."""
    urls: list[str]
    """The files."""
    rows: str | None
    """Row numbers of the dataset in the order of the squares, as base64 of little-endian uint32;
    null for all pictures in their order."""


class View(BaseModel):
    """Everything that the page needs to show a run. Mistakes are in the columns only."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    results: Results
    pictures: PictureColumns
    predictions: dict[str, Predictions]
    """By the name of the approach."""
    sheets: Sheets
    corrections: str
    """The text of corrections.csv; empty for older runs, which have no such file."""


def view_of(run: RunFolder, sheets: Sheets) -> View:
    """Gather the view of a run: finished, or with preliminary results.

    Parameters
    ----------
    sheets : the thumbnails, whose URLs differ between a server and a report.

    Raises
    ------
    BakeoffError
        Nothing is scored yet, or a file of it is missing or damaged.
    """
    results, index = run.latest_results(), run.picture_index()
    names = [approach.name for approach in results.approaches]
    probabilities = run.probabilities(preliminary=results.preliminary is not None)
    lean = [approach.model_copy(update={"mistakes": []}) for approach in results.approaches]
    return View(
        results=results.model_copy(update={"approaches": lean}),
        pictures=PictureColumns(
            names=index.names,
            labels=column(index.labels),
            groups=None if index.groups is None else column(index.groups),
            parts=column(index.parts),
            part_names=index.part_names,
        ),
        predictions={name: _predictions(name, index, probabilities) for name in names},
        sheets=sheets,
        corrections=run.corrections(),
    )


def column(values: ArrayLike, kind: str = "<u2") -> str:
    """Numbers as base64 of little-endian bytes."""
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def _predictions(
    name: str, index: PictureIndex, probabilities: dict[str, NDArray[np.float32]]
) -> Predictions:
    labels = np.asarray(index.labels)
    answer = np.full(len(labels), NOTHING)
    confidence, loss = np.zeros(len(labels)), np.zeros(len(labels))
    for part in ("out_of_fold", "test"):
        shares = probabilities.get(f"{name}_{part}")
        if shares is None:
            continue
        rows = probabilities[f"{part}_rows"]
        answer[rows] = shares.argmax(1)
        confidence[rows] = shares.max(1)
        true = np.take_along_axis(shares, labels[rows, None], 1)[:, 0]
        loss[rows] = -np.log(np.clip(true, np.exp(-MAX_LOSS), 1))
    return Predictions(
        answer=column(answer),
        confidence=column((confidence * 65535).round()),
        loss=column((loss * 1000).round()),
    )
