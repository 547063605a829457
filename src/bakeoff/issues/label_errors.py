"""Labels that the models' out-of-fold predictions contradict."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.evaluation.health import Suspect
from bakeoff.evaluation.prose import listed
from bakeoff.issues.issue import Evidence, Issue, Proposal, say_of
from bakeoff.said import say

__all__ = ["find", "relabelled"]

# Quality below which, if all approaches agree, 323 of 332 proposals restored the true label.
RELABEL = 0.05


def find(evidence: Evidence) -> Iterator[Issue]:
    """Likely label errors.

    A new label is proposed where at least two approaches were scored and all agree on it.
    """
    suspects = evidence.suspects
    if not suspects:
        return
    test = set(evidence.split.test.tolist())
    locked = sum(suspect.index in test for suspect in suspects)
    names = [
        say("issue.perhaps", name=one.name, label=one.label, proposed=one.proposed)
        for one in suspects
    ]
    test_words = say("issue.inTest", n=locked) if locked else ""
    words = say_of("issue.labels", names, test=test_words)
    yield Issue(
        "label error",
        tuple(suspect.index for suspect in suspects),
        words,
        tuple(_proposal(evidence, suspect) for suspect in suspects),
        tuple(suspects),
    )


def relabelled(evidence: Evidence) -> dict[int, str]:
    """The new labels that are proposed, by row."""
    return {
        suspect.index: suspect.proposed
        for suspect in evidence.suspects
        if _is_clear(evidence, suspect)
    }


def _is_clear(evidence: Evidence, suspect: Suspect) -> bool:
    return 1 < len(evidence.predictions) == len(suspect.agree) and suspect.quality < RELABEL


def _proposal(evidence: Evidence, suspect: Suspect) -> Proposal:
    return Proposal(
        suspect.index,
        f"{listed(suspect.agree) or 'all approaches together'} "
        f"{'predicts' if len(suspect.agree) == 1 else 'predict'} {suspect.proposed}",
        "relabel" if _is_clear(evidence, suspect) else "keep",
        suspect.proposed,
        suspect.quality,
    )
