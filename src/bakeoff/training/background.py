"""Background augmentation: the same drawing on other paper, with another pen, in other light."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.training.augment import enlarged, sampling_grid, thickest

__all__ = ["draw_on_background"]

SMALLEST, LARGEST = 0.45, 1.3  # side of the drawing's square over the side of the sheet
FAINTEST = 0.2  # contrast of the faintest ink
DARKEST = 0.35  # share of the light that the deepest shadow takes
GRAIN = 0.025  # standard deviation of the roughest paper, in brightness
NARROWEST, WIDEST = 1 / 14, 1 / 3  # between two ruled lines, over the side of the sheet
LEAST_GAP = 8  # pixels between two ruled lines
FINEST, BROADEST = 1 / 120, 1 / 40  # width of a ruled line, over the side of the sheet


def draw_on_background(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Draw clean ink on plain, ruled and squared paper: worn, faint and unevenly lit.

    A model trained on one pen and one paper learns that pen and that paper. The results go
    through `Preprocess` like any picture, so that the model also learns what remains of a
    background once the paper is divided out, and where the ink's bounding box then falls.

    Parameters
    ----------
    ink : N×1×W×W in 0…1, as `Preprocess` returns it.
    generator : on the CPU.

    Returns
    -------
    N×W×W×1 uint8, dark ink on bright paper.
    """
    random = _Random(len(ink), ink.shape[-1], generator)
    depth = torch.exp(random.between(math.log(FAINTEST), 0))
    drawn = _worn(_pressed(_placed(ink, random), random), random) * depth
    rules = _rules(random) * depth * random.between(0.15, 1)
    background = 1 - torch.maximum(drawn, torch.where(random.happens(0.5), rules, 0))
    background = background * (
        1 - random.between(0, DARKEST) * torch.sigmoid(1.5 * random.field(2))
    )
    soft = F.avg_pool2d(background, 3, stride=1, padding=1, count_include_pad=False)
    background = background + random.between(0, 1) * (soft - background)
    background = background + random.between(0, GRAIN) * random.field(ink.shape[-1])
    return (background.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


class _Random:
    """Random numbers for each of N pictures of side W, in shapes that broadcast to N×1×W×W."""

    def __init__(self, count: int, side: int, generator: torch.Generator) -> None:
        self.count, self.side, self.generator = count, side, generator

    def between(self, low: float, high: float) -> Tensor:
        """One number a picture, uniform in low…high."""
        draw = torch.rand(self.count, 1, 1, 1, generator=self.generator)
        return low + draw * (high - low)

    def happens(self, probability: float) -> Tensor:
        """One truth value a picture."""
        return self.between(0, 1) < probability

    def normal(self, places: int, channels: int = 1) -> Tensor:
        """Normal numbers on `places` × `places`."""
        return torch.randn((self.count, channels, places, places), generator=self.generator)

    def field(self, places: int, channels: int = 1) -> Tensor:
        """A smooth field: normal numbers on `places` × `places`, interpolated."""
        field = self.normal(places, channels)
        if places == self.side:
            return field
        return enlarged(field, self.side)


def _placed(ink: Tensor, random: _Random) -> Tensor:
    """Place the ink anywhere on the sheet: scaled, rotated, sheared and bent."""
    turn = random.between(-1, 1) * math.radians(15)
    shear = random.between(-0.15, 0.15)
    share = torch.exp(random.between(math.log(SMALLEST), math.log(LARGEST)))
    wide = torch.exp(random.between(-0.15, 0.15)) / share
    high = torch.exp(random.between(-0.15, 0.15)) / share
    room = (1 - 0.8 * share).clamp(min=0)  # so that most of the ink stays on the sheet
    right, down = room * random.between(-1, 1), room * random.between(-1, 1)
    cos, sin = torch.cos(turn), torch.sin(turn)
    a, b = wide * cos, wide * (shear * cos - sin)
    c, d = high * sin, high * (shear * sin + cos)
    theta = torch.cat([a, b, -a * right - b * down, c, d, -c * right - d * down], 1)
    bend = 0.04 * random.normal(4, channels=2)
    grid = sampling_grid(theta.view(-1, 2, 3), bend, ink.shape[-1])
    return F.grid_sample(ink, grid, align_corners=False)


def _pressed(ink: Tensor, random: _Random) -> Tensor:
    """Make strokes thicker or thinner, twice, so that they change by up to two pixels."""
    for _ in range(2):
        amount = random.between(-1, 1)
        thick, thin = thickest(ink), -thickest(-ink)
        ink = (
            ink + amount.clamp(min=0) * (thick - ink) + 0.6 * (-amount).clamp(min=0) * (thin - ink)
        )
    return ink


def _worn(ink: Tensor, random: _Random) -> Tensor:
    """Fade ink in patches, like a worn pencil, and mottle it, like a stamp."""
    fading = torch.sigmoid(1.5 + 1.5 * random.field(5))
    mottling = torch.sigmoid(1.5 + 2 * random.field(max(2, random.side // 4)))
    ink = ink * torch.where(random.happens(0.5), fading, 1)
    return ink * torch.where(random.happens(0.3), mottling, 1)


def _rules(random: _Random) -> Tensor:
    """Ruled lines, on half of the sheets squares, nearly horizontal and often worn."""
    side = random.side
    place = (torch.arange(side) + 0.5) / side
    down, across = place[:, None], place[None, :]
    turn = random.between(-0.05, 0.05)
    narrowest = min(max(NARROWEST, LEAST_GAP / side), WIDEST)
    spacing = torch.exp(random.between(math.log(narrowest), math.log(WIDEST)))
    half = random.between(FINEST, BROADEST) * side / 2

    def lines(along: Tensor) -> Tensor:
        turns = along / spacing + random.between(0, 1)
        away = (turns - turns.round()).abs() * spacing * side
        return (half + 0.5 - away).clamp(0, 1)

    level = lines(down * torch.cos(turn) + across * torch.sin(turn))
    upright = lines(across * torch.cos(turn) - down * torch.sin(turn))
    rules = torch.where(random.happens(0.5), torch.maximum(level, upright), level)
    return rules * torch.where(random.happens(0.5), torch.sigmoid(1 + 2 * random.field(4)), 1)
