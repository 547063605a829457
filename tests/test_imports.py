"""What is costly to import is imported only where it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOADED = "print(*sys.modules)"


def loaded_by(program: str, folder: Path) -> set[str]:
    """The names of all modules that a Python program has imported at its end."""
    start = f"import sys\nsys.path.append({str(ROOT)!r})\n"
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
    assert loaded.isdisjoint({"torch", "torchvision", "timm", "scipy", "sklearn", "optuna"})


def test_a_fit_imports_no_compiler_and_no_torchvision(tmp_path: Path) -> None:
    program = """
from bakeoff.run.bake import bake
from tests.strokes import QUICKLY, strokes

def listen(event):
    if event["event"] == "unit finished":
        fitted.update(sys.modules)

fitted = {}
bake(strokes(), "run", workers="local:1", on_event=listen, **QUICKLY)
sys.modules = fitted
"""
    loaded = loaded_by(program, tmp_path)
    assert "bakeoff.workers.worker" in loaded
    assert loaded.isdisjoint({"torchvision", "timm", "torch._dynamo", "torch._inductor"})
