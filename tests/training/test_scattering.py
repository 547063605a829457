"""The scattering transform, beside an implementation in the Fourier domain, and what it is for."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

# Not `kymatio.torch`: its third dimension needs a function that SciPy 1.17 no longer has.
from kymatio.scattering2d.frontend.torch_frontend import ScatteringTorch2D
from torch import Tensor

from bakeoff.training.scattering import Scattering


def transform(size: int = 32, channels: int = 1, **changes: object) -> Scattering:
    how = {"scales": 3, "orientations": 4, "grid": 4, "background": 0.0, "faintest": 1.0}
    return Scattering(size, channels, **how | changes)  # type: ignore[arg-type]


def drawings(size: int, channels: int = 1) -> Tensor:
    """Noise, smooth noise and a stroke, in the middle half of the picture."""
    generator = torch.Generator().manual_seed(0)
    quarter = size // 4
    x = torch.zeros(3, channels, size, size)
    middle = x[..., quarter : 3 * quarter, quarter : 3 * quarter]
    middle[:] = torch.rand(middle.shape, generator=generator)
    x[1] = torch.nn.functional.avg_pool2d(x[1], 5, 1, 2)
    x[2] = 0
    x[2, :, quarter : 3 * quarter, size // 2 - 1 : size // 2 + 1] = 1
    return x


def in_order_of_kymatio(paths: Tensor, scales: int, orientations: int) -> Tensor:
    """N×paths×H×W: the mean, all first moduli, and the second moduli by their first wavelet."""
    first, second = [], {}
    start = 1
    for scale in range(scales):
        first.append(paths[:, start : start + orientations])
        start += orientations
        for coarser in range(scale + 1, scales):
            pairs = paths[:, start : start + orientations**2]
            shape = len(paths), orientations, orientations, *paths.shape[2:]
            second[scale, coarser] = pairs.reshape(shape)
            start += orientations**2
    assert start == paths.shape[1]
    by_wavelet = [
        second[scale, coarser][:, turn]
        for scale in range(scales)
        for turn in range(orientations)
        for coarser in range(scale + 1, scales)
    ]
    return torch.cat([paths[:, :1], *first, *by_wavelet], 1)


@pytest.mark.parametrize(("size", "scales", "orientations"), [(64, 4, 6), (32, 3, 8), (32, 2, 4)])
def test_it_is_that_of_kymatio(size: int, scales: int, orientations: int) -> None:
    expected = ScatteringTorch2D(J=scales, shape=(size, size), L=orientations)(drawings(size)[:, 0])
    ours = transform(
        size,
        scales=scales,
        orientations=orientations,
        centres=torch.arange(0, size, 2**scales),  # kymatio averages around these pixels
    )
    paths = torch.expm1(ours(drawings(size))).reshape(expected.shape)
    paths = in_order_of_kymatio(paths, scales, orientations)
    assert paths.shape == expected.shape
    # At the edges kymatio continues the picture by its mirror image, and ours is empty there.
    inside, wanted = paths[:, :, 1:, 1:], expected[:, :, 1:, 1:]
    ends = [0, 1, 1 + scales * orientations, paths.shape[1]]
    for start, end in pairwise(ends):
        apart = (inside - wanted)[:, start:end].norm()
        assert apart < 0.03 * wanted[:, start:end].norm(), (start, end)
        # A modulus of other wavelets would be nothing like it.
        mixed = (inside.flip(1) - wanted)[:, start:end].norm()
        assert end - start == 1 or mixed > 0.2 * wanted[:, start:end].norm()


def test_the_number_of_features() -> None:
    assert transform(scales=4, orientations=6).width == (1 + 24 + 36 * 6) * 16
    assert transform(scales=1, orientations=2, grid=3).width == 3 * 9
    assert transform(channels=3).width == transform().width + 2 * (1 + 12) * 16
    for channels in (1, 3):
        some = transform(36, channels, grid=5)
        assert some(drawings(36, channels)).shape == (3, some.width)


@pytest.mark.parametrize("size", [1, 4, 7, 30])
def test_any_size_will_do(size: int) -> None:
    features = transform(size, scales=4)(torch.rand(2, 1, size, size))
    assert features.shape == (2, transform(size, scales=4).width)
    assert torch.isfinite(features).all()


def test_a_stroke_excites_its_own_orientation() -> None:
    x = torch.zeros(2, 1, 32, 32)
    x[0, 0, 15:17] = 1  # brightness changes down the columns
    x[1, 0, :, 15:17] = 1
    # Angles for four orientations are 45°, 0°, -45° and -90° from the downward direction.
    down, across = transform(grid=1)(x)[:, 1:5]
    assert down.argmax() == 1
    assert across.argmax() == 3
    torch.testing.assert_close(down[[1, 3]], across[[3, 1]])


def test_nothing_is_seen_in_an_empty_picture() -> None:
    assert (transform()(torch.zeros(1, 1, 32, 32)) == 0).all()
    grey = transform(background=0.5)(torch.full((1, 1, 32, 32), 0.5))
    assert (grey == 0).all()
    colour = transform(channels=3, background=0.5)(torch.full((1, 3, 32, 32), 0.5))
    assert colour.abs().max() < 1e-3


def test_colours_are_told_apart_where_grey_is_not() -> None:
    red, green = torch.zeros(2, 3, 32, 32)
    red[0, 8:24, 8:24] = 0.587
    green[1, 8:24, 8:24] = 0.299  # as bright as the red
    features = transform(channels=3)(torch.stack([red, green]))
    bright = transform().width
    torch.testing.assert_close(features[0, :bright], features[1, :bright], atol=1e-4, rtol=1e-3)
    assert (features[0, bright:] - features[1, bright:]).abs().max() > 0.05


def test_a_small_shift_changes_little() -> None:
    x = drawings(64)
    some = transform(64, scales=4, orientations=6, faintest=1e-3)
    apart = some(x) - some(x.roll(2, -1))
    assert apart.norm() < 0.25 * (some(x) - some(x.flip(-2).transpose(-1, -2))).norm()
