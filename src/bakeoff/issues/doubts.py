"""Labels about which the people who gave them differ."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.issues.issue import Evidence, Issue, Proposal, say_of

__all__ = ["find"]


def find(evidence: Evidence) -> Iterator[Issue]:
    """Pictures that several people labelled, and not all of them the same."""
    dataset = evidence.dataset
    rows = [row for row, name in enumerate(dataset.names) if name in dataset.doubts]
    if not rows:
        return
    names = [dataset.names[row] for row in rows]
    proposals = [Proposal(row, dataset.doubts[dataset.names[row]]) for row in rows]
    words = say_of("issue.doubts", names)
    yield Issue("annotators disagree", tuple(rows), words, tuple(proposals))
