"""From answers to the figures of one approach: scores and thresholds. Arrays in, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Split
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.intervals import Sampling
from bakeoff.evaluation.metrics import losses
from bakeoff.evaluation.mistakes import confused_pairs, mistakes
from bakeoff.evaluation.records import (
    ConfusedPair,
    LearningCurve,
    Mistake,
    PseudoLabels,
    Robustness,
    Scores,
    Trust,
)
from bakeoff.evaluation.scores import score
from bakeoff.evaluation.trust import Judged, Probed, joined, trust
from bakeoff.issues.issue import Predictions
from bakeoff.record.results import ApproachResult, FoldResult, Latency, Seconds, UnitRecord
from bakeoff.workers.units import HELD_OUT, PROBES, VALIDATION

__all__ = [
    "Answered",
    "Arrays",
    "Costs",
    "Probabilities",
    "Scored",
    "held_out_rows",
    "out_of_fold_sampling",
    "score_approach",
]


Probabilities = NDArray[np.float32]
Costs = NDArray[np.float64]
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Answered:
    """What the models of one approach answered, and what is to be said beside its scores.

    Attributes
    ----------
    settings : all of them, in plain values.
    folds : the record and arrays of each fold's fit, in order.
    final : those of the final fit.
    test : rows, logits and OOD scores of the locked test by the final model; None without one.
    learning, robustness : None where they were not asked for.
    pretrained : what the approach knew before, in words; empty for nothing.
    fixed : it was made elsewhere and is only scored.
    pseudo : what pseudo labels gain; None where they were not asked for.
    """

    name: str
    title: str
    settings: dict[str, object]
    folds: Sequence[tuple[UnitRecord, Arrays]]
    final: tuple[UnitRecord, Arrays]
    test: Arrays | None = None
    learning: LearningCurve | None = None
    robustness: Robustness | None = None
    pretrained: str = ""
    fixed: bool = False
    pseudo: PseudoLabels | None = None


@dataclass(frozen=True, eq=False)
class Scored:
    """An approach's figures and the arrays behind them, in the order of the folds or of the test.

    Attributes
    ----------
    answered : what was scored.
    out_of_fold, test : the scores.
    probabilities, test_probabilities : N×K, of the same pictures.
    correct : of the pictures that approaches are compared on first: out of fold, or without folds
        those of the test.
    ood_score : of every scored picture, those of the test after those of the folds.
    """

    answered: Answered
    out_of_fold: Scores | None
    test: Scores | None
    probabilities: Probabilities | None
    test_probabilities: Probabilities | None
    correct: NDArray[np.bool_]
    correct_on_test: NDArray[np.bool_] | None
    ood_score: NDArray[np.float32]
    trust: Trust | None
    folds: list[FoldResult]
    final: FoldResult
    confused: list[ConfusedPair] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the approach."""
        return self.answered.name

    @property
    def title(self) -> str:
        """Of the approach, for people."""
        return self.answered.title

    @property
    def settings(self) -> dict[str, object]:
        """All settings of the approach."""
        return self.answered.settings

    @property
    def pretrained(self) -> str:
        """What the approach knew before, in words; empty for nothing."""
        return self.answered.pretrained

    @property
    def pseudo(self) -> PseudoLabels | None:
        """What pseudo labels gain; None where they were not asked for."""
        return self.answered.pseudo

    @property
    def parameters(self) -> int:
        """Learned numbers of the final model, frozen ones included."""
        final, _ = self.answered.final
        return final.parameters

    @property
    def predictions(self) -> Predictions:
        """Those for every scored picture, the test after the folds."""
        parts = [self.probabilities, self.test_probabilities]
        return Predictions(
            np.concatenate([part for part in parts if part is not None]), self.ood_score
        )

    def result(self, *, bytes: int | None, macs: int | None, latency: Latency) -> ApproachResult:  # noqa: A002
        """All of it as results.json holds it.

        Parameters
        ----------
        bytes : of the bundle; None for those of the weights, where there is no bundle.
        macs : None where they are not counted yet.
        """
        answered = self.answered
        final, _ = answered.final
        records = [record for record, _ in answered.folds]
        return ApproachResult(
            name=self.name,
            title=self.title,
            settings=self.settings,
            parameters=self.parameters,
            bytes=final.bytes if bytes is None else bytes,
            seconds=Seconds(folds=sum(record.seconds for record in records), final=final.seconds),
            peak_memory_mb=max(record.peak_memory_mb for record in [*records, final]),
            latency=latency,
            macs=macs,
            trust=self.trust,
            out_of_fold=self.out_of_fold,
            test=self.test,
            folds=self.folds,
            final=self.final,
            confused=self.confused,
            mistakes=self.mistakes,
            learning=answered.learning,
            robustness=answered.robustness,
            pretrained=self.pretrained,
            fixed=answered.fixed,
            pseudo=answered.pseudo,
        )


