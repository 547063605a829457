"""Tables for spreadsheets, in which no cell is ever run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from bakeoff.data.words import spreadsheet_safe

__all__ = ["table"]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV. Texts that a spreadsheet would take for a formula begin with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_cell(one) for one in header])
    writer.writerows([_cell(one) for one in row] for row in rows)
    return text.getvalue()


def _cell(one: object) -> object:
    return spreadsheet_safe(one) if isinstance(one, str) else one
