"""A second training of a model on its own sure answers about pictures without a label.

Pseudo labels: Lee, "Pseudo-label" (2013). The model of a fold labels the pictures, so that nothing
of what the fold holds out gets into the second training, and both models answer the same held-out
pictures. The final model is treated in the same way, if the folds have shown that it gains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bakeoff.approaches.trainer import Trained
from bakeoff.data.split import Fold, Split
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.kind import of_another_kind
from bakeoff.record.events import UnitFinished, UnitStarted
from bakeoff.record.folder import RunFolder
from bakeoff.training.model import Model
from bakeoff.workers.runner import OnEpoch, UnitRunner
from bakeoff.workers.units import FINAL, FitUnit
from bakeoff.workers.worker import Worker

__all__ = ["PseudoUnit", "fit_of", "pseudo_name"]

SURE = 0.95  # calibrated probability from which an answer is learned from
KNOWN = 0.95  # of held-out pictures have a lower OOD score than any picture that is learned from


class Guesses(NamedTuple):
    """Pictures without a label, by their rows among these, and the answers that a model gave."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class PseudoUnit(FitUnit):
    """The second training of the model of a fold, or both trainings of the final model.

    Attributes
    ----------
    folds : the names of all folds.
    """

    kind: ClassVar[str] = "pseudo"

    folds: tuple[str, ...] = ()

    @classmethod
    def of_fold(cls, approach: str, fold: Fold, parts: Split) -> PseudoUnit:
        """The second training on a fold."""
        folds = tuple(one.name for one in parts.folds)
        return cls(approach, pseudo_name(fold.name), fold.name, folds=folds)

    @classmethod
    def of_final(cls, approach: str, parts: Split) -> PseudoUnit:
        """The final fit, whose model is trained again before it is kept."""
        folds = tuple(one.name for one in parts.folds)
        return cls(approach, FINAL, parts.final.name, folds=folds)

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        if self.name != FINAL:
            return ((self.approach, self.fold),)
        both = [name for fold in self.folds for name in (fold, pseudo_name(fold))]
        return tuple((self.approach, name) for name in both)

    def do(self, worker: Worker) -> None:
        runner = worker.runner(self.approach, self.settings)
        if self.name == FINAL:
            self._train_both(runner)
        else:
            self._train_again(runner)

    def _train_again(self, runner: UnitRunner) -> None:
        record, arrays = runner.folder.load_unit(self.approach, self.fold)
        model = runner.model(self.fold)
        guesses = self._guesses(runner, model, record.temperature, arrays["ood_score"])
        if not len(guesses.rows):
            self._keep_as_it_is(runner)
            return
        runner.keep(
            self,
            lambda on_epoch: _second(runner, self.name, self.fold, guesses, on_epoch),
            by_validation=False,
            pseudo_labels=lambda: len(guesses.rows),
        )

    def _keep_as_it_is(self, runner: UnitRunner) -> None:
        """Nothing is learned, so the second model is the first."""
        folder = runner.folder
        runner.tell(UnitStarted(approach=self.approach, fold=self.name))
        folder.save_unit_files(
            self.approach, self.name, folder.unit_files(self.approach, self.fold)
        )
        record, _ = folder.load_unit(self.approach, self.name)
        runner.tell(
            UnitFinished(
                approach=self.approach,
                fold=self.name,
                seconds=0.0,
                cpu_seconds=0.0,
                best_epoch=record.best_epoch,
                accuracy=runner.accuracy_of(self.name),
            )
        )

    def _train_both(self, runner: UnitRunner) -> None:
        kept = [runner.folder.load_unit(self.approach, fold)[1] for fold in self.folds]
        held_out = np.concatenate([arrays["ood_score"] for arrays in kept])
        learned = 0

        def train(on_epoch: OnEpoch) -> Trained:
            nonlocal learned
            first = runner.trainer.fit(
                FINAL,
                **runner.rows_of(runner.data.folds[self.fold]),
                **runner.as_in({name: runner.data.folds[name] for name in self.folds}),
                on_epoch=on_epoch,
            )
            guesses = self._guesses(runner, first.model, first.temperature, held_out)
            learned = len(guesses.rows)
            if not learned:
                return first
            again = {pseudo_name(name): runner.data.folds[name] for name in self.folds}
            settings, name = runner.as_in(again), pseudo_name(FINAL)
            return _second(runner, name, self.fold, guesses, on_epoch, **settings)

        runner.keep(self, train, by_validation=False, pseudo_labels=lambda: learned)

    def _guesses(
        self,
        runner: UnitRunner,
        model: Model,
        temperature: float,
        held_out: NDArray[np.floating],
    ) -> Guesses:
        """What a model is sure of; nothing, if the pictures are of another kind altogether.

        Parameters
        ----------
        held_out : OOD scores of pictures that the model, or those of the folds, had not seen.
        """
        data = runner.data
        logits, ood_score = model.judge(data.unlabelled, data.compute)
        nothing = np.empty(0, dtype=np.int64)
        if of_another_kind(ood_score, held_out, among=len(self.folds)):
            return Guesses(nothing, nothing)
        probabilities = softmax(logits, temperature)
        sure = probabilities.max(axis=1) >= SURE
        sure &= ood_score <= np.quantile(held_out, KNOWN)
        rows = np.flatnonzero(sure)
        return Guesses(rows, probabilities[rows].argmax(axis=1).astype(np.int64))


def _second(
    runner: UnitRunner,
    name: str,
    fold: str,
    guesses: Guesses,
    on_epoch: OnEpoch,
    **settings: Any,
) -> Trained:
    """Train from the start, on the labelled pictures of a fold and on guesses."""
    trainer, first = runner.trainer_with(guesses.rows, guesses.labels)
    return trainer.fit(
        name,
        **runner.rows_of(runner.fold(fold)),
        guessed=first + guesses.rows,
        on_epoch=on_epoch,
        **settings,
    )


def pseudo_name(fold: str) -> str:
    """Under which the second training on a fold is kept."""
    return f"{fold} with pseudo labels"


def fit_of(folder: RunFolder, approach: str, fold: str) -> str:
    """The fit of a fold that stands for an approach: as its final model was trained."""
    if not folder.has_unit(approach, FINAL):
        return fold
    record, _ = folder.load_unit(approach, FINAL)
    return pseudo_name(fold) if record.pseudo_labels else fold
