"""The optimizers: what each takes, and what Muon's update is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.training.model import Network
from bakeoff.training.optimize import Descent, Muon, OptimizerName, orthogonal


@pytest.mark.parametrize("shape", [(5, 5), (4, 27), (30, 6)])
def test_an_update_has_nearly_equal_singular_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) * torch.logspace(0, -1, shape[1])
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix)
    within = torch.linalg.svdvals(found)
    assert 0.6 < within.min() <= within.max() < 1.3
    assert values.max() / values.min() > within.max() / within.min()
    assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), dim=0) > 0.95


def network() -> Network:
    torch.manual_seed(1)
    body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 8))
    return Network(body, nn.Linear(8, 3))


def test_muon_takes_what_is_inside_and_adamw_the_rest() -> None:
    net = network()
    descent = Descent(net, "muon", learning_rate=1e-3, weight_decay=0.05, steps=5)
    muon, adamw = descent.optimizers
    assert isinstance(muon, Muon)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    of_muon = [names[id(p)] for group in muon.param_groups for p in group["params"]]
    assert of_muon == ["body.0.weight", "body.3.weight"]
    of_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert of_adamw == set(names.values()) - set(of_muon)
    [optimizer] = Descent(net, "adamw", learning_rate=1e-3, weight_decay=0.05, steps=5).optimizers
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(names)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_the_loss_falls(optimizer: OptimizerName) -> None:
    net = network()
    x, y = torch.randn(12, 1, 6, 6), torch.arange(12) % 3
    descent = Descent(net, optimizer, learning_rate=2e-2, weight_decay=0.0, steps=60)
    first = nn.functional.cross_entropy(net(x), y)
    rates = []
    for _ in range(60):
        rates.append(descent.learning_rate)
        descent.step(nn.functional.cross_entropy(net(x), y))
    assert nn.functional.cross_entropy(net(x), y) < first / 4
    assert max(rates) == pytest.approx(2e-2, rel=0.05)
    assert rates[-1] < rates[0] < max(rates)


def test_an_approach_can_be_told_its_optimizer() -> None:
    assert configure("cnn", {"optimizer": "muon"}).training.optimizer == "muon"
    few = Task(3, 800, 28, 1, "ink")
    told = configure("vit", {"optimizer": "adamw"}).schedule(800, few)
    assert told.optimizer == "adamw"
