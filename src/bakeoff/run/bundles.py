"""From a run to bundles: what was trained and measured, ready to export."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.drift import kept_scores
from bakeoff.bundle.export import export, restate
from bakeoff.bundle.manifest import Preparation, Score, ScoredOn, TrainedOn
from bakeoff.bundle.pack import SUFFIX, pack
from bakeoff.bundle.variant import Kind
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import ConfusedPair, PseudoLabels, Scores, Trust
from bakeoff.record.events import BundleRefused, BundleWritten, now
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import DatasetSummary, FoldResult, ProtocolSummary, Results
from bakeoff.run.plan import Plan
from bakeoff.run.source import read_again
from bakeoff.run.summary import dataset_summary, protocol_summary
from bakeoff.scoring.scored import Scored
from bakeoff.training.compute import give_memory_back
from bakeoff.training.model import Model
from bakeoff.training.preprocess import Preprocess
from bakeoff.version import __version__
from bakeoff.workers.graph import kept_graph
from bakeoff.workers.pseudo import fit_of
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import FINAL, HELD_OUT, VALIDATION, Tell

__all__ = [
    "RunFacts",
    "bundles_to_make",
    "final_model",
    "make_bundle",
    "make_bundles",
    "make_early",
    "say_verdict",
]


class RunFacts(NamedTuple):
    """What a bundle says of the run that it comes from.

    `finished` is when it was scored; `test_rows` are the rows of its locked test; `verdict` is the
    headline of the verdict on it, "" until there is one.
    """

    bakeoff_version: str
    finished: str
    dataset: DatasetSummary
    protocol: ProtocolSummary
    test_rows: NDArray[np.int64]
    verdict: str = ""

    @classmethod
    def of(cls, plan: Plan, opened: str | None) -> RunFacts:
        """Those of a run that is scored now, and when its locked test was `opened`."""
        config, parts = plan.config, plan.parts
        return cls(
            bakeoff_version=__version__,
            finished=now(),
            dataset=dataset_summary(plan.dataset, plan.duplicates, parts, config),
            protocol=protocol_summary(plan.dataset, parts, config, opened),
            test_rows=parts.test,
        )


class Figures(Protocol):
    """What a bundle says of its approach; `ApproachResult` has all of it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def settings(self) -> dict[str, object]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def pretrained(self) -> str: ...
    @property
    def out_of_fold(self) -> Scores | None: ...
    @property
    def test(self) -> Scores | None: ...
    @property
    def folds(self) -> list[FoldResult]: ...
    @property
    def confused(self) -> list[ConfusedPair]: ...
    @property
    def trust(self) -> Trust | None: ...
    @property
    def pseudo(self) -> PseudoLabels | None: ...


def bundles_to_make(folder: RunFolder, *, keep: bool) -> list[str]:
    """The approaches of a run whose bundles it is to make, if it was asked for any.

    Parameters
    ----------
    keep : bundles that are there stay; else they are made again.
    """
    config = folder.config
    names = config.names if config.bundles else ()
    return [name for name in names if not (keep and folder.bundle(name).is_dir())]


def make_bundles(
    folder: RunFolder,
    names: Sequence[str],
    scored: Sequence[Scored],
    facts: RunFacts,
    dataset: Dataset,
    tell: Tell,
    *,
    early: Mapping[str, BakeoffError | None] = MappingProxyType({}),
) -> None:
    """Make the bundles of a run that is scored and not yet written.

    Those that were made `early`, before the locked test was opened, are only to say more, and
    what refused one then is not tried again. One that cannot be made is reported, and costs
    neither the other bundles nor the run.
    """
    for one in scored:
        name = one.name
        if name not in names:
            continue
        try:
            if name in early:
                if (refused := early[name]) is not None:
                    raise refused
                model = final_model(folder, name)
                restate(folder.bundle(name), _about(folder, facts, one, model.preprocess))
            else:
                give_memory_back()
                make_early(folder, one, facts, dataset)
        except BakeoffError as error:
            tell(BundleRefused(approach=name, why=str(error)))
        else:
            tell(BundleWritten(approach=name, path=str(folder.bundle(name))))


def say_verdict(folder: RunFolder, names: Collection[str], results: Results) -> Results:
    """Let the bundles of these approaches say the verdict, which weighs what they cost.

    Returns
    -------
    The results, with the sizes that the bundles have now.
    """
    assert results.verdict is not None, "`with_verdict` has made it"
    approaches = []
    for one in results.approaches:
        bundle, size = folder.bundle(one.name), one.bytes
        if one.name in names and bundle.is_dir():
            restate(bundle, {"verdict": results.verdict.headline})
            size = folder.bundle_bytes(one.name) or size
        approaches.append(one.model_copy(update={"bytes": size}))
    return results.model_copy(update={"approaches": approaches})


def make_early(folder: RunFolder, figures: Figures, facts: RunFacts, dataset: Dataset) -> None:
    """Make the bundle of an approach with what is known of it so far.

    Raises
    ------
    BakeoffError
        Its graph cannot be made, or answers differently.
    """
    _make(folder, figures, facts, folder.bundle(figures.name), dataset=dataset)


