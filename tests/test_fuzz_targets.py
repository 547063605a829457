"""A short turn of the coverage-guided fuzzing; scripts/fuzz.py runs as long as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "fuzz.py"


@pytest.mark.parametrize(
    ("target", "runs"),
    [
        ("decode", 500),
        ("table", 200),
        pytest.param("decode", 20_000, marks=pytest.mark.long),
        pytest.param("table", 3_000, marks=pytest.mark.long),
    ],
)
def test_nothing_but_answers_and_clear_errors(target: str, runs: int, tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    # Linux counts the peak of who starts a process as its own, so the limit must be above ours.
    command = [sys.executable, str(SCRIPT), target, f"-runs={runs}", "-seed=1"]
    command.append("-rss_limit_mb=8192")
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {runs} runs" in done.stderr
    assert list(tmp_path.iterdir()) == []  # no input that broke anything
