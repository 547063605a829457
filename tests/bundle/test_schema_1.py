"""Bundles and runs of schema 1: loaded, served, explained, exported and reported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from bakeoff.bundle import web
from bakeoff.bundle.bundle import load
from bakeoff.bundle.export import export
from bakeoff.bundle.graph import OUTPUTS
from bakeoff.bundle.manifest import Manifest
from bakeoff.bundle.web import export_web
from bakeoff.record.folder import RunFolder
from bakeoff.report.write import write_report
from bakeoff.run.bundles import final_model

from ..schema_1 import former_graph, former_run
from ..server.conftest import serving
from ..server.test_predict import png
from ..strokes import strokes

DRAWINGS = strokes(4).pictures


@pytest.fixture
def former(finished: RunFolder, tmp_path: Path) -> RunFolder:
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))
    former_run(run.path)
    manifest = json.loads((run.bundle("cnn") / "bundle.json").read_text())
    assert manifest["schema_version"] == 1
    assert "strangeness" in manifest["golden"][0]
    assert "understood" in json.loads((run.path / "results.json").read_text())["dataset"]
    return run


def test_a_former_bundle_gives_the_same_answers(finished: RunFolder, former: RunFolder) -> None:
    current, old = load(finished.bundle("cnn")), load(former.bundle("cnn"))
    assert old.predict(list(DRAWINGS)) == current.predict(list(DRAWINGS))
    assert old.verify().same
    assert old.manifest.trust == current.manifest.trust
    explained = old.explain(DRAWINGS[2]).occlusion
    np.testing.assert_array_equal(explained.drops, current.explain(DRAWINGS[2]).occlusion.drops)


def test_a_former_run_is_served_and_reported(finished: RunFolder, former: RunFolder) -> None:
    write_report(former)
    assert (former.path / "report.html").is_file()
    assert former.results() == finished.results()
    body = png(DRAWINGS[1])
    with serving(former) as client:
        (run,) = client.get("/api/runs").json()
        assert run["finished"] is True
        assert client.get("/api/runs/run").json()["schema_version"] == 2
        assert client.get("/api/runs/run/view").status_code == 200
        models = client.post("/api/predict", content=body).json()["models"]
        assert [model["model"] for model in models] == ["baseline", "cnn"]
        expected = load(finished.bundle("cnn")).predict(body)[0]
        assert models[1]["answers"][0]["ood_score"] == pytest.approx(expected.ood_score, rel=1e-4)
        assert client.post("/api/explain", content=body).status_code == 200
        assert client.get("/v2/models/cnn").json()["outputs"][1]["name"] == "ood_score"


def test_the_static_page_gets_the_current_schema(
    former: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(web, "_built", lambda: page)
    export_web([former.path], tmp_path / "site")
    written = tmp_path / "site" / "models" / "cnn"
    manifest = Manifest.model_validate_json((written / "bundle.json").read_bytes())
    assert manifest == load(former.bundle("cnn")).manifest
    assert load(written).verify().same


def test_a_graph_that_an_older_run_kept_is_traced_again(
    finished: RunFolder, tmp_path: Path
) -> None:
    model = final_model(finished, "cnn")
    kept = former_graph((finished.bundle("cnn") / "model.onnx").read_bytes())
    filled_in = {"made_with", "embedding", "temperature", "golden", "files", "schema_version"}
    about = load(finished.bundle("cnn")).manifest.model_dump(exclude=filled_in)
    export(model, about, tmp_path / "cnn", graph=kept)
    outputs = onnx.load(tmp_path / "cnn" / "model.onnx").graph.output
    assert tuple(value.name for value in outputs[:3]) == OUTPUTS
