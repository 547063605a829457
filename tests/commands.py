"""Commands as the console script runs them, in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bakeoff import cli

QUICK = [
    "--no-bundles",
    "--no-robustness",
    "--folds",
    "2",
    "--set",
    "epochs=2",
    "--threads",
    "1",
    "--precision",
    "fp32",
]


def bakeoff(*arguments: str | Path, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    """Call `main` as the console script does."""
    monkeypatch.setattr(sys, "argv", ["bakeoff", *map(str, arguments)])
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == code
