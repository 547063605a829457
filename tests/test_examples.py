"""The examples run, at a small scale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("pictures", [60, pytest.param(300, marks=pytest.mark.long)])
def test_the_exploration_writes_two_tables(tmp_path: Path, pictures: int) -> None:
    out = tmp_path / "explored.md"
    asked = ["--trials", "2", "--pictures", str(pictures), "--out", str(out)]
    asked += ["--workers", "local:1"]
    subprocess.run(
        [sys.executable, EXAMPLES / "explore_mnist.py", "digits", *asked], check=True, cwd=tmp_path
    )
    text = out.read_text()
    assert text.count("| defaults |") + text.count("**defaults**") == 2
    assert "## CNN from scratch" in text
    assert "## Vision Transformer from scratch" in text
    assert text.count("pictures that no trial saw") == 2
    assert "mattered most" not in text  # of two trials nobody can tell
