"""A study as `bakeoff tune` leaves it, made up without any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.record.results import EpochRecord
from bakeoff.record.study import (
    Aim,
    Domain,
    OuterScore,
    Recommendation,
    Search,
    StudyProtocol,
    StudyResults,
    TrialFold,
    TrialRecord,
)
from bakeoff.record.studyfolder import SETTINGS, STUDY, TRIALS

__all__ = ["FAILED", "PICKED", "PRUNED", "SPACES", "WORDS", "make_study", "study"]

PICKED, PRUNED, FAILED = 7, 4, 5
WORDS = "In the search, trial 7 got 98.0 % right; on 86 pictures that no trial saw it gets 95.3 %."
SPACES: dict[str, tuple[str, dict[str, Domain]]] = {
    "cnn": (
        "CNN from scratch",
        {
            "filters": Domain(choices=["none", "16,32", "32,48,64,96,128"], default="none"),
            "dense": Domain(choices=["", "64"], default=""),
            "kernel_size": Domain(choices=[3, 5], default=3),
            "learning_rate": Domain(low=1e-3, high=2e-2, log=True, default=5e-3),
            "dropout": Domain(low=0, high=0.5, default=0.2),
        },
    ),
    "vit": (
        "Vision Transformer from scratch",
        {
            "num_heads": Domain(choices=[1, 2, 4], default=2),
            "depth": Domain(low=1, high=6, whole=True, default=3),
        },
    ),
}


def study(
    *,
    trials: int = 12,
    done: int | None = None,
    aims: tuple[Aim, ...] = ("loss",),
    approaches: tuple[str, ...] = ("cnn", "vit"),
    name: str = "drawings",
    created: str = "2026-11-22T09:00:00+00:00",
) -> StudyResults:
    """A study of so many trials an approach; with `done` of them it is not finished."""
    chance = np.random.default_rng(0)
    over = trials if done is None else done
    searches = [_search(one, trials, over, aims, chance) for one in approaches]
    return StudyResults(
        bakeoff_version="0.1",
        created=created,
        finished="2026-11-22T09:31:00+00:00" if done is None else None,
        source="/pictures/my drawings",
        name=name,
        description=f"{name}: class folders, 431 pictures of 160×130, 9 classes, ink is low",
        pictures=431,
        classes=list("abcdefghi"),
        protocol=StudyProtocol(
            aims=list(aims),
            seed=0,
            budget="standard",
            inner_folds=3,
            inner_pictures=345,
            outer_pictures=86,
            test_pictures=0,
            storage="sqlite",
        ),
        machine={"processor": "x86_64", "threads": "1", "device": "cpu"},
        searches=searches,
    )


def make_study(path: Path, **options: Any) -> StudyResults:
    """Write it into a new folder, as it is while the search goes on or when it is finished."""
    made = study(**{"name": path.name} | options)
    path.mkdir(parents=True, exist_ok=True)
    (path / STUDY).write_text(made.model_dump_json(indent=1), encoding="utf-8")
    (path / TRIALS).write_text("approach,number\r\ncnn,0\r\n", encoding="utf-8")
    if made.finished is not None:
        (path / SETTINGS).write_text("[cnn]\nlearning_rate = 0.004\n", encoding="utf-8")
    return made


def _search(
    name: str, wanted: int, over: int, aims: tuple[Aim, ...], chance: np.random.Generator
) -> Search:
    title, space = SPACES[name]
    trials = [_trial(number, space, chance) for number in range(over)]
    if over < wanted:
        settings = {one: _drawn(domain, chance) for one, domain in space.items()} if over else {}
        trials.append(TrialRecord(number=over, state="running", settings=settings))
    if len(aims) > 1:
        trials = [_on_front(one, trials) for one in trials]
    finished = over == wanted
    shares = np.arange(len(space), 0, -1) / sum(range(len(space) + 1))
    return Search(
        name=name,
        title=title,
        wanted=wanted,
        space=space,
        trials=trials,
        importance=dict(zip(space, shares.tolist(), strict=True)) if finished else None,
        recommendation=_pick() if finished else None,
    )


def _trial(number: int, space: dict[str, Domain], chance: np.random.Generator) -> TrialRecord:
    settings = {name: _drawn(domain, chance) for name, domain in space.items()} if number else {}
    if number == PRUNED:
        return TrialRecord(
            number=number,
            state="pruned",
            why="after a third of its work its loss was among the worse two thirds",
            settings=settings,
            seconds=4.0,
            folds=[
                TrialFold(
                    name="inner 1", accuracy=None, loss=None, best_epoch=None, curve=_curve(4)
                )
            ],
        )
    if number == FAILED:
        why = "learning_rate=0.02: the loss was no longer a number in epoch 2"
        return TrialRecord(number=number, state="failed", why=why, settings=settings)
    accuracy = 0.98 if number == PICKED else float(chance.uniform(0.9, 0.97))
    return TrialRecord(
        number=number,
        state="finished",
        settings=settings,
        accuracy=accuracy,
        loss=1.05 - accuracy,
        latency_ms=float(chance.uniform(0.6, 3)),
        bytes=int(chance.integers(100_000, 900_000)),
        parameters=int(chance.integers(25_000, 225_000)),
        seconds=float(chance.uniform(5, 40)),
        folds=[
            TrialFold(
                name=f"inner {fold}",
                accuracy=accuracy,
                loss=1.05 - accuracy,
                best_epoch=12,
                curve=_curve(14),
            )
            for fold in (1, 2, 3)
        ],
    )


def _drawn(domain: Domain, chance: np.random.Generator) -> Any:
    if domain.choices is not None:
        return domain.choices[int(chance.integers(len(domain.choices)))]
    assert domain.low is not None
    assert domain.high is not None
    if domain.whole:
        return int(chance.integers(int(domain.low), int(domain.high) + 1))
    return float(chance.uniform(domain.low, domain.high))


def _curve(epochs: int) -> list[EpochRecord]:
    return [
        EpochRecord(
            epoch=epoch,
            learning_rate=0.005,
            train_loss=2 * 0.85**epoch,
            train_accuracy=1 - 0.6 * 0.8**epoch,
            validation_loss=1.8 * 0.87**epoch,
            validation_accuracy=1 - 0.6 * 0.82**epoch,
            seconds=0.4,
        )
        for epoch in range(1, epochs + 1)
    ]


def _on_front(one: TrialRecord, all_of_them: list[TrialRecord]) -> TrialRecord:
    """Whether none is as good in loss and latency and better in one."""
    known = [other for other in all_of_them if other.state == "finished" and other is not one]
    beaten = any(
        _number(other.loss) <= _number(one.loss)
        and _number(other.latency_ms) <= _number(one.latency_ms)
        for other in known
    )
    return one.model_copy(update={"front": one.state == "finished" and not beaten})


def _number(value: float | None) -> float:
    return float("inf") if value is None else value


def _pick() -> Recommendation:
    tuned = OuterScore(accuracy=0.953, interval=(0.886, 0.982), loss=0.18)
    return Recommendation(
        trial=PICKED,
        why="Trial 7 has the lowest loss, and is clearly better than the defaults.",
        best=PICKED,
        outer={
            "defaults": OuterScore(accuracy=0.94, interval=(0.87, 0.975), loss=0.21),
            "best": tuned,
            "recommendation": tuned,
        },
        optimism=0.027,
        optimism_interval=(-0.02, 0.08),
        words=WORDS,
    )
