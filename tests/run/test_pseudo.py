"""Pseudo labels: what is learned from, what a run measures of it, and when it is kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bakeoff.data.dataset import Dataset
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.calibration import softmax
from bakeoff.evaluation.headline import headline_for
from bakeoff.evaluation.records import PseudoLabels
from bakeoff.record.events import UnitFinished
from bakeoff.record.folder import RunFolder
from bakeoff.run import pseudo
from bakeoff.run.bake import bake, resume
from bakeoff.workers.pseudo import fit_of, pseudo_name
from bakeoff.workers.units import FINAL

from ..strokes import CLASSES, ONE, strokes
from .test_resume import Interruption, after

COUNT = 30
ASKED: dict[str, Any] = ONE | {"pseudo_label": True, "workers": "local:1"}
WEIGHTS = "weights.safetensors"


def write(dataset: Dataset, folder: Path) -> Path:
    folder.mkdir()
    for number, picture in enumerate(dataset.pictures):
        Image.fromarray(picture[..., 0]).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Further strokes."""
    return write(strokes(COUNT, seed=11), tmp_path_factory.mktemp("pseudo") / "more")


@pytest.fixture(autouse=True)
def sure_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two epochs make no model as sure as people would want it."""
    monkeypatch.setattr("bakeoff.workers.pseudo.SURE", 0.4)


def result(run: RunFolder) -> PseudoLabels:
    found = run.results().approaches[0].pseudo
    assert found is not None
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, more: Path) -> tuple[RunFolder, RunFolder]:
    """The same run without pseudo labels, and with them."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bakeoff.workers.pseudo.SURE", 0.4)
        plain = bake(strokes(), folder / "plain", unlabelled=more, **ONE)
        asked = bake(strokes(), folder / "asked", unlabelled=more, **ASKED | {"workers": "auto"})
    return plain, asked


