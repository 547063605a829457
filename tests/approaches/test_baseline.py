"""The baseline: HOG as it should be, and every knob."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bakeoff.approaches import Baseline

from .tasks import kinds, logits, prepared, task


@pytest.mark.parametrize("side", [1, 8, 28, 33, 57, 500])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_side_and_colour(side: int, channels: int) -> None:
    of = task(side=side, channels=channels, mode="photo", classes=4)
    assert Baseline().preprocess(of).size % 7 == 0
    assert logits(Baseline(), of).shape == (2, 4)


@pytest.mark.parametrize(("cells", "orientations"), [(1, 2), (4, 9), (5, 6), (7, 12)])
def test_cells_and_orientations_make_the_features(cells: int, orientations: int) -> None:
    baseline = Baseline(cells=cells, orientations=orientations)
    features = baseline.frozen(task())(prepared(baseline, task()))
    assert features.shape == (2, cells**2 * (orientations + 1))
    assert torch.isfinite(features).all()
    assert logits(baseline, task()).shape == (2, 3)


def test_side_is_rounded_up_to_whole_cells() -> None:
    assert Baseline(side=30, cells=4).preprocess(task()).size == 32


@pytest.mark.parametrize("wide", [True, False])
def test_an_edge_votes_for_its_direction(wide: bool) -> None:
    x = torch.zeros(1, 1, 28, 28)
    if wide:
        x[..., 13:15] = 1  # an upright stroke: brightness changes across
    else:
        x[..., 13:15, :] = 1
    hog = Baseline(cells=1, orientations=4).frozen(task())
    histogram = hog(x)[0, :4]
    assert histogram.argmax() == (0 if wide else 2)


@pytest.mark.parametrize("shade", [0.0, 0.25, 1.0])
def test_without_an_edge_there_are_no_votes(shade: float) -> None:
    hog = Baseline(cells=2, orientations=4).frozen(task())
    histogram = hog(torch.full((1, 1, 28, 28), shade))[0, :16]
    assert torch.equal(histogram, torch.zeros(16))


def test_light_on_dark_and_dark_on_light_have_one_direction() -> None:
    x = prepared(Baseline(), task())
    hog = Baseline(orientations=6).frozen(task())
    gradients = 7 * 7 * 6
    torch.testing.assert_close(hog(x)[:, :gradients], hog(1 - x)[:, :gradients])


def test_contrast_is_normalised_within_a_block() -> None:
    x = prepared(Baseline(), task())
    hog = Baseline().frozen(task())
    gradients = 7 * 7 * 9
    strong, weak = hog(x)[:, :gradients], hog(x / 4)[:, :gradients]
    assert (weak / strong.clamp(min=1e-3)).median() > 0.4  # without it: a quarter


def test_only_a_linear_model_is_learned() -> None:
    network = Baseline().build(task())
    assert len(kinds(network, nn.Linear)) == 1
    learned = [name for name, one in network.named_parameters() if one.requires_grad]
    assert len(learned) == 2
    assert not list(Baseline().frozen(task()).parameters())


def test_an_empty_picture_has_finite_features() -> None:
    hog = Baseline().frozen(task())
    assert torch.isfinite(hog(torch.zeros(1, 1, 28, 28))).all()
