"""A run as the page shows it: all figures, and for every picture what each approach said.

`/api/runs/NAME/view` answers with it, and a report carries it. Columns are base64 of
little-endian uint16, since a run can have a hundred thousand pictures.
"""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel

from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex, Results
from bakeoff.record.sheets import ACROSS, PER_SHEET

__all__ = ["NOTHING", "PictureColumns", "Predictions", "Sheets", "View", "column", "view_of"]

NOTHING = 65535  # in a column: this approach was not asked of this picture
MOST_LOSS = 65.0  # nats; beyond, one mistake is as bad as another


class Predictions(BaseModel):
    """What one approach said of every picture when it had not seen it.

    `answer` is an index of a class, 65535 where it was not asked; `confidence` is the probability
    of that answer, in 65535ths; `loss` is minus the log of the true class's probability, in
    thousandths of a nat.
    """

    answer: str
    confidence: str
    loss: str


class PictureColumns(BaseModel):
    """What is known of every picture, in the order of the dataset; see `PictureIndex`."""

    names: list[str]
    labels: str
    groups: str | None
    parts: str
    part_names: list[str]


class Sheets(BaseModel):
    """Small versions of pictures, `per_sheet` to an image file, `across` in a row.

    `urls` are where the files are, and `tile` is the side of a picture's square in pixels.
    `rows` are the rows of the dataset in the order of the squares, as base64 of little-endian
    uint32; None where it is simply all of them.
    """

    tile: int
    across: int = ACROSS
    per_sheet: int = PER_SHEET
    urls: list[str]
    rows: str | None


class View(BaseModel):
    """All that a page needs to show a run. The mistakes of the results are in the columns.

    `corrections` is the text of corrections.csv, empty where an older run left none.
    """

    results: Results
    pictures: PictureColumns
    predictions: dict[str, Predictions]
    sheets: Sheets
    corrections: str


def view_of(run: RunFolder, sheets: Sheets) -> View:
    """Gather the view of a finished run.

    Parameters
    ----------
    sheets : where the small pictures are, which differs between a server and a report.

    Raises
    ------
    BakeoffError
        The run is not finished, or a file of it is missing or damaged.
    """
    results, index = run.results(), run.picture_index()
    names = [approach.name for approach in results.approaches]
    probabilities = run.probabilities()
    lean = [one.model_copy(update={"mistakes": []}) for one in results.approaches]
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
        given = probabilities.get(f"{name}_{part}")
        if given is None:
            continue
        rows = probabilities[f"{part}_rows"]
        answer[rows] = given.argmax(1)
        confidence[rows] = given.max(1)
        true = np.take_along_axis(given, labels[rows, None], 1)[:, 0]
        loss[rows] = -np.log(np.clip(true, np.exp(-MOST_LOSS), 1))
    return Predictions(
        answer=column(answer),
        confidence=column((confidence * 65535).round()),
        loss=column((loss * 1000).round()),
    )
