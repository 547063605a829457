"""Sources of training batches: preprocessed pixels, or features computed once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures
from bakeoff.training.augment import Augment
from bakeoff.training.background import draw_on_background
from bakeoff.training.compute import Compute
from bakeoff.training.preprocess import Preprocess

__all__ = [
    "BACKGROUNDS",
    "LOOK_PIXELS",
    "FeatureSource",
    "PixelSource",
    "Source",
    "backgrounds_for",
    "batch_of",
    "draw_all_on_backgrounds",
    "in_batches",
    "part_of",
    "preprocess_all",
    "views_for",
]

BATCH_PIXELS = 1_000_000  # in a batch; the activations take many times that
# Of pictures that a network looks at without learning. Four photos at a time take 45 ms each and
# 30 MB, fourteen 70 ms and 250 MB: their activations leave the processor's cache.
LOOK_PIXELS = 270_000
PART_PIXELS = 8_000_000  # of preprocessed pictures that wait for a frozen network
BACKGROUNDS = 32  # for each drawing, at most
FEWEST_BACKGROUNDS = 4  # a set too large for as many gets none
BACKGROUND_PIXELS = 60_000_000  # in all; about 30 s on two cores
FEATURES = 50_000  # of pictures and their augmented views; 128 MB at 1 280 float16 each


def in_batches(rows: Tensor, size: int) -> tuple[Tensor, ...]:
    """`rows`, or what else has N entries, in parts of about equal length, at most `size` each."""
    return rows.tensor_split(-(-len(rows) // size)) if len(rows) else ()


def batch_of(side: int, pixels: int = BATCH_PIXELS) -> int:
    """How many pictures of `side` × `side` to compute at once without gradients."""
    return min(max(pixels // side**2, 4), 512)


def part_of(side: int) -> int:
    """How many pictures of `side` × `side` to preprocess at once if only features are kept."""
    return max(PART_PIXELS // side**2, 8)


def backgrounds_for(pictures: int, side: int, most: int = BACKGROUNDS) -> int:
    """How many backgrounds to draw each picture on: up to `most`, as time allows.

    Large sets get none: they hold many hands and pens already.
    """
    room = BACKGROUND_PIXELS // max(1, pictures * side**2)
    return min(room, most) if room >= FEWEST_BACKGROUNDS else 0


def views_for(pictures: int, most: int) -> int:
    """How many augmented views of each picture to keep frozen features of."""
    return max(0, min(most, FEATURES // pictures - 1))


class Source(Protocol):
    """The inputs of N pictures, by row."""

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs for `rows`, augmented at random."""

    def plain(self, rows: Tensor) -> Tensor:
        """Inputs for `rows` without augmentation."""


def preprocess_all(
    preprocess: Preprocess, pictures: Pictures, compute: Compute, *, blank: Tensor | None = None
) -> Tensor:
    """Preprocess every picture once, to N×C×S×S uint8 on the device.

    `blank` takes N truth values, if it is given: whether nothing is drawn.

    Eight bits suffice for training, which augments the pictures anyway; scoring runs `Preprocess`
    on raw pixels in full precision.
    """
    shape = (len(pictures), preprocess.channels, preprocess.size, preprocess.size)
    preprocessed = torch.empty(shape, dtype=torch.uint8)
    preprocess = preprocess.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(preprocess.size)):
            x, nothing = preprocess.with_blank(torch.from_numpy(pixels).to(compute.device))
            preprocessed[torch.from_numpy(rows)] = _in_8_bits(x)
            if blank is not None:
                blank[torch.from_numpy(rows)] = nothing.cpu()
    return preprocessed.to(compute.device)


def draw_all_on_backgrounds(
    preprocess: Preprocess, pictures: Pictures, compute: Compute, *, backgrounds: int, seed: int
) -> Tensor:
    """Draw every picture on other backgrounds and preprocess it: B×N×1×S×S uint8."""
    generator = torch.Generator().manual_seed(seed)
    shape = (backgrounds, len(pictures), preprocess.channels, preprocess.size, preprocess.size)
    drawn = torch.empty(shape, dtype=torch.uint8)
    # At twice the size, as inside `Preprocess`, so that preprocessing twice loses no sharpness.
    clean = Preprocess(mode="ink", size=2 * preprocess.size).to(compute.device).eval()
    preprocess = preprocess.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(clean.size)):
            ink = clean(torch.from_numpy(pixels).to(compute.device)).cpu()
            for number in range(backgrounds):
                background = draw_on_background(ink, generator)
                x = preprocess(background.to(compute.device))
                drawn[number, torch.from_numpy(rows)] = _in_8_bits(x)
    return drawn.to(compute.device)


