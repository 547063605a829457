"""What every approach is: settings, a way to prepare pictures, and a network to build."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from bakeoff.approaches.registry import APPROACHES
from bakeoff.data.pictures import Pictures
from bakeoff.evaluation.headline import is_uneven
from bakeoff.training.augment import Augment
from bakeoff.training.eye import Eye
from bakeoff.training.fit import Budget, Fitted, Training, fit
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Mode, Preprocess
from bakeoff.training.ranges import Side
from bakeoff.training.sources import Source

__all__ = ["Approach", "Task"]


CLEANED_SIDE = 32  # pixels; nobody photographs so small
ON_OTHER_BACKGROUND = 0.5  # share of training drawings, unless a setting says otherwise


@dataclass(frozen=True)
class Task:
    """All that an approach may know of the data before it sees any.

    Attributes
    ----------
    classes : number of classes, K.
    pictures : number of training pictures.
    side : the longer side of a typical picture, in pixels.
    channels : 3 if there is colour, else 1.
    mode : "ink" or "photo".
    paper : the ink is on paper as it was scanned or photographed. Tiny pictures, and light
        strokes on black, have been cleaned by somebody before.
    budget : how much time there is where the settings leave it open.
    evens : uneven classes may count alike in training, as they do in the headline; not if accuracy
        or costs were asked for.
    """

    classes: int
    pictures: int
    side: int
    channels: int
    mode: Mode
    paper: bool = False
    budget: Budget = "standard"
    evens: bool = True

    @classmethod
    def of(
        cls,
        pictures: Pictures,
        classes: int,
        mode: Literal["auto", "ink", "photo"] = "auto",
        budget: Budget = "standard",
    ) -> Task:
        """What may be known of these pictures: counts and looks; "auto" goes by the looks."""
        looks = pictures.looks
        if mode == "auto":
            mode = "photo" if looks == "photos" else "ink"
        side = int(np.median(pictures.shapes[:, :2].max(axis=1)))
        return cls(
            classes=classes,
            pictures=len(pictures),
            side=side,
            channels=pictures.channels,
            mode=mode,
            paper=mode == "ink" and looks != "ink is high" and side > CLEANED_SIDE,
            budget=budget,
        )

    def fitted_side(self, *, least: int, most: int) -> int:
        """A side for the model's input: that of the pictures, within bounds, a multiple of 4."""
        return min(max(-(-self.side // 4) * 4, least), most)


@dataclass(frozen=True, kw_only=True)
class Approach(ABC):
    """One way to build a model: settings as fields, nothing fitted, nothing mutable.

    A subclass has a `name`, under which the registry lists it, and builds. The part that never
    learns (`frozen`) is separate from the part that does (`build`): frozen features are computed
    once for all folds.

    Attributes
    ----------
    training : how to train; see `Training`.
    side : side of the model's input in pixels; None: chosen from the pictures.
    """

    name: ClassVar[str]
    views: ClassVar[int] = 0  # augmented copies whose frozen features are kept
    uneven_balance: ClassVar[float] = 0.0  # `Training.balance` for uneven classes
    input_settings: ClassVar[tuple[str, ...]] = ("side",)  # own settings behind `sees`

    training: Training = Training()
    side: Side | None = None

    @property
    def title(self) -> str:
        """Its name for people."""
        entry = APPROACHES.get(self.name)
        return entry.title if entry else self.name

    @property
    def validates(self) -> bool:
        """Whether an inner slice chooses the epoch and the temperature."""
        return True

    @property
    def solved(self) -> bool:
        """Whether a fit is solved in closed form, and draws no random numbers of the process."""
        return False

    @property
    def fixed(self) -> bool:
        """Whether it was made elsewhere and is only scored: nothing is fitted, no temperature."""
        return False

    def most_views(self, task: Task) -> int:  # noqa: ARG002 - most do not mind how many pictures
        """How many augmented copies of each picture to keep frozen features of, at most."""
        return self.views

    def input_name(self, task: Task) -> str:  # noqa: ARG002 - shared where the key below is
        """Of its prepared pictures: the random numbers of their views depend on it."""
        return self.name

    def input_key(self, task: Task) -> tuple[object, ...]:  # noqa: ARG002
        """What its prepared pictures and their features depend on: where equal, they are shared."""
        own = (getattr(self, name) for name in self.input_settings)
        return (type(self), *own, *self._looks)

    @property
    def _looks(self) -> tuple[object, ...]:
        """The training settings that say what a training picture looks like."""
        return (self.training.augment, self.training.background, self.training.mirror)

    def preprocess(self, task: Task) -> Preprocess:
        """How raw pixels become this approach's input."""
        return Preprocess(mode=task.mode, size=self._side(task), channels=task.channels)

    def _side(self, task: Task) -> int:
        return self.side or task.fitted_side(least=16, most=64)

    def augment(self, task: Task) -> Augment:
        """How its training pictures are changed."""
        mirror = self.training.mirror
        if mirror is None:
            mirror = task.mode == "photo"
        strength = self.training.augment
        if strength is None:
            strength = 0.5 if task.budget == "quick" else 1.0
        return Augment(task.mode, strength=strength, mirror=mirror)

    def background(self, task: Task) -> float:
        """Share of its training pictures that are shown on other paper; none for photos."""
        if self.training.background is None:
            return ON_OTHER_BACKGROUND if task.paper else 0.0
        return self.training.background if task.mode == "ink" else 0.0

    def frozen(self, task: Task) -> nn.Module | None:  # noqa: ARG002 - most have none
        """The part that is never trained, N×C×S×S to N×D, or None."""
        return None

    def eye(self, task: Task) -> nn.Module | None:
        """What looks whether a picture is like the training pictures; None: the network itself.

        Drawings are looked at by a network that knows hundreds of other drawings: the features of
        a network that was trained on these classes alone have no room for what makes others
        different (benchmarks/none_of_these.txt).
        """
        return Eye(self.preprocess(task).size) if task.mode == "ink" else None

    def frozen_is_eye(self, task: Task) -> bool:  # noqa: ARG002
        """Whether the features of `frozen` are those of the eye, and need not be made again."""
        return False

    def pretrained(self, task: Task) -> str:  # noqa: ARG002 - most know nothing before
        """What it knew before it saw these pictures, in sentences: from whom, and from what data.

        They go into the results and the model card; empty where training starts from nothing.
        """
        return ""

    def balance(self, task: Task, counts: Sequence[int]) -> float:
        """How much pictures of rare classes count, for classes of these sizes."""
        if self.training.balance is not None:
            return self.training.balance
        return self.uneven_balance if task.evens and is_uneven(counts) else 0.0

    def schedule(self, pictures: int, task: Task) -> Training:
        """The training settings for a number of pictures, within the budget of the task."""
        return self.training.resolve(pictures, task.budget)

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Train what `build` made; the parameters are those of `bakeoff.training.fit.fit`."""
        return fit(network, source, labels, **how)

    def fits_itself(self, network: Network) -> bool:  # noqa: ARG002 - our loop trains most
        """Whether `fit` works without steps of an optimiser on this network."""
        return False

    def exports(self, network: Network) -> bool:  # noqa: ARG002
        """Whether an untrained network shows if ONNX can express a trained one."""
        return True

    def lessons(self, network: Network, source: Source) -> Mapping[str, Tensor]:  # noqa: ARG002
        """What the same fit needs to be solved again with more pictures; empty where it cannot be.

        Parameters
        ----------
        network : from the fit on everything.
        source : the inputs of the N pictures that it learned from.

        Returns
        -------
        ``features``: N×D float16. A new picture's features from `frozen` are made like them by
        reducing them along ``directions``, D×R float16, of each of which R ``kept`` remains.
        """
        return {}

    @abstractmethod
    def build(self, task: Task) -> Network:
        """The part that is trained: prepared pixels, or what `frozen` makes, to N×K logits."""
