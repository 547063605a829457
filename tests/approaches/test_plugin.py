"""An approach of another package, found through its entry point as pip installs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from bakeoff.approaches import APPROACHES, CNN, Task
from bakeoff.approaches.settings import configure, flat_settings
from bakeoff.bundle.bundle import load
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import WorkerDied
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.workers.trial import try_own

from ..strokes import CLASSES, QUICKLY, strokes

Install: TypeAlias = Callable[..., None]
MODULE = '''
from dataclasses import dataclass

from torch import nn

from bakeoff.approaches import Approach
from bakeoff.training.model import Network

@dataclass(frozen=True, kw_only=True)
class Mine(Approach):
    """One hidden layer over the pixels."""

    name = "mine"
    width: int = 8

    def build(self, task):
        pixels = self.preprocess(task).size ** 2 * task.channels
        body = nn.Sequential(nn.Flatten(), nn.Linear(pixels, self.width), nn.ReLU())
        return Network(body, nn.Linear(self.width, task.classes))

class Plain:
    name = "plain"

class Net(nn.Sequential):
    """A network as it is in a file of its own."""

    def __init__(self, classes, channels, size):
        super().__init__(nn.Flatten(), nn.Linear(channels * size**2, classes))

class Wide(Net):
    def __init__(self, classes, channels, size):
        super().__init__(3, channels, size)
'''
OPTIONS: dict[str, Any] = QUICKLY | {
    "approaches": ("mine", "baseline"),
    "settings": {"": {"epochs": 2}, "mine": {"width": "6"}},
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with some entry points, as site-packages would hold it."""

    def installed(**points: str) -> None:
        site = tmp_path / "site"
        info = site / "hidden_layer-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "hidden_layer.py").write_text(MODULE)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: hidden-layer\nVersion: 1.0\nSummary: One hidden layer.\n"
        )
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[bakeoff.approaches]", *lines, ""]))
        monkeypatch.syspath_prepend(str(site))
        # Workers are processes of their own.
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
        monkeypatch.delitem(sys.modules, "hidden_layer", raising=False)

    return installed


def test_a_plugin_is_listed_after_ours_without_its_import(install: Install) -> None:
    before = list(APPROACHES)
    assert "mine" not in APPROACHES
    install(mine="hidden_layer:Mine", cnn="hidden_layer:Mine")
    assert list(APPROACHES) == [*before, "mine"]
    assert len(APPROACHES) == len(before) + 1
    entry = APPROACHES["mine"]
    assert (entry.name, entry.title, entry.about) == ("mine", "mine", "One hidden layer.")
    assert "hidden_layer" not in sys.modules
    assert APPROACHES["cnn"].load() is CNN  # the name was taken
    assert flat_settings(configure("mine", {"width": "5", "epochs": "3"}))["width"] == 5
    with pytest.raises(BakeoffError, match=r"mine\.widht: is not a setting\. Did you mean width"):
        configure("mine", {"widht": 5})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (
            "gone",
            "no_such_module:Mine",
            r"plug-in gone \(no_such_module:Mine\): cannot be imported",
        ),
        ("other", "hidden_layer:Mine", r"approach other: its class calls itself 'mine'"),
        ("plain", "hidden_layer:Plain", r"approach plain: plain is not a model \(.*Plain"),
        ("module", "hidden_layer", r"approach module: module is not a model \(<module"),
    ],
)
def test_a_plugin_that_is_no_approach_is_refused(
    install: Install, tmp_path: Path, name: str, value: str, words: str
) -> None:
    install(**{name: value})
    assert name in APPROACHES
    with pytest.raises(BakeoffError, match=words):
        bake(strokes(), tmp_path / "run", **OPTIONS | {"approaches": (name,), "settings": {}})
    assert not (tmp_path / "run").exists()


def test_a_plain_class_of_another_package_takes_part(install: Install) -> None:
    install(net="hidden_layer:Net", wide="hidden_layer:Wide")
    (approach,) = RunConfig.parse(source="x", approaches=("net",)).approaches
    pictures = strokes(6).pictures.take(np.arange(4))
    try_own(approach, Task.of(pictures, 3), pictures, exported=False)
    assert approach.build().name == "net"
    (wide,) = RunConfig.parse(source="x", approaches=("wide",)).approaches
    with pytest.raises(BakeoffError, match=r"returns \(4, 3\) for 4 pictures of 2 classes"):
        try_own(wide, Task.of(pictures, 2), pictures, exported=False)


def test_a_run_trains_an_approach_of_another_package(install: Install, tmp_path: Path) -> None:
    install(mine="hidden_layer:Mine")
    dataset = strokes()
    options = OPTIONS | {"approaches": ("mine",), "bundles": True}
    run = bake(dataset, tmp_path / "run", test=0.2, workers="local:2", **options)
    assert not any(isinstance(event, WorkerDied) for event in run.events())
    (mine,) = run.results().approaches
    assert mine.name == "mine"
    assert (mine.settings["width"], mine.settings["epochs"]) == (6, 2)
    assert mine.parameters == 6 * 16 * 16 + 6 + 6 * 3 + 3
    assert mine.out_of_fold is not None
    assert mine.out_of_fold.pictures == 48
    assert mine.test is not None
    assert mine.latency.engine == "ONNX Runtime"
    assert mine.macs is not None
    # The bundle answers the locked test as the run did.
    arrays = run.probabilities()
    bundle = load(run.bundle("mine"), threads=1)
    for row, expected in zip(arrays["test_rows"], arrays["mine_test"], strict=True):
        (answer,) = bundle.predict([dataset.pictures[int(row)]])
        found = dict(answer.ranking)
        assert [found[name] for name in CLASSES] == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_run_whose_plugin_is_gone_says_so(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(mine="hidden_layer:Mine")
    bake(strokes(), tmp_path / "run", workers="local:1", **OPTIONS)
    monkeypatch.undo()  # uninstalls it
    assert "mine" not in APPROACHES
    assert RunFolder.open(tmp_path / "run").results().approaches[0].name == "mine"
    with pytest.raises(BakeoffError, match="approach mine: is not known"):
        resume(tmp_path / "run", dataset=strokes())
