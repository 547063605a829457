"""From labelled pictures to a calibrated model: what a run and `Classifier` share."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.data.pictures import Pictures
from bakeoff.evaluation.calibration import fit_temperature
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Epoch, Fitted, Training, fit
from bakeoff.training.model import Model, Network
from bakeoff.training.sources import (
    BACKGROUNDS,
    FeatureSource,
    PixelSource,
    Source,
    backgrounds_for,
    batch_of,
    draw_all_on_backgrounds,
    in_batches,
    part_of,
    preprocess_all,
    views_for,
)

__all__ = ["Trained", "Trainer"]

Rows = NDArray[np.int64]

OOD_PICTURES = 5_000  # pictures are enough for means and a covariance


@dataclass(frozen=True)
class Trained:
    """One fit: the model from raw pixels to probabilities, and how it came to be."""

    model: Model
    temperature: float
    fitted: Fitted


class Trainer:
    """One approach on one set of pictures; what all of its fits share is made once.

    Parameters
    ----------
    approach, task, compute : what is trained, for what, and where.
    pictures : N pictures.
    labels : N class indices.
    seed : each fit derives its own from this one and its name, so that fits can be done in
        any order, or again, to the same numbers.
    on_prepare : called before the pictures are prepared, which may take a while.
    """

    def __init__(
        self,
        approach: Approach,
        task: Task,
        pictures: Pictures,
        labels: NDArray[np.int64],
        compute: Compute,
        *,
        seed: int,
        on_prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.approach = approach
        self.task = task
        self.pictures = pictures
        self.labels = labels
        self.compute = compute
        self.seed = seed
        self.on_prepare = on_prepare

    @cached_property
    def frozen(self) -> nn.Module | None:
        """The part that no fit trains."""
        return self.approach.frozen(self.task)

    @cached_property
    def views(self) -> int:
        """Changed copies of each picture whose frozen features are kept."""
        return views_for(len(self.pictures), self.approach.views)

    @cached_property
    def backgrounds(self) -> int:
        """Sheets of other paper that each drawing is printed on."""
        if not self.approach.background(self.task):
            return 0
        # What is frozen sees no more sheets than views are kept of it.
        most = BACKGROUNDS if self.frozen is None else self.views
        return backgrounds_for(len(self.pictures), self.approach.preprocess(self.task).size, most)

    @cached_property
    def source(self) -> Source:
        """Inputs of every picture, prepared once; features too, where a part is frozen."""
        self.on_prepare()
        everything = np.arange(len(self.pictures))
        if self.frozen is None:
            return self._pixels(everything)
        size = part_of(self.approach.preprocess(self.task).size)
        return FeatureSource.compute(
            self.frozen,
            (self._pixels(everything[start:][:size]) for start in everything[::size]),
            pictures=len(everything),
            views=self.views,
            seed=self.seed_of("features"),
            compute=self.compute,
        )

    def _pixels(self, rows: Rows) -> PixelSource:
        preprocess, pictures = self.approach.preprocess(self.task), self.pictures.take(rows)
        printed = None
        if self.backgrounds:
            seed = self.seed_of(f"paper from {rows[0]}")
            printed = draw_all_on_backgrounds(
                preprocess, pictures, self.compute, backgrounds=self.backgrounds, seed=seed
            )
        return PixelSource(
            preprocess_all(preprocess, pictures, self.compute),
            self.approach.augment(self.task),
            printed,
            background=self.approach.background(self.task),
        )

    def probe(self, pictures: int) -> Trainer:
        """The same work on a few pictures from all over the set, to see how long it takes."""
        most = min(pictures, len(self.pictures))
        rows = np.linspace(0, len(self.pictures) - 1, most).astype(np.int64)
        few = Trainer(
            self.approach,
            self.task,
            self.pictures.take(rows),
            self.labels[rows],
            self.compute,
            seed=self.seed,
        )
        few.frozen, few.views, few.backgrounds = self.frozen, self.views, self.backgrounds
        return few

    def share(self, other: Trainer) -> None:
        """Take what was made for another on the same pictures; both approaches see them alike."""
        for made in ("frozen", "views", "sheets", "source"):
            if made in other.__dict__:
                self.__dict__[made] = other.__dict__[made]

    def fit(
        self,
        name: str,
        *,
        train: Rows,
        validation: Rows,
        schedule_for: int | None = None,
        stop_after: int | None = None,
        temperature: float | None = None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
    ) -> Trained:
        """Train on some rows; others choose the epoch and, unless it is given, the temperature.

        Parameters
        ----------
        name : of this fit; its seed hangs on it.
        train, validation : rows to learn from, and to choose by; the latter may be empty.
        schedule_for : scale epochs and batches to so many pictures; None: to those in `train`.
        stop_after : end after this epoch of that schedule.
        temperature : None to fit it to `validation`, or take 1 where that is empty.
        on_epoch : called after every epoch.
        """
        seed = self.seed_of(name)
        torch.manual_seed(seed)  # the first weights
        network = self.approach.build(self.task)
        fitted = fit(
            network,
            self.source,
            torch.from_numpy(self.labels),
            train=torch.from_numpy(train),
            validation=torch.from_numpy(validation),
            training=self.training(schedule_for or len(train)),
            compute=self.compute,
            seed=seed,
            stop_after=stop_after,
            on_epoch=on_epoch,
        )
        self._fit_ood(network, train)
        if temperature is None:
            temperature = self._temperature(fitted, validation)
        return Trained(self.assemble(network, temperature), temperature, fitted)

    def training(self, pictures: int) -> Training:
        """How to train on so many pictures within the budget."""
        return self.approach.training.resolve(pictures, self.task.budget)

    def assemble(self, network: Network, temperature: float) -> Model:
        """A trained network with all that comes before and after it."""
        preprocess = self.approach.preprocess(self.task)
        return Model(preprocess, self.frozen, network, temperature).eval()

    def seed_of(self, name: str) -> int:
        """The seed of what bears this name."""
        return zlib.crc32(f"{self.seed}/{self.approach.name}/{name}".encode())

    def _fit_ood(self, network: Network, train: Rows) -> None:
        rows = torch.from_numpy(train[:: -(-len(train) // OOD_PICTURES)])
        size = batch_of(self.approach.preprocess(self.task).size)
        with torch.inference_mode():
            described = [
                network.body(self.source.plain(some.to(self.compute.device)).cpu())
                for some in in_batches(rows, size)
            ]
        network.ood.learn(torch.cat(described), torch.from_numpy(self.labels)[rows])

    def _temperature(self, fitted: Fitted, validation: Rows) -> float:
        if fitted.validation_logits is None:
            return 1.0
        return fit_temperature(fitted.validation_logits.numpy(), self.labels[validation])
