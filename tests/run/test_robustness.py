"""The battery in a run: who answers, of which pictures, and the same again."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bakeoff.data.dataset import Dataset
from bakeoff.data.image import shrink
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.split import Fold, Split, split
from bakeoff.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from bakeoff.evaluation.records import Robustness
from bakeoff.record.folder import RunFolder
from bakeoff.run import robustness
from bakeoff.run.bake import bake, estimate, resume
from bakeoff.run.robustness import MOST_SIDE, CorruptionBenchmark, answers_wanted, sample_of
from bakeoff.training.model import Model
from bakeoff.workers.crew import InlineExecutor
from bakeoff.workers.units import UnitRunner

from ..strokes import QUICKLY, strokes
from ..workers.test_units import bench_of, train

ONE: dict[str, Any] = QUICKLY | {
    "approaches": ("baseline",),
    "settings": {"": {"epochs": 2}},
    "robustness": True,
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return read("digits").take(np.arange(50))


@pytest.fixture(scope="module")
def stood(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> RunFolder:
    """Two approaches on digits, 8×8, in a quick run; only to be read."""
    folder = tmp_path_factory.mktemp("stood") / "run"
    settings = {"": {"epochs": 8}, "cnn": {"filters": (8, 8)}}
    asked = QUICKLY | {"robustness": True, "settings": settings}
    return bake(digits, folder, test=0.2, budget="quick", **asked)


def trained(path: Path, dataset: Dataset, folds: int = 2) -> tuple[UnitRunner, Split]:
    """A baseline with all of its folds on disk."""
    runner = bench_of(path, "baseline", dataset)
    parts = split(dataset.labels, folds=folds, seed=0, test_share=0)
    train(runner, *parts.folds)
    return runner, parts


def benchmark(runner: UnitRunner, parts: Split) -> Robustness:
    """What a battery finds."""
    data = runner.data
    runner.data = replace(
        data,
        folds={fold.name: fold for fold in parts.folds},
        changed=sample_of(data.dataset, parts, data.config),
    )
    work = CorruptionBenchmark([runner], parts, runner.folder.log)
    InlineExecutor(runner.data, runner.folder).do(work)
    return work.found()["baseline"]


def spoiled(runner: UnitRunner, fold: Fold, answer: int) -> None:
    """From now on, the fold's model gives one answer to everything."""
    path = runner.folder.unit(runner.approach.name, fold.name) / "weights.safetensors"
    weights = load_file(path)
    weights["head.weight"][:] = 0
    weights["head.bias"][:] = 0
    weights["head.bias"][answer] = 9
    save_file(weights, path)


