"""Scattering: fixed wavelet features and a ridge in closed form. An answer in seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.solved import as_fitted
from bakeoff.approaches.stem import wavelet_side
from bakeoff.training.augment import Augment
from bakeoff.training.fit import Fitted, Training
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.ranges import AtLeastZero, Count
from bakeoff.training.ridge import Nuisance, ridge
from bakeoff.training.scattering import Scattering
from bakeoff.training.sources import FeatureSource, Source

__all__ = ["Scatterer"]

MANY = 10_000  # pictures; beyond, fewer features, as the ridge takes their number cubed
TEACHABLE = 1_000  # pictures; their features take 8 MB, and a browser solves the ridge in seconds
SHARPNESS = 10.0  # logits over predictions, which are about 0 and 1
SCORES = 3.0  # weight of the predictions in an embedding, beside the averaged features


@dataclass(frozen=True, kw_only=True)
class Scatterer(Approach):
    """A scattering transform (Bruna and Mallat, 2013), then ridge regression on one-hot labels.

    The ridge needs no validation rows: what it predicts for each picture without that picture
    follows in closed form, and chooses its strength and the temperature. The log of the features
    is not standardised: that gained nothing on doodles and drawings, and of two sets of photos it
    gained 2.7 points on one and cost 2.7 on the other. So the products of all pictures are
    computed once, and every fold uses its block of them.

    Attributes
    ----------
    scales : octaves of wavelets; None: 4, or 3 for more than 10 000 pictures.
    orientations : wavelets in half a turn.
    grid : features are averaged on grid × grid places.
    nuisance : how strongly to ignore directions in which views of the same picture differ, such
        as on other paper; 0 makes no views.
    """

    name: ClassVar[str] = "scattering"
    views: ClassVar[int] = 4
    uneven_balance: ClassVar[float] = 1.0
    input_settings: ClassVar[tuple[str, ...]] = (
        "side",
        "scales",
        "orientations",
        "grid",
        "nuisance",
    )
    scales: Annotated[int, Field(ge=1, le=6)] | None = None
    orientations: Annotated[int, Field(ge=2)] = 6
    grid: Count = 4
    nuisance: AtLeastZero = 0.3

    @property
    def validates(self) -> bool:
        """The ridge chooses its strength and the temperature by leaving pictures out."""
        return False

    @property
    def solved(self) -> bool:
        return True

    def preprocess(self, task: Task) -> Preprocess:
        side = self.side
        if side is None:
            side = 32 if task.pictures > MANY else wavelet_side(task)
        return Preprocess(mode=task.mode, size=side, channels=task.channels)

    def augment(self, task: Task) -> Augment:
        """None where views are on other paper, or in a hurry."""
        plain = self.background(task) > 0 or (self.training.augment is None and self._hurry(task))
        augment = super().augment(task)
        return replace(augment, strength=0.0) if plain else augment

    def background(self, task: Task) -> float:
        """All views are on other paper, or none."""
        return float(super().background(task) > 0 and self.nuisance > 0)

    def _hurry(self, task: Task) -> bool:
        return task.budget == "quick" or self.nuisance == 0

    def frozen(self, task: Task) -> Scattering:
        return Scattering.of(
            self.preprocess(task),
            scales=self.scales or (3 if task.pictures > MANY else 4),
            orientations=self.orientations,
            grid=self.grid,
        )

    def build(self, task: Task) -> Network:
        scattering = self.frozen(task)
        body = Readout(scattering.paths, scattering.places, task.classes)
        head = nn.Linear(scattering.paths + task.classes, task.classes)
        with torch.no_grad():
            head.bias.zero_()
            head.weight.zero_()
            head.weight[:, scattering.paths :] = torch.eye(task.classes) * (SHARPNESS / SCORES)
        return Network(body, head)

    def schedule(self, pictures: int, task: Task) -> Training:
        return replace(super().schedule(pictures, task), epochs=1)

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Solve the ridge; the settings of `fit` that are about steps do not matter."""
        assert isinstance(source, FeatureSource), "scattering is frozen"
        assert isinstance(network.body, Readout), "`build` makes one"
        started = time.perf_counter()
        train, weights = how["train"], how["weights"]
        x, y = source.features[0, train].cpu(), labels[train]
        nuisance = gram = None
        if len(source.features) > 1:
            views = source.features[:, train].cpu()
            nuisance = Nuisance.of(views, self.nuisance, seed=how["seed"])
        elif len(train) <= x.shape[1] and len(labels) <= 2 * x.shape[1]:
            gram = source.gram[train][:, train].cpu()
        solved = ridge(
            x,
            y,
            network.head.out_features,
            weights=None if weights is None else weights[train],
            gram=gram,
            nuisance=nuisance,
        )
        network.body.set(solved.weights, solved.bias)
        network.body.nuisance = nuisance
        with torch.no_grad():
            fitted = SHARPNESS * network.body.scores(x[solved.rows].float())
        return as_fitted(
            network,
            fitted,
            SHARPNESS * solved.left_out,
            y[solved.rows],
            rows=train[solved.rows],
            started=started,
            on_epoch=how["on_epoch"],
        )

    def lessons(self, network: Network, source: Source) -> Mapping[str, Tensor]:
        """The features of every picture without its views, which only the nuisance needs."""
        assert isinstance(source, FeatureSource), "scattering is frozen"
        assert isinstance(network.body, Readout), "`build` makes one"
        features, nuisance = source.features[0].cpu(), network.body.nuisance
        if len(features) > TEACHABLE:
            return {}
        directions, kept = torch.zeros(features.shape[1], 0), torch.zeros(0)
        if nuisance is not None:
            directions, kept = nuisance.directions, nuisance.kept
            features = nuisance.reduce(features.float()).half()
        return {"features": features, "directions": directions.half(), "kept": kept}


class Readout(nn.Module):
    """N×D features to N×E: averages over all places, and the predictions of the ridge."""

    def __init__(self, paths: int, places: int, classes: int) -> None:
        super().__init__()
        self.places = places
        self.nuisance: Nuisance | None = None  # of the fit, unless it is loaded
        self.scores = nn.Linear(paths * places, classes)

    def forward(self, x: Tensor) -> Tensor:
        averages = x.reshape(x.shape[0], -1, self.places).mean(2)
        return torch.cat([averages, SCORES * self.scores(x)], 1)

    def set(self, weights: Tensor, bias: Tensor) -> None:
        """Use a solved ridge: D×K and K."""
        with torch.no_grad():
            self.scores.weight.copy_(weights.T)
            self.scores.bias.copy_(bias)
