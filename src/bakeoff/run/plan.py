"""All that is settled before a run trains: pictures, folds, arithmetic, and the time it takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import DuplicateGroup, find_duplicates
from bakeoff.data.pictures import Pictures
from bakeoff.data.split import Fold, Split
from bakeoff.evaluation.corruptions import corruptions_for
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.run.learning import Smaller, smaller_folds
from bakeoff.run.protocol import keeps_groups, parts_of, together_of
from bakeoff.run.source import fingerprint_of_pictures, pictures_without_label, read_first
from bakeoff.scoring.compared import cost_matrix
from bakeoff.training.compute import Compute
from bakeoff.workers.corruptions import CorruptionUnit, corrupted
from bakeoff.workers.crew import threads_for
from bakeoff.workers.data import TrainingData
from bakeoff.workers.estimate import Prediction, Stopwatch
from bakeoff.workers.pseudo import pseudo_name
from bakeoff.workers.robustness import answers_each, sample_of
from bakeoff.workers.runner import UnitRunner
from bakeoff.workers.trial import FEW, try_own
from bakeoff.workers.units import Tell

__all__ = ["Plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is settled before anything trains.

    Attributes
    ----------
    config : what is asked, with what was left open filled in.
    smaller : the folds of the learning curve; None where none was asked for.
    unlabelled : pictures for pseudo labels; none where these were not asked for.
    """

    config: RunConfig
    dataset: Dataset
    duplicates: list[DuplicateGroup]
    parts: Split
    smaller: tuple[Smaller, ...] | None
    compute: Compute
    unlabelled: Pictures = field(default_factory=Pictures.none)

    @classmethod
    def of(
        cls,
        config: RunConfig,
        source: str | os.PathLike[str] | Dataset,
        on_decoded: Callable[[int, int], None] | None = None,
    ) -> Plan:
        """A new run's, whose pictures have not been read.

        Raises
        ------
        BakeoffError
            The pictures cannot be read or split, or an approach cannot be built for them.
        """
        compute = Compute.choose(config.device, config.threads, config.precision)
        dataset = read_first(config, source, on_decoded)
        cost_matrix(config, dataset.classes)  # refuses costs of other classes before training
        fits = 1 + (len(dataset.group_names) if config.leave_one_group_out else config.folds)
        fingerprint = dataset.fingerprint()
        known = {"classes": dataset.classes, "fingerprint": fingerprint}
        settled = {
            "approaches": tuple(each.knowing(**known) for each in config.approaches),
            "fingerprint": fingerprint,
            "threads": config.threads or threads_for(fits, compute.device),
            "keep_groups": keeps_groups(dataset, config),
        }
        plan = cls.on(dataset, config.model_copy(update=settled))
        known = {"unlabelled_fingerprint": fingerprint_of_pictures(plan.unlabelled)}
        plan = replace(plan, config=plan.config.model_copy(update=known))
        plan._build_once()
        return plan

    @classmethod
    def on(cls, dataset: Dataset, config: RunConfig) -> Plan:
        """That of a run on these pictures."""
        compute = Compute.choose(config.device, config.threads, config.precision)
        duplicates = find_duplicates(dataset.pictures)
        ids = together_of(dataset, duplicates, config)
        parts = parts_of(dataset, ids, config)
        smaller = None
        if config.curve:
            smaller = smaller_folds(parts, dataset.labels, ids, config.seed)
        unlabelled = pictures_without_label(config, dataset)
        return cls(config, dataset, duplicates, parts, smaller, compute, unlabelled)

    @cached_property
    def data(self) -> TrainingData:
        """What trains, out of reach of the locked test."""
        parts = self.parts
        learnable = np.sort(np.concatenate([parts.final.train, parts.final.validation]))
        folds = (*parts.folds, *(one.fold for one in self.smaller or ()), parts.final)
        by_name = {fold.name: fold for fold in folds}
        data = TrainingData.of(self.config, self.dataset, learnable, by_name, self.compute)
        return replace(data, corrupted=sample_of(data, parts), unlabelled=self.unlabelled)

    @property
    def test_data(self) -> TrainingData:
        """The locked test; only for the models that are finished."""
        return replace(self.data, rows=self.parts.test, folds={})

    def runners(self, folder: RunFolder, tell: Tell) -> list[UnitRunner]:
        """One for each approach."""
        return [
            UnitRunner(approach.build(), self.data, folder, tell)
            for approach in self.config.approaches
        ]

    def predict(self, runner: UnitRunner) -> Prediction:
        """How long what is left of an approach will take."""
        name, has = runner.approach.name, runner.folder.has_unit
        each = answers_each(self.data)
        answers = {
            fold.name: each * count
            for fold in self.parts.folds
            if (count := int(np.isin(fold.held_out, self.data.corrupted).sum()))
            and not has(name, CorruptionUnit.name_of(fold.name))
        }
        smaller = [one.fold for one in self.smaller or ()]
        again = self._second_folds() if name in self.config.trained_twice else []
        return runner.predict(self.parts, smaller=[*smaller, *again], answers=answers)

    def _second_folds(self) -> list[Fold]:
        """Folds as large as those with pseudo labels may be; their rows mean nothing."""
        more = np.zeros(len(self.unlabelled), dtype=np.int64)
        return [
            replace(fold, name=pseudo_name(fold.name), train=np.concatenate([fold.train, more]))
            for fold in self.parts.folds
        ]

    def predict_corrupting(self) -> dict[str, float]:
        """Seconds to corrupt the pictures of each fold, from one of them."""
        data = self.data
        if not len(data.corrupted):
            return {}
        row = data.corrupted[len(data.corrupted) // 2 :][:1]
        ink = data.task.mode == "ink"

        def corrupt() -> None:
            every = corruptions_for(ink=ink)
            for _ in corrupted(data.dataset, row, every, ink=ink, seed=self.config.seed):
                pass

        each = Stopwatch(data.compute).of(corrupt)
        return {
            fold.name: each * int(np.isin(fold.held_out, data.corrupted).sum())
            for fold in self.parts.folds
        }

    def _build_once(self) -> None:
        """Refuse settings that fit no network, before anything is written."""
        for config in self.config.approaches:
            approach = config.build()
            approach.frozen(self.data.task)
            approach.build(self.data.task)
            pictures = self.dataset.pictures.take(self.data.rows[:FEW])
            try_own(config, self.data.task, pictures, exported=self.config.bundles)
