"""Raw pixels to model input: one implementation for training, export and serving.

Everything here is a tensor operation that exports to ONNX with batch, height, width and channels
all free, so no second implementation is needed.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Fit", "Mode", "Preprocess", "resizing"]

Mode = Literal["ink", "photo"]
Fit = Literal["pad", "crop"]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what JPEG and Pillow use
FILL = 20 / 28  # MNIST's convention: the drawing fits into 20 of 28 pixels
QUANTILE = 0.005  # share of ink that may lie outside the box on each side, such as specks
STROKES = 0.015  # share of pixels that count as full-strength ink
TEXTURE = 0.2  # share of full-strength ink below which a pixel is paper grain
FAINTEST = 0.04  # contrast below which a picture is blank paper
PAPER_GRID = 40  # side of the grid on which the paper's brightness is estimated
UNIFORM = 0.025  # range of brightness; a pencil line of a large scan has more once reduced
SPOT = 0.04  # distance of ink from its centre, over the longer side: less is a tap of the pen
SHADE = 0.6  # paper is never darker than this share of the brightest paper


class Preprocess(nn.Module):
    """uint8 pictures of any size to float32 squares.

    *ink* (drawings, digits): find the polarity, divide out uneven paper, stretch the strokes to
    full strength, fit their bounding box into 20/28 of the square and centre their mass; ink is 1
    and paper 0, in one channel. *photo*: resize with area averaging, keeping the aspect ratio, and
    pad with grey or cut off what is beyond the square in the middle.

    Parameters
    ----------
    mode : "ink" or "photo".
    size : side of the square, in pixels.
    channels : 1 or 3 in the output; always 1 for ink.
    fit : of photos, "pad" shows all of the picture, "crop" the largest square in its middle.
    """

    def __init__(self, *, mode: Mode, size: int, channels: int = 1, fit: Fit = "pad") -> None:
        super().__init__()
        self.mode: Mode = mode
        self.fit: Fit = fit
        self.size = size
        self.channels = 1 if mode == "ink" else channels
        self.register_buffer("luma", torch.tensor(LUMA), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 (C = 1 or 3) to N×channels×size×size float32 in 0…1."""
        return self.with_blank(pixels)[0]

    def with_blank(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and N truth values: the picture is blank, uniform, or a dot at most."""
        if type(self).forward is not Preprocess.forward:  # somebody's own, which calls none blank
            return self(pixels), pixels.new_zeros(pixels.shape[0], dtype=torch.bool)
        height, width = pixels.shape[1], pixels.shape[2]
        sides = torch.stack([torch.scalar_tensor(width), torch.scalar_tensor(height)])
        aspect = (sides / sides.amax(0)).to(pixels.device)
        # Twice the final size, stretched to a square: `_window` restores the aspect ratio and
        # `_halved` averages 2×2, so that thin strokes fade instead of falling between samples.
        work = 2 * self.size if self.mode == "ink" else self.size
        part = sides.amin(0) / sides if self.mode == "photo" and self.fit == "crop" else None
        across_part, down_part = (None, None) if part is None else (part[0], part[1])
        # Colours are mixed once the height is reduced: 12 megapixels then take one pass.
        x = resizing(height, work, pixels.device, down_part) @ pixels.flatten(2).float()
        x = self._colour(x.reshape(-1, work, width, pixels.shape[3]).permute(0, 3, 1, 2) / 255)
        x = x @ resizing(width, work, pixels.device, across_part).T
        uniform = (x.flatten(2).amax(2) - x.flatten(2).amin(2) < UNIFORM).all(1)
        if part is not None:
            return x, uniform
        if self.mode == "photo":
            centre = torch.zeros(x.shape[0], 2, device=x.device)
            half = torch.ones(x.shape[0], device=x.device)
            down, across = self._window(centre, half, aspect, x.shape[-1])
            return down @ (x - 0.5) @ across.mT + 0.5, uniform
        ink = self.ink(x)
        down, across = self._window(*self._box(ink, aspect), aspect, work)
        cut: Tensor = _halved(down) @ ink @ _halved(across).mT
        return cut, uniform | self._dot(ink, aspect)

    @staticmethod
    def _dot(ink: Tensor, aspect: Tensor) -> Tensor:
        weight = ink[:, 0].square()
        total = weight.sum((1, 2)).clamp(min=1e-6)
        profile = torch.stack([weight.sum(1), weight.sum(2)], 1) / total[:, None, None]
        place = (torch.arange(ink.shape[-1], device=ink.device) + 0.5) / ink.shape[-1]
        centre = (profile * place).sum(-1, keepdim=True)
        spread = (profile * (place - centre).square()).sum(-1) * aspect.square()
        # Reduced, a dot grows by a part of a pixel.
        return spread.sum(-1).sqrt() < SPOT + 0.35 / ink.shape[-1]

    def _colour(self, x: Tensor) -> Tensor:
        # R, G and B, or three times grey: without a branch on the shape, since the exported graph
        # must accept both, and with a fixed number of channels, which tract needs.
        rgb = torch.arange(3, device=x.device) * torch.scalar_tensor(x.shape[1], device=x.device)
        x = x.index_select(1, (rgb / 3).long())
        if self.channels == 3:
            return x
        luma: Tensor = self.get_buffer("luma")
        return (x * luma[:, None, None]).sum(1, keepdim=True)

    @staticmethod
    def ink(x: Tensor) -> Tensor:
        """N×1×W×W brightness to N×1×W×W ink in 0…1, whatever the light and polarity."""
        side = x.shape[-1]
        low, high = _each(x.flatten(1).amin(1)), _each(x.flatten(1).amax(1))
        # Paper is the more common extreme; the margin counts twice, since drawings rarely touch it.
        margin = torch.cat([x[..., :2, :], x[..., -2:, :]], -2).mean((1, 2, 3), keepdim=True)
        common = (x.mean((1, 2, 3), keepdim=True) + margin) / 2
        x = torch.where(common >= (low + high) / 2, x, 1 - x)
        # Paper is the smoothed local maximum in a window wider than a stroke; uneven light is
        # smooth, so a coarse grid of maxima suffices.
        step = max(1, side // PAPER_GRID)
        paper = F.max_pool2d(x, step, ceil_mode=True) if step > 1 else x
        window = paper.shape[-1] // 10 * 2 + 1
        paper = _highest(paper, window)
        near = _near(paper.shape[-1], window, paper.device)
        paper = near @ paper @ near.T
        if step > 1:
            finer = resizing(paper.shape[-1], side, paper.device)
            paper = finer @ paper @ finer.T
        paper = torch.maximum(paper, SHADE * _each(paper.flatten(1).amax(1)))
        ink = ((paper - x) / paper.clamp(min=1e-3)).clamp(min=0)
        strokes = max(1, round(STROKES * side * side))
        full = ink.flatten(1).topk(strokes, sorted=True).values[:, -1].clamp(min=FAINTEST)
        ink = (ink / _each(full)).clamp(max=1)
        return ((ink - TEXTURE) / (1 - TEXTURE)).clamp(min=0)

    @staticmethod
    def _box(ink: Tensor, aspect: Tensor) -> tuple[Tensor, Tensor]:
        # Centre (N×2, x then y, in -1…1 of the stretched square) and half side (N, in units of
        # half the longer side) of the window that shows the ink at its standard size.
        side = ink.shape[-1]
        weight = ink[:, 0].square()  # faint texture must not move the box
        total = weight.sum((1, 2)).clamp(min=1e-6)
        profile = torch.stack([weight.sum(1), weight.sum(2)], 1) / total[:, None, None]
        reached = profile.cumsum(-1)
        first = (reached < QUANTILE).sum(-1).float()
        last = (reached < 1 - QUANTILE).sum(-1).float()
        extent = (last - first + 1) / side * aspect
        place = (torch.arange(side, device=ink.device) + 0.5) * (2 / side) - 1
        centre = (profile * place).sum(-1)
        half = extent.amax(-1) / FILL
        blank = weight.flatten(1).amax(1) <= 0
        half = torch.where(blank, torch.ones_like(half), half)
        return centre, half.clamp(min=0.1)

    @staticmethod
    def _window(centre: Tensor, half: Tensor, aspect: Tensor, side: int) -> tuple[Tensor, Tensor]:
        # Two matrices, N×1×side×side: down @ x @ acrossᵀ equals `affine_grid` and `grid_sample` on
        # the window, bilinear and 0 beyond the edge. No window is rotated, so sampling is
        # separable: as matrix products it takes half the time in PyTorch, and ONNX Runtime answers
        # a 28×28 digit in a fifth of the time.
        place = (torch.arange(side, device=half.device) + 0.5) * (2 / side) - 1
        at = (half[:, None] / aspect)[..., None] * place + centre[..., None]
        at = ((at + 1) * side - 1) / 2  # N×2×side, in pixels of x
        apart = at[..., None] - torch.arange(side, device=half.device)
        weights = (1 - apart.abs()).clamp(min=0)
        return weights[:, 1:], weights[:, :1]


def resizing(length: int, side: int, device: torch.device, part: Tensor | None = None) -> Tensor:
    """A side×length matrix that resizes an axis of `length` pixels, or its middle, to `side`.

    `part` is the share of the axis that is shown; None: all of it.

    The numbers of `F.interpolate` with ``mode="bilinear", antialias=True``: a triangle, as wide as
    the larger of the two pixels. It is no `Resize` in the exported graph, since the antialiased
    one of OpenVINO and MNN moves probabilities by up to 0.1, and tract has none.
    """
    whole = torch.scalar_tensor(length, device=device)
    shown = whole if part is None else whole * part.to(device)
    scale = shown / side
    centre = (torch.arange(side, device=device) + 0.5) * scale + (whole - shown) / 2
    apart = centre[:, None] - (torch.arange(length, device=device) + 0.5)
    weights = (1 - apart.abs() / scale.clamp(min=1)).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


def _highest(x: Tensor, window: int) -> Tensor:
    """The maximum in the window around each pixel, N×1×H×W ≥ 0 to the same; `window` is odd.

    Maxima of 1, 2, 4, 8 … pixels along one axis, then the other: `max_pool2d` looks at every pixel
    of every window and is several times as slow.
    """
    edge = window // 2
    for dimension in (-1, -2):
        x = F.pad(x, (edge, edge, 0, 0) if dimension == -1 else (0, 0, edge, edge))
        width = 1
        while width < window:
            step = min(width, window - width)
            length = x.shape[dimension] - step
            x = torch.maximum(x.narrow(dimension, 0, length), x.narrow(dimension, step, length))
            width += step
    return x


def _near(side: int, window: int, device: torch.device) -> Tensor:
    """A side×side matrix that averages over a window, cut off at the edges."""
    place = torch.arange(side, device=device)
    near = ((place[:, None] - place).abs() <= window // 2).float()
    return near / near.sum(1, keepdim=True)


def _halved(weights: Tensor) -> Tensor:
    """The mean of every two rows, N×1×2S×W to N×1×S×W."""
    return (weights[..., ::2, :] + weights[..., 1::2, :]) / 2


def _each(values: Tensor) -> Tensor:
    """One value per picture, N, in a shape that broadcasts to N×C×H×W."""
    return values[:, None, None, None]
