"""From labelled pictures to a calibrated model: what a run and `Classifier` share."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from bakeoff.training.eye import SIDE, Eye, Sights
from bakeoff.training.fit import Epoch, Fitted, Training
from bakeoff.training.model import Model, Network
from bakeoff.training.ood import CosineOOD, MahalanobisOOD, NearestOOD
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

__all__ = ["Trained", "Trainer", "eye_of"]

Rows = NDArray[np.int64]

NOTHING = np.empty(0, dtype=np.int64)
OOD_PICTURES = 5_000  # enough for means and a covariance
MANY = 300  # pictures a class, from which on a network knows strangers by its own embedding


@dataclass(frozen=True)
class Trained:
    """One fit: the model from raw pixels to probabilities, its temperature, and its history."""

    model: Model
    temperature: float
    fitted: Fitted


class Trainer:
    """One approach on one set of pictures; what its fits share is computed once.

    Parameters
    ----------
    approach, task, compute : what is trained, for which task, and on which device.
    pictures : N pictures.
    labels : N class indices.
    seed : each fit derives its own seed from this one and its name, so that fits in any order,
        or repeated, give the same numbers.
    classes : their names, where they are known; no drawings of these are others to learn from.
    on_prepare : called before the pictures are preprocessed, which may take a while.
    sights : what other approaches saw of the same pictures, by their side: those with the same
        side look once.
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
        classes: tuple[str, ...] = (),
        on_prepare: Callable[[], None] = lambda: None,
        sights: dict[int, Sights] | None = None,
    ) -> None:
        self.approach = approach
        self.task = task
        self.pictures = pictures
        self.labels = labels
        self.compute = compute
        self.seed = seed
        self.classes = classes
        self.on_prepare = on_prepare
        self._sights_by_side = {} if sights is None else sights

    @cached_property
    def frozen(self) -> nn.Module | None:
        """The part that no fit trains."""
        return self.approach.frozen(self.task)

    @cached_property
    def eye(self) -> nn.Module | None:
        """What looks whether a picture is like the training pictures, if not the network."""
        return eye_of(self.approach, self.task, self.frozen)

    @cached_property
    def sights(self) -> Sights | None:
        """What the eye sees of a sample of drawings, and of others; None without one."""
        if self.eye is None or self.task.mode == "photo":
            return None
        preprocess, eye = self.approach.preprocess(self.task), self.eye
        if self.approach.frozen_is_eye(self.task) and preprocess.size == SIDE:
            eye = Eye(SIDE)  # the same features
        sights = Sights(preprocess, eye, self.pictures, self.compute, self.classes)
        if sights.side is None:
            return sights
        return self._sights_by_side.setdefault(sights.side, sights)

    @cached_property
    def views(self) -> int:
        """How many augmented views of each picture to keep frozen features of."""
        return views_for(len(self.pictures), self.approach.most_views(self.task))

    @cached_property
    def backgrounds(self) -> int:
        """How many backgrounds each drawing is drawn on."""
        if not self.approach.background(self.task):
            return 0
        # A frozen network needs no more backgrounds than views are kept of its features.
        most = BACKGROUNDS if self.frozen is None else self.views
        return backgrounds_for(len(self.pictures), self.approach.preprocess(self.task).size, most)

    @cached_property
    def blank(self) -> torch.Tensor:
        """N truth values, known once `source` is: nothing is drawn on the picture."""
        return torch.zeros(len(self.pictures), dtype=torch.bool)

    @cached_property
    def source(self) -> Source:
        """The inputs of every picture, computed once: pixels, or features of the frozen part."""
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
            seed=self._input_seed("features"),
            compute=self.compute,
        )

    def _pixels(self, rows: Rows) -> PixelSource:
        preprocess, pictures = self.approach.preprocess(self.task), self.pictures.take(rows)
        drawn = None
        if self.backgrounds:
            seed = self._input_seed(f"paper from {rows[0]}")
            drawn = draw_all_on_backgrounds(
                preprocess, pictures, self.compute, backgrounds=self.backgrounds, seed=seed
            )
        return PixelSource(
            preprocess_all(
                preprocess, pictures, self.compute, blank=self.blank[rows[0] : rows[-1] + 1]
            ),
            self.approach.augment(self.task),
            drawn,
            background=self.approach.background(self.task),
        )

    def prepare(self) -> None:
        """Compute what all fits share; what the eye sees meanwhile, in a thread of its own."""
        with ThreadPoolExecutor(1) as beside:
            seeing = beside.submit(self.sights.look_at_set) if self.sights else None
            _ = self.source
            if self.sights and seeing:
                _ = self.sights.other_sums.moments
                seeing.result()

    def probe(self, pictures: int) -> Trainer:
        """The same work on a few pictures from all over the set, to time it."""
        most = min(pictures, len(self.pictures))
        rows = np.linspace(0, len(self.pictures) - 1, most).astype(np.int64)
        few = Trainer(
            self.approach,
            self.task,
            self.pictures.take(rows),
            self.labels[rows],
            self.compute,
            seed=self.seed,
            classes=self.classes,
        )
        few.frozen, few.views, few.backgrounds = self.frozen, self.views, self.backgrounds
        few.sights = None  # the OOD score is no part of what is timed
        return few

    def share(self, other: Trainer) -> None:
        """Reuse what another trainer computed on the same pictures with the same input settings."""
        for name in ("frozen", "views", "backgrounds", "blank", "source", "eye", "sights"):
            if name in other.__dict__:
                self.__dict__[name] = other.__dict__[name]

    def labelled(self, labels: NDArray[np.int64]) -> Trainer:
        """The same on the same pictures with other labels; what was computed is shared."""
        other = Trainer(
            self.approach,
            self.task,
            self.pictures,
            labels,
            self.compute,
            seed=self.seed,
            classes=self.classes,
        )
        _ = self.source  # else each would make its own
        other.share(self)
        return other

    def fit(
        self,
        name: str,
        *,
        train: Rows,
        validation: Rows,
        guessed: Rows = NOTHING,
        schedule_for: int | None = None,
        stop_after: int | None = None,
        temperature: float | None = None,
        weights: NDArray[np.float32] | None = None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
    ) -> Trained:
        """Train on some rows; validation rows choose the epoch and set the temperature.

        Parameters
        ----------
        name : of this fit; its seed depends on it.
        train, validation : rows to train on, and to choose by; the latter may be empty.
        guessed : further rows to train on, whose labels are guesses: neither the temperature nor
            the OOD score learns from them.
        schedule_for : the number of pictures that epochs and batches are scaled to; None: that
            of `train` and `guessed`.
        stop_after : end after this epoch of that schedule.
        temperature : None: fit it to what is unseen, such as `validation`; 1 if that is nothing.
        weights : N, of the loss of each picture in training, at any scale; None: all the same.
        on_epoch : called after every epoch.
        """
        seed = self.seed_of(name)
        torch.manual_seed(seed)  # the first weights
        network = self.approach.build(self.task)
        learned = np.concatenate([train, guessed])
        training = self.training(schedule_for or len(learned))
        weights = balanced(weights, self.labels, learned, self.balance(learned))
        fitted = self.approach.fit(
            network,
            self.source,
            torch.from_numpy(self.labels),
            train=torch.from_numpy(learned),
            validation=torch.from_numpy(validation),
            training=training,
            compute=self.compute,
            seed=seed,
            stop_after=stop_after,
            weights=None if weights is None else torch.from_numpy(weights),
            on_epoch=on_epoch,
        )
        self._fit_ood(network, train, validation)
        if self.approach.fixed:
            temperature = 1.0
        elif temperature is None:
            temperature = self._temperature(fitted, guessed)
        return Trained(self.assemble(network, temperature), temperature, fitted)

    def balance(self, rows: Rows) -> float:
        """How much pictures of rare classes count where these rows train; see `Training`."""
        return self.approach.balance(self.task, np.bincount(self.labels[rows]).tolist())

    def training(self, pictures: int) -> Training:
        """The training settings for `pictures` pictures within the budget."""
        return self.approach.schedule(pictures, self.task)

    def assemble(self, network: Network, temperature: float) -> Model:
        """The model around a trained network: preprocessing, frozen part and temperature."""
        preprocess = self.approach.preprocess(self.task)
        eye = None if isinstance(network.ood, MahalanobisOOD) else self.eye
        return Model(preprocess, self.frozen, network, temperature, eye).eval()

    def seed_of(self, name: str) -> int:
        """The seed for a fit or another random step of this name."""
        return zlib.crc32(f"{self.seed}/{self.approach.name}/{name}".encode())

    def _input_seed(self, name: str) -> int:
        """The same for a step of the inputs, which approaches may share."""
        return zlib.crc32(f"{self.seed}/{self.approach.input_name(self.task)}/{name}".encode())

    def _fit_ood(self, network: Network, train: Rows, validation: Rows) -> None:
        labels = torch.from_numpy(self.labels)
        network.blanks.learn(self.blank[train], labels[train])
        if self.sights is not None:
            network.ood = self.sights.score(train, labels, self.task.classes)
            network.near = self._near(network, train, validation)
            return
        rows = torch.from_numpy(train[:: -(-len(train) // OOD_PICTURES)])
        inputs = self._inputs(rows)
        with torch.inference_mode():
            if self.eye is not None and self.task.mode == "photo":
                features = torch.cat(list(inputs))
                network.ood = CosineOOD(self.task.classes, features.shape[1])
                network.ood.learn(features, labels[rows])
                return
            assert isinstance(network.ood, MahalanobisOOD), "`Network` has one"
            network.ood.learn(torch.cat([network.body(x) for x in inputs]), labels[rows])

    def _near(self, network: Network, train: Rows, validation: Rows) -> NearestOOD | None:
        most = NearestOOD.room(network.head.in_features)
        # The first fits of a learning curve have few pictures, however many the set has.
        many = self.task.pictures >= MANY * self.task.classes and len(train) >= MANY
        # Features that were not learned here differ between pens more than between classes: by
        # those of wavelets, 4 of 6 digits were refused that a mouse drew, all answered right.
        if self.frozen is not None or not many or not most:
            return None
        order = np.random.default_rng(self.seed).permutation(train)
        by_class = np.argsort(self.labels[order], kind="stable")
        turn = np.empty_like(order)
        turn[by_class] = np.concatenate([np.arange(n) for n in np.bincount(self.labels[order])])
        order = order[np.argsort(turn, kind="stable")]  # one of each class, another of each, …
        references, rest = np.split(order, [min(most, len(order) * 4 // 5)])
        others = (validation if len(validation) else rest)[:OOD_PICTURES]
        with torch.inference_mode():
            near, far = (
                torch.cat([network.body(x) for x in self._inputs(torch.from_numpy(rows))])
                for rows in (references, others)
            )
        return NearestOOD.learn(near, far)

    def _inputs(self, rows: torch.Tensor) -> Iterator[torch.Tensor]:
        """What the network takes of some pictures, in batches."""
        for batch in in_batches(rows, batch_of(self.approach.preprocess(self.task).size)):
            yield self.source.plain(batch.to(self.compute.device)).cpu()

    def _temperature(self, fitted: Fitted, guessed: Rows) -> float:
        if fitted.unseen_logits is None:
            return 1.0
        rows = fitted.unseen.numpy()
        known = ~np.isin(rows, guessed)
        return fit_temperature(fitted.unseen_logits.numpy()[known], self.labels[rows[known]])


def eye_of(approach: Approach, task: Task, frozen: nn.Module | None) -> nn.Module | None:
    """The eye of an approach: the frozen part itself, where that has the same features."""
    return frozen if approach.frozen_is_eye(task) else approach.eye(task)


def balanced(
    weights: NDArray[np.float32] | None, labels: NDArray[np.int64], train: Rows, power: float
) -> NDArray[np.float32] | None:
    """The weights of pictures, times their classes' shares of the training rows to -`power`."""
    if not power:
        return weights
    counts = np.maximum(np.bincount(labels[train], minlength=int(labels.max()) + 1), 1)
    by_class: NDArray[np.float32] = (counts.astype(np.float64) ** -power)[labels].astype(np.float32)
    return by_class if weights is None else weights * by_class
