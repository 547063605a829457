"""Users' own models: how they are named, imported, built and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bakeoff.approaches.own import own_file, own_name
from bakeoff.approaches.own_network import OwnNetwork, Scaled
from bakeoff.approaches.settings import parse_settings
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.workers.trial import try_own

from ..strokes import strokes
from .tasks import task

NETS = '''
import torch
from torch import nn

class Plain(nn.Module):
    """A hidden layer."""
    bakeoff = {"size": 8, "training": {"learning_rate": 0.02, "epochs": 3}}

    def __init__(self, classes, channels, size):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(channels * size**2, 8), nn.ReLU())
        self.out = nn.Linear(8, classes)

    def forward(self, x):
        return self.out(self.body(x))

def stack(classes):
    head = [nn.Linear(12, 5), nn.Linear(5, classes)]
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), *head)
stack.bakeoff = {"size": 8, "scaling": "imagenet", "colour": True, "title": "A stack"}

class Fitting(Plain):
    """Nearest mean, fitted by itself."""
    bakeoff = {"size": 8}
    def fit(self, pictures, labels, validation=None, epochs=0):
        assert epochs > 0 and pictures.shape[1:] == (1, 8, 8) and pictures.max() <= 1
        x = self.body(pictures).detach()
        with torch.no_grad():
            for label in labels.unique():
                mean = x[labels == label].mean(0)
                self.out.weight[label], self.out.bias[label] = 2 * mean, -mean.square().sum()

class Prepared(Plain):
    bakeoff = {"size": 8}
    @staticmethod
    def preprocess(pixels, size):
        grey = pixels.float().mean(3)[:, None] / 255
        return nn.functional.interpolate(grey, (size, size), mode="bilinear")

class Wide(Plain):
    def forward(self, x):
        return torch.cat([super().forward(x)] * 2, 1)

class NotANumber(Plain):
    def forward(self, x):
        return super().forward(x) / 0 * 0

class Shape(Plain):
    def __init__(self, classes, channels, size):
        super().__init__(classes, channels, size + 1)

class Frozen(Plain):
    def __init__(self, **kinds):
        super().__init__(**kinds)
        self.requires_grad_(False)

class Rooted(Plain):
    def forward(self, x):
        answers = super().forward(x)
        return answers + (answers * 0).sum().abs().sqrt()

class Unknown(Plain):
    def forward(self, x):
        return super().forward(x) + torch.linalg.eigvals(x.mean(1)).real.sum(1, keepdim=True)

class Bright(Prepared):
    @staticmethod
    def preprocess(pixels, size):
        return Prepared.preprocess(pixels, size) * 255

class Small(Prepared):
    @staticmethod
    def preprocess(pixels, size):
        return Prepared.preprocess(pixels, 4)

class Needy(nn.Module):
    def __init__(self, classes, depth):
        super().__init__()

class Misdeclared(Plain):
    bakeoff = {"sise": 8}

class Mistrained(Plain):
    bakeoff = {"training": {"epoch": 8}}

one = nn.Linear(2, 2)
three = 3
def number(classes): return 3
'''


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with networks of every kind."""
    path = tmp_path_factory.mktemp("own") / "nets.py"
    path.write_text(NETS)
    return path


def tried(path: Path, name: str, *, exported: bool = False, **settings: Any) -> OwnNetwork:
    """Parse an own approach and try it on strokes."""
    config = RunConfig.parse(source="x", approaches=(f"{path}:{name}",), settings={"": settings})
    (approach,) = config.approaches
    kind = task(classes=3, side=12)
    try_own(approach, kind, strokes(6).pictures.take(np.arange(4)), exported=exported)
    built = approach.build()
    assert isinstance(built, OwnNetwork)
    return built


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my_net.py:MyNet", "mynet"),
        ("a/b/my_net.py:deep_net", "deep_net"),
        ("my_net.py:CNN", "own-cnn"),
        ("my_net.py:_Net9", "net9"),
        ("nets/my net.onnx", "my-net"),
        ("9.onnx", "own-9"),
        ("cnn", None),
        ("mine-2", None),
    ],
)
def test_an_own_model_has_a_name_that_settings_can_use(text: str, name: str | None) -> None:
    assert own_name(text) == name
    if name:
        RunConfig.model_validate({"source": "x", "approaches": [name]})


