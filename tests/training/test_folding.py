"""Norms of frozen networks, folded into the convolutions before them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from bakeoff.approaches import Task, Transfer
from bakeoff.training.eye import Eye
from bakeoff.training.folding import fold_norms


def warmed(network: nn.Module, x: Tensor) -> nn.Module:
    """The network with norms that do something."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer("running_mean").normal_(0, 1, generator=generator)
            module.get_buffer("running_var").uniform_(0.5, 2, generator=generator)
            nn.init.uniform_(module.weight, 0.5, 2, generator=generator)
            nn.init.normal_(module.bias, generator=generator)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


class Twice(nn.Module):
    """Two norms behind one convolution, and one convolution that runs twice."""

    def __init__(self, *, shared: bool) -> None:
        super().__init__()
        self.shared = shared
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution(x)
        other = y if self.shared else self.convolution(y)
        features: Tensor = (self.first(y) + self.second(other)).mean((2, 3))
        return features


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet10t", "mobilenetv3_small_050"])
def test_a_backbone_gives_the_same_features_without_its_norms(name: str) -> None:
    import timm

    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    network = warmed(timm.create_model(name, num_classes=0), x)
    with torch.inference_mode():
        expected = network(x)
    fold_norms(network, tuple(x.shape))
    assert norms(network) == 0
    with torch.inference_mode():
        assert (network(x) - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("shared", [True, False])
def test_what_cannot_be_folded_stays_as_it_is(*, shared: bool) -> None:
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    network = warmed(Twice(shared=shared), x)
    before = copy.deepcopy(network.state_dict())
    with torch.inference_mode():
        expected = network(x)
    fold_norms(network, tuple(x.shape))
    assert norms(network) == 2
    with torch.inference_mode():
        assert torch.equal(network(x), expected)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_networks_of_the_approaches_are_folded() -> None:
    drawings = Task(classes=3, pictures=60, side=28, channels=1, mode="ink")
    assert norms(Eye(28)) == 0
    sketch = Transfer().frozen(drawings)
    assert sketch is not None
    assert norms(sketch) == 0
    tuned = Transfer(fine_tune=True, backbone="tf_efficientnet_lite0").build(drawings)
    assert norms(tuned) > 0
