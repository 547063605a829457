"""bakeoff read: what was understood, without training."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from bakeoff.cli import read as command

from .commands import bakeoff, stroke_folders


def test_what_was_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stroke_folders(tmp_path / "pictures")
    sheet = tmp_path / "sheet.png"
    bakeoff("read", folder, "--group", "^([0-9])", "--sheet", sheet, monkeypatch=monkeypatch)
    out = " ".join(capsys.readouterr().out.split())
    assert "pictures: class folders, 36 pictures of 12×12, 3 classes" in out
    assert "left out: 1 " in out
    with Image.open(sheet) as image:
        assert image.size == (6 + 180 + 10 * 70, 32 + 3 * 70)
        assert len(image.convert("L").getcolors() or []) > 2


def test_a_sheet_in_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Console(force_terminal=True, color_system="truecolor", width=60, highlight=False)
    monkeypatch.setattr(command, "console", terminal)
    bakeoff("read", stroke_folders(tmp_path / "pictures"), monkeypatch=monkeypatch)
    assert capsys.readouterr().out.count("▀") == 3 * 6 * 4 * 13  # classes, lines, tiles, width


def test_a_sheet_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = tmp_path / "none" / "sheet.png"
    bakeoff("read", "doodles", "--sheet", nowhere, monkeypatch=monkeypatch, code=2)
    assert "its folder does not exist" in capsys.readouterr().err
