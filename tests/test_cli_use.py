"""The commands that use bundles: predict, verify and export."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bakeoff.bundle import web
from bakeoff.bundle.bundle import load
from bakeoff.record.folder import RunFolder

from .commands import bakeoff, stroke_folders


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stroke_folders(tmp_path_factory.mktemp("cli") / "pictures")


def test_pictures_are_named_side_by_side(
    finished: RunFolder,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = tmp_path / "answers.csv"
    bakeoff(
        "predict",
        finished.path,
        pictures / "bar",
        "--csv",
        table,
        "--top",
        "2",
        monkeypatch=monkeypatch,
    )
    said = capsys.readouterr().out
    assert "baseline" in said
    assert "left out: broken.png" in said
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 2 * 12
    assert {row["model"] for row in rows} == {"baseline", "cnn"}
    assert all(row["class 2"] in ("bar", "dash", "box") for row in rows)


def test_an_explanation_is_drawn_for_each_picture(
    finished: RunFolder,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = next(path for path in sorted((pictures / "bar").iterdir()) if path.stat().st_size)
    bakeoff("predict", finished.path, one, "--explain", tmp_path / "why", monkeypatch=monkeypatch)
    assert "explanations: " in capsys.readouterr().out
    with Image.open(tmp_path / "why" / f"1-{one.stem}.png") as sheet:
        assert sheet.width > 3 * 224


def test_a_smaller_bundle_with_neighbours_is_made_from_a_run_of_files(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    start: list[str | Path] = [
        "run",
        pictures,
        "-a",
        "cnn",
        "-s",
        "epochs=1",
        "--folds",
        "2",
        "-o",
        run,
        "--no-open",
        "--no-robustness",
    ]
    bakeoff(*start, "--no-bundles", "--threads", "1", monkeypatch=monkeypatch)
    bakeoff("export", run, "-a", "cnn", "--variant", "fp16", monkeypatch=monkeypatch)
    file = tmp_path / "small.bakeoff"
    fp16: list[str | Path] = ["--variant", "fp16", "-o", file]
    bakeoff("export", run, "-a", "cnn", *fp16, monkeypatch=monkeypatch)
    assert load(file).manifest.variant is not None
    bakeoff("export", run, "-a", "cnn", "--with-neighbours", monkeypatch=monkeypatch)
    small, shown = load(run / "bundles" / "cnn-fp16"), load(run / "bundles" / "cnn")
    assert small.manifest.variant is not None
    assert shown.neighbours is not None
    assert len(shown.neighbours) == 36
    packed = tmp_path / "packed.bakeoff"
    bakeoff("export", run, "-a", "cnn", "-o", packed, monkeypatch=monkeypatch)
    assert load(packed).neighbours is None  # pictures go nowhere unasked


def test_what_is_exported_is_the_bundle_of_the_run(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it needs no weights, no PyTorch, and no version of bakeoff that trains alike."""
    run = tmp_path / "run"
    shutil.copytree(finished.path, run, ignore=shutil.ignore_patterns("units"))
    config = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(config | {"recipe": 1}))
    graph = tmp_path / "cnn.onnx"
    bakeoff("export", run, "-a", "cnn", "--to", "onnx", "-o", graph, monkeypatch=monkeypatch)
    assert graph.read_bytes() == (finished.bundle("cnn") / "model.onnx").read_bytes()
    bakeoff("export", run, "-a", "cnn", "-o", tmp_path / "copy", monkeypatch=monkeypatch)
    assert load(tmp_path / "copy").verify().same


def test_a_bundle_without_pictures_is_told_what_is_missing(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff("predict", finished.path, monkeypatch=monkeypatch, code=2)
    assert "no pictures were named" in capsys.readouterr().err


def test_pictures_without_a_bundle_are_told_what_is_missing(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff("predict", pictures / "bar", monkeypatch=monkeypatch, code=2)
    assert "Name a run or a bundle" in capsys.readouterr().err


def test_verify_prints_how_far_off_this_machine_is(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bakeoff("verify", finished.path, monkeypatch=monkeypatch)
    assert re.search(
        r"cnn: 6 golden pictures, probabilities at most \S+ off", capsys.readouterr().out
    )
    broken = Path(shutil.copytree(finished.bundle("cnn"), tmp_path / "cnn"))
    found = json.loads((broken / "bundle.json").read_text())
    found["golden"][0]["probabilities"].reverse()
    (broken / "bundle.json").write_text(json.dumps(found))
    bakeoff("verify", broken, monkeypatch=monkeypatch, code=2)
    assert "answers differently here" in capsys.readouterr().err


def test_a_bundle_is_made_again_from_its_weights(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "one.bakeoff"
    bakeoff("export", finished.path, "-a", "baseline", "-o", file, monkeypatch=monkeypatch)
    folder = tmp_path / "folder"
    bakeoff("export", finished.path, "-a", "baseline", "-o", folder, monkeypatch=monkeypatch)
    first = finished.bundle("baseline")
    assert {one.name for one in folder.iterdir()} == {one.name for one in first.iterdir()}
    for one in folder.iterdir():
        assert one.read_bytes() == (first / one.name).read_bytes(), one.name
    bakeoff("verify", file, monkeypatch=monkeypatch)
    assert "one: 6 golden pictures" in capsys.readouterr().out


def test_a_page_is_made_of_bundles(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = tmp_path / "browser"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(web, "_built", lambda: page)
    made: list[str | Path] = ["export", finished.bundle("cnn"), finished.path, "--to", "web"]
    site = tmp_path / "my site"
    bakeoff(*made, "--out", site, monkeypatch=monkeypatch)
    said = capsys.readouterr().out
    assert "models: cnn, baseline, cnn 2" in said
    assert f"python -m http.server -d '{site}'" in said
    assert (site / "models" / "cnn 2" / "model.onnx").is_file()
    bakeoff(*made, monkeypatch=monkeypatch, code=2)
    assert "Add --out" in capsys.readouterr().err
    bakeoff(*made, "--out", site, "--variant", "int8", monkeypatch=monkeypatch, code=2)
    assert "takes bundles as they are" in capsys.readouterr().err
    bakeoff("export", finished.path, finished.path, monkeypatch=monkeypatch, code=2)
    assert "takes one run; found 2" in capsys.readouterr().err


def test_export_overwrites_nothing_else(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "precious.txt").write_text("x")
    bakeoff("export", finished.path, "-a", "cnn", "-o", tmp_path, monkeypatch=monkeypatch, code=2)
    assert "exists and is not a bundle" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").read_text() == "x"
    bakeoff("export", finished.path, "-a", "vit", monkeypatch=monkeypatch, code=2)
    assert "has no approach vit" in capsys.readouterr().err
