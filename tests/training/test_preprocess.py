import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from bakeoff.training.preprocess import FILL, Mode, Preprocess, resizing

from .drawn import sheet

SIZE = 28
# Mean difference per pixel: the four and its mirror image differ by 0.1.
SAME = 0.003  # the same pixels in another light
ALIKE = 0.03  # drawn again at another place or size, where edges fall on other pixels


def prepared(
    pixels: NDArray[np.uint8], mode: Mode = "ink", *, size: int = SIZE, channels: int = 1
) -> Tensor:
    """One H×W×C picture to channels×size×size."""
    preprocess = Preprocess(mode=mode, size=size, channels=channels)
    answer: Tensor = preprocess(torch.from_numpy(np.array(pixels))[None])[0]
    return answer


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().mean())


def in_light(pixels: NDArray[np.uint8], light: NDArray[np.float64]) -> NDArray[np.uint8]:
    lit: NDArray[np.uint8] = (pixels * light[..., None]).round().astype(np.uint8)
    return lit


# -- ink: one drawing, however it comes in -------------------------------------


def test_the_distance_separates_drawings() -> None:
    assert apart(prepared(sheet()), prepared(sheet()[:, ::-1])) > 3 * ALIKE


def test_ink_is_1_and_paper_0() -> None:
    four = prepared(sheet())
    assert four.shape == (1, SIZE, SIZE)
    assert four.max() > 0.95
    assert (four[:, :2] == 0).all()


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 40), (25, 215), (200, 20), (90, 250)])
def test_polarity_is_detected(paper: int, ink: int) -> None:
    assert apart(prepared(sheet()), prepared(sheet(paper=paper, ink=ink))) < SAME


@pytest.mark.parametrize("ink", [60, 150, 215, 235])
def test_faint_strokes_are_stretched_to_full_strength(ink: int) -> None:
    assert apart(prepared(sheet()), prepared(sheet(ink=ink))) < SAME


@pytest.mark.parametrize("pair", [(1.0, 0.65), (0.7, 1.0)])
@pytest.mark.parametrize("across", [True, False])
def test_uneven_light_is_divided_out(pair: tuple[float, float], across: bool) -> None:
    drawing = sheet(128, 128, radius=40, pen=8)
    ramp = np.linspace(*pair, 128)
    light = np.broadcast_to(ramp if across else ramp[:, None], (128, 128))
    assert apart(prepared(drawing), prepared(in_light(drawing, light))) < 2 * SAME


@pytest.mark.parametrize("centre", [(60, 70), (170, 80), (120, 220)])
@pytest.mark.parametrize("radius", [45, 58])
def test_place_and_size_on_the_sheet_do_not_matter(
    centre: tuple[float, float], radius: float
) -> None:
    there = sheet(300, 240, centre=centre, radius=radius, pen=radius / 5)
    assert apart(prepared(sheet()), prepared(there)) < ALIKE


def test_the_drawing_is_fitted_and_its_mass_centred() -> None:
    four = prepared(sheet(200, 200, centre=(50, 60), radius=30))[0]
    places = torch.arange(SIZE) + 0.5
    for profile in (four.sum(0), four.sum(1)):
        assert float((profile * places).sum() / profile.sum()) == pytest.approx(SIZE / 2, abs=0.3)
    rows = torch.nonzero(four.sum(1) > 0.1)
    assert int(rows.max() - rows.min() + 1) == pytest.approx(FILL * SIZE, abs=2)


@pytest.mark.parametrize("brightness", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(20, 30, 1), (1, 1, 1), (9, 9, 3)])
def test_a_blank_picture_has_no_ink(brightness: int, shape: tuple[int, int, int]) -> None:
    blank = np.full(shape, brightness, dtype=np.uint8)
    assert torch.equal(prepared(blank), torch.zeros(1, SIZE, SIZE))


def test_paper_grain_is_not_ink() -> None:
    noise = np.random.default_rng(0).integers(-5, 6, (96, 96, 1))
    grainy = (sheet(paper=240).astype(int) + noise).clip(0, 255).astype(np.uint8)
    assert apart(prepared(sheet()), prepared(grainy)) < ALIKE


def test_ink_always_has_one_channel() -> None:
    assert prepared(sheet(), channels=3).shape == (1, SIZE, SIZE)


# -- photo ---------------------------------------------------------------------


