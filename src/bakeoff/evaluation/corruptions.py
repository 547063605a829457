"""Label-preserving corruptions of pictures: geometry, strokes, camera and paper.

A benchmark like those of Hendrycks and Dietterich, "Benchmarking neural network robustness to
common corruptions and perturbations" (2019), and of Mu and Gilmer, "MNIST-C" (2019), for pictures
of any size: amounts are shares of the picture, of its ink or of its contrast. Strokes change as in
Castro et al., "Morpho-MNIST" (2019). Corruptions that might change the class are left out, such as
large rotations (a 6 becomes a 9) and mirroring.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bakeoff.data.image import to_image
from bakeoff.said import Said, say

__all__ = ["CORRUPTIONS", "STRENGTHS", "Corruption", "Sheet", "corruptions_for"]

STRENGTHS = 5

Pixels = NDArray[np.floating[Any]]
"""H×W×C in 0…1; the paper of drawings is bright."""
Random = np.random.Generator

FAINTEST = 24 / 255  # contrast that no corruption goes below
# Standard deviation of the blur: pixels at the least, and share of the longer side per step.
LEAST_BLUR, BLUR_SHARE = 0.3, 0.0035
GRAINS = 128  # noise cells along the longer side; any model averages finer grain away
LEAST_RULE, LEAST_GAP = 0.5, 4  # pixels: width of a ruled line, and between two of them
FINE = 96  # pixels along the shorter side at which strokes are measured
STROKE = 0.4  # share of full-strength ink from which a pixel belongs to a stroke
MOST_LOST = 0.03  # of the ink's box: the most that thinning removes on each side of a filled shape


class Sheet:
    """A picture to corrupt; what several corruptions or strengths need of it is found once.

    Parameters
    ----------
    picture : H×W×C uint8, with C = 1 or 3; not modified.
    ink : whether it is a drawing and not a photo.

    Attributes
    ----------
    flipped : whether `pixels` are inverted, so that the paper of a drawing is bright.
    pixels : H×W×C in 0…1.
    """

    def __init__(self, picture: NDArray[np.uint8], *, ink: bool) -> None:
        pixels = picture.astype(np.float32) / 255
        self.flipped = ink and _paper_is_dark(pixels)
        self.pixels: Pixels = 1 - pixels if self.flipped else pixels

    @cached_property
    def range(self) -> tuple[float, float]:
        """The darkest and brightest level, ignoring specks."""
        low, high = np.quantile(self.pixels, [0.01, 0.99])
        return float(low), float(high)

    @cached_property
    def strokes(self) -> _Strokes | None:
        """The strokes of a drawing; None if there are none."""
        return _Strokes.of(self.pixels)


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption at five strengths.

    Attributes
    ----------
    name : such as "turn". The random numbers are seeded with it, so it must not change.
    amounts : the amount at each strength, as `apply` takes it.
    label : an amount in words, such as "3°".
    apply : the corruption, to the pixels of a sheet.
    ink_only : whether it applies to drawings only.
    """

    name: str
    amounts: tuple[float, ...]
    label: Callable[[float], Said]
    apply: Callable[[Sheet, float, Random], Pixels]
    ink_only: bool = False

    @property
    def words(self) -> Said:
        """A description of a corrupted picture, such as "rotated"."""
        return say(f"corruption.{self.name.replace(' ', '_')}")

    @property
    def strengths(self) -> list[Said]:
        """The five amounts in words."""
        return [self.label(amount) for amount in self.amounts]

    def __call__(
        self, sheet: Sheet, strength: int, *, row: int, seed: int = 0
    ) -> NDArray[np.uint8]:
        """The corrupted picture, larger than the sheet if it needs more room.

        Random choices, such as a direction, are the same at every strength.

        Parameters
        ----------
        sheet : with H×W×C pixels.
        strength : 1 to 5.
        row, seed : the random choices depend on these and on the corruption's name.

        Returns
        -------
        H'×W'×C uint8, with H' ≥ H and W' ≥ W.
        """
        random = np.random.default_rng([seed, row, zlib.crc32(self.name.encode())])
        changed = self.apply(sheet, self.amounts[strength - 1], random)
        changed = 1 - changed if sheet.flipped else changed
        return (changed.clip(0, 1) * 255).round().astype(np.uint8)


def corruptions_for(*, ink: bool) -> list[Corruption]:
    """The corruptions for drawings (`ink`) or for photos."""
    return [corruption for corruption in CORRUPTIONS if ink or not corruption.ink_only]


# -- geometry -------------------------------------------------------------------


