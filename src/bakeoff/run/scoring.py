"""From finished units to figures: scores, cost, comparisons and the winner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from bakeoff.approaches.settings import flat_settings
from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Split
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.compare import choose_winner, compare_all
from bakeoff.evaluation.intervals import Sampling
from bakeoff.evaluation.metrics import losses
from bakeoff.evaluation.mistakes import confused_pairs, mistakes
from bakeoff.evaluation.records import Comparison, Robustness, Scores, Trust, Winner
from bakeoff.evaluation.scores import score
from bakeoff.evaluation.trust import Judged, joined, trust
from bakeoff.issues.issue import Predictions
from bakeoff.record.results import ApproachResult, FoldResult, Seconds, UnitRecord
from bakeoff.run.cost import latency_of_model, macs_of
from bakeoff.run.learning import Smaller, learning_of
from bakeoff.workers.units import FINAL, HELD_OUT, VALIDATION, UnitRunner

__all__ = ["Scored", "compared", "score_approach"]

Probabilities = NDArray[np.float32]
Kept = tuple[UnitRecord, dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Scored:
    """An approach's figures, and what is behind them, in the order of the folds or of the test.

    `correct` is of the pictures that approaches are compared on first: those out of fold, or
    without folds those of the test. `OOD score` is that of every scored picture, those of the
    test after those of the folds.
    """

    result: ApproachResult
    out_of_fold: Probabilities | None
    test: Probabilities | None
    correct: NDArray[np.bool_]
    correct_on_test: NDArray[np.bool_] | None
    ood_score: NDArray[np.float32]

    @property
    def predictions(self) -> Predictions:
        """Those for every scored picture, the test after the folds."""
        parts = [part for part in (self.out_of_fold, self.test) if part is not None]
        return Predictions(np.concatenate(parts), self.ood_score)


class Compared(TypedDict):
    """The part of the results that looks at all approaches together."""

    comparison: list[Comparison]
    test_comparison: list[Comparison]
    winner: Winner


def score_approach(
    runner: UnitRunner,
    dataset: Dataset,
    parts: Split,
    *,
    smaller: Sequence[Smaller] | None = None,
    robustness: Robustness | None = None,
) -> Scored:
    """Score an approach whose units are all finished; this opens the locked test.

    Parameters
    ----------
    smaller : the folds of the learning curve; None where none was asked for.
    robustness : how it stands changed pictures; None where that was not asked for.
    """
    name = runner.approach.name
    units = [runner.folder.load_unit(name, fold.name) for fold in parts.folds]
    final, validation_rows = runner.folder.load_unit(name, FINAL)
    model = runner.model()
    out_of_fold: Probabilities | None = None
    rows = np.empty(0, dtype=np.int64)
    unseen = [_judged(dataset, unit, HELD_OUT) for unit in units]
    if unseen:
        rows = np.concatenate([fold.held_out for fold in parts.folds])
        out_of_fold = joined(unseen).probabilities
    test: Probabilities | None = None
    locked: Judged | None = None
    if len(parts.test):
        logits, ood_score = model.judge(dataset.pictures.take(parts.test), runner.data.compute)
        test = softmax(logits, final.temperature)
        locked = Judged(test, ood_score, dataset.labels[parts.test])
    judged, judged_rows = (test, parts.test) if out_of_fold is None else (out_of_fold, rows)
    assert judged is not None  # `split` refuses a run that would score nothing
    labels = dataset.labels[judged_rows]
    scores = _scores(dataset, out_of_fold, rows, _out_of_fold_sampling(parts, rows))
    test_scores = _scores(dataset, test, parts.test, Sampling(parts.together[parts.test]))
    main = scores or test_scores
    assert main is not None
    ends = np.cumsum([len(fold.held_out) for fold in parts.folds])[:-1]
    result = ApproachResult(
        name=name,
        title=runner.approach.title,
        settings=flat_settings(runner.approach),
        parameters=final.parameters,
        bytes=final.bytes,
        seconds=Seconds(folds=sum(record.seconds for record, _ in units), final=final.seconds),
        peak_memory_mb=max(record.peak_memory_mb for record in [*(r for r, _ in units), final]),
        latency=latency_of_model(model, dataset.pictures[0]),
        macs=macs_of(model, dataset.pictures[0]),
        trust=_trust(unseen or [_judged(dataset, (final, validation_rows), VALIDATION)], locked),
        out_of_fold=scores,
        test=test_scores,
        folds=[
            _fold_result(record, some, labels_of_fold)
            for (record, _), some, labels_of_fold in zip(
                units, np.split(judged, ends), np.split(labels, ends), strict=False
            )
        ],
        final=_fold_result(final, None, None),
        confused=confused_pairs(main.confusion, dataset.classes),
        mistakes=mistakes(judged, labels, dataset.classes, dataset.names, judged_rows),
        learning=None if smaller is None else learning_of(runner, dataset, parts, smaller),
        robustness=robustness,
    )
    right_on_test = None if test is None else test.argmax(1) == dataset.labels[parts.test]
    ood_score = np.concatenate([one.ood_score for one in [*unseen, locked] if one is not None])
    return Scored(result, out_of_fold, test, judged.argmax(1) == labels, right_on_test, ood_score)


def _out_of_fold_sampling(parts: Split, rows: NDArray[np.int64]) -> Sampling:
    """The model of a fold answers what it held out; the final one learns from all of them."""
    if not parts.folds:
        return Sampling()
    return Sampling(
        clusters=parts.together[rows],
        train_size=sum(len(fold.train) * len(fold.held_out) for fold in parts.folds) / len(rows),
        final_train_size=len(parts.final.train),
    )


def _trust(unseen: list[Judged], test: Judged | None) -> Trust | None:
    """Thresholds by what was held out of folds; without folds, by the choosers of the final fit."""
    fold_of = np.repeat(np.arange(len(unseen)), [len(some) for some in unseen])
    return trust(joined(unseen), fold_of=fold_of, test=test) if len(fold_of) else None


def _judged(dataset: Dataset, unit: Kept, names: tuple[str, str, str]) -> Judged:
    record, arrays = unit
    rows, logits, ood_score = (arrays[name] for name in names)
    return Judged(softmax(logits, record.temperature), ood_score, dataset.labels[rows])


def compared(scored: Sequence[Scored], parts: Split) -> Compared:
    """Compare all pairs, out of fold and on the locked test, and name the winner if there is one.

    Where there are both, the folds name the winner: they hold more pictures.
    """
    fold_of = None
    if parts.folds:
        sizes = [len(fold.held_out) for fold in parts.folds]
        fold_of = np.repeat(np.arange(len(sizes)), sizes)
    titles = {one.result.name: one.result.title for one in scored}
    comparison = compare_all({one.result.name: one.correct for one in scored}, fold_of, titles)
    scores = {one.result.name: one.result.out_of_fold or one.result.test for one in scored}
    winner = choose_winner({name: one for name, one in scores.items() if one}, comparison, titles)
    on_test = {one.result.name: one.correct_on_test for one in scored if parts.folds}
    test_comparison = compare_all(
        {name: one for name, one in on_test.items() if one is not None}, titles=titles
    )
    return Compared(comparison=comparison, test_comparison=test_comparison, winner=winner)


def _scores(
    dataset: Dataset,
    probabilities: Probabilities | None,
    rows: NDArray[np.int64],
    sampling: Sampling,
) -> Scores | None:
    if probabilities is None:
        return None
    groups = None if dataset.groups is None else dataset.groups[rows]
    return score(
        probabilities, dataset.labels[rows], dataset.classes, groups, dataset.group_names, sampling
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
