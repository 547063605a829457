"""Copies of a picture: within a class, under another class, and in the locked test."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.data.corrections import Action
from bakeoff.data.duplicates.find import DuplicateGroup
from bakeoff.issues.issue import Evidence, Issue, Proposal, say_of
from bakeoff.issues.label_errors import relabelled

__all__ = ["find_copies", "find_copies_in_test"]

EXACT = "identical"


def find_copies(evidence: Evidence) -> Iterator[Issue]:
    """Exact, then near-duplicates: each within a class first, then under different classes."""
    for exact in (True, False):
        groups = [group for group in evidence.duplicates if group.exact == exact]
        how = EXACT if exact else "nearly identical"
        yield from _within_a_class(
            evidence, [group for group in groups if len(evidence.labels(group)) < 2], how
        )
        yield from _under_other_classes(
            evidence, [group for group in groups if len(evidence.labels(group)) > 1], how
        )


def find_copies_in_test(evidence: Evidence) -> Iterator[Issue]:
    """Training pictures that are copies of test pictures, and so are not trained on."""
    rows = evidence.split.dropped.tolist()
    if rows:
        names = [evidence.dataset.names[row] for row in rows]
        words = say_of("issue.inTestToo", names)
        yield Issue("copy in the test", tuple(rows), words)


def _within_a_class(evidence: Evidence, groups: list[DuplicateGroup], how: str) -> Iterator[Issue]:
    rows = tuple(row for group in groups for row in group.indices[1:])
    if rows:
        names = [evidence.dataset.names[row] for row in rows]
        code = "issue.copiesExact" if how == EXACT else "issue.copiesNear"
        words = say_of(code, names)
        yield Issue("copy", rows, words)


def _under_other_classes(
    evidence: Evidence, groups: list[DuplicateGroup], how: str
) -> Iterator[Issue]:
    if not groups:
        return
    names = [evidence.dataset.names[group.indices[0]] for group in groups]
    words = say_of("issue.relabelledExact" if how == EXACT else "issue.relabelledNear", names)
    new_labels = relabelled(evidence)
    proposals = [
        proposal for group in groups for proposal in _proposals(evidence, group, how, new_labels)
    ]
    rows = tuple(row for group in groups for row in group.indices)
    yield Issue("copy under another class", rows, words, tuple(proposals))


def _proposals(
    evidence: Evidence, group: DuplicateGroup, how: str, new_labels: dict[int, str]
) -> Iterator[Proposal]:
    """One for each labelled copy; exact ones are left out unless new labels settle the matter."""
    labels = {row: label for row in group.indices if (label := evidence.label(row))}
    agreed = len({new_labels.get(row, label) for row, label in labels.items()}) == 1
    action: Action = "leave out" if group.exact and not agreed else "keep"
    for row, label in labels.items():
        other = next(copy for copy, copy_label in labels.items() if copy_label != label)
        why = f"{how} to {evidence.dataset.names[other]}, which is labelled {labels[other]}"
        yield Proposal(row, why, action)
