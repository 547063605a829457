"""Pictures unlike the others: by their looks, and by the OOD scores of all approaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from bakeoff.evaluation.health import Odd
from bakeoff.evaluation.suspects import outliers
from bakeoff.issues.issue import Evidence, Issue, Proposal, say_of
from bakeoff.said import say

__all__ = ["find_odd", "find_outliers"]

SHARED = 0.8  # of the pictures of a class
KINDS = {  # the code that counts pictures of a kind
    "empty": "odd.nEmpty",
    "inverted": "odd.nInverted",
    "ink": "odd.nInk",
    "size": "odd.nSize",
    "shape": "odd.nShape",
}


def find_odd(evidence: Evidence) -> Iterator[Issue]:
    """Pictures that are empty, inverted, or unlike the others in ink, size or shape.

    What nearly all pictures of a class share is how the class looks: blank cells may be one.
    """
    labels = evidence.dataset.labels
    counts = np.bincount(labels[labels >= 0], minlength=len(evidence.dataset.classes))
    of_class = [labels[oddity.row] for oddity in evidence.odd_by_looks if labels[oddity.row] >= 0]
    odd = np.bincount(np.asarray(of_class, dtype=np.int64), minlength=len(counts))
    shared = np.flatnonzero((odd >= SHARED * counts) & (odd > 1))
    for label in shared.tolist():
        yield _look_of_a_class(evidence, label, int(counts[label]))
    for kind in KINDS:
        reasons = {
            oddity.row: oddity.why
            for oddity in evidence.odd_by_looks
            if oddity.what == kind and labels[oddity.row] not in shared
        }
        if reasons:
            yield _issue(evidence, kind, reasons)


def _look_of_a_class(evidence: Evidence, label: int, count: int) -> Issue:
    rows = [odd.row for odd in evidence.odd_by_looks if evidence.dataset.labels[odd.row] == label]
    kinds = Counter(odd.what for odd in evidence.odd_by_looks if odd.row in set(rows))
    words = say(
        "odd.look",
        n=len(rows),
        pictures=count,
        label=evidence.dataset.classes[label],
        kinds=[say(KINDS[kind], n=number) for kind, number in kinds.most_common()],
    )
    return Issue("look of a class", tuple(rows), words)


def find_outliers(evidence: Evidence) -> Iterator[Issue]:
    """Pictures that every approach finds far from its training pictures, and no others name."""
    if not evidence.predictions:
        return
    scores = {name: made.ood_score for name, made in evidence.predictions.items()}
    known = {odd.row for odd in evidence.odd_by_looks}
    rows = sorted(set(evidence.rows[outliers(scores)].tolist()) - known)
    if rows:
        why = say("odd.everyApproach")
        yield _issue(evidence, "outlier", dict.fromkeys(rows, why))


def _issue(evidence: Evidence, kind: str, reasons: dict[int, str]) -> Issue:
    names: Sequence[str] = [evidence.dataset.names[row] for row in reasons]
    return Issue(
        kind,
        tuple(reasons),
        say_of(f"odd.{kind}", names),
        tuple(
            Proposal(row, why, "leave out" if kind == "empty" else "keep")
            for row, why in reasons.items()
        ),
        tuple(
            Odd(row, evidence.dataset.names[row], evidence.label(row), kind, why)
            for row, why in reasons.items()
        ),
    )