def make_bundle(
    folder: RunFolder,
    name: str,
    out: Path | None = None,
    *,
    variant: Kind | None = None,
    neighbours: bool = False,
    dataset: Dataset | None = None,
) -> Path:
    """Export the final model of an approach of a finished run, and say where to.

    Needs the run alone; its pictures only for a variant or neighbours.

    Parameters
    ----------
    name : of the approach.
    out : a folder, or a file that ends in ``.bakeoff``. None for the run's own place.
    variant : smaller weights, if they answer alike.
    neighbours : ship small training pictures, to be shown beside an answer.
    dataset : the run's pictures; read again where they are needed and not given.

    Raises
    ------
    BakeoffError
        The run has no such approach, there is something else at `out`, its pictures are gone,
        or the variant answers differently.
    """
    results = folder.results()
    figures = next((result for result in results.approaches if result.name == name), None)
    if figures is None:
        raise BakeoffError(
            f"{folder.path}",
            f"has no approach {name}",
            f"It has {', '.join(result.name for result in results.approaches)}",
        )
    out = folder.bundle(f"{name}-{variant}" if variant else name) if out is None else out
    if out.is_dir() and any(out.iterdir()) and not (out / "bundle.json").is_file():
        raise BakeoffError(str(out), "is there already and is not a bundle", "Choose another --out")
    facts = RunFacts(
        results.bakeoff_version,
        results.finished,
        results.dataset,
        results.protocol,
        folder.probabilities()["test_rows"],
        results.verdict.headline if results.verdict else "",
    )
    make = partial(_make, folder, figures, facts, variant=variant, neighbours=neighbours)
    if out.suffix == SUFFIX and not out.is_dir():
        with TemporaryDirectory(prefix="bakeoff-") as scratch:
            unpacked = Path(scratch, name)
            make(unpacked, dataset=dataset)
            pack(unpacked, out)
    else:
        make(out, dataset=dataset)
    return out


def _make(
    folder: RunFolder,
    figures: Figures,
    facts: RunFacts,
    out: Path,
    *,
    variant: Kind | None = None,
    neighbours: bool | None = None,
    dataset: Dataset | None = None,
) -> None:
    """Export one approach to a folder; `neighbours` is None for what the run was asked."""
    neighbours = folder.config.neighbours if neighbours is None else neighbours
    extras: dict[str, Any] = {"graph": kept_graph(folder, figures.name)}
    if variant or neighbours:
        dataset = dataset or read_again(folder.config)
        if variant:
            extras["variant"] = (variant, dataset.pictures)
        if neighbours:
            learned = _learned(dataset, facts.test_rows)
            extras["neighbours"] = (learned.pictures, learned.labels)
    model = final_model(folder, figures.name)
    export(model, _about(folder, facts, figures, model.preprocess), out, **extras)


def _learned(dataset: Dataset, test_rows: NDArray[np.int64]) -> Dataset:
    """The labelled pictures outside of the locked test."""
    rows = np.flatnonzero(dataset.labels != UNLABELLED)
    return dataset.take(np.setdiff1d(rows, test_rows))


def final_model(folder: RunFolder, name: str) -> Model:
    """The model that was trained on everything, from the run alone."""
    folder.check_recipe()
    return load_model(folder, folder.config.approach(name).build(), FINAL)


def _about(
    folder: RunFolder, facts: RunFacts, figures: Figures, preprocess: Preprocess
) -> dict[str, Any]:
    scored: list[tuple[ScoredOn, Scores | None]] = [
        ("out of fold", figures.out_of_fold),
        ("test", figures.test),
    ]
    return {
        "name": figures.name,
        "approach": figures.name,
        "title": figures.title,
        "bakeoff_version": facts.bakeoff_version,
        "created": facts.finished,
        "classes": facts.dataset.classes,
        "preparation": Preparation(
            mode=preprocess.mode, side=preprocess.size, channels=preprocess.channels
        ),
        "parameters": figures.parameters,
        "settings": figures.settings,
        "pretrained": figures.pretrained,
        "pseudo_labels": "" if figures.pseudo is None else figures.pseudo.words,
        "verdict": facts.verdict,
        "trained_on": TrainedOn(
            name=facts.dataset.name,
            pictures=facts.protocol.training_pictures,
            fingerprint=facts.dataset.fingerprint,
        ),
        "scores": [
            Score(
                on=on,
                pictures=scores.pictures,
                accuracy=scores.accuracy,
                interval=scores.interval,
                loss=scores.loss,
                calibration_error=scores.calibration_error,
            )
            for on, scores in scored
            if scores is not None
        ],
        "confused": figures.confused,
        "trust": figures.trust,
        "cost": list(folder.config.cost),
        "held_out_scores": _held_out_scores(folder, figures),
    }


def _held_out_scores(folder: RunFolder, figures: Figures) -> list[float]:
    """OOD scores of what the folds held out; without folds, of the final fit's validation rows."""
    kept = [(fit_of(folder, figures.name, fold.name), HELD_OUT[-1]) for fold in figures.folds] or [
        (FINAL, VALIDATION[-1])
    ]
    scores = [
        arrays[array]
        for fold, array in kept
        if folder.has_unit(figures.name, fold)
        for _, arrays in [folder.load_unit(figures.name, fold)]
        if array in arrays
    ]
    return kept_scores(np.concatenate(scores).tolist() if scores else [])