def disc(height: int, width: int, radius: float) -> NDArray[np.uint8]:
    """White in the middle of black."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.hypot(y - height / 2, x - width / 2) <= radius
    white: NDArray[np.uint8] = np.where(inside, 255, 0).astype(np.uint8)[..., None]
    return white


@pytest.mark.parametrize(("height", "width"), [(60, 120), (120, 60), (90, 90), (33, 120)])
def test_a_photo_keeps_its_aspect_and_is_padded(height: int, width: int) -> None:
    size = 60
    photo = prepared(disc(height, width, 15), "photo", size=size)[0]
    scale = size / max(height, width)
    lit = torch.nonzero(photo > 0.6).float()
    extent = lit.amax(0) - lit.amin(0) + 1
    assert extent.tolist() == pytest.approx([30 * scale, 30 * scale], abs=1.5)
    assert lit.mean(0).tolist() == pytest.approx([size / 2 - 0.5, size / 2 - 0.5], abs=0.5)
    area = float((photo > 0.6).sum())
    assert area == pytest.approx(math.pi * (15 * scale) ** 2, rel=0.15)
    for side, profile in ((height, photo[:, size // 2]), (width, photo[size // 2])):
        padding = int((size - side * scale) / 2) - 1
        if padding > 0:
            assert profile[:padding].tolist() == pytest.approx([0.5] * padding, abs=1e-6)
            assert profile[-padding:].tolist() == pytest.approx([0.5] * padding, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(60, 120), (121, 60), (90, 90), (33, 130)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_photo_may_be_cropped_to_its_middle(height: int, width: int, channels: int) -> None:
    generator = np.random.default_rng(height)
    photo = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    crop = Preprocess(mode="photo", size=24, channels=channels, fit="crop")
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    if (height - side) % 2 or (width - side) % 2:  # no pixels begin where the square begins
        photo = np.repeat(np.repeat(photo, 2, axis=0), 2, axis=1)
        side, top, left = 2 * side, height - side, width - side
    cut = photo[top : top + side, left : left + side]
    seen = crop(torch.from_numpy(np.array([photo])))
    assert seen.shape == (1, channels, 24, 24)
    # Beyond the cut a triangle reaches into the picture, as wide as a pixel of the result.
    inner = slice(2, -2)
    expected = prepared(cut, "photo", size=24, channels=channels)
    torch.testing.assert_close(
        seen[0, :, inner, inner], expected[:, inner, inner], atol=2e-5, rtol=0
    )


def test_a_photo_keeps_its_colours() -> None:
    red = np.zeros((10, 10, 3), dtype=np.uint8)
    red[..., 0] = 200
    square = prepared(red, "photo", channels=3)
    for channel, value in zip(square, (200 / 255, 0.0, 0.0), strict=True):
        assert torch.allclose(channel, torch.tensor(value), atol=1e-5)


def test_a_grey_model_sees_colour_as_luma() -> None:
    green = np.zeros((10, 10, 3), dtype=np.uint8)
    green[..., 1] = 255
    assert prepared(green, "photo").mean() == pytest.approx(0.587, abs=1e-5)


# -- the window ----------------------------------------------------------------


@settings(max_examples=60)
@given(
    side=st.sampled_from([8, 15, 56]),
    centre=st.tuples(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)),
    half=st.floats(0.1, 3),
    aspect=st.sampled_from([(1.0, 1.0), (1.0, 0.02), (0.6, 1.0)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_window_equals_grid_sample(
    side: int, centre: tuple[float, float], half: float, aspect: tuple[float, float], seed: int
) -> None:
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed))
    sides = torch.tensor(aspect)
    down, across = Preprocess._window(torch.tensor([centre]), torch.tensor([half]), sides, side)
    (right, below), (wide, high) = centre, (half / sides).tolist()
    theta = torch.tensor([[[wide, 0, right], [0, high, below]]])
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    wanted = F.grid_sample(x, grid, align_corners=False)
    # Places are reckoned in float32 here and there: a long way out they differ by as much.
    assert torch.allclose(down @ x @ across.mT, wanted, atol=1e-5 * side * max(wide, high))


# -- both ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["ink", "photo"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_its_rgb_copy_are_one_picture(mode: Mode, channels: int) -> None:
    grey = sheet(50, 70, radius=20, ink=30)
    one = prepared(grey, mode, channels=channels)
    other = prepared(np.repeat(grey, 3, axis=2), mode, channels=channels)
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("mode", ["ink", "photo"])
def test_a_batch_equals_single_pictures(mode: Mode) -> None:
    batch = np.stack([sheet(ink=ink, radius=20 + ink / 20) for ink in (0, 90, 200)])
    together = Preprocess(mode=mode, size=SIZE)(torch.from_numpy(batch))
    for picture, answer in zip(batch, together, strict=True):
        assert torch.allclose(prepared(picture, mode), answer, atol=1e-6)


@settings(max_examples=120)
@given(
    height=st.integers(1, 64),
    width=st.integers(1, 64),
    channels=st.sampled_from([1, 3]),
    mode=st.sampled_from(["ink", "photo"]),
    size=st.sampled_from([8, 16, 28, 49]),
    out=st.sampled_from([1, 3]),
    levels=st.sampled_from([1, 2, 3, 256]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_picture_gives_finite_squares_between_0_and_1(
    height: int, width: int, channels: int, mode: Mode, size: int, out: int, levels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, levels).astype(np.uint8)
    pixels = palette[rng.integers(0, levels, (height, width, channels))]
    square = prepared(pixels, mode, size=size, channels=out)
    assert square.shape == (1 if mode == "ink" else out, size, size)
    assert square.dtype == torch.float32
    assert bool(square.isfinite().all())
    assert square.min() >= -1e-6
    assert square.max() <= 1 + 1e-6


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 50, 1), (50, 1, 3), (3, 2, 1), (2, 3, 3)])
@pytest.mark.parametrize("mode", ["ink", "photo"])
def test_the_smallest_and_thinnest_pictures_pass(shape: tuple[int, int, int], mode: Mode) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    square = prepared(pixels, mode)
    assert bool(square.isfinite().all())
    assert 0 <= square.min() <= square.max() <= 1


def grainy(level: int, grain: int, side: int = 300) -> NDArray[np.uint8]:
    """A sheet of one brightness with a camera's noise."""
    noise = np.random.default_rng(level).integers(-grain, grain + 1, (side, side, 1))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def tap(width: float, side: int = 280) -> NDArray[np.uint8]:
    """A dot as wide as this share of the canvas."""
    down, across = np.mgrid[:side, :side]
    inside = np.hypot(down - side * 0.4, across - side * 0.6) <= width * side / 2
    return np.where(inside, 28, 255).astype(np.uint8)[..., None]


