from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data import image as images
from bakeoff.data.image import on_white, shrink, thumbnail, to_image, to_png


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "mode"), [((5, 7), "L"), ((5, 7, 1), "L"), ((5, 7, 3), "RGB"), ((1, 1, 1), "L")]
)
def test_an_array_becomes_an_image_and_a_png_of_the_same_pixels(
    shape: tuple[int, ...], mode: str
) -> None:
    picture = noise(*shape)
    image = to_image(picture)
    assert (image.mode, image.size) == (mode, (shape[1], shape[0]))
    assert np.array_equal(np.asarray(image).reshape(shape), picture)
    with Image.open(io.BytesIO(to_png(picture)), formats=("PNG",)) as opened:
        assert np.array_equal(np.asarray(opened).reshape(shape), picture)


@pytest.mark.parametrize(
    ("shape", "grow", "size"),
    [
        ((50, 100, 1), "never", (40, 20)),
        ((3, 100, 3), "never", (40, 1)),
        ((8, 9, 1), "never", (9, 8)),
        ((8, 9, 1), "whole", (36, 32)),
        ((8, 9, 1), "fill", (40, 36)),
        ((99, 100, 3), "fill", (40, 40)),
        ((99, 100, 3), "whole", (40, 40)),
        ((21, 30, 3), "whole", (30, 21)),
    ],
)
def test_a_thumbnail_keeps_shape_and_mode(
    shape: tuple[int, ...], grow: str, size: tuple[int, int]
) -> None:
    picture = noise(*shape)
    small = thumbnail(picture, 40, grow=grow)  # type: ignore[arg-type]
    assert (small.size, small.mode) == (size, to_image(picture).mode)
    assert small == thumbnail(to_image(picture), 40, grow=grow)  # type: ignore[arg-type]


def test_large_pictures_are_averaged_and_small_ones_keep_their_pixels() -> None:
    stripes = np.zeros((80, 160, 1), dtype=np.uint8)
    stripes[::2] = 200
    assert np.all(shrink(stripes, 40) == 100)
    small = noise(8, 8, 1)
    grown = np.asarray(thumbnail(small, 17, grow="whole"))
    assert np.array_equal(grown, np.kron(small[..., 0], np.ones((2, 2), np.uint8)))


def test_an_array_that_is_small_enough_is_not_copied() -> None:
    picture = noise(40, 30, 3)
    assert shrink(picture, 40) is picture
    assert shrink(picture, 20).shape == (20, 15, 3)
    assert shrink(picture[..., :1], 20).shape == (20, 15, 1)


def transparent(mode: str) -> Image.Image:
    """Noise of 30×50 pixels of which some are transparent, as files of each kind hold it."""
    image = Image.fromarray(noise(50, 30, 4))
    if mode in ("RGBA", "LA"):
        return image.convert(mode)
    image = image.convert("RGB").convert(mode)
    clear = image.getpixel((3, 4))
    image.info["transparency"] = bytes(range(256)) if mode == "P" else clear
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "RGB"])
@pytest.mark.parametrize("band", [7, 300, 100_000])
def test_a_transparent_image_is_laid_on_white_in_bands(
    monkeypatch: pytest.MonkeyPatch, mode: str, band: int
) -> None:
    """Pillow keeps Python's lock meanwhile: all at once would stop the other threads."""
    image, sizes = transparent(mode), []
    compose = Image.alpha_composite

    def noted(white: Image.Image, layer: Image.Image) -> Image.Image:
        sizes.append(layer.width * layer.height)
        return compose(white, layer)

    layer = image.convert("RGBA")
    at_once = compose(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    monkeypatch.setattr(Image, "alpha_composite", noted)
    monkeypatch.setattr(images, "BAND", band)
    assert np.array_equal(np.asarray(on_white(image)), np.asarray(at_once))
    assert max(sizes) <= max(band, image.width)
    assert sum(sizes) == image.width * image.height
