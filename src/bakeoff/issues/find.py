"""All issues of a dataset: the report's words and records, and the corrections they propose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bakeoff.data.correction import Action, Correction
from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import DuplicateGroup
from bakeoff.data.split import Split
from bakeoff.evaluation.health import Health, Odd, Shortcut, Suspect
from bakeoff.issues.issue import Evidence, Issue, Predictions, Proposal
from bakeoff.issues.table import FINDERS
from bakeoff.plugins import load_plugin, plugins

__all__ = ["find_issues"]


def find_issues(
    dataset: Dataset,
    duplicates: Sequence[DuplicateGroup],
    split: Split,
    predictions: Mapping[str, Predictions] | None = None,
    done: Sequence[Correction] = (),
) -> tuple[Health, list[Correction]]:
    """Run every finder of the table and of the installed plug-ins.

    Labels of the locked test are judged too, by the final models, which never saw them; but
    people alone decide on changes there, since a test that follows the models measures nothing.

    Parameters
    ----------
    predictions : by approach, for what the folds held out and then the test; None if no approach
        was scored.
    done : corrections that the dataset has had.

    Returns
    -------
    The issues as results.json keeps them, and the corrections: those done before, then those that
    change something, then pictures to look at. Written as a table, they replace the table that
    the dataset was corrected with.
    """
    evidence = Evidence(dataset, duplicates, split, predictions or {})
    issues = [issue for finder in FINDERS.values() for issue in finder(evidence)]
    for name in plugins("issue_finders"):
        issues += _issues_of_plugin(name, evidence)
    settled = {correction.name for correction in done}
    proposed = [one for one in _corrections(evidence, issues) if one.name not in settled]
    return _health(issues), [*done, *proposed]


def _issues_of_plugin(name: str, evidence: Evidence) -> list[Issue]:
    """What another package's finder finds; its failure is a finding too, and loses no run."""
    try:
        issues = list(load_plugin("issue_finders", name)(evidence))
        for issue in issues:
            _check(issue, evidence.dataset)
    except Exception as error:  # it is other people's code
        problem = f"{type(error).__name__}: {error}"
        return [Issue("plug-in failed", (), f"The issue finder {name} failed ({problem}).")]
    return issues


def _check(issue: Issue, dataset: Dataset) -> None:
    for row in (*issue.rows, *(proposal.row for proposal in issue.proposals)):
        if not 0 <= row < len(dataset):
            raise ValueError(f"row {row} is outside the {len(dataset)} pictures")
    for proposal in issue.proposals:
        if (proposal.label or proposal.action == "relabel") and (
            proposal.label not in dataset.classes
        ):
            raise ValueError(f"“{proposal.label}” is not a class")


def _health(issues: Sequence[Issue]) -> Health:
    records = [record for issue in issues for record in issue.records]
    return Health(
        odd=sorted(
            (record for record in records if isinstance(record, Odd)),
            key=lambda odd: (odd.what == "outlier", odd.index),
        ),
        suspects=[record for record in records if isinstance(record, Suspect)],
        shortcuts=[record for record in records if isinstance(record, Shortcut)],
        words=[issue.words for issue in issues],
    )


def _corrections(evidence: Evidence, issues: Sequence[Issue]) -> Iterator[Correction]:
    """One for each picture that someone should look at: changes first, then by label quality."""
    by_row: dict[int, list[Proposal]] = {}
    for issue in issues:
        for proposal in issue.proposals:
            by_row.setdefault(proposal.row, []).append(proposal)
    names = Counter(evidence.dataset.names)
    test = set(evidence.split.test.tolist())
    corrections = {
        row: _correction(evidence, row, proposals, test, names) for row, proposals in by_row.items()
    }

    _keep_some_of_each_class(evidence, corrections)

    def order(row: int) -> tuple[bool, float, int]:
        correction = corrections[row]
        quality = 1.0 if correction.quality is None else correction.quality
        return correction.action == "keep", quality, row

    for row in sorted(corrections, key=order):
        yield corrections[row]


def _keep_some_of_each_class(evidence: Evidence, corrections: dict[int, Correction]) -> None:
    """Let people decide where a class would lose its last training picture."""
    split, labels = evidence.split, evidence.dataset.labels
    learned = np.concatenate([split.final.train, split.final.validation])
    out = [row for row, correction in corrections.items() if correction.action == "leave out"]
    left = np.setdiff1d(learned, out)
    for label in np.setdiff1d(labels[np.asarray(out, dtype=np.int64)], labels[left]):
        for row in out:
            if labels[row] == label:
                why = f"{corrections[row].why}; without it and the others the class is lost"
                corrections[row] = replace(corrections[row], action="keep", why=why)


def _correction(
    evidence: Evidence,
    row: int,
    proposals: Sequence[Proposal],
    test: set[int],
    names: Counter[str],
) -> Correction:
    """What all proposals for one picture come to; a new label goes before what else was found."""
    proposals = sorted(proposals, key=lambda proposal: not proposal.label)
    reasons = [proposal.why for proposal in proposals]
    actions: list[Action] = [proposal.action for proposal in proposals if proposal.action != "keep"]
    name = evidence.dataset.names[row]
    if row in test:
        actions = []
        reasons.append("in the locked test, so only you can decide")
    elif names[name] > 1:
        actions = []
        reasons.append("other pictures have the same name")
    return Correction(
        actions[0] if actions else "keep",
        name,
        evidence.label(row),
        proposals[0].label,
        "; ".join(reasons),
        proposals[0].quality,
    )
