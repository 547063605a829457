"""Ink on other paper: label-safe, different each time, and still a picture of that ink."""

import pytest
import torch
from torch import Tensor

from bakeoff.training.background import draw_on_background
from bakeoff.training.preprocess import Preprocess

from .drawn import sheet


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def ink() -> Tensor:
    """256 times the same clean drawing, 256×1×48×48."""
    preprocess = Preprocess(mode="ink", size=48)
    one: Tensor = preprocess(torch.from_numpy(sheet(ink=30))[None])
    return one.repeat(256, 1, 1, 1)


@pytest.fixture(scope="module")
def backgrounds(ink: Tensor) -> Tensor:
    return draw_on_background(ink, seeded())


def test_results_are_ordinary_pictures(backgrounds: Tensor) -> None:
    assert backgrounds.shape == (256, 48, 48, 1)
    assert backgrounds.dtype == torch.uint8


def test_a_seed_gives_the_same_bytes(ink: Tensor, backgrounds: Tensor) -> None:
    assert torch.equal(draw_on_background(ink, seeded()), backgrounds)
    assert not torch.equal(draw_on_background(ink, seeded(1)), backgrounds)


def test_the_input_is_not_modified(ink: Tensor) -> None:
    before = ink.clone()
    draw_on_background(ink, seeded())
    assert torch.equal(ink, before)


def test_paper_is_bright_with_some_dark_ink(backgrounds: Tensor) -> None:
    bright = backgrounds.float().flatten(1) / 255
    assert bright.median(1).values.min() > 0.5
    assert ((bright.amax(1) - bright.amin(1)) > 0.1).float().mean() > 0.95


def test_light_contrast_and_place_vary(ink: Tensor, backgrounds: Tensor) -> None:
    bright = backgrounds.float().flatten(1) / 255
    contrast = bright.amax(1) - bright.amin(1)
    assert contrast.max() > 2.5 * contrast.quantile(0.05)
    assert bright.amax(1).min() < 0.9 < bright.amax(1).max()
    seen = Preprocess.ink(backgrounds.permute(0, 3, 1, 2).float() / 255).square()
    place = (torch.arange(48) + 0.5) / 48
    across = (seen.sum((1, 2)) * place).sum(1) / seen.sum((1, 2, 3))
    assert across.std() > 0.03


def test_about_half_have_ruled_lines(backgrounds: Tensor) -> None:
    # Without ink there is nothing on a sheet but its rules.
    blank = draw_on_background(torch.zeros(256, 1, 48, 48), seeded())[..., 0].float()
    rows = blank.mean(2)
    lined = (rows.amax(1) - rows.amin(1)) > 25
    assert 0.15 < lined.float().mean() < 0.6


def test_the_drawing_stays_recognisable(ink: Tensor) -> None:
    """The prepared sheet is nearer to its own drawing than to that drawing turned over."""
    preprocess = Preprocess(mode="ink", size=24)
    seen = preprocess(draw_on_background(ink, seeded()))
    own = torch.nn.functional.avg_pool2d(ink[:1], 2)

    def like(other: Tensor) -> Tensor:
        return torch.nn.functional.cosine_similarity(
            torch.nn.functional.avg_pool2d(seen, 3).flatten(1),
            torch.nn.functional.avg_pool2d(other, 3).flatten(1),
        )

    assert (like(own) > like(own.flip(2))).float().mean() > 0.7