@pytest.mark.parametrize("size", [16, 28, 64])
@pytest.mark.parametrize(
    "picture",
    [
        *(np.full((40, 56, 1), level, dtype=np.uint8) for level in (0, 1, 128, 254, 255)),
        *(grainy(level, 2) for level in (90, 200, 250)),
        *(tap(width) for width in (0.01, 0.025, 0.06, 0.095)),
        np.full((1, 1, 3), 77, dtype=np.uint8),
    ],
)
def test_nothing_is_drawn_on_blank_uniform_and_nearly_empty_sheets(
    picture: NDArray[np.uint8], size: int
) -> None:
    ink = Preprocess(mode="ink", size=size)
    assert ink.with_blank(torch.from_numpy(picture)[None])[1].tolist() == [True]


@pytest.mark.parametrize("size", [16, 28, 64])
@pytest.mark.parametrize(
    "picture",
    [
        sheet(28, 28, radius=10, pen=2),
        sheet(280, 280, radius=100, pen=7),
        sheet(600, 600, radius=200, pen=3, ink=150),  # a thin pencil
        sheet(300, 300, radius=36, pen=6, centre=(40, 40)),  # small, in a corner
        sheet(200, 900, radius=80, pen=10),
        255 - sheet(96, 96),
        sheet(280, 280, radius=40, pen=17, strokes=[((-1, 0), (1, 0))]),  # a short dash
    ],
)
def test_small_thin_and_faint_drawings_are_drawn(picture: NDArray[np.uint8], size: int) -> None:
    ink = Preprocess(mode="ink", size=size)
    assert ink.with_blank(torch.from_numpy(picture)[None])[1].tolist() == [False]


def test_a_photo_without_contrast_is_blank() -> None:
    photo = Preprocess(mode="photo", size=32, channels=3)
    blue = np.full((40, 56, 3), (20, 40, 200), dtype=np.uint8)
    sky = blue.copy()
    sky[:20] += 40
    pictures = torch.from_numpy(np.stack([blue, sky]))
    assert photo.with_blank(pictures)[1].tolist() == [True, False]


# -- resizing ------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, 2, 28, 56, 96, 192, 448])
@pytest.mark.parametrize("length", [1, 2, 5, 27, 28, 29, 57, 130, 160, 480, 1001])
def test_resizing_gives_the_numbers_of_interpolate(length: int, side: int) -> None:
    x = torch.rand(2, 3, length, 40, generator=torch.Generator().manual_seed(length))
    wanted = F.interpolate(x, size=(side, 31), mode="bilinear", antialias=True)
    device = torch.device("cpu")
    answer = resizing(length, side, device) @ x @ resizing(40, 31, device).T
    assert (answer - wanted).abs().max() <= 1e-6


@pytest.mark.parametrize(("coarse", "fine"), [(40, 40), (40, 160), (39, 192), (23, 224)])
def test_resizing_up_needs_no_antialias(coarse: int, fine: int) -> None:
    x = torch.rand(1, 1, coarse, coarse, generator=torch.Generator().manual_seed(coarse))
    wanted = F.interpolate(x, size=(fine, fine), mode="bilinear")
    finer = resizing(coarse, fine, torch.device("cpu"))
    assert (finer @ x @ finer.T - wanted).abs().max() <= 1e-6