def _shift(sheet: Sheet, amount: float, random: Random) -> Pixels:
    """Move off the centre by a share of each side, on a sheet that is larger by as much."""
    down, across = (round(2 * amount * side) for side in sheet.pixels.shape[:2])
    above, left = random.random(2) < 0.5
    return _with_room(
        sheet,
        (down, 0) if above else (0, down),
        (across, 0) if left else (0, across),
    )


def _turn(sheet: Sheet, degrees: float, random: Random) -> Pixels:
    angle = math.radians(degrees)
    height, width = sheet.pixels.shape[:2]
    more = math.sin(angle)
    less = 1 - math.cos(angle)
    room = [
        math.ceil(max(0.0, other * more - side * less) / 2)
        for side, other in ((height, width), (width, height))
    ]
    larger = _with_room(sheet, (room[0], room[0]), (room[1], room[1]))
    towards = 1 if random.random() < 0.5 else -1
    turned: Pixels = ndimage.rotate(
        larger, towards * degrees, reshape=False, order=3, mode="nearest"
    )
    return turned


def _scale(sheet: Sheet, share: float, random: Random) -> Pixels:  # noqa: ARG001 - nothing is random
    """Enlarge the sheet around the picture: a smaller copy of a tiny picture would be illegible."""
    room = [math.ceil(side * (1 / share - 1) / 2) for side in sheet.pixels.shape[:2]]
    return _with_room(sheet, (room[0], room[0]), (room[1], room[1]))


