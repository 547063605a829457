"""A dataset at a glance: a few lines of text, or a contact sheet in a notebook."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.image import thumbnail, to_png
from bakeoff.data.pictures import Pictures
from bakeoff.data.words import count, spaced

__all__ = ["class_counts", "contact_sheet", "counts_in_words"]

_IN_WORDS = 8  # classes
_ROWS = 20  # classes
_ACROSS = 10  # pictures of a class
_TILE = 48  # pixels


def class_counts(labels: NDArray[np.int64], classes: Sequence[str]) -> NDArray[np.int64]:
    """Pictures of each class, K; labels outside of the classes are not counted."""
    inside = labels[(labels >= 0) & (labels < len(classes))]
    return np.bincount(inside, minlength=len(classes)).astype(np.int64)


def counts_in_words(labels: NDArray[np.int64], classes: Sequence[str]) -> str:
    """The first classes with their counts: "cat 12, dog 10, … 3 more"."""
    counts = class_counts(labels, classes)
    parts = [
        f"{' '.join(name[:40].split())} {spaced(int(number))}"
        for name, number in zip(classes[:_IN_WORDS], counts, strict=False)
    ]
    if len(classes) > _IN_WORDS:
        parts.append(f"… {len(classes) - _IN_WORDS} more")
    return ", ".join(parts) or "none"


def contact_sheet(
    title: str, pictures: Pictures, labels: NDArray[np.int64], classes: Sequence[str]
) -> str:
    """An HTML table of the first classes: name, count, first pictures.

    Parameters
    ----------
    title : plain text above the table.
    pictures : N pictures.
    labels : N, index into `classes`, or -1.
    classes : K names.
    """
    counts = class_counts(labels, classes)
    rows = []
    for label, name in enumerate(classes[:_ROWS]):
        first = np.flatnonzero(labels == label)[:_ACROSS]
        image = f'<img alt="" src="{_strip([pictures[int(row)] for row in first])}">'
        cells = [escape(name), spaced(int(counts[label])), image if len(first) else ""]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    if len(classes) > _ROWS:
        others = count(len(classes) - _ROWS, "class")
        more = spaced(int(counts[_ROWS:].sum()))
        rows.append(f"<tr><td>… {others} more</td><td>{more}</td><td></td></tr>")
    head = "<tr><th>Class</th><th>Pictures</th><th></th></tr>"
    return f"<div><p>{escape(title)}</p><table>{head}{''.join(rows)}</table></div>"


def _strip(pictures: Sequence[NDArray[np.uint8]]) -> str:
    """Pictures side by side, each in the middle of its square, as a data URL."""
    strip = Image.new("RGB", (max(1, len(pictures)) * (_TILE + 2), _TILE), "white")
    for place, picture in enumerate(pictures):
        small = thumbnail(picture, _TILE, grow="whole")
        left = place * (_TILE + 2) + (_TILE - small.width) // 2
        strip.paste(small, (left, (_TILE - small.height) // 2))
    return "data:image/png;base64," + base64.b64encode(to_png(np.asarray(strip))).decode("ascii")
