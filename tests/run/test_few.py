"""One, two or three pictures of each class: what can be scored, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bakeoff.bundle.bundle import load
from bakeoff.data.dataset import Dataset
from bakeoff.data.validate import validate
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, config_of
from bakeoff.run.plan import Plan
from bakeoff.screen import leaderboard, verdict_shown

from ..strokes import strokes

QUICKLY: dict[str, Any] = {
    "settings": {"scattering": {"side": 16, "scales": 2, "orientations": 2, "grid": 2}},
    "budget": "quick",
    "threads": 1,
    "precision": "fp32",
    "robustness": False,
}


def few(*counts: int) -> Dataset:
    """As many strokes of each class, first all of the first."""
    whole = strokes(60, classes=len(counts))
    rows = [np.flatnonzero(whole.labels == kind)[:count] for kind, count in enumerate(counts)]
    return validate(whole.take(np.concatenate(rows)))


def baked(path: Path, dataset: Dataset, *approaches: str, **options: Any) -> RunFolder:
    settings = {name: QUICKLY["settings"].get(name, {}) for name in approaches}
    return bake(
        dataset, path, **QUICKLY | {"approaches": approaches, "settings": settings} | options
    )


def shown(run: RunFolder) -> str:
    console = Console(width=100, record=True)
    console.print(leaderboard(run.results()), verdict_shown(run.results()))
    return console.export_text()


def test_one_picture_of_each_class_makes_models_without_a_score(tmp_path: Path) -> None:
    run = baked(tmp_path / "run", few(1, 1), "scattering", "transfer")
    results = run.results()
    assert results.protocol.folds == 0
    assert results.protocol.unscored == ["bar", "dash"]
    assert results.winner.name is None
    assert all(one.out_of_fold is None and one.test is None for one in results.approaches)
    text = shown(run)
    assert "Nothing could be scored: each class has one picture" in text
    assert "Add a second picture of each class" in text
    assert (run.path / "report.html").stat().st_size > 10_000
    assert "transfer" in repr(results) or "Nothing could be scored" in repr(results)
    dataset = few(1, 1)
    for name in ("scattering", "transfer"):
        answers = load(run.bundle(name)).predict([np.asarray(one) for one in dataset.pictures])
        assert [answer.label for answer in answers] == ["bar", "dash"]


@pytest.mark.parametrize("count", [2, 3])
def test_as_many_folds_as_pictures_of_a_class(tmp_path: Path, count: int) -> None:
    run = baked(tmp_path / "run", few(count, count), "scattering", bundles=False)
    results = run.results()
    assert results.protocol.folds == count
    assert results.protocol.unscored == []
    (scored,) = results.approaches
    assert scored.out_of_fold is not None
    assert scored.out_of_fold.pictures == 2 * count
    assert "95 % interval" in shown(run)


def test_a_class_with_one_picture_is_learned_and_not_scored(tmp_path: Path) -> None:
    run = baked(tmp_path / "run", few(1, 4, 2), "scattering", bundles=False)
    results = run.results()
    assert results.protocol.folds == 4
    assert results.protocol.unscored == ["bar"]
    (scored,) = results.approaches
    assert scored.out_of_fold is not None
    assert scored.out_of_fold.pictures == 6
    assert "“bar” cannot be scored: it has one picture" in shown(run)


def test_an_official_test_scores_what_one_picture_taught(tmp_path: Path) -> None:
    dataset = few(3, 3)
    test = np.array([False, True, True, False, True, True])
    dataset = Dataset(**{**vars(dataset), "official_test": test})
    run = baked(tmp_path / "run", dataset, "scattering", bundles=False)
    results = run.results()
    assert results.protocol.folds == 0
    (scored,) = results.approaches
    assert scored.test is not None
    assert scored.test.pictures == 4


@pytest.mark.parametrize(("counts", "folds"), [((9, 9), 5), ((5, 5), 5), ((4, 2), 4), ((1, 3), 3)])
def test_folds_by_the_largest_class(counts: tuple[int, ...], folds: int) -> None:
    dataset = few(*counts)
    plan = Plan.of(config_of(dataset, approaches=["scattering"], threads=1), dataset)
    assert len(plan.parts.folds) == folds
    for fold in plan.parts.folds:
        learned = dataset.labels[np.concatenate([fold.train, fold.validation])]
        assert set(learned) == {0, 1}


@pytest.mark.parametrize("approach", ["baseline", "cnn", "vit"])
def test_every_approach_learns_from_two_pictures(approach: str, tmp_path: Path) -> None:
    run = baked(tmp_path / "run", few(1, 1), approach, bundles=False)
    assert run.results().approaches[0].out_of_fold is None