def test_the_second_training_is_beside_the_first_and_changes_nothing_of_it(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    plain, asked = runs
    gain = result(asked)
    assert gain.pictures == COUNT
    assert 0 < gain.sure <= COUNT
    for fold in ("fold 1", "fold 2"):
        first, second = ((asked.unit("baseline", one)) for one in (fold, pseudo_name(fold)))
        assert (first / WEIGHTS).read_bytes() == (
            plain.unit("baseline", fold) / WEIGHTS
        ).read_bytes()
        assert (first / WEIGHTS).read_bytes() != (second / WEIGHTS).read_bytes()
        record, arrays = asked.load_unit("baseline", pseudo_name(fold))
        assert 0 < record.pseudo_labels <= COUNT
        _, before = asked.load_unit("baseline", fold)
        np.testing.assert_array_equal(arrays["rows"], before["rows"])  # the same held-out pictures
    # No gain is shown on a few strokes, so everything is that of the run without pseudo labels.
    assert not gain.used
    assert "so none are used" in gain.words
    final = asked.unit("baseline", FINAL) / WEIGHTS
    assert final.read_bytes() == (plain.unit("baseline", FINAL) / WEIGHTS).read_bytes()
    assert asked.results().approaches[0].out_of_fold == plain.results().approaches[0].out_of_fold


def test_the_gain_is_that_of_the_held_out_pictures(runs: tuple[RunFolder, RunFolder]) -> None:
    _, asked = runs
    gain, classes = result(asked), asked.results().dataset.classes  # sorted by name
    labels = np.array([classes.index(CLASSES[label]) for label in strokes().labels])
    shares = []
    for name in (str, pseudo_name):
        right = []
        for fold in ("fold 1", "fold 2"):
            record, arrays = asked.load_unit("baseline", name(fold))
            answers = softmax(arrays["logits"], record.temperature).argmax(1)
            right.append(answers == labels[arrays["rows"]])
        shares.append(float(np.concatenate(right).mean()))
    assert (gain.before, gain.after) == pytest.approx(shares)
    assert gain.gain == pytest.approx(shares[1] - shares[0])
    assert gain.interval[0] <= gain.gain <= gain.interval[1]


def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every gain count as shown."""
    judged = pseudo._gain
    monkeypatch.setattr(
        pseudo, "_gain", lambda *given, **named: replace(judged(*given, **named), used=True)
    )


def test_where_a_gain_is_shown_scores_and_model_are_those_with_pseudo_labels(
    tmp_path: Path, more: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(monkeypatch)
    monkeypatch.setattr("bakeoff.evaluation.powered.FEWEST_ERRORS", 1)
    asked = ASKED | {"workers": "auto", "bundles": True, "robustness": True, "test": 0.2}
    run = bake(strokes(), tmp_path / "run", unlabelled=more, **asked)
    found = run.results().approaches[0]
    record, _ = run.load_unit("baseline", FINAL)
    assert record.pseudo_labels > 0
    assert fit_of(run, "baseline", "fold 1") == pseudo_name("fold 1")
    after = [run.load_unit("baseline", pseudo_name(fold)) for fold in ("fold 1", "fold 2")]
    kept = run.probabilities()["baseline_out_of_fold"]
    shares = np.concatenate([softmax(arrays["logits"], one.temperature) for one, arrays in after])
    np.testing.assert_allclose(kept, shares, rtol=1e-6)
    assert found.out_of_fold is not None
    assert found.out_of_fold.powered is None  # its models know the pictures without a label
    assert [fold.name for fold in found.folds] == ["fold 1", "fold 2"]
    assert found.pseudo is not None
    manifest = json.loads((run.bundle("baseline") / "bundle.json").read_text(encoding="utf-8"))
    assert manifest["pseudo_labels"] == found.pseudo.words
    assert "Pseudo labels for" in (run.bundle("baseline") / "README.md").read_text(encoding="utf-8")
    assert [event.event for event in run.events()].count("test opened") == 1


@pytest.mark.parametrize("events", [8, 20])
def test_an_interrupted_run_ends_with_the_same_figures(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path, more: Path, events: int
) -> None:
    _, whole = runs
    asked = ASKED | {"workers": "auto"}
    with pytest.raises(Interruption):
        bake(strokes(), tmp_path / "run", unlabelled=more, on_event=after(events), **asked)
    run = resume(tmp_path / "run", dataset=strokes())
    assert result(run) == result(whole)
    done = [event.fold for event in run.events() if isinstance(event, UnitFinished)]
    assert len(done) == len(set(done))


def test_pictures_of_another_kind_are_not_learned_from(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 12, 12, 1), dtype=np.uint8)
    odd = replace(strokes(COUNT), pictures=type(strokes().pictures).from_array(noise))
    asked = ASKED | {"workers": "auto"}
    run = bake(strokes(), tmp_path / "run", unlabelled=write(odd, tmp_path / "noise"), **asked)
    gain = result(run)
    assert (gain.sure, gain.gain, gain.used) == (0, 0, False)
    assert "learned from none of 30 pictures" in gain.words
    for fold in ("fold 1", "fold 2"):
        record, _ = run.load_unit("baseline", pseudo_name(fold))
        assert record.pseudo_labels == 0


def test_copies_of_labelled_pictures_are_no_pictures_without_a_label(tmp_path: Path) -> None:
    copies = write(strokes(), tmp_path / "copies")
    with pytest.raises(BakeoffError, match="every picture without a label is a copy"):
        bake(strokes(), tmp_path / "run", unlabelled=copies, **ASKED)


def test_pseudo_labels_need_folds_and_pictures(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="measured on what folds hold out"):
        bake(strokes(), tmp_path / "run", **ASKED | {"folds": 0, "test": 0.2})
    with pytest.raises(BakeoffError, match="Name a folder of them with --unlabelled"):
        bake(strokes(), tmp_path / "run", **ASKED)


def test_pictures_beside_the_classes_of_a_set_are_learned_from(
    tmp_path: Path,
) -> None:
    dataset = strokes()
    pictures = write(strokes(COUNT, seed=11), tmp_path / "set")
    for number, (picture, label) in enumerate(zip(dataset.pictures, dataset.labels, strict=True)):
        path = pictures / CLASSES[label] / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture[..., 0]).save(path)
    with pytest.raises(Interruption):
        bake(pictures, tmp_path / "run", on_event=after(8), **ASKED)
    found = result(resume(tmp_path / "run"))
    assert found.pictures == COUNT
    assert found.sure > 0


def test_a_run_goes_on_with_the_pictures_that_it_began_with(tmp_path: Path, more: Path) -> None:
    mine = write(strokes(COUNT, seed=12), tmp_path / "more")
    with pytest.raises(Interruption):
        bake(strokes(), tmp_path / "run", unlabelled=mine, on_event=after(6), **ASKED)
    (mine / "00.png").write_bytes((more / "00.png").read_bytes())
    with pytest.raises(BakeoffError, match="pictures without a label have changed"):
        resume(tmp_path / "run", dataset=strokes())


def gain(right_before: int, right_after: int, **more: Any) -> PseudoLabels:
    """Of 100 pictures of two classes, of which so many are right; the same ones first."""
    labels = np.arange(100) % 2
    answers = {
        "after": np.where(np.arange(100) < right_after, labels, 1 - labels),
        "before": np.where(np.arange(100) < right_before, labels, 1 - labels),
    }
    given: dict[str, Any] = {"pictures": 500, "learned": [300, 300], "title": "CNN"} | more
    headline = headline_for([50, 50], given.pop("metric", "auto"))
    among = given.pop("among", 1)
    return pseudo._gain(headline, labels, answers, np.arange(100), among, **given)


def test_the_rule() -> None:
    shown = gain(80, 90)
    assert shown.used
    assert shown.gain == pytest.approx(0.1)
    assert shown.interval[0] > 0
    assert "+10.0 points of accuracy" in shown.words
    assert "that is shown" in shown.words
    assert not gain(80, 83).used  # p = 0.25
    assert gain(80, 86).used  # p = 0.03
    assert not gain(80, 86, among=4).used
    assert "0.013 is needed among 4 approaches" in gain(80, 86, among=4).words
    assert not gain(90, 80).used  # worse
    assert not gain(80, 90, learned=[0, 300]).used  # one model says they are of another kind


def test_the_rule_with_another_metric() -> None:
    found = gain(80, 90, metric="balanced_accuracy")
    assert found.used
    assert found.metric == "balanced_accuracy"
    assert found.gain == pytest.approx(0.1)
    assert 0 < found.interval[0] < 0.1 < found.interval[1]
