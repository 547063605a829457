"""A fixed stem for networks from scratch: wavelets, where few pictures would have to teach filters.

Oyallon, Belilovsky and Zagoruyko, "Scaling the scattering transform: deep hybrid networks" (2017).
What it measured is in benchmarks/stem.txt.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.training.fit import Training
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.scattering import Scattering

__all__ = ["GRID", "Mixed", "OnWavelets", "Quarters", "wavelet_side"]

FEW = 3_000  # pictures; beyond, learned filters are as good, and features take much memory
ORIENTATIONS = 6
GRID = 8  # places along a side
ROOM = 100_000_000  # numbers in the features of all views: 200 MB
# With filters to learn: of 345 kinds of drawings, 100 each, a CNN had 36 % right instead of 31 % by
# AdamW in more epochs of larger batches; benchmarks/README.md has more sets.
MUON_PACE, MUON_BATCH = 2 / 3, 64
QUICK_PICTURES = 80_000  # seen at most, in all epochs of the quick budget
SMALL = 32  # pixels; pictures up to this side are enlarged less
SMALL_SIDE, LARGE_SIDE = 48, 64  # at which wavelets see small pictures, and all others


def wavelet_side(task: Task) -> int:
    """The side at which wavelets see the pictures of a task, in pixels."""
    return SMALL_SIDE if task.side <= SMALL else LARGE_SIDE


@dataclass(frozen=True, kw_only=True)
class OnWavelets(Approach):
    """A network from scratch whose first layers may be a scattering transform.

    Nothing in it is learned, so its features are computed once, for the pictures and a few views
    of them, and all folds and approaches on wavelets share them.
    """

    views: ClassVar[int] = 16

    @abstractmethod
    def on_wavelets(self, task: Task) -> bool:
        """Whether this task has the stem."""

    def most_views(self, task: Task) -> int:
        scattering = self.frozen(task)
        if scattering is None:
            return 0
        most = self.views // 2 if task.budget == "quick" else self.views
        return max(0, min(most, ROOM // (task.pictures * scattering.width) - 1))

    def preprocess(self, task: Task) -> Preprocess:
        if not self.on_wavelets(task):
            return super().preprocess(task)
        side = self.side or wavelet_side(task)
        return Preprocess(mode=task.mode, size=side, channels=task.channels)

    def frozen(self, task: Task) -> Scattering | None:
        if not self.on_wavelets(task):
            return None
        preprocess = self.preprocess(task)
        # With three, averages would leave gaps between the places of a larger grid.
        scales = 3 if preprocess.size <= SMALL_SIDE else 4
        return Scattering.of(preprocess, scales=scales, orientations=ORIENTATIONS, grid=GRID)

    def input_name(self, task: Task) -> str:
        return "wavelets" if self.on_wavelets(task) else super().input_name(task)

    def input_key(self, task: Task) -> tuple[object, ...]:
        key = super().input_key(task)
        return (OnWavelets, self.side, *self._looks) if self.on_wavelets(task) else key

    def schedule(self, pictures: int, task: Task) -> Training:
        """Muon, which needs fewer epochs than AdamW, unless few pictures teach filters."""
        training, own = super().schedule(pictures, task), self.training
        if own.optimizer is not None or not (self.on_wavelets(task) or task.pictures > FEW):
            return training
        training = replace(training, optimizer="muon")
        if self.on_wavelets(task):
            return training
        assert training.epochs is not None, "resolved"
        assert training.batch_size is not None, "resolved"
        epochs = own.epochs or round(training.epochs * MUON_PACE)
        if own.epochs is None and task.budget == "quick":
            epochs = max(1, min(epochs, QUICK_PICTURES // max(pictures, 1)))
        # A single epoch of more steps: of 60 000 digits, the CNN had 99.44 % right, not 99.42 %.
        largest = MUON_BATCH // 2 if epochs == 1 else MUON_BATCH
        batch_size = own.batch_size or min(training.batch_size, largest)
        return replace(training, epochs=epochs, batch_size=batch_size)


class Mixed(nn.Module):
    """N×D features of a grid to N×C×G×G: each path normalised, then all mixed at each place."""

    def __init__(self, scattering: Scattering, width: int) -> None:
        super().__init__()
        self.paths, self.grid = scattering.paths, GRID
        self.scale = nn.BatchNorm2d(scattering.paths)
        self.mix = nn.Conv2d(scattering.paths, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        places = x.reshape(x.shape[0], self.paths, self.grid, self.grid)
        mixed: Tensor = self.norm(self.mix(self.scale(places))).relu()
        return mixed


class Quarters(nn.Module):
    """N×C×S×S to N×4C: the mean of each quadrant, so that the head knows roughly where.

    With average pooling over fixed windows, since adaptive pooling does not export.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        stride = side // 2
        self.pool = nn.AvgPool2d(side - stride, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        pooled: Tensor = self.pool(x)
        return pooled.flatten(1)
