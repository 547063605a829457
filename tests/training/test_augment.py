import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.training.augment import Augment, sampling_grid, thickest
from bakeoff.training.preprocess import Mode, Preprocess

from .drawn import sheet

MODES: list[Mode] = ["ink", "photo"]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fours(mode: Mode, count: int = 16) -> Tensor:
    """N×C×24×24 copies of one drawing without symmetry."""
    channels = 1 if mode == "ink" else 3
    preprocess = Preprocess(mode=mode, size=24, channels=channels)
    one: Tensor = preprocess(torch.from_numpy(sheet(ink=30))[None])
    return one.repeat(count, 1, 1, 1)


@pytest.mark.parametrize("mode", MODES)
def test_strength_0_changes_nothing(mode: Mode) -> None:
    x = fours(mode)
    assert torch.equal(Augment(mode, strength=0, mirror=True)(x, seeded()), x)


@pytest.mark.parametrize("mode", MODES)
def test_a_seed_gives_the_same_bytes(mode: Mode) -> None:
    x, augment = fours(mode), Augment(mode, mirror=True)
    assert torch.equal(augment(x, seeded(1)), augment(x, seeded(1)))
    assert not torch.equal(augment(x, seeded(1)), augment(x, seeded(2)))


@pytest.mark.parametrize("mode", MODES)
def test_the_input_is_not_modified(mode: Mode) -> None:
    x = fours(mode)
    before = x.clone()
    Augment(mode, mirror=True)(x, seeded())
    assert torch.equal(x, before)


@pytest.mark.parametrize("mode", MODES)
def test_each_picture_of_a_batch_is_changed_differently(mode: Mode) -> None:
    changed = Augment(mode)(fours(mode, 8), seeded()).flatten(1)
    apart = torch.cdist(changed, changed) + torch.eye(8) * 1e9
    assert apart.min() > 0.1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strength", [0.3, 1.0, 3.0])
def test_values_stay_between_0_and_1(mode: Mode, strength: float) -> None:
    noise = torch.rand(32, 1 if mode == "ink" else 3, 20, 20, generator=seeded())
    for x in (noise, fours(mode)):
        changed = Augment(mode, strength=strength)(x, seeded(3))
        assert changed.shape == x.shape
        assert changed.dtype == torch.float32
        assert changed.min() >= -1e-6
        assert changed.max() <= 1 + 1e-6


@pytest.mark.parametrize("mode", MODES)
def test_mirror_flips_half_of_the_pictures(mode: Mode) -> None:
    x = fours(mode, 64)

    def mirrored(mirror: bool) -> Tensor:
        changed = Augment(mode, strength=0.01, mirror=mirror)(x, seeded())
        as_it_was = (changed - x).abs().mean((1, 2, 3))
        flipped = (changed - x.flip(-1)).abs().mean((1, 2, 3))
        return flipped < as_it_was

    assert not mirrored(False).any()
    assert 16 < int(mirrored(True).sum()) < 48


@pytest.mark.parametrize("mode", MODES)
def test_more_strength_changes_more(mode: Mode) -> None:
    x = fours(mode, 64)
    weak, strong = (
        float((Augment(mode, strength=strength)(x, seeded()) - x).abs().mean())
        for strength in (0.2, 1.0)
    )
    assert 0 < weak < strong


def test_ink_gets_thicker_and_thinner_but_no_stroke_vanishes() -> None:
    x = fours("ink", 64)
    changed = Augment("ink", strength=1)(x, seeded())
    ratio = changed.sum((1, 2, 3)) / x.sum((1, 2, 3))
    assert ratio.min() < 0.85
    assert ratio.max() > 1.15
    thin = torch.zeros(64, 1, 24, 24)
    thin[..., 12, 4:20] = 1  # one pixel wide
    assert (Augment("ink", strength=1)(thin, seeded()).amax((1, 2, 3)) > 0.3).all()


def test_a_photo_is_lit_differently_and_ink_is_not() -> None:
    flat = torch.full((32, 3, 8, 8), 0.5)
    means = Augment("photo")(flat, seeded()).mean((1, 2, 3))
    assert means.std() > 0.02
    paper = torch.zeros(8, 1, 8, 8)
    assert torch.equal(Augment("ink")(paper, seeded()), paper)


def test_a_colour_photo_loses_and_gains_colour() -> None:
    red = torch.zeros(32, 3, 8, 8)
    red[:, 0] = 0.6
    changed = Augment("photo")(red, seeded())
    colour = (changed[:, 0] - changed[:, 1]).mean((1, 2))
    assert colour.min() < 0.55
    assert colour.max() > 0.65


@pytest.mark.parametrize("shape", [(2, 3, 9, 13), (1, 1, 1, 1), (5, 1, 28, 28)])
def test_thickest_equals_max_pooling(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(thickest(x), F.max_pool2d(x, 3, stride=1, padding=1))


@pytest.mark.parametrize("side", [8, 28, 64])
def test_the_grid_equals_that_of_torch(side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    theta = torch.randn(5, 2, 3, generator=generator)
    bend = torch.randn(5, 2, 4, 4, generator=generator)
    lines = F.affine_grid(theta, [5, 1, side, side], align_corners=False)
    bends = F.interpolate(bend, size=(side, side), mode="bicubic", align_corners=False)
    wanted = lines + bends.permute(0, 2, 3, 1)
    torch.testing.assert_close(sampling_grid(theta, bend, side), wanted, atol=1e-5, rtol=0)
