"""Files and classes that could not be used."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.data.corrections import ASKED
from bakeoff.issues.issue import Evidence, Issue, say_of

__all__ = ["find"]


def find(evidence: Evidence) -> Iterator[Issue]:
    """What reading the dataset left out; not what the user's corrections leave out."""
    unused = [item.subject for item in evidence.dataset.left_out if item.problem != ASKED]
    if unused:
        yield Issue("left out", (), say_of("issue.leftOut", unused))
