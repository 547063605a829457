"""Commands as the console script runs them, in this process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from bakeoff import cli

from .strokes import strokes

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


def stroke_folders(folder: Path) -> Path:
    """Class folders of 36 strokes, and one file that is not a picture."""
    dataset = strokes(36)
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(path)
    (folder / "bar" / "broken.png").write_bytes(b"")
    return folder
