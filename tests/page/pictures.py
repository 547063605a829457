"""Photos and pen drawings of any size, made up, as files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["drawn", "packed", "pen", "photo"]


def photo(width: int, height: int) -> Image.Image:
    """Coloured blotches of all sizes with noise."""
    chance = np.random.default_rng(width + height)
    pixels = np.full((height, width, 3), 120, np.float32)
    for blotches in (4, 16, 64, 256):
        noise = chance.normal(size=(blotches, blotches, 3)).astype(np.float32)
        for c in range(3):
            layer = Image.fromarray(noise[..., c]).resize(
                (width, height), Image.Resampling.BILINEAR
            )
            pixels[..., c] += np.asarray(layer) * (40 / blotches**0.3)
    pixels += chance.normal(size=pixels.shape).astype(np.float32) * 4
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def pen(width: int, height: int) -> Image.Image:
    """Thin dark strokes on white: hard edges, which show every difference of a downscale."""
    chance = np.random.default_rng(width * height)
    image = Image.new("RGB", (width, height), "white")
    brush = ImageDraw.Draw(image)
    for colour in ((20, 20, 60), (30, 30, 30), (170, 50, 30)):
        places = chance.uniform(0.1, 0.9, (5, 2)) * (width, height)
        brush.line([tuple(one) for one in places.tolist()], colour, max(2, width // 90), "curve")
    return image


def packed(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def drawn(shape: str, seed: int) -> bytes:
    """A box or a ring as PNG, each a little different."""
    random = np.random.default_rng(seed)
    left, top = random.integers(4, 10, 2)
    side = int(random.integers(14, 20))
    picture = Image.new("L", (32, 32), 255)
    pen = ImageDraw.Draw(picture)
    (pen.rectangle if shape == "box" else pen.ellipse)(
        [left, top, left + side, top + side], outline=0, width=int(random.integers(2, 4))
    )
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
