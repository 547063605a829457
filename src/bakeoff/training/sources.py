"""What `fit` draws its batches from: prepared pixels, or features computed once."""

from __future__ import annotations

from collections.abc import Iterable
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

BATCH_PIXELS = 1_000_000  # of prepared pictures at once; their activations are many times that
PART_PIXELS = 8_000_000  # of prepared pictures that wait for a frozen network
BACKGROUNDS = 32  # of other paper for each drawing, at most
FEWEST_BACKGROUNDS = 4  # where time has no room for as many, the set is large
BACKGROUND_PIXELS = 60_000_000  # prepared for sheets in all; about 30 s on two cores
FEATURES = 50_000  # of pictures and their changed copies; 128 MB at 1 280 halves each


def in_batches(rows: Tensor, size: int) -> tuple[Tensor, ...]:
    """`rows` in order, in parts of about equal length, none longer than `size`."""
    return rows.tensor_split(-(-len(rows) // size)) if len(rows) else ()


def batch_of(side: int) -> int:
    """How many pictures of `side` × `side` to run at once where no gradient is kept."""
    return min(max(BATCH_PIXELS // side**2, 8), 512)


def part_of(side: int) -> int:
    """How many pictures of `side` × `side` to prepare where only their features are kept."""
    return max(PART_PIXELS // side**2, 8)


def backgrounds_for(pictures: int, side: int, most: int = BACKGROUNDS) -> int:
    """Sheets of other paper for each of so many drawings: up to `most`, as time allows.

    Large sets get none: they have hands and pens enough of their own.
    """
    room = BACKGROUND_PIXELS // max(1, pictures * side**2)
    return min(room, most) if room >= FEWEST_BACKGROUNDS else 0


def views_for(pictures: int, most: int) -> int:
    """Changed copies of each of so many pictures whose frozen features are kept."""
    return max(0, min(most, FEATURES // pictures - 1))


class Source(Protocol):
    """Inputs of N pictures, by row."""

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs for `rows`, changed at random in label-safe ways."""

    def plain(self, rows: Tensor) -> Tensor:
        """Inputs for `rows` as they are."""


def preprocess_all(preprocess: Preprocess, pictures: Pictures, compute: Compute) -> Tensor:
    """N×C×S×S uint8: every picture prepared once and kept in 8 bits, on the device.

    Eight bits are for training alone, which changes the pictures anyway; scoring goes from
    raw pixels through `Preprocess` in full precision.
    """
    shape = (len(pictures), preprocess.channels, preprocess.size, preprocess.size)
    prepared = torch.empty(shape, dtype=torch.uint8)
    preprocess = preprocess.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(preprocess.size)):
            prepared[torch.from_numpy(rows)] = _prepared(
                preprocess, torch.from_numpy(pixels), compute
            )
    return prepared.to(compute.device)


def draw_all_on_backgrounds(
    preprocess: Preprocess, pictures: Pictures, compute: Compute, *, backgrounds: int, seed: int
) -> Tensor:
    """sheets×N×1×S×S uint8: every drawing's ink on other paper, prepared again."""
    generator = torch.Generator().manual_seed(seed)
    shape = (backgrounds, len(pictures), preprocess.channels, preprocess.size, preprocess.size)
    printed = torch.empty(shape, dtype=torch.uint8)
    # At twice the size, as `Preprocess` works: what is printed and prepared again stays sharp.
    clean = Preprocess(mode="ink", size=2 * preprocess.size).to(compute.device).eval()
    preprocess = preprocess.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(clean.size)):
            ink = clean(torch.from_numpy(pixels).to(compute.device)).cpu()
            for number in range(backgrounds):
                background = draw_on_background(ink, generator)
                printed[number, torch.from_numpy(rows)] = _prepared(preprocess, background, compute)
    return printed.to(compute.device)


def _prepared(preprocess: Preprocess, pixels: Tensor, compute: Compute) -> Tensor:
    x: Tensor = preprocess(pixels.to(compute.device))
    return (x * 255).round().to(torch.uint8).cpu()


class PixelSource:
    """Prepared pixels, augmented batch by batch.

    Parameters
    ----------
    prepared : N×C×S×S uint8.
    augment : what to do to a batch in training.
    printed : sheets×N×C×S×S uint8, the same drawings on other paper; None: there are none.
    background : share of training pictures drawn from `printed`.
    """

    def __init__(
        self,
        prepared: Tensor,
        augment: Augment,
        printed: Tensor | None = None,
        *,
        background: float = 0.5,
    ) -> None:
        self.prepared = prepared
        self.augment = augment
        self.printed = prepared[None][:0] if printed is None else printed
        self.background = background if len(self.printed) else 0.0

    @property
    def varies(self) -> bool:
        """Whether a picture looks different each time that it is drawn for training."""
        return self.augment.strength > 0 or self.background > 0

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        x = self.plain(rows)
        if self.background:
            background = torch.randint(len(self.printed), rows.shape, generator=generator)
            printed = self.printed[background.to(rows.device), rows].float() / 255
            moved = torch.rand(rows.shape, generator=generator).to(rows.device) < self.background
            x = torch.where(moved[:, None, None, None], printed, x)
        return self.augment(x, generator)

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
        parts: Iterable[PixelSource],
        *,
        pictures: int,
        views: int,
        seed: int,
        compute: Compute,
    ) -> FeatureSource:
        """Run `frozen` over every picture and over `views` changed copies, if they change.

        Parameters
        ----------
        frozen : S×S pictures to D features; never trained.
        parts : the pictures in order, some at a time, so that never all are in memory at the
            size that a pretrained network wants.
        pictures : how many those are in all, N.
        views : changed copies of each.
        """
        generator = torch.Generator().manual_seed(seed)
        frozen = compute.place(frozen).eval()
        features: Tensor | None = None
        first = 0
        with torch.no_grad(), compute.autocast():
            for pixels in parts:
                if features is None:
                    width = frozen(pixels.plain(torch.zeros(1, dtype=torch.long))).shape[1]
                    shape = (1 + views * pixels.varies, pictures, width)
                    features = torch.empty(shape, dtype=torch.half, device=compute.device)
                count, side = pixels.prepared.shape[0], pixels.prepared.shape[-1]
                for rows in in_batches(torch.arange(count, device=compute.device), batch_of(side)):
                    features[0, first + rows] = frozen(pixels.plain(rows)).half()
                    for view in features[1:]:
                        view[first + rows] = frozen(pixels.train(rows, generator)).half()
                first += count
        assert features is not None, "there are no pictures"
        return cls(features)

    def train(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        view = torch.randint(len(self.features), rows.shape, generator=generator)
        return self.features[view.to(rows.device), rows].float()

    def plain(self, rows: Tensor) -> Tensor:
        return self.features[0, rows].float()
