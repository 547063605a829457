"""Files and classes that could not be used."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.data.corrections import ASKED
from bakeoff.issues.issue import Evidence, Issue, first_names, there_are

__all__ = ["find"]


def find(evidence: Evidence) -> Iterator[Issue]:
    """What reading the dataset left out; not what the user's corrections leave out."""
    unused = [item.subject for item in evidence.dataset.left_out if item.problem != ASKED]
    if unused:
        words = f"{there_are(unused, 'item')} not usable and left out: {first_names(unused)}."
        yield Issue("left out", (), words)
