"""What a page needs to teach a model more, and what it computes with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load

from bakeoff.approaches import Scatterer
from bakeoff.bundle import web
from bakeoff.bundle.graph import INPUT
from bakeoff.bundle.teaching import features_graph, lessons_of
from bakeoff.bundle.web import export_web
from bakeoff.data.dataset import Dataset
from bakeoff.data.validate import validate
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import LESSONS, RunFolder
from bakeoff.run.bake import bake
from bakeoff.training.ridge import Nuisance

from ..commands import bakeoff
from ..strokes import strokes
from ..teaching import NUMBERS, numbers


def baked(path: Path, dataset: Dataset, *, test: float) -> RunFolder:
    return bake(
        dataset,
        path,
        approaches=("scattering",),
        settings={"scattering": {"side": 16, "scales": 2, "orientations": 4, "grid": 2}},
        folds=3,
        test=test,
        budget="quick",
        threads=1,
        workers="local:1",
        robustness=False,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return baked(tmp_path_factory.mktemp("runs") / "few", strokes(), test=0)


def test_lessons_are_what_the_features_graph_makes_of_every_picture(run: RunFolder) -> None:
    bundle = run.bundle("scattering")
    lessons = load(lessons_of(bundle) or b"")
    dataset = strokes()
    assert lessons["labels"].tolist() == dataset.labels.tolist()
    for number, fold in enumerate(run.results().approaches[0].folds):
        rows = run.load_unit("scattering", fold.name)[1]["rows"]
        assert np.flatnonzero(lessons["folds"] == number).tolist() == rows.tolist()
    graph = onnxruntime.InferenceSession(features_graph((bundle / "model.onnx").read_bytes()))
    for row in range(0, len(dataset), 9):
        picture = np.array(dataset.pictures[row])[None]
        features, blank = graph.run(["features", "blank"], {INPUT: picture})
        assert np.abs(features[0] - lessons["features"][row]).max() < 0.02  # of 0 to 7
        assert not blank[0]


def test_features_lose_the_nuisance_of_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    from ..approaches.test_scattering import trainer

    monkeypatch.setattr(Scatterer, "views", 2)
    made = trainer(paper=True, side=64, budget="standard")
    trained = made.fit("final", train=np.arange(45), validation=np.empty(0, dtype=np.int64))
    network = trained.model.network
    lessons = made.approach.lessons(network, made.source)
    nuisance = Nuisance(lessons["directions"].float(), lessons["kept"])
    plain = made.source.features[0].float()  # type: ignore[attr-defined]
    assert lessons["directions"].shape[1] > 0
    assert torch.allclose(nuisance.reduce(plain), lessons["features"].float(), atol=0.02)
    assert not torch.allclose(plain, lessons["features"].float(), atol=0.02)


def test_too_many_pictures_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from ..approaches.test_scattering import fitted, trainer

    network = fitted().model.network
    assert trainer().approach.lessons(network, trainer().source)
    monkeypatch.setattr("bakeoff.approaches.scattering.TEACHABLE", 20)
    assert not trainer().approach.lessons(network, trainer().source)


def test_a_page_has_lessons_only_on_request(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "browser"
    built.mkdir()
    (built / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(web, "_built", lambda: built)
    export_web([run.path], tmp_path / "plain")
    assert not list((tmp_path / "plain").rglob("lessons*"))
    web_page = ("--to", "web", "--teachable", "--out", tmp_path / "site")
    bakeoff("export", run.path, *web_page, monkeypatch=monkeypatch)
    (listed,) = json.loads((tmp_path / "site" / "models.json").read_text())
    assert (tmp_path / "site" / listed["features"]).is_file()
    assert (tmp_path / "site" / listed["lessons"]).read_bytes() == lessons_of(
        run.bundle("scattering")
    )


def test_what_cannot_be_taught_is_refused(
    run: RunFolder,
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert lessons_of(finished.bundle("cnn")) is None
    with pytest.raises(BakeoffError, match="no model that can be taught"):
        export_web([finished.path], tmp_path / "site", teachable=True)
    with pytest.raises(BakeoffError, match="has no features"):
        features_graph((finished.bundle("cnn") / "model.onnx").read_bytes())
    bakeoff(
        "export", run.path, "--teachable", "--out", tmp_path / "a", monkeypatch=monkeypatch, code=2
    )
    assert "means nothing with --to bundle" in capsys.readouterr().err


def test_lessons_say_how_uneven_classes_counted(tmp_path: Path) -> None:
    whole = strokes(120, classes=2)
    common, rare = (np.flatnonzero(whole.labels == label) for label in (0, 1))
    uneven = validate(whole.take(np.concatenate([common[:60], rare[:10]])))
    bundle = baked(tmp_path / "run", uneven, test=0.2).bundle("scattering")
    (tmp_path / "lessons").write_bytes(lessons_of(bundle) or b"")
    with safe_open(tmp_path / "lessons", "numpy") as file:
        assert file.metadata() == {"balance": "1.0"}
        assert len(file.get_tensor("labels")) == 56  # none of the locked test


def test_only_the_final_fit_keeps_lessons(run: RunFolder) -> None:
    kept = [path.parent.name for path in run.path.rglob(LESSONS)]
    assert kept == ["final"]


def test_the_page_is_tested_with_the_numbers_of_this_python() -> None:
    """After a change of the ridge: python -m tests.teaching."""
    for name, case in numbers().items():
        kept = json.loads(NUMBERS.read_text())[name]
        assert kept.keys() == case.keys()
        for key in ("x", "probabilities", "temperature", "interval", "weights", "bias"):
            assert np.allclose(kept[key], case[key], atol=2e-4), (name, key)
