import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures, PictureWriter
from bakeoff.training import sources
from bakeoff.training.augment import Augment
from bakeoff.training.compute import Compute
from bakeoff.training.preprocess import Mode, Preprocess
from bakeoff.training.sources import (
    FeatureSource,
    PixelSource,
    backgrounds_for,
    draw_all_on_backgrounds,
    in_batches,
    preprocess_all,
    views_for,
)

from .drawn import sheet

CPU = Compute("cpu", 1, False)


def many(count: int = 10) -> Pictures:
    """Of three sizes in turn, grey and colour."""
    writer = PictureWriter()
    for number in range(count):
        side = (20, 33, 40)[number % 3]
        picture = sheet(side, side, radius=side / 3 - number / 10, pen=3, ink=number * 9)
        writer.append(picture.repeat(3 if number % 4 == 0 else 1, 2))
    return writer.finish()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Flat(nn.Module):
    """Pixels in the other order: a frozen part whose answer is known."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).flip(1)


@pytest.mark.parametrize(("count", "size"), [(10, 4), (8, 4), (1, 4), (513, 512)])
def test_batches_are_in_order_and_of_similar_length(count: int, size: int) -> None:
    batches = in_batches(torch.arange(count), size)
    assert torch.equal(torch.cat(batches), torch.arange(count))
    lengths = [len(batch) for batch in batches]
    assert max(lengths) <= size
    assert max(lengths) - min(lengths) <= 1


def test_no_rows_are_no_batches() -> None:
    assert in_batches(torch.arange(0), 4) == ()


@pytest.mark.parametrize(("mode", "channels"), [("ink", 1), ("photo", 1), ("photo", 3)])
def test_8_bits_stay_within_one_level_of_preprocess(mode: Mode, channels: int) -> None:
    pictures = many()
    preprocess = Preprocess(mode=mode, size=24, channels=channels)
    prepared = preprocess_all(preprocess, pictures, CPU)
    assert prepared.dtype == torch.uint8
    assert prepared.shape == (10, channels, 24, 24)
    plain = PixelSource(prepared, Augment(mode)).plain(torch.arange(10))
    for row, picture in enumerate(pictures):
        exact = preprocess(torch.from_numpy(np.array(picture))[None])[0]
        assert (plain[row] - exact).abs().max() < 1 / 255


def features_of(*parts: PixelSource, views: int, seed: int = 0) -> FeatureSource:
    return FeatureSource.compute(
        Flat(),
        parts,
        pictures=sum(map(len, (one.preprocessed for one in parts))),
        views=views,
        seed=seed,
        compute=CPU,
    )


def test_pixels_are_augmented_in_training_only() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    source = PixelSource(prepared, Augment("ink"))
    rows = torch.tensor([7, 2])
    assert torch.equal(source.plain(rows), prepared[rows] / 255)
    assert not torch.equal(source.train(rows, seeded()), source.plain(rows))
    calm = PixelSource(prepared, Augment("ink", strength=0))
    assert torch.equal(calm.train(rows, seeded()), source.plain(rows))


def test_view_0_is_plain_and_the_others_are_augmented() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    source = features_of(PixelSource(prepared, Augment("ink")), views=3)
    assert source.features.shape == (4, 10, 256)
    wanted = (prepared.float() / 255).flatten(1).flip(1)
    assert torch.allclose(source.plain(torch.arange(10)), wanted, atol=1e-3)
    for view in source.features[1:]:
        assert (view.float() - wanted).abs().amax(1).min() > 0.05


def test_a_frozen_network_looks_at_a_few_pictures_and_the_views_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    pictures = PixelSource(prepared, Augment("ink"))
    together = features_of(pictures, views=2)
    sizes: list[int] = []

    def counted(network: Flat, x: Tensor) -> Tensor:
        sizes.append(len(x))
        return x.flatten(1).flip(1)

    monkeypatch.setattr(Flat, "forward", counted)
    monkeypatch.setattr(sources, "LOOK_PIXELS", 0)  # the fewest at once, four
    apart = features_of(pictures, views=2)
    assert sizes[1:] == [4, 3, 3] * 3  # after the first picture, which tells the width
    assert torch.equal(apart.features, together.features)


def test_training_draws_from_every_view() -> None:
    features = torch.arange(4.0)[:, None, None].expand(4, 3, 2).clone()
    source = FeatureSource(features)
    rows = torch.tensor([0, 2] * 50)
    drawn = source.train(rows, seeded())
    assert drawn.shape == (100, 2)
    assert set(drawn[:, 0].tolist()) == {0, 1, 2, 3}
    assert (source.plain(rows) == 0).all()
    assert torch.equal(drawn, source.train(rows, seeded()))


@pytest.mark.parametrize(
    ("pictures", "views"), [(1, 7), (6_250, 7), (6_251, 6), (25_000, 1), (25_001, 0), (10**6, 0)]
)
def test_memory_bounds_the_views(pictures: int, views: int) -> None:
    assert views_for(pictures, 7) == views


def test_without_augmentation_there_is_one_view() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    source = features_of(PixelSource(prepared, Augment("ink", strength=0)), views=7)
    assert len(source.features) == 1


def test_features_depend_only_on_the_seed() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    one, same, other = (
        features_of(PixelSource(prepared, Augment("ink")), views=1, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(one.features, same.features)
    assert not torch.equal(one.features, other.features)
    assert torch.equal(one.features[0], other.features[0])


def test_backgrounds_differ_and_depend_only_on_the_seed() -> None:
    preprocess = Preprocess(mode="ink", size=16)
    drawn = draw_all_on_backgrounds(preprocess, many(), CPU, backgrounds=4, seed=1)
    assert drawn.shape == (4, 10, 1, 16, 16)
    assert torch.equal(
        drawn, draw_all_on_backgrounds(preprocess, many(), CPU, backgrounds=4, seed=1)
    )
    assert not torch.equal(
        drawn, draw_all_on_backgrounds(preprocess, many(), CPU, backgrounds=4, seed=2)
    )
    backgrounds = drawn.flatten(2).float() / 255
    assert (backgrounds[0] - backgrounds[1]).abs().amax(1).min() > 0.2
    assert backgrounds.amax(2).min() > 0.3  # there is ink on every sheet


@pytest.mark.parametrize(
    ("pictures", "backgrounds"), [(0, 32), (10, 32), (7_324, 8), (14_648, 4), (14_649, 0)]
)
def test_time_bounds_the_backgrounds(pictures: int, backgrounds: int) -> None:
    assert backgrounds_for(pictures, 32) == backgrounds
    assert backgrounds_for(pictures, 32, most=3) == min(backgrounds, 3)


def test_features_of_parts_are_those_of_the_whole() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    whole = PixelSource(prepared, Augment("ink"))
    parts = [PixelSource(prepared[:7], Augment("ink")), PixelSource(prepared[7:], Augment("ink"))]
    features = features_of(*parts, views=2).features
    assert features.shape == (3, 10, 256)
    assert torch.equal(features[0], features_of(whole, views=2).features[0])
    assert (features[1] != features[0]).any(1).all()


def test_a_share_of_training_pictures_has_another_background() -> None:
    prepared = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    shades = torch.tensor([51, 102, 255], dtype=torch.uint8)
    backgrounds = shades.view(3, 1, 1, 1, 1).expand(3, 4, 1, 8, 8)
    source = PixelSource(prepared, Augment("ink", strength=0), backgrounds, background=0.25)
    assert source.varies
    rows = torch.arange(4).repeat(250)
    drawn = source.train(rows, seeded())
    assert torch.equal(drawn, source.train(rows, seeded()))
    assert (source.plain(rows) == 0).all()
    shade = drawn[:, 0, 0, 0]
    assert set(shade.tolist()) == {0, *(shades.float() / 255).tolist()}
    assert 0.18 < (shade > 0).float().mean() < 0.32


def test_without_backgrounds_every_picture_keeps_its_own() -> None:
    prepared = preprocess_all(Preprocess(mode="ink", size=16), many(), CPU)
    none = torch.empty(0, *prepared.shape, dtype=torch.uint8)
    source = PixelSource(prepared, Augment("ink", strength=0), none, background=0.5)
    assert not source.varies
    rows = torch.arange(10)
    assert torch.equal(source.train(rows, seeded()), source.plain(rows))


def test_features_include_other_backgrounds() -> None:
    prepared = torch.zeros(6, 1, 4, 4, dtype=torch.uint8)
    drawn = torch.full((1, 6, 1, 4, 4), 255, dtype=torch.uint8)
    pixels = PixelSource(prepared, Augment("ink", strength=0), drawn, background=0.5)
    features = features_of(pixels, views=9).features
    assert (features[0] == 0).all()
    assert set(features[1:].flatten().tolist()) == {0, 1}
