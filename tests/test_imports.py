"""What is costly to import is imported only where it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bakeoff.record.folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
LOADED = "print(*sys.modules)"


def loaded_by(program: str, folder: Path) -> set[str]:
    """The names of all modules that a Python program has imported at its end."""
    start = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    command = [sys.executable, "-c", start + program + LOADED]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_no_torch(tmp_path: Path) -> None:
    program = """
from bakeoff.cli import app
sys.argv = ["bakeoff", "--help"]
try:
    app()
except SystemExit as end:
    assert not end.code
"""
    loaded = loaded_by(program, tmp_path)
    assert "bakeoff.cli.train" in loaded
    heavy = {"torch", "torchvision", "timm", "scipy", "sklearn", "optuna", "numpy", "fastapi"}
    assert loaded.isdisjoint(heavy)


def test_the_list_of_approaches_imports_none(tmp_path: Path) -> None:
    program = """
from bakeoff.approaches import APPROACHES
assert [(entry.name, entry.title) for entry in APPROACHES.values()][:5] == [
    ("scattering", "Scattering"),
    ("baseline", "Plain baseline"),
    ("cnn", "CNN from scratch"),
    ("vit", "Vision Transformer from scratch"),
    ("transfer", "Transfer learning"),
]
assert all(entry.about for entry in APPROACHES.values())
"""
    loaded = loaded_by(program, tmp_path)
    assert "bakeoff.approaches.registry" in loaded
    assert loaded.isdisjoint({"torch", "torchvision", "timm", "bakeoff.approaches.approach"})


def test_a_config_without_settings_is_parsed_from_json_without_torch(tmp_path: Path) -> None:
    program = """
from bakeoff.record.config import RunConfig
config = RunConfig.model_validate({"source": "x", "approaches": ["cnn", "vit"]})
assert config.names == ("cnn", "vit")
"""
    assert loaded_by(program, tmp_path).isdisjoint({"torch", "torchvision", "timm"})


def test_scores_are_computed_without_torch(tmp_path: Path) -> None:
    loaded = loaded_by("import bakeoff.scoring.scored\n", tmp_path)
    assert "bakeoff.scoring.scored" in loaded
    assert loaded.isdisjoint({"torch", "torchvision", "timm"})


def test_a_bundle_is_exported_without_torch(finished: RunFolder, tmp_path: Path) -> None:
    program = f"""
from bakeoff.cli import app
sys.argv = ["bakeoff", "export", {str(finished.path)!r}, "-a", "cnn", "-o", "cnn.bakeoff"]
try:
    app()
except SystemExit as end:
    assert not end.code
"""
    assert loaded_by(program, tmp_path).isdisjoint({"torch", "torchvision", "timm"})
    assert (tmp_path / "cnn.bakeoff").is_file()


SOME = """
from bakeoff.data.read import read
from bakeoff.run.bake import bake

def some(name, count):
    every = read(name)
    rows = [row for row, label in enumerate(every.labels) if label < 2]
    return every.take(rows[:: len(rows) // count])

alone = dict(folds=2, budget="quick", threads=1, robustness=False)
quickly = {"cnn": {"epochs": 1}}
"""
SLOW_TO_IMPORT = {"torchvision", "timm", "torch._dynamo", "torch._inductor", "triton"}


def test_neither_a_run_whose_graph_is_known_nor_a_fit_imports_a_compiler_or_torchvision(
    tmp_path: Path,
) -> None:
    known = "some('doodles', 40), approaches=['scattering']"
    what = "some('clothing', 10), approaches=['transfer', 'cnn'], settings=quickly"
    program = f"""{SOME}
bake({known}, out="known", workers="local:1", **alone)

def listen(event):
    if event.event == "unit finished":
        fitted.update(sys.modules)

fitted = {{}}
bake({what}, out="run", bundles=False, workers="local:1", on_event=listen, **alone)
sys.modules = fitted
"""
    loaded = loaded_by(program, tmp_path)
    assert "bakeoff.approaches.transfer" in loaded
    assert {"bakeoff.bundle.tracing", "bakeoff.workers.cost"} <= loaded
    assert loaded.isdisjoint(SLOW_TO_IMPORT)


@pytest.mark.parametrize(
    ("command", "package"),
    [("run doodles", "torch"), ("tune doodles", "optuna"), ("export RUN --variant fp16", "torch")],
)
def test_a_command_says_which_package_it_lacks(
    finished: RunFolder, tmp_path: Path, command: str, package: str
) -> None:
    program = "import sys; sys.modules[sys.argv.pop(1)] = None;from bakeoff.cli import main; main()"
    words = command.replace("RUN", str(finished.path)).split()
    done = subprocess.run(
        [sys.executable, "-c", program, package, *words, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    said = " ".join(done.stderr.split())
    assert said.startswith(f"bakeoff: this command: needs {package}, which is not installed"), said
    assert "pip install 'bakeoff[train]'" in said
