"""Ink printed again on other sheets: what a drawing looks like by another hand's tools."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.training.augment import thickest

__all__ = ["draw_on_background"]

SMALLEST, LARGEST = 0.45, 1.3  # side of the drawing's square over that of the sheet
PALEST = 0.2  # depth of the faintest ink
DARKEST = 0.35  # share of the light that a shadow may take
GRAIN = 0.025  # deviation of the coarsest paper, in brightness
NARROWEST, WIDEST = 1 / 14, 1 / 3  # between two rules, over the side of the sheet
LEAST_GAP = 8  # pixels between two rules
FINEST, BROADEST = 1 / 120, 1 / 40  # a rule's width, over the side of the sheet


def draw_on_background(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Clean ink on plain, ruled and squared sheets, worn, faint and unevenly lit.

    A model that learned from one pen and one paper knows that pen and that paper. The sheets
    go through `Preprocess` like any picture, so that the model also learns what is left of them
    when the paper has been divided out, and where the ink's box then falls.

    Parameters
    ----------
    ink : N×1×W×W in 0…1, as `Preprocess` makes it.
    generator : on the CPU.

    Returns
    -------
    N×W×W×1 uint8, dark on bright.
    """
    chance = _Chance(len(ink), ink.shape[-1], generator)
    depth = torch.exp(chance.between(math.log(PALEST), 0))
    drawn = _worn(_pressed(_placed(ink, chance), chance), chance) * depth
    rules = _rules(chance) * depth * chance.between(0.15, 1)
    background = 1 - torch.maximum(drawn, torch.where(chance.of(0.5), rules, 0))
    background = background * (
        1 - chance.between(0, DARKEST) * torch.sigmoid(1.5 * chance.field(2))
    )
    soft = F.avg_pool2d(background, 3, stride=1, padding=1, count_include_pad=False)
    background = background + chance.between(0, 1) * (soft - background)
    background = background + chance.between(0, GRAIN) * chance.field(ink.shape[-1])
    return (background.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)


class _Chance:
    """What is drawn by lot for each of N sheets of side W, in a shape that goes with N×1×W×W."""

    def __init__(self, count: int, side: int, generator: torch.Generator) -> None:
        self.count, self.side, self.generator = count, side, generator

    def between(self, low: float, high: float) -> Tensor:
        draw = torch.rand(self.count, 1, 1, 1, generator=self.generator)
        return low + draw * (high - low)

    def of(self, share: float) -> Tensor:
        return self.between(0, 1) < share

    def field(self, places: int, channels: int = 1) -> Tensor:
        """Normal numbers on `places` × `places`, joined smoothly."""
        shape = (self.count, channels, places, places)
        field = torch.randn(shape, generator=self.generator)
        if places == self.side:
            return field
        return F.interpolate(field, size=(self.side, self.side), mode="bicubic")


def _placed(ink: Tensor, chance: _Chance) -> Tensor:
    """Anywhere on the sheet, smaller or larger, turned, sheared and bent."""
    turn = chance.between(-1, 1) * math.radians(15)
    shear = chance.between(-0.15, 0.15)
    share = torch.exp(chance.between(math.log(SMALLEST), math.log(LARGEST)))
    wide = torch.exp(chance.between(-0.15, 0.15)) / share
    high = torch.exp(chance.between(-0.15, 0.15)) / share
    room = (1 - 0.8 * share).clamp(min=0)  # most of the ink stays on the sheet
    right, down = room * chance.between(-1, 1), room * chance.between(-1, 1)
    cos, sin = torch.cos(turn), torch.sin(turn)
    a, b = wide * cos, wide * (shear * cos - sin)
    c, d = high * sin, high * (shear * sin + cos)
    theta = torch.cat([a, b, -a * right - b * down, c, d, -c * right - d * down], 1)
    grid = F.affine_grid(theta.view(-1, 2, 3), list(ink.shape), align_corners=False)
    grid = grid + 0.04 * chance.field(4, channels=2).permute(0, 2, 3, 1)
    return F.grid_sample(ink, grid, align_corners=False)


def _pressed(ink: Tensor, chance: _Chance) -> Tensor:
    """Thicker or thinner strokes, twice over so that a pixel either way is in reach."""
    for _ in range(2):
        amount = chance.between(-1, 1)
        thick, thin = thickest(ink), -thickest(-ink)
        ink = (
            ink + amount.clamp(min=0) * (thick - ink) + 0.6 * (-amount).clamp(min=0) * (thin - ink)
        )
    return ink


def _worn(ink: Tensor, chance: _Chance) -> Tensor:
    """Fading in patches, as a tired pencil; mottled, as a stamp."""
    fading = torch.sigmoid(1.5 + 1.5 * chance.field(5))
    mottling = torch.sigmoid(1.5 + 2 * chance.field(max(2, chance.side // 4)))
    ink = ink * torch.where(chance.of(0.5), fading, 1)
    return ink * torch.where(chance.of(0.3), mottling, 1)


def _rules(chance: _Chance) -> Tensor:
    """Lines across the sheet, half of the time squares, nearly level, often worn."""
    side = chance.side
    place = (torch.arange(side) + 0.5) / side
    down, across = place[:, None], place[None, :]
    turn = chance.between(-0.05, 0.05)
    narrowest = min(max(NARROWEST, LEAST_GAP / side), WIDEST)
    spacing = torch.exp(chance.between(math.log(narrowest), math.log(WIDEST)))
    half = chance.between(FINEST, BROADEST) * side / 2

    def lines(along: Tensor) -> Tensor:
        turns = along / spacing + chance.between(0, 1)
        away = (turns - turns.round()).abs() * spacing * side
        return (half + 0.5 - away).clamp(0, 1)

    level = lines(down * torch.cos(turn) + across * torch.sin(turn))
    upright = lines(across * torch.cos(turn) - down * torch.sin(turn))
    rules = torch.where(chance.of(0.5), torch.maximum(level, upright), level)
    return rules * torch.where(chance.of(0.5), torch.sigmoid(1 + 2 * chance.field(4)), 1)
