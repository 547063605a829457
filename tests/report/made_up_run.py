"""A made-up run with consistent figures and real pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pictures import Pictures
from bakeoff.errors import LeftOut
from bakeoff.evaluation.compare import choose_winner, compare_all
from bakeoff.evaluation.mistakes import confused_pairs, mistakes
from bakeoff.evaluation.records import Scores, Trust, TrustMeasured, Winner
from bakeoff.evaluation.scores import score
from bakeoff.record.config import ApproachConfig, RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import (
    ApproachResult,
    DatasetSummary,
    Duplicate,
    EpochRecord,
    FoldResult,
    Latency,
    PictureIndex,
    ProtocolSummary,
    Results,
    Seconds,
)

from .made_up_evidence import health, learning_curve, robustness, verdict, with_uncertainty

FOLDS = 5
SYMBOLS = (
    "arrow", "bolt", "circle", "cloud", "envelope", "heart", "house", "smiley", "star", "tree",
)  # fmt: skip

DIGITS = tuple("0123456789")
# Names that a page must show and never obey.
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "{{ 7 * 7 }}",
    "</style><b>&amp;",
    "<!--",
)


@dataclass(frozen=True)
class Kind:
    """The quality of one made-up approach."""

    name: str
    title: str
    skill: float
    parameters: int
    epochs: int
    settings: Mapping[str, object]
    pretrained: str = ""


KINDS = (
    Kind("baseline", "Baseline", 3.2, 7_850, 0, {"features": "hog", "c": 1.0}),
    Kind("cnn", "CNN", 5.4, 161_354, 24,
         {"filters": [32, 64], "kernel": 3, "dropout": 0.2,
          "training": {"epochs": 24, "learning_rate": 0.003, "label_smoothing": 0.1}}),
    Kind("vit", "Vision Transformer", 4.3, 190_538, 40,
         {"patch": 4, "width": 64, "depth": 5, "heads": 4, "training": {"epochs": 40}}),
    Kind("transfer", "Transfer (EfficientNet-Lite0)", 5.9, 3_384_000, 12,
         {"backbone": "tf_efficientnet_lite0", "frozen": True}, "It knows ImageNet."),
)  # fmt: skip


def make_run(
    path: Path,
    kinds: Sequence[Kind] = KINDS,
    classes: Sequence[str] = SYMBOLS,
    pictures: int = 431,
    folds: int = FOLDS,
    test: int = 0,
    groups: Sequence[str] = (),
    flawless: bool = False,
    seed: int = 0,
) -> RunFolder:
    """A finished run on `pictures` pictures, the last `test` of which are the locked test."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(classes), pictures)
    names = tuple(f"{classes[label]}/drawn{i:03d}.jpg" for i, label in enumerate(labels))
    group = rng.integers(0, len(groups), pictures) if groups else None
    hardness = rng.gumbel(0, 1.6, pictures)  # what one approach finds hard, so do the others
    training = np.arange(pictures - test)
    tested = np.arange(pictures - test, pictures)
    scored = training if folds else tested
    fold_of = training % folds if folds else None
    results: list[ApproachResult] = []
    correct, correct_on_test = {}, {}
    probabilities_of: dict[str, NDArray[Any]] = {}
    all_scores: dict[str, Scores] = {}
    for number, kind in enumerate(kinds):
        skill = 60.0 if flawless else kind.skill
        probabilities = _probabilities(rng, labels, len(classes), skill - hardness)

        def scores_of(
            rows: NDArray[np.int64], probabilities: NDArray[np.float64] = probabilities
        ) -> Scores:
            some = None if group is None else group[rows]
            found = score(probabilities[rows], labels[rows], classes, some, groups)
            return with_uncertainty(found)

        main = scores_of(scored)
        all_scores[kind.name] = main
        if folds:
            probabilities_of[f"{kind.name}_out_of_fold"] = probabilities[training]
        if test:
            probabilities_of[f"{kind.name}_test"] = probabilities[tested]
        right = probabilities.argmax(1) == labels
        correct[kind.name], correct_on_test[kind.name] = right[scored], right[tested]
        fits = [
            _fit(rng, kind, f"{fold + 1}", scores_of(training[training % folds == fold]))
            for fold in range(folds)
        ]
        results.append(
            ApproachResult(
                name=kind.name,
                title=kind.title,
                settings=dict(kind.settings),
                parameters=kind.parameters,
                bytes=4 * kind.parameters + 2_000,
                seconds=Seconds(folds=sum(f.seconds for f in fits), final=7.5 + 30 * number),
                peak_memory_mb=212.4 + 180 * number,
                latency=Latency(batch_1_ms=0.4 + 1.9 * number, batch_64_ms=6.1 + 62 * number),
                out_of_fold=main if folds else None,
                test=scores_of(tested) if test else None,
                trust=Trust(
                    error_rate=0.02,
                    least_probability=0.1,
                    refusal_rate=0.01,
                    max_ood_score=1.5,
                    measured=TrustMeasured(
                        pictures=len(scored),
                        covered=0.985,
                        sure=0.93 - 0.01 * number,
                        sure_right=None if flawless else 0.991,
                        refused=0.012,
                    ),
                ),
                folds=fits,
                final=_fit(rng, kind, "final", main),
                pretrained=kind.pretrained,
                confused=confused_pairs(main.confusion, classes),
                mistakes=mistakes(probabilities[scored], labels[scored], classes, names, scored),
                macs=40 * kind.parameters,
                learning=learning_curve(main.accuracy, len(training)),
                robustness=robustness(main.accuracy, len(scored), 1 - 0.2 * number),
            )
        )
    titles = {kind.name: kind.title for kind in kinds}
    comparison = compare_all(correct, fold_of, titles)
    # Without folds, what was scored is the locked test itself.
    on_test = compare_all(correct_on_test, titles=titles) if folds and test else []
    found = health(names, labels, classes, [kind.name for kind in kinds], groups)
    best = max(results, key=lambda one: all_scores[one.name].accuracy)
    weak = min(all_scores[best.name].per_class, key=lambda one: one.accuracy).name
    words = verdict(best.title, all_scores[best.name].accuracy, found, weak)
    approaches = tuple(ApproachConfig(name=kind.name) for kind in kinds)
    run = RunFolder.create(path, RunConfig(source="made up", approaches=approaches))
    index = PictureIndex(
        names=list(names),
        labels=labels.tolist(),
        groups=None if group is None else group.tolist(),
        parts=[
            *(2 + row % folds if folds else 1 for row in range(len(training))),
            *[2 + folds] * test,
        ],
        part_names=["kept out", "training", *(f"{fold + 1}" for fold in range(folds)), "test"],
    )
    drawn = np.stack([drawing(int(label), row) for row, label in enumerate(labels)])
    run.save_pictures(index, Pictures.from_array(drawn))
    if folds:
        probabilities_of["out_of_fold_rows"] = training
    if test:
        probabilities_of["test_rows"] = tested
    run.save_results(
        Results(
            bakeoff_version="0.1.0",
            created="2025-03-04T09:12:44+00:00",
            finished="2025-03-04T09:21:05+00:00",
            machine={"processor": "AMD EPYC 9R14", "threads": "2", "torch": "2.9.1"},
            dataset=_dataset(labels, classes, group, groups, names),
            protocol=ProtocolSummary(
                folds=folds,
                fold_names=[f"{fold + 1}" for fold in range(folds)],
                seed=seed,
                kept_together="groups" if groups else "duplicates",
                leave_one_group_out=False,
                training_pictures=len(training),
                test="held out" if test else None,
                test_pictures=test,
                test_opened="2025-03-04T09:20:58+00:00" if test else None,
            ),
            approaches=results,
            comparison=comparison,
            winner=Winner(choose_winner(all_scores, comparison), words.why),
            test_comparison=on_test,
            health=found,
            verdict=words,
        ),
        probabilities_of,
    )
    return run


