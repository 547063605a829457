"""From finished units to figures: scores, cost, comparisons and the winner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.approaches.settings import flat_settings
from bakeoff.data.dataset import Dataset
from bakeoff.data.split import Split
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.compare import choose_winner, compare_all
from bakeoff.evaluation.mistakes import confused_pairs, mistakes
from bakeoff.evaluation.records import Comparison, Scores, Trust, Winner
from bakeoff.evaluation.scores import losses, score
from bakeoff.evaluation.trust import Judged, joined, trust
from bakeoff.record.results import ApproachResult, FoldResult, Latency, Seconds, UnitRecord
from bakeoff.run.units import CHOOSERS, FINAL, HELD_OUT, Workbench
from bakeoff.training.model import Model

__all__ = ["Scored", "score_approach", "verdict"]

Probabilities = NDArray[np.float32]
Unit = tuple[UnitRecord, dict[str, NDArray[Any]]]


@dataclass(frozen=True)
class Scored:
    """An approach's figures, and the probabilities behind them, in the order of the folds."""

    result: ApproachResult
    out_of_fold: Probabilities | None
    test: Probabilities | None
    correct: NDArray[np.bool_]


class Verdict(TypedDict):
    """The part of the results that looks at all approaches together."""

    comparison: list[Comparison]
    winner: Winner


def score_approach(bench: Workbench, dataset: Dataset, parts: Split) -> Scored:
    """Score an approach whose units are all finished; this opens the locked test."""
    name = bench.approach.name
    units = [bench.folder.load_unit(name, fold.name) for fold in parts.folds]
    final, choosers = bench.folder.load_unit(name, FINAL)
    model = bench.model()
    out_of_fold: Probabilities | None = None
    rows = np.empty(0, dtype=np.int64)
    unseen = [_judged(dataset, unit, HELD_OUT) for unit in units]
    if unseen:
        rows = np.concatenate([fold.held_out for fold in parts.folds])
        out_of_fold = joined(unseen).probabilities
    test: Probabilities | None = None
    locked: Judged | None = None
    if len(parts.test):
        logits, strangeness = model.judge(dataset.pictures.take(parts.test), bench.compute)
        test = softmax(logits, final.temperature)
        locked = Judged(test, strangeness, dataset.labels[parts.test])
    judged, judged_rows = (test, parts.test) if out_of_fold is None else (out_of_fold, rows)
    assert judged is not None  # `split` refuses a run that would score nothing
    labels = dataset.labels[judged_rows]
    scores = _scores(dataset, out_of_fold, rows)
    test_scores = _scores(dataset, test, parts.test)
    main = scores or test_scores
    assert main is not None
    ends = np.cumsum([len(fold.held_out) for fold in parts.folds])[:-1]
    result = ApproachResult(
        name=name,
        title=bench.approach.title,
        settings=flat_settings(bench.approach),
        parameters=final.parameters,
        bytes=final.bytes,
        seconds=Seconds(folds=sum(record.seconds for record, _ in units), final=final.seconds),
        peak_memory_mb=max(record.peak_memory_mb for record in [*(r for r, _ in units), final]),
        latency=_latency(model, dataset),
        trust=_trust(unseen or [_judged(dataset, (final, choosers), CHOOSERS)], locked),
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
    )
    return Scored(result, out_of_fold, test, judged.argmax(1) == labels)


def _trust(unseen: list[Judged], test: Judged | None) -> Trust | None:
    """Thresholds by what was held out of folds; without folds, by the choosers of the final fit."""
    fold_of = np.repeat(np.arange(len(unseen)), [len(some) for some in unseen])
    return trust(joined(unseen), fold_of=fold_of, test=test) if len(fold_of) else None


def _judged(dataset: Dataset, unit: Unit, names: tuple[str, str, str]) -> Judged:
    record, arrays = unit
    rows, logits, strangeness = (arrays[name] for name in names)
    return Judged(softmax(logits, record.temperature), strangeness, dataset.labels[rows])


def verdict(scored: Sequence[Scored], parts: Split) -> Verdict:
    """Compare all pairs on the pictures that were scored, and name the winner if there is one."""
    fold_of = None
    if parts.folds:
        sizes = [len(fold.held_out) for fold in parts.folds]
        fold_of = np.repeat(np.arange(len(sizes)), sizes)
    titles = {one.result.name: one.result.title for one in scored}
    comparison = compare_all({one.result.name: one.correct for one in scored}, fold_of, titles)
    scores = {one.result.name: one.result.out_of_fold or one.result.test for one in scored}
    winner = choose_winner({name: one for name, one in scores.items() if one}, comparison, titles)
    return Verdict(comparison=comparison, winner=winner)


def _scores(
    dataset: Dataset, probabilities: Probabilities | None, rows: NDArray[np.int64]
) -> Scores | None:
    if probabilities is None:
        return None
    groups = None if dataset.groups is None else dataset.groups[rows]
    return score(probabilities, dataset.labels[rows], dataset.classes, groups, dataset.group_names)


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


def _latency(model: Model, dataset: Dataset) -> Latency:
    """Median over runs, from raw pixels of the first picture to probabilities, on the CPU."""
    model = model.cpu()
    pixels = torch.from_numpy(np.array(dataset.pictures[0]))[None]
    return Latency(
        batch_1_ms=_median_ms(model, pixels, runs=20),
        batch_64_ms=_median_ms(model, pixels.repeat(64, 1, 1, 1), runs=3),
    )


def _median_ms(model: Model, pixels: torch.Tensor, *, runs: int) -> float:
    times = []
    with torch.inference_mode():
        model(pixels)  # the first call allocates
        for _ in range(runs):
            started = time.perf_counter()
            model(pixels)
            times.append(time.perf_counter() - started)
    return float(np.median(times) * 1e3)
