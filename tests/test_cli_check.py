"""`bakeoff check`, and `bakeoff run` with what it proposes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bakeoff.record.folder import RunFolder

from .commands import QUICK, bakeoff
from .strokes import strokes


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders of 36 strokes, one of them blank."""
    folder = tmp_path_factory.mktemp("cli") / "pictures"
    dataset = strokes(36)
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(path)
    Image.new("L", (12, 12), 250).save(folder / "bar" / "0.png")
    return folder


def test_a_check_by_looks_then_a_run_with_what_it_proposes(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    bakeoff("check", pictures, "--no-models", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("check-pictures-")
    assert "1 picture is empty or nearly empty: bar/0.png." in out
    assert "there is nothing on it" in out
    assert "(1 proposed, 0 for you to decide)" in out
    assert f"then: bakeoff run {pictures} --corrections {left.name}/corrections.csv" in out

    again: list[str | Path] = ["check", pictures, "--no-models", "--strict", "-o", "strict"]
    bakeoff(*again, monkeypatch=monkeypatch, code=1)
    bakeoff(*again, monkeypatch=monkeypatch, code=2)
    assert "strict: is there already" in capsys.readouterr().err

    table = left / "corrections.csv"
    asked: list[str | Path] = ["run", pictures, "-a", "baseline", *QUICK, "--no-open"]
    bakeoff(*asked, "--corrections", table, "-o", "run", monkeypatch=monkeypatch)
    assert "1 picture left out on request" in capsys.readouterr().out
    assert RunFolder.open(Path("run")).results().dataset.pictures == 35

    bakeoff("check", "run", "--strict", "-o", "clean", monkeypatch=monkeypatch, code=0)
    assert "No issues." in capsys.readouterr().out


def test_a_check_is_opened_where_there_is_a_screen(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("bakeoff.cli.common.has_display", lambda: True)
    asked: list[str | Path] = ["check", pictures, "--no-models", "-o"]
    bakeoff(*asked, tmp_path / "unseen", "--no-open", monkeypatch=monkeypatch)
    assert not opened
    bakeoff(*asked, tmp_path / "seen", monkeypatch=monkeypatch)
    assert opened == [(tmp_path / "seen" / "check.html").as_uri()]


def test_a_check_with_a_model_names_no_run(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str | Path] = ["check", pictures, "--threads", "1", "-o", tmp_path / "out"]
    bakeoff(*asked, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "baseline · fold 5" in out
    assert "\nrun " not in out
    assert "resume" not in out


def test_ctrl_c_stops_a_check(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bakeoff.run.checkup.check", stopped)
    bakeoff("check", pictures, "-o", tmp_path / "out", monkeypatch=monkeypatch, code=130)
    assert list(tmp_path.iterdir()) == []


def test_a_doubted_label_is_shown_with_what_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bakeoff.cli.check import _show
    from bakeoff.evaluation.health import Health, Suspect
    from bakeoff.run.checkup import Checkup, check

    found = check("doodles", tmp_path / "out", approaches=())
    suspects = [Suspect(0, "[b]a[/b]", "cat", "dog", 0.004, ["cnn"])] * 9
    _show(Checkup(found.dataset, Health([], suspects, [], ["Nine."]), ()))
    out = capsys.readouterr().out
    assert out.count("[b]a[/b]") == 5
    assert "0.4%" in out