def score_approach(
    answered: Answered, dataset: Dataset, parts: Split, cost: Costs | None = None
) -> Scored:
    """Score what the models of an approach answered; `cost` is that of `cost_matrix`.

    Before the locked test is opened, a run without folds has no scores yet.

    Raises
    ------
    BakeoffError
        An older version of bakeoff, which divided the pictures in another way, trained the folds.
    """
    labels = dataset.labels
    unseen = [_judged(labels, unit, HELD_OUT) for unit in answered.folds]
    rows = held_out_rows(parts)
    predicted = [arrays[HELD_OUT[0]] for _, arrays in answered.folds]
    if predicted and not np.array_equal(np.concatenate(predicted), rows):
        raise BakeoffError(
            f"the folds of {answered.title}",
            "an older version of bakeoff held out other pictures",
            "Start a new run, or keep the results of this one as they are",
        )
    probabilities = joined(unseen).probabilities if unseen else None
    test = locked = None
    final, _ = answered.final
    if answered.test is not None:
        test = softmax(answered.test["logits"], final.temperature)
        locked = Judged(test, answered.test["ood_score"], labels[parts.test])
    scores = _scores(dataset, probabilities, rows, out_of_fold_sampling(parts), cost)
    test_scores = _scores(dataset, test, parts.test, Sampling(parts.together[parts.test]), cost)
    main, main_rows = (test, parts.test) if probabilities is None else (probabilities, rows)
    if main is None:
        main, main_rows = np.empty((0, len(dataset.classes)), np.float32), rows
    main_scores, truth = scores or test_scores, labels[main_rows]
    right_on_test = None if test is None else test.argmax(1) == labels[parts.test]
    return Scored(
        answered=answered,
        out_of_fold=scores,
        test=test_scores,
        probabilities=probabilities,
        test_probabilities=test,
        correct=main.argmax(1) == truth,
        correct_on_test=right_on_test,
        ood_score=np.concatenate(
            [np.empty(0, np.float32), *(one.ood_score for one in [*unseen, locked] if one)]
        ),
        trust=_trust(
            unseen or [_judged(labels, answered.final, VALIDATION)],
            locked,
            _probed(labels, answered.folds or [answered.final]),
        ),
        folds=_fold_results(answered, parts, main, truth),
        final=_fold_result(final, None, None),
        confused=confused_pairs(main_scores.confusion, dataset.classes) if main_scores else [],
        mistakes=mistakes(main, truth, dataset.classes, dataset.names, main_rows),
    )


def held_out_rows(parts: Split) -> NDArray[np.int64]:
    """What the folds hold out, in their order."""
    if not parts.folds:
        return np.empty(0, dtype=np.int64)
    return np.concatenate([fold.held_out for fold in parts.folds])


def _fold_results(
    answered: Answered, parts: Split, probabilities: Probabilities, labels: NDArray[np.int64]
) -> list[FoldResult]:
    ends = np.cumsum([len(fold.held_out) for fold in parts.folds])[:-1]
    by_fold = zip(
        answered.folds, np.split(probabilities, ends), np.split(labels, ends), strict=False
    )
    return [_fold_result(record, given, truth) for (record, _), given, truth in by_fold]


def out_of_fold_sampling(parts: Split) -> Sampling:
    """The model of a fold answers what it held out; the final one learns from all of them."""
    if not parts.folds:
        return Sampling()
    rows = held_out_rows(parts)
    return Sampling(
        clusters=parts.together[rows],
        train_size=sum(len(fold.train) * len(fold.held_out) for fold in parts.folds) / len(rows),
        final_train_size=len(parts.final.train),
    )


def _trust(unseen: list[Judged], test: Judged | None, probed: list[Probed]) -> Trust | None:
    """Thresholds by what folds held out; without folds, by the validation rows of the final fit."""
    fold_of = np.repeat(np.arange(len(unseen)), [len(some) for some in unseen])
    if not len(fold_of):
        return None
    return trust(joined(unseen), fold_of=fold_of, test=test, probed=probed)


def _probed(labels: NDArray[np.int64], units: Sequence[tuple[UnitRecord, Arrays]]) -> list[Probed]:
    """What models said of drawings in other pens and of other things; empty in older runs."""
    if any(name not in arrays for _, arrays in units for name in PROBES):
        return []
    probed = []
    for record, arrays in units:
        rows, pen_logits, pen_scores, logits, scores = (arrays[name] for name in PROBES)
        truth = labels[rows]
        pens = tuple(
            Judged(softmax(each, record.temperature), of_pen, truth)
            for each, of_pen in zip(pen_logits, pen_scores, strict=True)
        )
        nowhere = np.full(len(scores), -1)
        others = Judged(softmax(logits, record.temperature), scores, nowhere)
        probed.append(Probed(pens, others))
    return probed


def _judged(
    labels: NDArray[np.int64], unit: tuple[UnitRecord, Arrays], names: tuple[str, str, str]
) -> Judged:
    record, arrays = unit
    rows, logits, ood_score = (arrays[name] for name in names)
    return Judged(softmax(logits, record.temperature), ood_score, labels[rows])


def _scores(
    dataset: Dataset,
    probabilities: Probabilities | None,
    rows: NDArray[np.int64],
    sampling: Sampling,
    cost: Costs | None,
) -> Scores | None:
    if probabilities is None:
        return None
    groups = None if dataset.groups is None else dataset.groups[rows]
    return score(
        probabilities,
        dataset.labels[rows],
        dataset.classes,
        groups,
        dataset.group_names,
        sampling,
        cost,
    )


def _fold_result(
    record: UnitRecord, probabilities: Probabilities | None, labels: NDArray[np.int64] | None
) -> FoldResult:
    right = loss = None
    if probabilities is not None and labels is not None:
        right = float((probabilities.argmax(1) == labels).mean())
        loss = float(losses(probabilities, labels).mean())
    return FoldResult(
        name=record.fold,
        pictures=0 if labels is None else len(labels),
        accuracy=right,
        loss=loss,
        best_epoch=record.best_epoch,
        temperature=record.temperature,
        seconds=record.seconds,
        curve=record.curve,
    )
