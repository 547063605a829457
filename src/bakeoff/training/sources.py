"""What `fit` draws its batches from: prepared pixels, or features computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures
from bakeoff.training.augment import Augment
from bakeoff.training.compute import Compute
from bakeoff.training.prepare import Prepare

__all__ = ["FeatureSource", "PixelSource", "Source", "batch_of", "in_batches", "prepare_all"]

BATCH_PIXELS = 1_000_000  # of prepared pictures at once; their activations are many times that
VIEW_FLOATS = 64_000_000  # augmented views stop where they would cost more than 128 MB


def in_batches(rows: Tensor, size: int) -> tuple[Tensor, ...]:
    """`rows` in order, in parts of about equal length, none longer than `size`."""
    return rows.tensor_split(-(-len(rows) // size)) if len(rows) else ()


def batch_of(side: int) -> int:
    """How many pictures of `side` × `side` to run at once where no gradient is kept."""
    return min(max(BATCH_PIXELS // side**2, 8), 512)


class Source(Protocol):
    """Inputs of N pictures, by row."""

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs for `rows`, changed at random in label-safe ways."""

    def plain(self, rows: Tensor) -> Tensor:
        """Inputs for `rows` as they are."""


def prepare_all(prepare: Prepare, pictures: Pictures, compute: Compute) -> Tensor:
    """N×C×S×S uint8: every picture prepared once and kept in 8 bits, on the device.

    Eight bits are for training alone, which changes the pictures anyway; scoring goes from
    raw pixels through `Prepare` in full precision.
    """
    shape = (len(pictures), prepare.channels, prepare.size, prepare.size)
    prepared = torch.empty(shape, dtype=torch.uint8)
    prepare = prepare.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(prepare.size)):
            x = prepare(torch.from_numpy(pixels).to(compute.device))
            prepared[torch.from_numpy(rows)] = (x * 255).round().to(torch.uint8).cpu()
    return prepared.to(compute.device)


class PixelSource:
    """Prepared pixels, augmented batch by batch.

    Parameters
    ----------
    prepared : N×C×S×S uint8.
    augment : what to do to a batch in training.
    """

    def __init__(self, prepared: Tensor, augment: Augment) -> None:
        self.prepared = prepared
        self.augment = augment

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        return self.augment(self.plain(rows), generator)

    def plain(self, rows: Tensor) -> Tensor:
        return self.prepared[rows].float() / 255


class FeatureSource:
    """What a frozen network says of each picture, computed once and shared by all folds.

    Parameters
    ----------
    features : V×N×D; view 0 is the picture as it is, the others were augmented.
    """

    def __init__(self, features: Tensor) -> None:
        self.features = features

    @classmethod
    def compute(
        cls,
        frozen: nn.Module,
        prepared: Tensor,
        augment: Augment,
        *,
        views: int,
        seed: int,
        compute: Compute,
    ) -> FeatureSource:
        """Run `frozen` over every picture and over `views` augmented copies of it.

        Parameters
        ----------
        frozen : S×S pictures to D features; never trained.
        prepared : N×C×S×S uint8.
        views : augmented copies, fewer where they would not fit in memory.
        """
        generator = torch.Generator().manual_seed(seed)
        pixels = PixelSource(prepared, augment)
        frozen = compute.place(frozen).eval()
        rows = in_batches(
            torch.arange(len(prepared), device=prepared.device), batch_of(prepared.shape[-1])
        )

        def run(batch: Callable[[Tensor], Tensor]) -> Tensor:
            with torch.no_grad(), compute.autocast():
                parts = [frozen(batch(some)).half() for some in rows]
            return torch.cat(parts)

        plain = run(pixels.plain)
        room = max(0, VIEW_FLOATS // plain.numel() - 1) if augment.strength > 0 else 0
        changed = [run(lambda some: pixels.train(some, generator)) for _ in range(min(views, room))]
        return cls(torch.stack([plain, *changed]))

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        view = torch.randint(len(self.features), rows.shape, generator=generator)
        return self.features[view.to(rows.device), rows].float()

    def plain(self, rows: Tensor) -> Tensor:
        return self.features[0, rows].float()
