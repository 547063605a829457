"""The models of docs/your-own-model.md and examples/seeds, as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bakeoff.approaches import Task
from bakeoff.approaches.own import own_file
from bakeoff.record.config import RunConfig
from bakeoff.run.bake import bake
from bakeoff.workers.trial import FEW, try_own

from .strokes import QUICKLY, strokes

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/your-own-model.md").read_text()
SNIPPETS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
NAMES = {
    "my_net.py": "MyNet",
    "thumbnails.py": "thumbnail",
    "means.py": "NearestMean",
    "grey.py": "Grey",
    "machine.py": "machine",
    "small.py": "small",
}
WRITES = "write_onnx.py"
SEEDS = (
    "first.py:FirstCNN",
    "first.py:FirstTransfer",
    "second.py:SecondCNN",
    "second.py:SecondViT",
)


def tried(text: str) -> None:
    """Try a model on strokes as a run does, but for the export, which takes seconds each."""
    config = RunConfig.parse(source="strokes", approaches=(text,))
    pictures = strokes(FEW).pictures.take(np.arange(FEW))
    try_own(config.approaches[0], Task.of(pictures, 3), pictures, exported=False)


def test_the_page_shows_short_models() -> None:
    assert set(SNIPPETS) == {*NAMES, WRITES}
    assert all(len(text.splitlines()) < 25 for text in SNIPPETS.values())
    assert all(
        name in text for text, name in ((SNIPPETS[file], name) for file, name in NAMES.items())
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_the_page_can_take_part(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(SNIPPETS[name])
    tried(f"{tmp_path}/{name}:{NAMES[name]}")


def test_the_trained_model_of_the_page_can_take_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(SNIPPETS[WRITES], WRITES, "exec"), {})
    tried(f"{tmp_path}/other.onnx")


def test_the_seeds_are_short_and_all_tried() -> None:
    files = sorted((ROOT / "examples/seeds").glob("*.py"))
    assert {file.name for file in files} == {seed.partition(":")[0] for seed in SEEDS}
    assert all(len(file.read_text().splitlines()) <= 60 for file in files)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_can_take_part(seed: str) -> None:
    assert own_file(f"{ROOT}/examples/seeds/{seed}") is not None
    tried(f"{ROOT}/examples/seeds/{seed}")


@pytest.mark.long
@pytest.mark.parametrize("which", ["page", "seeds"])
def test_all_of_them_run_and_leave_bundles(tmp_path: Path, which: str) -> None:
    for name in NAMES:
        (tmp_path / name).write_text(SNIPPETS[name])
    models = [f"{tmp_path}/{name}:{model}" for name, model in NAMES.items()]
    if which == "seeds":
        models = [f"{ROOT}/examples/seeds/{seed}" for seed in SEEDS]
    options = QUICKLY | {"approaches": models, "settings": {"": {"epochs": 2}}, "bundles": True}
    run = bake(strokes(), tmp_path / "run", **options)
    for approach in run.results().approaches:
        assert run.bundle(approach.name).is_dir()
        assert approach.out_of_fold is not None
