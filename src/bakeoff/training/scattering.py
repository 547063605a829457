"""The scattering transform: fixed wavelets and moduli, from pictures to features.

Bruna and Mallat, "Invariant scattering convolution networks" (2013): how strong is each orientation
at each scale, and how does that strength itself vary, averaged over places of a coarse grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.training.preprocess import Preprocess

__all__ = ["Scattering"]

WIDTH, FREQUENCY = 0.8, 0.75 * math.pi  # of the finest wavelet: pixels, and radians a pixel
REACH = 2.5  # standard deviations after which a wavelet is cut off
TAPS = 8  # on each side, of the filter before every second sample is dropped
# Blue-yellow and red-green contrast, from RGB; ITU-R BT.601, as in JPEG.
OPPONENT = ((0.299, 0.587, 0.114), (-0.169, -0.331, 0.5), (0.5, -0.419, -0.081))


class Scattering(nn.Module):
    """N×C×S×S in 0…1 to N×D: paths × grid × grid averages, on a logarithmic scale.

    A path is a mean, a modulus |x * ψ|, or a modulus of a modulus ||x * ψ| * ψ'| with a coarser
    wavelet ψ'. Instead of wavelets as large as the picture, all scales but the finest have the
    same small wavelets, on pictures halved as often as needed: with 64 pixels and four scales that
    differs from the exact convolutions by 0.2 %, in a quarter of their time. Everything is a
    convolution or a product with a small matrix, and exports to ONNX.

    Colours add two opponent channels without second moduli.

    Parameters
    ----------
    size : side of the pictures, S.
    channels : 1, or 3 for RGB.
    scales : octaves, J; orientations : wavelets in half a turn, L; grid : places along a side.
    background : brightness of an empty picture; beyond its edges a picture is empty.
    faintest : modulus below which the scale is linear rather than logarithmic.
    centres : where to average, in pixels, instead of at the centres of a grid.
    """

    exact = True  # bf16 has three digits, and the moduli span four orders of magnitude

    def __init__(
        self,
        size: int,
        channels: int,
        *,
        scales: int,
        orientations: int,
        grid: int,
        background: float,
        faintest: float,
        centres: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.channels, self.scales, self.orientations = channels, scales, orientations
        self.background, self.faintest = background, faintest
        self.register_buffer("finest", _wavelets(0, orientations), persistent=False)
        self.register_buffer("coarser", _wavelets(1, orientations), persistent=False)
        self.register_buffer("opponent", torch.tensor(OPPONENT)[..., None, None], persistent=False)
        if centres is None:
            centres = (torch.arange(grid) + 0.5) * (size / grid) - 0.5
        self.places = len(centres) ** 2
        for scale in range(scales):
            near = _windows(centres, size, scale, WIDTH * 2 ** (scales - 1))
            self.register_buffer(f"near_{scale}", near, persistent=False)
            halve = _halving(near.shape[1])
            self.register_buffer(f"halve_{scale}", halve, persistent=False)

    @classmethod
    def of(cls, preprocess: Preprocess, *, scales: int, orientations: int, grid: int) -> Scattering:
        """For prepared pictures: ink is bright on nothing, photos are around grey."""
        ink = preprocess.mode == "ink"
        return cls(
            preprocess.size,
            preprocess.channels,
            scales=scales,
            orientations=orientations,
            grid=grid,
            background=0.0 if ink else 0.5,
            faintest=1e-3 if ink else 1e-2,
        )

    @property
    def paths(self) -> int:
        """How many numbers there are for each place."""
        wavelets = self.scales * self.orientations
        pairs = self.orientations**2 * self.scales * (self.scales - 1) // 2
        return 1 + wavelets + pairs + (2 * (1 + wavelets) if self.channels == 3 else 0)

    @property
    def width(self) -> int:
        """D, the number of features."""
        return self.paths * self.places

    def forward(self, x: Tensor) -> Tensor:
        if self.channels == 3:
            seen = F.conv2d(x, self.get_buffer("opponent"))
            signals = [(seen[:, :1] - self.background, True), (seen[:, 1:], False)]
        else:
            signals = [(x - self.background, True)]
        averages = torch.cat([mean for each in signals for mean in self._paths(*each)], 1)
        # Means of opponent channels have a sign, moduli have none.
        scaled = averages.sign() * torch.log1p(averages.abs() / self.faintest)
        return scaled.flatten(1)

    def _paths(self, x: Tensor, twice: bool) -> Iterator[Tensor]:
        """The averages of every path, N×paths×grid×grid, shortest paths and finest scales first."""
        yield self._average(x, 0)
        for scale in range(self.scales):
            modulus = self._modulus(x, scale, 0)
            yield self._average(modulus, scale)
            for coarser in range(scale + 1, self.scales if twice else 0):
                yield self._average(self._modulus(modulus, coarser, scale), coarser)
                modulus = self._halved(modulus, coarser - 1)
            if scale:
                x = self._halved(x, scale - 1)

    def _modulus(self, x: Tensor, scale: int, own: int) -> Tensor:
        """N×C×H×W to N×CL×H'×W': how strong each orientation of a scale is.

        `x` has every 2^(scale - 1)th pixel, and the result every 2^scale-th; `own` is the scale of
        the modulus that `x` comes from.
        """
        count, channels, height, width = x.shape
        finest = scale == own == 0
        wavelets = self.get_buffer("finest" if finest else "coarser")
        both = F.conv2d(
            x.reshape(count * channels, 1, height, width),
            wavelets,
            stride=1 if finest else 2,
            padding=wavelets.shape[-1] // 2,
        )
        real, imaginary = both[:, : self.orientations], both[:, self.orientations :]
        modulus = (real.square() + imaginary.square()).sqrt()
        return modulus.reshape(count, -1, modulus.shape[2], modulus.shape[3])

    def _average(self, x: Tensor, scale: int) -> Tensor:
        near = self.get_buffer(f"near_{scale}")
        averages: Tensor = near @ x @ near.T
        return averages

    def _halved(self, x: Tensor, scale: int) -> Tensor:
        halve = self.get_buffer(f"halve_{scale}")
        halved: Tensor = halve @ x @ halve.T
        return halved


def _wavelets(scale: int, orientations: int) -> Tensor:
    """Morlet wavelets, 2L×1×k×k: the real parts of all orientations, then the imaginary ones.

    Elongated across their direction by L / 4, and with a mean of zero.
    """
    width, frequency, slant = WIDTH * 2**scale, FREQUENCY / 2**scale, 4 / orientations
    reach = math.ceil(REACH * width / min(1, slant))
    place = torch.arange(-reach, reach + 1, dtype=torch.float64)
    down, across = torch.meshgrid(place, place, indexing="ij")
    parts: tuple[list[Tensor], list[Tensor]] = ([], [])
    for number in range(orientations):
        angle = (orientations - orientations // 2 - 1 - number) * math.pi / orientations
        along = math.cos(angle) * down + math.sin(angle) * across
        aside = (math.cos(angle) * across - math.sin(angle) * down) * slant
        envelope = torch.exp(-(along.square() + aside.square()) / (2 * width**2))
        envelope = envelope * slant / (2 * math.pi * width**2)
        wave = torch.cos(frequency * along)
        mean = (envelope * wave).sum() / envelope.sum()
        parts[0].append(envelope * (wave - mean))
        parts[1].append(envelope * torch.sin(frequency * along))
    return torch.stack([*parts[0], *parts[1]])[:, None].float()


def _windows(centres: Tensor, size: int, scale: int, width: float) -> Tensor:
    """A matrix of Gaussian windows, centres×pixels, over every 2^scale-th of `size` pixels."""
    place = torch.arange(0, size, 2**scale)
    near = torch.exp(-((centres[:, None] - place) ** 2) / (2 * width**2))
    return near / near.sum(1, keepdim=True)


def _halving(size: int) -> Tensor:
    """A matrix that keeps every second of `size` pixels, after removing what these cannot show."""
    apart = torch.arange(size) - torch.arange(0, size, 2)[:, None]
    taps = torch.arange(-TAPS, TAPS + 1)
    return _half_band(apart) / _half_band(taps).sum()


def _half_band(apart: Tensor) -> Tensor:
    """A windowed sinc that passes the lower half of all frequencies."""
    window = torch.cos(apart * (math.pi / 2 / (TAPS + 1))).square()
    return torch.where(apart.abs() <= TAPS, torch.sinc(apart / 2) * window, 0.0)