def test_paths_that_name_no_model_are_refused(nets: Path, tmp_path: Path) -> None:
    graph = tmp_path / "net.pt"
    graph.touch()
    for text, problem in [
        (f"{tmp_path}/no.py:Net", "there is no such file"),
        (f"{nets}", "does not say which class or function"),
        (f"{nets}:", "does not say which class or function"),
        (f"{tmp_path}", "there is no such file"),
        (f"{graph}", "is neither a Python file nor a model"),
    ]:
        with pytest.raises(BakeoffError, match=problem):
            own_file(text)
    (tmp_path / "broken.py").write_text("import no_such_module")
    with pytest.raises(BakeoffError, match=r"broken\.py: cannot be imported \(ModuleNotFoundError"):
        tried(tmp_path / "broken.py", "Net")
    with pytest.raises(BakeoffError, match=r"nets\.py defines no Plane. It defines .*Plain"):
        tried(nets, "Plane")


def test_settings_and_declarations_reach_the_network(nets: Path) -> None:
    plain = tried(nets, "Plain", epochs=5)
    assert (plain.name, plain.title, plain.side) == ("plain", "Plain", 8)
    assert (plain.training.learning_rate, plain.training.epochs) == (0.02, 5)
    stack = tried(nets, "stack")
    assert stack.title == "A stack"
    network = stack.build(task(classes=3, side=12))
    assert isinstance(network.body, Scaled)
    assert (network.head.in_features, network.head.out_features) == (5, 3)  # its last layer
    red = network.body.scaled(torch.full((1, 1, 8, 8), 0.485))
    assert red.shape == (1, 3, 8, 8)
    assert red[0, 0].abs().max() < 1e-6
    assert network.body.scaled(torch.ones(1, 3, 8, 8))[0, 2, 0, 0] == pytest.approx(0.594 / 0.225)
    text = parse_settings([f"{plain.name}.scaling=bytes"], also=["plain"])
    assert text == {"plain": {"scaling": "bytes"}}
    whole = tried(nets, "Plain", scaling="bytes").build(task(classes=3, side=12)).body
    assert isinstance(whole, Scaled)
    assert whole.scaled(torch.ones(1, 1, 8, 8)).max() == pytest.approx(255)


def test_own_preprocessing_is_in_the_model(nets: Path) -> None:
    prepared = tried(nets, "Prepared")
    preprocess = prepared.preprocess(task(side=12))
    pixels = torch.full((2, 9, 12, 1), 51, dtype=torch.uint8)
    assert torch.allclose(preprocess(pixels), torch.full((2, 1, 8, 8), 0.2))
    assert prepared.eye(task(side=12)) is None  # it knows drawings as ours are prepared
    assert tried(nets, "Plain").eye(task(side=12)) is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Wide", r"approach wide: it returns \(4, 6\) for 4 pictures of 3 classes; \(4, 3\)"),
        ("NotANumber", "approach notanumber: some of its answers are not finite"),
        ("Shape", r"approach shape: it fails for an input of \(4, 1, 8, 8\) \(RuntimeError"),
        ("Frozen", "approach frozen: it has no parameter that training could change"),
        ("Rooted", "approach rooted: a step of training makes numbers that are not finite"),
        ("Bright", "approach bright: its preprocessing makes numbers from .* to 2[45]"),
        ("Small", r"approach small: its preprocessing makes \(1, 1, 4, 4\) of a picture"),
        ("Needy", r"approach needy: Needy cannot be made .* \(TypeError: .*'depth'"),
        ("Misdeclared", r"its dictionary bakeoff is not understood \(sise: Extra inputs"),
        ("Mistrained", r"its dictionary bakeoff is not understood \(.*'epoch'"),
        ("one", "one is one network, and each fold needs a fresh one"),
        ("three", "three is not a model"),
        ("number", "approach number: number made a int, not a torch"),
    ],
)
def test_a_bad_model_is_refused_before_anything_trains(nets: Path, name: str, words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        tried(nets, name)


def test_a_model_that_onnx_cannot_express_is_refused(nets: Path) -> None:
    with pytest.raises(BakeoffError, match="approach unknown: ONNX cannot express it"):
        tried(nets, "Unknown", exported=True)
    tried(nets, "Unknown")  # without bundles it may take part