def drawing(label: int, seed: int, side: int = 28) -> NDArray[np.uint8]:
    """A side×side×1 scribble that differs by class: a wobbly closed curve of label+2 lobes."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 400)
    radius = 0.3 + 0.12 * np.sin((label % 9 + 2) * angle + rng.uniform(0, 6)) + rng.normal(0, 0.01)
    y, x = 0.5 + radius * np.sin(angle), 0.5 + radius * np.cos(angle)
    picture = np.zeros((side, side, 1), dtype=np.uint8)
    picture[(y * side).astype(int), (x * side).astype(int)] = 255
    return picture


def _probabilities(
    rng: np.random.Generator, labels: NDArray[np.int64], classes: int, margin: NDArray[np.float64]
) -> NDArray[np.float64]:
    logits = rng.normal(0, 0.8, (len(labels), classes))
    rows = np.arange(len(labels))
    logits[rows, (labels + 1 + rows % 3) % classes] += 1.5
    logits[rows, labels] += margin
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _fit(rng: np.random.Generator, kind: Kind, name: str, scores: Scores) -> FoldResult:
    stop = kind.epochs - int(rng.integers(0, 4)) if kind.epochs else 0
    curve = []
    for epoch in range(1, stop + 1):
        left = float(np.exp(-4.5 * epoch / kind.epochs)) + 0.01 * float(rng.uniform())
        curve.append(
            EpochRecord(
                epoch=epoch,
                learning_rate=0.003,
                train_loss=2.1 * left + 0.06,
                train_accuracy=min(1.0, 0.995 - 0.8 * left),
                validation_loss=2.2 * left + 0.14 + 0.03 * float(rng.uniform()),
                validation_accuracy=min(1.0, scores.accuracy - 0.75 * left),
                seconds=1.5,
            )
        )
    return FoldResult(
        name=name,
        pictures=scores.pictures,
        accuracy=scores.accuracy,
        loss=scores.loss,
        best_epoch=max(0, stop - 2),
        temperature=1.0 + 0.2 * float(rng.uniform()),
        seconds=1.5 * stop + 0.4,
        curve=curve,
    )


def _dataset(
    labels: NDArray[np.int64],
    classes: Sequence[str],
    group: NDArray[np.int64] | None,
    groups: Sequence[str],
    names: Sequence[str],
) -> DatasetSummary:
    return DatasetSummary(
        name="drawings",
        source="pictures/drawings",
        description=f"class folders, {len(labels)} pictures of 130×160, {len(classes)} classes",
        pictures=len(labels),
        classes=list(classes),
        class_counts=np.bincount(labels, minlength=len(classes)).tolist(),
        groups=list(groups),
        group_counts=[] if group is None else np.bincount(group, minlength=len(groups)).tolist(),
        fingerprint="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        left_out=[
            LeftOut("heart/scan07.png", "it ends in the middle", "Copy or export it again"),
            LeftOut("notes/readme.txt", "it is not a picture", "Move it out of the folder"),
        ],
        duplicates=[
            Duplicate(names=list(names[:2]), labels=[classes[0]] * 2, exact=True, rows=[0, 1]),
            Duplicate(names=list(names[2:4]), labels=list(classes[:2]), exact=False, rows=[2, 3]),
        ],
    )