def _in_8_bits(x: Tensor) -> Tensor:
    return (x * 255).round().to(torch.uint8).cpu()


class PixelSource:
    """Preprocessed pixels, augmented batch by batch.

    Parameters
    ----------
    preprocessed : N×C×S×S uint8.
    augment : the augmentation of a training batch.
    on_backgrounds : B×N×C×S×S uint8, the same drawings on other backgrounds; None for no such
        augmentation.
    background : probability that a training picture is one of `on_backgrounds`.
    """

    def __init__(
        self,
        preprocessed: Tensor,
        augment: Augment,
        on_backgrounds: Tensor | None = None,
        *,
        background: float = 0.5,
    ) -> None:
        self.preprocessed = preprocessed
        self.augment = augment
        self.on_backgrounds = preprocessed[None][:0] if on_backgrounds is None else on_backgrounds
        self.background = background if len(self.on_backgrounds) else 0.0

    @property
    def varies(self) -> bool:
        """Whether a picture looks different in every epoch."""
        return self.augment.strength > 0 or self.background > 0

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        if not self.background:
            return self.augment(self.plain(rows), generator)
        background = torch.randint(len(self.on_backgrounds), rows.shape, generator=generator)
        return self._drawn(background.to(rows.device), rows, generator)

    def view(self, number: int, rows: Tensor, generator: torch.Generator) -> Tensor:
        """As `train`, for one of a few views to keep: each has another background."""
        if not self.background:
            return self.augment(self.plain(rows), generator)
        background = torch.full_like(rows, number % len(self.on_backgrounds))
        return self._drawn(background, rows, generator)

    def _drawn(self, background: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
        drawn = self.on_backgrounds[background, rows].float() / 255
        replaced = torch.rand(rows.shape, generator=generator).to(rows.device) < self.background
        x = torch.where(replaced[:, None, None, None], drawn, self.plain(rows))
        return self.augment(x, generator)

    def plain(self, rows: Tensor) -> Tensor:
        return self.preprocessed[rows].float() / 255


class FeatureSource:
    """The features of a frozen network, computed once and shared by all folds.

    Parameters
    ----------
    features : V×N×D; view 0 is the picture as it is, the others are augmented.
    """

    def __init__(self, features: Tensor) -> None:
        self.features = features

    @classmethod
    def compute(
        cls,
        frozen: nn.Module,
        parts: Iterable[PixelSource],
        *,
        pictures: int,
        views: int,
        seed: int,
        compute: Compute,
    ) -> FeatureSource:
        """Run `frozen` on every picture and, if there is augmentation, on `views` augmented views.

        Parameters
        ----------
        frozen : S×S pictures to D features; never trained. In float32 if its attribute `exact`
            is true.
        parts : the pictures in order, in parts, so that memory never holds all of them at the
            input size of a pretrained network.
        pictures : how many there are in all, N.
        views : augmented views of each.
        """
        generator = torch.Generator().manual_seed(seed)
        frozen = compute.place(frozen).eval()
        features: Tensor | None = None
        first = 0
        exact = getattr(frozen, "exact", False)
        with torch.no_grad(), nullcontext() if exact else compute.autocast():
            for pixels in parts:
                if features is None:
                    width = frozen(pixels.plain(torch.zeros(1, dtype=torch.long))).shape[1]
                    shape = (1 + views * pixels.varies, pictures, width)
                    features = torch.empty(shape, dtype=torch.half, device=compute.device)
                count, side = pixels.preprocessed.shape[0], pixels.preprocessed.shape[-1]
                for rows in in_batches(torch.arange(count, device=compute.device), batch_of(side)):
                    features[0, first + rows] = _looked_at(frozen, pixels.plain(rows))
                    for number, view in enumerate(features[1:]):
                        x = pixels.view(number, rows, generator)
                        view[first + rows] = _looked_at(frozen, x)
                first += count
        assert features is not None, "there are no pictures"
        return cls(features)

    @cached_property
    def gram(self) -> Tensor:
        """The products of all pictures' features without augmentation, N×N, made once."""
        x = self.features[0].float()
        return x @ x.T

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        view = torch.randint(len(self.features), rows.shape, generator=generator)
        return self.features[view.to(rows.device), rows].float()

    def plain(self, rows: Tensor) -> Tensor:
        return self.features[0, rows].float()


def _looked_at(frozen: nn.Module, x: Tensor) -> Tensor:
    """The features of N×C×S×S pictures in half precision, a few pictures at a time."""
    parts = in_batches(x, batch_of(x.shape[-1], LOOK_PIXELS))
    return torch.cat([frozen(part) for part in parts]).half()  # autocast joins no halves
