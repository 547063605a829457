"""From a finished run to bundles: what was trained and measured, ready to carry away."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bakeoff.approaches.settings import configure
from bakeoff.bundle.bundle import load
from bakeoff.bundle.export import export
from bakeoff.bundle.manifest import Preparation, Score, ScoredOn, TrainedOn
from bakeoff.bundle.pack import SUFFIX, pack
from bakeoff.bundle.variant import Kind
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import Scores
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import ApproachResult, Results
from bakeoff.run.cost import latency_of_bundle
from bakeoff.run.graphs import kept_graph
from bakeoff.run.source import read_again
from bakeoff.training.compute import give_memory_back
from bakeoff.training.model import Model
from bakeoff.workers.units import FINAL, Listener, load_model

__all__ = ["bundles_to_make", "final_model", "make_bundle", "winner_of", "with_bundle_metrics"]


def bundles_to_make(folder: RunFolder, *, keep: bool) -> list[str]:
    """The approaches of a run whose bundles it is to make, if it was asked for any.

    Parameters
    ----------
    keep : those that are there stay; else they are made anew.
    """
    config = folder.config
    names = config.approaches if config.bundles else ()
    return [name for name in names if not (keep and folder.bundle(name).is_dir())]


def with_bundle_metrics(
    folder: RunFolder,
    result: ApproachResult,
    dataset: Dataset,
    threads: int,
    on_event: Listener,
    *,
    make: bool,
) -> ApproachResult:
    """The figures of an approach with what its bundle, made here if asked, weighs and takes.

    One that cannot be made is told of, and costs neither the other bundles nor the run.
    """
    path = folder.bundle(result.name)
    if make:
        give_memory_back()
        neighbours = folder.config.neighbours
        try:
            make_bundle(folder, result.name, neighbours=neighbours, dataset=dataset)
        except BakeoffError as error:
            on_event(folder.log("bundle refused", approach=result.name, why=str(error)))
            return result
        on_event(folder.log("bundle written", approach=result.name, path=str(path)))
    measured = {
        "bytes": sum(file.stat().st_size for file in path.iterdir()),
        "latency": latency_of_bundle(load(path, threads=threads), dataset.pictures[0], threads),
    }
    return result.model_copy(update=measured)


def make_bundle(
    folder: RunFolder,
    name: str,
    out: Path | None = None,
    *,
    variant: Kind | None = None,
    neighbours: bool = False,
    dataset: Dataset | None = None,
) -> Path:
    """Export the final model of an approach, and say where to.

    Needs the run alone; its pictures only for a variant or neighbours.

    Parameters
    ----------
    name : of the approach.
    out : a folder, or a file that ends in ``.bakeoff``. None for the run's own place.
    variant : smaller weights, if they answer alike.
    neighbours : ship small training pictures, to be shown beside what is asked.
    dataset : the run's pictures; read again where they are needed and not given.

    Raises
    ------
    BakeoffError
        The run has no such approach, there is something else at `out`, its pictures are gone,
        or the variant answers otherwise.
    """
    results = folder.results()
    found = [one for one in results.approaches if one.name == name]
    if not found:
        raise BakeoffError(
            f"{folder.path}",
            f"has no approach {name}",
            f"Those that took part are {', '.join(one.name for one in results.approaches)}",
        )
    out = folder.bundle(f"{name}-{variant}" if variant else name) if out is None else out
    if out.is_dir() and any(out.iterdir()) and not (out / "bundle.json").is_file():
        raise BakeoffError(str(out), "is there already and is no bundle", "Choose another --out")
    extras: dict[str, Any] = {}
    if variant or neighbours:
        dataset = dataset or read_again(folder.config)
        if variant:
            extras["variant"] = (variant, dataset.pictures)
        if neighbours:
            learned = _learned(dataset, folder)
            extras["neighbours"] = (learned.pictures, learned.labels)
    model = final_model(folder, name)
    extras["graph"] = kept_graph(folder, name)
    about = _about(results, found[0], model)
    if out.suffix == SUFFIX and not out.is_dir():
        with TemporaryDirectory(prefix="bakeoff-") as scratch:
            export(model, about, Path(scratch, name), **extras)
            pack(Path(scratch, name), out)
    else:
        export(model, about, out, **extras)
    return out


def _learned(dataset: Dataset, folder: RunFolder) -> Dataset:
    """The labelled pictures outside of the locked test."""
    rows = np.flatnonzero(dataset.labels != UNLABELLED)
    return dataset.take(np.setdiff1d(rows, folder.probabilities()["test_rows"]))


def winner_of(folder: RunFolder) -> str:
    """The approach that the run says to trust.

    Raises
    ------
    BakeoffError
        It could not tell.
    """
    winner = folder.results().winner.name
    if winner is None:
        raise BakeoffError(
            str(folder.path),
            "names no winner: the best are too close to call",
            "Choose one with --approach",
        )
    return winner


def final_model(folder: RunFolder, name: str) -> Model:
    """The model that was trained on everything, from the run alone."""
    return load_model(folder, configure(name, folder.config.settings_of(name)), FINAL)


def _about(results: Results, result: ApproachResult, model: Model) -> dict[str, Any]:
    scored: list[tuple[ScoredOn, Scores | None]] = [
        ("out of fold", result.out_of_fold),
        ("test", result.test),
    ]
    return {
        "name": result.name,
        "approach": result.name,
        "title": result.title,
        "bakeoff_version": results.bakeoff_version,
        "created": results.finished,
        "classes": results.dataset.classes,
        "preparation": Preparation(
            mode=model.preprocess.mode,
            side=model.preprocess.size,
            channels=model.preprocess.channels,
        ),
        "parameters": result.parameters,
        "settings": result.settings,
        "trained_on": TrainedOn(
            name=results.dataset.name,
            pictures=results.protocol.training_pictures,
            fingerprint=results.dataset.fingerprint,
        ),
        "scores": [
            Score(
                on=on,
                pictures=one.pictures,
                accuracy=one.accuracy,
                interval=one.interval,
                loss=one.loss,
                calibration_error=one.calibration_error,
            )
            for on, one in scored
            if one is not None
        ],
        "confused": result.confused,
        "trust": result.trust,
    }