def test_each_approach_has_its_table(stood: RunFolder, digits: Dataset) -> None:
    results = stood.results()
    for one in results.approaches:
        found = one.robustness
        assert found is not None
        assert one.out_of_fold is not None
        assert found.pictures == 40
        assert [some.name for some in found.corruptions] == [some.name for some in CORRUPTIONS]
        table = np.array([some.accuracy for some in found.corruptions])
        assert table.shape == (len(CORRUPTIONS), STRENGTHS)
        assert found.mean == pytest.approx(table.mean())
        assert 0.1 < found.mean <= 1
        assert found.clean == one.out_of_fold.accuracy  # so few that all are changed
        assert one.title in found.words
        assert set(found.weakest) <= {some.name for some in CORRUPTIONS}
    with (stood.path / "robustness.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(CORRUPTIONS) * STRENGTHS
    assert list(rows[0]) == ["approach", "corruption", "strength", "amount", "accuracy"]
    first = results.approaches[0].robustness
    assert first is not None
    assert float(rows[0]["accuracy"]) == pytest.approx(first.corruptions[0].accuracy[0], abs=1e-4)


def test_it_is_told_as_it_goes_and_before_the_test_is_opened(stood: RunFolder) -> None:
    events = list(stood.events())
    kinds = [event["event"] for event in events]
    assert kinds.count("pictures changed") == 4  # two approaches, two folds
    assert kinds.index("changing pictures") < kinds.index("pictures changed")
    assert kinds.index("pictures changed") < kinds.index("test opened")
    told = [event for event in events if event["event"] == "pictures changed"]
    assert [(event["done"], event["of"]) for event in told] == [(n, 4) for n in (1, 2, 3, 4)]
    assert {(event["approach"], event["fold"]) for event in told} == {
        (name, fold) for name in ("baseline", "cnn") for fold in ("fold 1", "fold 2")
    }


def test_a_run_that_goes_on_finds_the_same(stood: RunFolder, digits: Dataset) -> None:
    before = [one.robustness for one in stood.results().approaches]
    told = sum(event["event"] == "pictures changed" for event in stood.events())
    resume(stood.path, dataset=digits)
    assert sum(event["event"] == "pictures changed" for event in stood.events()) == told
    assert [one.robustness for one in stood.results().approaches] == before


def test_only_the_model_that_held_a_picture_out_answers(tmp_path: Path) -> None:
    """Of three folds one always says 1: its pictures alone go wrong, whatever befell them."""
    dataset = strokes(30)
    runner, parts = trained(tmp_path / "run", dataset, folds=3)
    for number, fold in enumerate(parts.folds):
        spoiled(runner, fold, number)
    right = sum(
        int((dataset.labels[fold.held_out] == number).sum())
        for number, fold in enumerate(parts.folds)
    )
    found = benchmark(runner, parts)
    assert found.pictures == 30
    for one in found.corruptions:
        assert one.accuracy == [pytest.approx(right / 30)] * STRENGTHS


def test_no_model_sees_a_picture_it_learnt_from_or_one_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture has a grey level of its own at one corner, by which it is known again."""
    pixels = np.stack(list(strokes(40).pictures))
    pixels[:, 0, 0, 0] = 2 * np.arange(40)
    dataset = strokes(40, pictures=Pictures.from_array(pixels))
    runner = bench_of(tmp_path / "run", "baseline", dataset)
    parts = split(dataset.labels, folds=2, seed=0, test_share=0.25)
    train(runner, *parts.folds)
    seen: dict[float, set[int]] = {}
    asked = Model.logits_of

    def spy(self: Model, pictures: Pictures, compute: Any) -> Any:
        weight = float(self.network.head.weight.detach().sum())
        corners = {int(some[0, 0, 0]) // 2 for some in pictures}
        seen[weight] = seen.get(weight, set()) | corners
        return asked(self, pictures, compute)

    monkeypatch.setattr(Model, "logits_of", spy)
    plain = next(one for one in CORRUPTIONS if one.name == "turn").__class__(
        "nothing", "left alone", (1, 2, 3, 4, 5), str, lambda pixels, _amount, _chance: pixels
    )
    monkeypatch.setattr(robustness, "changes_for", lambda ink: [plain])
    found = benchmark(runner, parts)
    assert found.clean == pytest.approx(found.mean)  # nothing was changed
    by_model = {
        float(runner.model(fold.name).network.head.weight.detach().sum()): set(fold.held_out)
        for fold in parts.folds
    }
    assert seen == by_model


def test_the_sample_has_of_each_class_its_share() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 30])
    dataset = strokes(120, labels=labels)
    rows = robustness._sample(np.arange(120), dataset, 20, seed=0)
    assert np.bincount(labels[rows]).tolist() == [10, 5, 5]
    assert len(set(rows.tolist())) == 20
    assert np.array_equal(rows, robustness._sample(np.arange(119, -1, -1), dataset, 20, seed=0))
    assert not np.array_equal(rows, robustness._sample(np.arange(120), dataset, 20, seed=1))
    assert len(robustness._sample(np.arange(7), dataset, 20, seed=0)) == 7


@pytest.mark.parametrize("channels", [1, 3])
def test_large_pictures_are_made_smaller_first(channels: int) -> None:
    large = np.full((30, 2000, channels), 9, dtype=np.uint8)
    assert shrink(large, robustness.MOST_SIDE).shape == (4, MOST_SIDE, channels)
    assert shrink(large[:, :MOST_SIDE], robustness.MOST_SIDE).shape == (30, MOST_SIDE, channels)


def test_without_folds_nothing_is_asked(tmp_path: Path) -> None:
    official = np.arange(60) >= 45
    run = bake(strokes(official_test=official), tmp_path / "run", **ONE | {"folds": 0})
    assert run.results().approaches[0].robustness is None
    assert not (run.path / "robustness.csv").exists()


def test_who_does_not_want_it_has_none(finished: RunFolder) -> None:
    assert all(one.robustness is None for one in finished.results().approaches)
    assert not any(event["event"] == "changing pictures" for event in finished.events())


def test_the_estimate_counts_the_answers(tmp_path: Path) -> None:
    runner = bench_of(tmp_path / "run", "baseline")
    parts = split(strokes().labels, folds=2, seed=0, test_share=0.2)
    assert answers_wanted(runner, parts) == 48 * STRENGTHS * len(CORRUPTIONS)
    assert runner.estimate(parts, asked=100_000) > 2 * runner.estimate(parts)
    assert set(estimate(strokes(), **ONE)) == {"baseline"}


def test_photos_are_changed_as_photos(tmp_path: Path) -> None:
    run = bake(strokes(30), tmp_path / "run", mode="photo", **ONE)
    found = run.results().approaches[0].robustness
    assert found is not None
    assert len(found.corruptions) == 10