def _with_room(sheet: Sheet, rows: tuple[int, int], columns: tuple[int, int]) -> Pixels:
    """Enlarge the sheet, continuing its border but not ink that touches it."""
    pixels = sheet.pixels
    low, high = sheet.range
    for before, after in (rows, columns):
        deep = max(1, len(pixels) // 32)
        first, last = (
            _border(strip, (high - low) / 4) for strip in (pixels[:deep], pixels[-deep:])
        )
        pixels = np.concatenate(
            [first[None].repeat(before, 0), pixels, last[None].repeat(after, 0)]
        ).swapaxes(0, 1)
    return pixels


def _border(strip: Pixels, dark: float) -> Pixels:
    """The paper along an edge, D×W×C to W×C, interpolated where it is darker by `dark`."""
    line = np.median(strip, axis=0)
    grey = line.mean(1)
    bright = ndimage.percentile_filter(grey, 80, len(grey) // 2 * 2 + 1, mode="nearest")
    paper = np.flatnonzero(bright - grey <= dark)
    every = np.arange(len(grey))
    joined = np.stack([np.interp(every, paper, channel[paper]) for channel in line.T], axis=1)
    smooth: Pixels = ndimage.median_filter(
        joined.astype(np.float32), (len(grey) // 16 * 2 + 1, 1), mode="nearest"
    )
    return smooth


# -- strokes --------------------------------------------------------


def _thinner(sheet: Sheet, share: float, random: Random) -> Pixels:  # noqa: ARG001
    """Remove a share of the width of strokes, never their centre line."""
    strokes = sheet.strokes
    if strokes is None:
        return sheet.pixels
    fine, step = strokes.fine, np.minimum(share * strokes.half, MOST_LOST * strokes.box)
    near = strokes.away <= 1.5 * strokes.half + 2
    return strokes.redrawn(np.where(near, np.maximum(fine, strokes.outward(step)), fine))


def _thicker(sheet: Sheet, share: float, random: Random) -> Pixels:  # noqa: ARG001
    """Widen strokes on each side by a share of the drawing's longer side."""
    strokes = sheet.strokes
    if strokes is None:
        return sheet.pixels
    fine, step = strokes.fine, share * strokes.box
    inward = strokes.outward(-np.minimum(step, strokes.away[..., 0]))
    near = strokes.away <= 1.5 * strokes.half + 2 + step
    return strokes.redrawn(np.where(near, np.minimum(fine, inward), fine))


class _Strokes:
    """A drawing on a grid fine enough for its strokes, with its centre lines.

    Attributes
    ----------
    fine : h×w×C, the drawing, enlarged if it is small.
    away : h×w×1, the distance to the nearest point on the centre line of a stroke, in pixels.
    half : h×w×1, half the width of the stroke there.
    box : the longer side of the drawing's bounding box.
    """

    def __init__(self, pixels: Pixels, fine: Pixels, stroke: NDArray[np.bool_]) -> None:
        self.pixels, self.fine = pixels, fine
        depth = ndimage.distance_transform_edt(stroke)
        middle = stroke & (depth >= ndimage.maximum_filter(depth, 3))
        away, nearest = ndimage.distance_transform_edt(~middle, return_indices=True)
        self.away = away[..., None].astype(np.float32)
        self.half = depth[nearest[0], nearest[1]][..., None].astype(np.float32)
        self.box = max(int(np.ptp(places)) + 1 for places in np.nonzero(stroke))
        self._nearest = nearest.astype(np.int32)
        self._divisor = np.maximum(away, 1)

    @classmethod
    def of(cls, pixels: Pixels) -> _Strokes | None:
        """Those of H×W×C pixels; None where there is next to no ink."""
        times = math.ceil(FINE / min(pixels.shape[:2]))
        fine = ndimage.zoom(pixels, (times, times, 1), order=1, mode="nearest", grid_mode=True)
        ink = _ink(fine)
        full = np.quantile(ink, 0.985)
        stroke = ndimage.gaussian_filter(ink, 0.5 * times) > STROKE * full
        return None if full < FAINTEST or not stroke.any() else cls(pixels, fine, stroke)

    def outward(self, step: NDArray[np.float32]) -> Pixels:
        """For each pixel the value `step` pixels further from the centre line, h×w×C."""
        place = np.indices(self.fine.shape[:2])
        towards = (place - self._nearest) / self._divisor
        place = place + towards * step.reshape(step.shape[:2])
        channels = [
            ndimage.map_coordinates(self.fine[..., channel], place, order=1, mode="nearest")
            for channel in range(self.fine.shape[2])
        ]
        return np.stack(channels, axis=-1)

    def redrawn(self, fine: Pixels) -> Pixels:
        """The drawing, H×W×C, after a change of its fine one."""
        height, width, channels = self.pixels.shape
        times = len(fine) // height
        difference = (fine - self.fine).reshape(height, times, width, times, channels)
        coarse: Pixels = difference.mean((1, 3))
        return self.pixels + coarse


def _ink(pixels: Pixels) -> NDArray[np.float32]:
    """How much darker each pixel is than the paper around it, H×W."""
    grey = pixels.mean(2)
    window = max(grey.shape) // 5 * 2 + 1
    paper = ndimage.uniform_filter(ndimage.maximum_filter(grey, window), window)
    ink: NDArray[np.float32] = (paper - grey).clip(0)
    return ink


# -- camera and paper --------------------------------------------------------


def _blur(sheet: Sheet, steps: float, random: Random) -> Pixels:  # noqa: ARG001
    deviation = LEAST_BLUR + steps * BLUR_SHARE * max(sheet.pixels.shape[:2])
    blurred: Pixels = ndimage.gaussian_filter(
        sheet.pixels, (deviation, deviation, 0), mode="nearest"
    )
    return blurred


def _noise(sheet: Sheet, share: float, random: Random) -> Pixels:
    """Add grain with a standard deviation of a share of the picture's contrast."""
    height, width, _ = sheet.pixels.shape
    coarse = max(1.0, max(height, width) / GRAINS)
    places = (math.ceil(height / coarse), math.ceil(width / coarse))
    grain = random.standard_normal(places, dtype=np.float32)
    if coarse > 1:
        enlarged = Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC)
        grain = np.asarray(enlarged)
    low, high = sheet.range
    return sheet.pixels + share * (high - low) * grain[..., None]


def _contrast(sheet: Sheet, share: float, random: Random) -> Pixels:  # noqa: ARG001
    """Reduce the contrast to a share, but never to an invisible level."""
    pixels, (low, high) = sheet.pixels, sheet.range
    share = max(share, min(1.0, FAINTEST / max(high - low, FAINTEST)))
    mean = float(pixels.mean())
    return mean + share * (pixels - mean)


def _light(sheet: Sheet, share: float, random: Random) -> Pixels:
    """A shadow that takes a share of the light on one side and none on the other."""
    height, width, _ = sheet.pixels.shape
    angle = random.uniform(0, 2 * math.pi)
    down, across = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    along = down * math.sin(angle) + across * math.cos(angle)
    shadow = 1 / (1 + np.exp(-4 * along))
    return sheet.pixels * (1 - share * shadow[..., None]).astype(np.float32)


def _squares(sheet: Sheet, share: float, random: Random) -> Pixels:
    """Squared paper, its lines as dark as a share of the ink."""
    pixels, (low, high) = sheet.pixels, sheet.range
    height, width, _ = pixels.shape
    side = max(height, width)
    gap = max(random.uniform(0.08, 0.16) * side, LEAST_GAP)
    rule = max(side / 100, LEAST_RULE)
    tilt = random.uniform(-0.03, 0.03)
    down, across = np.arange(height)[:, None], np.arange(width)[None]
    lines = [
        (rule / 2 + 0.5 - np.abs((along / gap + start + 0.5) % 1 - 0.5) * gap).clip(0, min(1, rule))
        for along, start in zip(
            (down + tilt * across, across - tilt * down), random.random(2), strict=True
        )
    ]
    ruled: Pixels = pixels - share * (high - low) * np.maximum(*lines)[..., None].astype(np.float32)
    return np.maximum(ruled, np.minimum(pixels, low))  # lines do not darken ink


def _occlusion(sheet: Sheet, share: float, random: Random) -> Pixels:
    """A small square, half as dark as ink, over a part of the drawing."""
    pixels, (low, high) = sheet.pixels, sheet.range
    height, width, _ = pixels.shape
    grey = pixels.mean(2)
    shown = np.square(grey - np.median(grey)).reshape(-1) + 1e-6
    centre = np.searchsorted(np.cumsum(shown), random.random() * shown.sum())
    half = share * math.sqrt(height * width) / 2
    covered = [
        (half + 0.5 - np.abs(np.arange(side) - at)).clip(0, min(1, 2 * half))
        for side, at in zip((height, width), divmod(int(centre), width), strict=True)
    ]
    patch = np.outer(*covered)[..., None].astype(np.float32)
    changed: Pixels = pixels + patch * ((low + high) / 2 - pixels)
    return changed


def _jpeg(sheet: Sheet, quality: float, random: Random) -> Pixels:  # noqa: ARG001
    picture = (sheet.pixels * 255).round().astype(np.uint8)
    file = io.BytesIO()
    to_image(picture).save(file, "JPEG", quality=round(quality))
    return np.asarray(Image.open(file), dtype=np.float32).reshape(picture.shape) / 255


def _negative(sheet: Sheet, share: float, random: Random) -> Pixels:  # noqa: ARG001
    """Invert brightness, with a share of the contrast; a half-way blend would be plain grey."""
    pixels = sheet.pixels
    grey: Pixels = pixels.mean(2, keepdims=True)
    negative: Pixels = pixels + 1 - 2 * grey  # colours keep their hue
    return 0.5 + share * (negative - 0.5)


def _paper_is_dark(pixels: Pixels) -> bool:
    """Whether paper, the commoner extreme, is dark; the margin counts twice."""
    grey = pixels.mean(2)
    low, high = np.quantile(grey, [0.01, 0.99])
    margin = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).mean()
    return bool((grey.mean() + margin) / 2 < (low + high) / 2)


def _share(amount: float) -> Said:
    return say("strength.share", share=amount)


CORRUPTIONS = (
    Corruption("shift", (0.04, 0.08, 0.12, 0.16, 0.2), _share, _shift),
    Corruption("turn", (3, 6, 9, 12, 15), lambda n: say("strength.degrees", n=n), _turn),
    Corruption("scale", (0.9, 0.8, 0.7, 0.6, 0.5), _share, _scale),
    Corruption(
        "thinner strokes",
        (0.2, 0.35, 0.5, 0.6, 0.7),
        lambda share: say("strength.less", share=share),
        _thinner,
        ink_only=True,
    ),
    Corruption(
        "thicker strokes",
        (0.004, 0.008, 0.012, 0.016, 0.02),
        lambda share: say("strength.more", share=2 * share),
        _thicker,
        ink_only=True,
    ),
    Corruption("blur", (1, 2, 3, 4, 5), lambda steps: _share(BLUR_SHARE * steps), _blur),
    Corruption("noise", (0.04, 0.08, 0.12, 0.16, 0.22), _share, _noise),
    Corruption("low contrast", (0.7, 0.5, 0.35, 0.25, 0.15), _share, _contrast),
    Corruption("uneven light", (0.2, 0.35, 0.5, 0.6, 0.7), _share, _light),
    Corruption(
        "squared paper",
        (0.12, 0.24, 0.36, 0.48, 0.6),
        _share,
        _squares,
        ink_only=True,
    ),
    Corruption("occlusion", (0.06, 0.09, 0.12, 0.15, 0.18), _share, _occlusion),
    Corruption("JPEG", (60, 40, 28, 18, 12), lambda n: say("strength.quality", n=n), _jpeg),
    Corruption("negative", (0.4, 0.55, 0.7, 0.85, 1), _share, _negative),
)
