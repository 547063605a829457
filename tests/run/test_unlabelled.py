"""Prediction-powered intervals of a run: which models look at what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.data.correction import Correction
from bakeoff.data.pictures import Pictures
from bakeoff.evaluation.calibration import softmax
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import _Bake
from bakeoff.run.plan import Plan
from bakeoff.run.unlabelled import with_unlabelled
from bakeoff.scoring.scored import Scored
from bakeoff.workers.runner import load_model

from ..strokes import strokes

COUNT = 40


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Further strokes, and a folder of noise beside them."""
    folder = tmp_path_factory.mktemp("unlabelled")
    rng = np.random.default_rng(0)
    for name, pictures in {
        "more": list(strokes(COUNT, seed=11).pictures),
        "noise": list(rng.integers(0, 256, (COUNT, 28, 28, 1), dtype=np.uint8)),
    }.items():
        (folder / name).mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture[..., 0]).save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def planned(finished: RunFolder) -> tuple[Plan, list[Scored]]:
    """The plan of that run, and its scores, had the models been right as often as they say."""
    plan = Plan.on(strokes(), finished.config)
    story = _Bake(finished, plan, lambda _: None)
    rng, scored = np.random.default_rng(3), []
    for runner in plan.runners(finished, lambda _: None):
        one = story._score(runner)
        assert one.probabilities is not None
        right = rng.random(len(one.correct)) < 2 * one.probabilities.max(1) - 1
        scored.append(replace(one, correct=right))
    return plan, scored


def asking(plan: Plan, unlabelled: Path, **more: object) -> Plan:
    config = RunConfig.parse(**dict(plan.config) | {"unlabelled": str(unlabelled)} | more)
    return replace(plan, config=config)


def test_the_models_of_all_folds_say_how_sure_they_are(
    finished: RunFolder,
    planned: tuple[Plan, list[Scored]],
    more: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, scored = planned
    monkeypatch.setattr("bakeoff.evaluation.powered.FEWEST_ERRORS", 1)
    found = with_unlabelled(finished, asking(plan, more / "more"), scored)
    pictures = Pictures.from_array(np.stack(list(strokes(COUNT, seed=11).pictures)))
    for before, after in zip(scored, found, strict=True):
        assert before.out_of_fold is not None
        assert after.out_of_fold is not None
        powered = after.out_of_fold.powered
        assert replace(after.out_of_fold, powered=None) == before.out_of_fold
        if powered is None:
            continue
        assert powered.pictures == COUNT
        # The estimate lies between the accuracy and the one with the whole weight.
        approach = plan.config.approach(after.name).build()
        means = []
        for fold, (record, _) in zip(plan.parts.folds, after.answered.folds, strict=True):
            logits, _ = load_model(finished, approach, fold.name).judge(pictures, plan.compute)
            means.append(softmax(logits, record.temperature).max(1).mean())
        assert after.probabilities is not None
        whole = float(np.mean(means) + (after.correct - after.probabilities.max(1)).mean())
        ends = sorted([float(after.correct.mean()), whole])
        assert ends[0] - 1e-6 <= powered.accuracy <= ends[1] + 1e-6
    assert any(one.out_of_fold and one.out_of_fold.powered for one in found)


def test_pictures_of_another_kind_do_not_help(
    finished: RunFolder,
    planned: tuple[Plan, list[Scored]],
    more: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, scored = planned
    monkeypatch.setattr("bakeoff.evaluation.powered.FEWEST_ERRORS", 1)
    assert with_unlabelled(finished, asking(plan, more / "noise"), scored) == scored


def test_nor_do_pictures_of_which_some_were_chosen_to_be_labelled(
    finished: RunFolder, planned: tuple[Plan, list[Scored]], more: Path
) -> None:
    plan, scored = planned
    label = Correction("relabel", "more/00.png", proposed="bar", why="labelled by hand")
    chosen = asking(plan, more / "more", corrections=(label,))
    assert with_unlabelled(finished, chosen, scored) == scored
    assert with_unlabelled(finished, plan, scored) == scored  # the run has none
