"""Pictures unlike the others: by their looks, and by the OOD scores of all approaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bakeoff.evaluation.records import Odd
from bakeoff.evaluation.suspects import outliers
from bakeoff.issues.issue import Evidence, Issue, Proposal, counted, first_names

__all__ = ["find_odd", "find_outliers"]

KINDS = {
    "empty": "empty or nearly empty",
    "inverted": "inverted compared with the others",
    "ink": "unusual in the amount or contrast of ink",
    "size": "much larger or smaller than the others",
    "shape": "much wider or taller than the others",
}


def find_odd(evidence: Evidence) -> Iterator[Issue]:
    """Pictures that are empty, inverted, or unlike the others in ink, size or shape."""
    for kind, words in KINDS.items():
        reasons = {odd.row: odd.why for odd in evidence.odd_by_looks if odd.what == kind}
        if reasons:
            yield _issue(evidence, kind, words, reasons)


def find_outliers(evidence: Evidence) -> Iterator[Issue]:
    """Pictures that every approach finds far from its training pictures, and no others name."""
    if not evidence.predictions:
        return
    scores = {name: made.ood_score for name, made in evidence.predictions.items()}
    known = {odd.row for odd in evidence.odd_by_looks}
    rows = sorted(set(evidence.rows[outliers(scores)].tolist()) - known)
    if rows:
        why = "every approach gives it a far higher OOD score than the others"
        words = "out of distribution for every approach"
        yield _issue(evidence, "outlier", words, dict.fromkeys(rows, why))


def _issue(evidence: Evidence, kind: str, words: str, reasons: dict[int, str]) -> Issue:
    names: Sequence[str] = [evidence.dataset.names[row] for row in reasons]
    return Issue(
        kind,
        tuple(reasons),
        f"{counted(names, 'picture', 'is', 'are')} {words}: {first_names(names)}.",
        tuple(
            Proposal(row, why, "leave out" if kind == "empty" else "keep")
            for row, why in reasons.items()
        ),
        tuple(
            Odd(row, evidence.dataset.names[row], evidence.label(row), kind, why)
            for row, why in reasons.items()
        ),
    )
