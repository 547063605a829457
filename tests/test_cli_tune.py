"""`bakeoff tune`, and `bakeoff run` with what it found."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.tune import search as story

from .commands import QUICK, bakeoff
from .test_cli_check import pictures

__all__ = ["pictures"]

SPACE = "[baseline]\nepochs = 2\ncells = [5, 7]\norientations = 9\nweight_decay = [0.1, 0.5]\n"
SHORT: list[str | Path] = ["-a", "baseline", "--trials", "3", "--threads", "1", "--no-open"]
SHORT += ["--workers", "local:1"]


def test_a_search_then_a_run_with_what_it_found(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.toml").write_text(SPACE)
    asked: list[str | Path] = ["tune", pictures, *SHORT, "--space", "space.toml"]
    bakeoff(*asked, "--aim", "loss,size", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    [left] = Path("studies").iterdir()
    assert left.name.startswith("pictures-")
    for number in range(3):
        assert f"baseline · trial {number} · loss" in out
    assert "pictures that no trial saw" in out
    assert "◀" in out
    assert f"bakeoff run {pictures} --settings {left}/settings.toml" in out
    assert f"report: {left}/report.html" in out

    settings = left / "settings.toml"
    settings.write_text("[baseline]\ncells = 5\nepochs = 2\n[vit]\ndepth = 2\n")
    again: list[str | Path] = ["run", pictures, "-a", "baseline", *QUICK, "--no-open"]
    bakeoff(
        *again, "--settings", settings, "--set", "epochs=1", "-o", "run", monkeypatch=monkeypatch
    )
    used = RunFolder.open(Path("run")).results().approaches[0].settings
    assert used["cells"] == 5

    bakeoff("tune", "--resume", left, "--no-open", monkeypatch=monkeypatch)
    assert "report: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["tune"], "SOURCE is missing"),
        (["tune", "x", "--resume", "y"], "source cannot be changed here"),
        (["tune", "digits", "--time", "soon"], "is not a duration"),
        (["tune", "digits", "--aim", "fame"], "one or two of loss, accuracy, latency, size"),
        (["tune", "digits", "--aim", "loss,loss"], "one or two of"),
        (["tune", "digits", "--workers", "many"], "Use auto, local:N"),
        (["tune", "digits", "-a", "cnnn"], "Did you mean cnn"),
        (["run", "digits", "--settings", "none.toml"], "cannot be read as TOML"),
    ],
)
def test_what_makes_no_search_is_refused_in_words(
    asked: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    bakeoff(*asked, monkeypatch=monkeypatch, code=2)
    assert problem in capsys.readouterr().err.replace("\n", " ")
    assert not list(tmp_path.iterdir())


def test_stopped_by_hand_it_says_how_to_go_on(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(story, "executor_for", stop)
    bakeoff("tune", pictures, *SHORT, "-o", "left", monkeypatch=monkeypatch, code=130)
    assert "Continue with: bakeoff tune --resume left" in capsys.readouterr().out
