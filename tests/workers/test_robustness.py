"""The corruption benchmark of a run: which models answer which pictures, and that it repeats."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bakeoff.data.dataset import Dataset
from bakeoff.data.image import shrink
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.split import Fold, Split, split
from bakeoff.evaluation.corruptions import CORRUPTIONS, STRENGTHS, Corruption, Sheet
from bakeoff.evaluation.records import Robustness
from bakeoff.record.config import RunConfig
from bakeoff.record.events import CorruptingPictures, PicturesCorrupted
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, estimate, resume
from bakeoff.training.model import Model
from bakeoff.workers import corruptions, robustness
from bakeoff.workers.corruptions import MAX_SIDE, CorruptionUnit, corrupted
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import InlineExecutor
from bakeoff.workers.robustness import CorruptionBenchmark, answers_each, sample_of
from bakeoff.workers.runner import UnitRunner
from bakeoff.workers.units import FitUnit
from bakeoff.workers.worker import Worker

from ..run.plans import planned
from ..strokes import QUICKLY, strokes
from .test_runner import CPU, LITTLE, runner_of, train

ONE: dict[str, Any] = QUICKLY | {
    "approaches": ("baseline",),
    "settings": {"": {"epochs": 2}},
    "robustness": True,
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return read("digits").take(np.arange(50))


@pytest.fixture(scope="module")
def benchmarked(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> RunFolder:
    """Two approaches on digits, 8×8, in a quick run; only to be read."""
    folder = tmp_path_factory.mktemp("benchmarked") / "run"
    settings = {"": {"epochs": 8}, "cnn": {"stem": "pixels", "filters": (8, 8)}}
    options = QUICKLY | {"robustness": True, "settings": settings}
    return bake(digits, folder, test=0.2, budget="quick", **options)


def trained(path: Path, dataset: Dataset, folds: int = 2) -> tuple[UnitRunner, Split]:
    """A baseline with all of its folds on disk."""
    runner = runner_of(path, "baseline", dataset)
    parts = split(dataset.labels, folds=folds, seed=0, test_share=0)
    train(runner, *parts.folds)
    return runner, parts


def benchmark(runner: UnitRunner, parts: Split) -> Robustness:
    """How robust the benchmark finds the baseline."""
    data = with_sample(runner.data, parts)
    work = CorruptionBenchmark(data, runner.folder, parts, runner.folder.log)
    InlineExecutor(data, runner.folder).do(work)
    result = work.result("baseline", runner.approach.title)
    assert result is not None
    return result


def with_sample(data: TrainingData, parts: Split) -> TrainingData:
    """The data with the folds, and the rows to corrupt."""
    folds = {fold.name: fold for fold in parts.folds}
    return replace(data, folds=folds, corrupted=sample_of(data, parts))


def spoil(runner: UnitRunner, fold: Fold, answer: int) -> None:
    """From now on, the fold's model gives one answer to everything."""
    path = runner.folder.unit(runner.approach.name, fold.name) / "weights.safetensors"
    weights = load_file(path)
    weights["head.weight"][:] = 0
    weights["head.bias"][:] = 0
    weights["head.bias"][answer] = 9
    save_file(weights, path)


def test_each_approach_has_a_table(benchmarked: RunFolder, digits: Dataset) -> None:
    results = benchmarked.results()
    names = [corruption.name for corruption in CORRUPTIONS]
    for one in results.approaches:
        found = one.robustness
        assert found is not None
        assert one.out_of_fold is not None
        assert found.pictures == 40
        assert [result.name for result in found.corruptions] == names
        table = np.array([result.accuracy for result in found.corruptions])
        assert table.shape == (len(CORRUPTIONS), STRENGTHS)
        assert found.mean == pytest.approx(table.mean())
        assert 0.1 < found.mean <= 1
        assert found.clean == one.out_of_fold.accuracy  # so few that all are corrupted
        assert one.title in found.words
        assert set(found.weakest) <= set(names)
    with (benchmarked.path / "robustness.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(CORRUPTIONS) * STRENGTHS
    assert list(rows[0]) == ["approach", "corruption", "strength", "amount", "accuracy"]
    first = results.approaches[0].robustness
    assert first is not None
    assert float(rows[0]["accuracy"]) == pytest.approx(first.corruptions[0].accuracy[0], abs=1e-4)


def corrupted_of(run: RunFolder) -> list[PicturesCorrupted]:
    return [event for event in run.events() if isinstance(event, PicturesCorrupted)]


def test_its_progress_is_reported_before_the_test_is_opened(benchmarked: RunFolder) -> None:
    kinds = [event.event for event in benchmarked.events()]
    assert kinds.count("pictures corrupted") == 4  # two approaches, two folds
    assert kinds.count("corrupting pictures") == 1
    assert kinds.index("corrupting pictures") < kinds.index("pictures corrupted")
    last = max(at for at, kind in enumerate(kinds) if kind == "pictures corrupted")
    assert last < kinds.index("test opened")
    events = corrupted_of(benchmarked)
    assert [(event.done, event.of) for event in events] == [(n, 4) for n in (1, 2, 3, 4)]
    assert {(event.approach, event.fold) for event in events} == {
        (name, fold) for name in ("baseline", "cnn") for fold in ("fold 1", "fold 2")
    }


def test_a_resumed_run_finds_the_same_and_asks_no_model_again(
    benchmarked: RunFolder, digits: Dataset
) -> None:
    before = [one.robustness for one in benchmarked.results().approaches]
    events = corrupted_of(benchmarked)
    resume(benchmarked.path, dataset=digits)
    assert corrupted_of(benchmarked) == events
    assert [one.robustness for one in benchmarked.results().approaches] == before


def test_only_the_model_that_held_a_picture_out_answers(tmp_path: Path) -> None:
    """The model of each fold gives one answer to everything, another in each fold."""
    dataset = strokes(30)
    runner, parts = trained(tmp_path / "run", dataset, folds=3)
    for number, fold in enumerate(parts.folds):
        spoil(runner, fold, number)
    right = sum(
        int((dataset.labels[fold.held_out] == number).sum())
        for number, fold in enumerate(parts.folds)
    )
    found = benchmark(runner, parts)
    assert found.pictures == 30
    for one in found.corruptions:
        assert one.accuracy == [pytest.approx(right / 30)] * STRENGTHS


def test_no_model_answers_a_picture_that_trained_it_or_one_of_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each picture has a grey level of its own at one corner, which identifies it."""
    pixels = np.stack(list(strokes(40).pictures))
    pixels[:, 0, 0, 0] = 2 * np.arange(40)
    dataset = strokes(40, pictures=Pictures.from_array(pixels))
    runner = runner_of(tmp_path / "run", "baseline", dataset)
    parts = split(dataset.labels, folds=2, seed=0, test_share=0.25)
    train(runner, *parts.folds)
    seen: dict[float, set[int]] = {}
    features_of = Model.features_of

    def spy(self: Model, pictures: Pictures, compute: Any) -> Any:
        weight = float(self.network.head.weight.detach().sum())
        corners = {int(picture[0, 0, 0]) // 2 for picture in pictures}
        seen[weight] = seen.get(weight, set()) | corners
        return features_of(self, pictures, compute)

    monkeypatch.setattr(Model, "features_of", spy)
    plain = replace(CORRUPTIONS[0], apply=lambda sheet, _amount, _chance: sheet.pixels)
    for module in (corruptions, robustness):
        monkeypatch.setattr(module, "corruptions_for", lambda *, ink: [plain])
    found = benchmark(runner, parts)
    assert found.clean == pytest.approx(found.mean)  # nothing was corrupted
    by_model = {
        float(runner.model(fold.name).network.head.weight.detach().sum()): set(fold.held_out)
        for fold in parts.folds
    }
    assert seen == by_model


def test_approaches_that_see_the_same_look_once_and_answer_as_each_alone(tmp_path: Path) -> None:
    dataset = read("digits").take(np.arange(40))
    wish = QUICKLY | {"approaches": ("baseline", "cnn", "vit"), "settings": {"": {"epochs": 1}}}
    run = bake(dataset, tmp_path / "run", **wish | {"robustness": True})
    data = planned(dataset, **wish).data
    unit = CorruptionUnit.of("fold 1", ("baseline", "cnn", "vit"))
    alike = unit._alike(Worker(data, run, lambda _: None))
    assert [set(models) for models in alike] == [{"baseline"}, {"cnn", "vit"}]
    answers = run.unit("vit", unit.name) / corruptions.RIGHT
    together = answers.read_bytes()
    shutil.rmtree(answers.parent)
    resume(run.path, dataset=dataset, workers="local:1")
    assert answers.read_bytes() == together


def test_the_sample_keeps_the_shares_of_the_classes() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 30])
    dataset = strokes(120, labels=labels)
    rows = robustness._sample(np.arange(120), dataset, 20, seed=0)
    assert np.bincount(labels[rows]).tolist() == [10, 5, 5]
    assert len(set(rows.tolist())) == 20
    assert np.array_equal(rows, robustness._sample(np.arange(119, -1, -1), dataset, 20, seed=0))
    assert not np.array_equal(rows, robustness._sample(np.arange(120), dataset, 20, seed=1))
    assert len(robustness._sample(np.arange(7), dataset, 20, seed=0)) == 7


@pytest.mark.parametrize(("mode", "pictures"), [("ink", 90), ("photo", 30)])
def test_fewer_photos_are_corrupted_than_drawings(
    mode: Literal["ink", "photo"], pictures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(robustness.PICTURES, "quick", 90)
    dataset = strokes(120)
    data = runner_of(tmp_path / "run", "baseline", dataset).data
    parts = split(dataset.labels, folds=2, seed=0, test_share=0)
    data = replace(with_sample(data, parts), task=replace(data.task, mode=mode))
    data = replace(data, config=data.config.model_copy(update={"budget": "quick"}))
    assert len(sample_of(data, parts)) == pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_large_pictures_are_shrunk_first(channels: int) -> None:
    large = np.full((30, 2000, channels), 9, dtype=np.uint8)
    assert shrink(large, MAX_SIDE).shape == (5, MAX_SIDE, channels)
    assert shrink(large[:, :MAX_SIDE], MAX_SIDE).shape == (30, MAX_SIDE, channels)


@pytest.mark.parametrize(("side", "most"), [(8, 32), (1_000, 7)])
def test_large_pictures_are_corrupted_a_few_at_a_time(side: int, most: int) -> None:
    """A few hundred photos at once, in all strengths, would take more memory than training."""
    blank = Pictures.from_array(np.zeros((80, side, side), np.uint8))
    dataset, rows = replace(strokes(80), pictures=blank), np.arange(0, 80, 2)
    batches = [
        (batch, len(pictures))
        for _, batch, pictures in corrupted(dataset, rows, CORRUPTIONS[:1], ink=True, seed=0)
    ]
    assert np.concatenate([batch for batch, _ in batches]).tolist() == rows.tolist()
    assert max(len(batch) for batch, _ in batches) == most
    assert all(count == STRENGTHS * len(batch) for batch, count in batches)


def test_without_folds_nothing_is_corrupted(tmp_path: Path) -> None:
    official = np.arange(60) >= 45
    run = bake(strokes(official_test=official), tmp_path / "run", **ONE | {"folds": 0})
    assert run.results().approaches[0].robustness is None
    assert not (run.path / "robustness.csv").exists()


def test_a_run_without_robustness_corrupts_nothing(finished: RunFolder) -> None:
    assert all(one.robustness is None for one in finished.results().approaches)
    assert not any(isinstance(event, CorruptingPictures) for event in finished.events())
    assert not corrupted_of(finished)


def test_the_estimate_counts_the_answers(tmp_path: Path) -> None:
    plan = planned(strokes(), robustness=True, test=0.2)
    assert answers_each(plan.data) == STRENGTHS * len(CORRUPTIONS)
    (baseline, _) = plan.runners(RunFolder(tmp_path), lambda _: None)
    folds = {fold.name for fold in plan.parts.folds}
    left = plan.predict(baseline)
    assert set(left.answering) == set(plan.predict_corrupting()) == folds
    assert min(left.answering.values()) > 0
    few, many = (
        baseline.predict(plan.parts, answers={"fold 1": count}).answering["fold 1"]
        for count in (1_000, 100_000)
    )
    assert many > 10 * few
    assert set(estimate(strokes(), **ONE)) == {"baseline"}


def test_photos_are_corrupted_as_photos(tmp_path: Path) -> None:
    run = bake(strokes(30), tmp_path / "run", mode="photo", **ONE)
    found = run.results().approaches[0].robustness
    assert found is not None
    assert len(found.corruptions) == 10


# -- one unit for several approaches -------------------------------------------------


@pytest.fixture
def pair(tmp_path: Path) -> tuple[TrainingData, RunFolder, Split]:
    """Two approaches with both of their folds trained, and the pictures to corrupt."""
    dataset = strokes(24)
    names = ("baseline", "cnn")
    config = RunConfig.parse(
        source="strokes", approaches=names, settings={name: LITTLE[name] for name in names}
    )
    folder = RunFolder.create(tmp_path / "run", config)
    parts = split(dataset.labels, folds=2, seed=0, test_share=0)
    data = with_sample(TrainingData.of(config, dataset, np.arange(24), {}, CPU), parts)
    for approach in config.approaches:
        runner = UnitRunner(approach.build(), data, folder, folder.log)
        for fold in parts.folds:
            runner.fit(FitUnit.of(approach.name, fold))
    return data, folder, parts


def done(data: TrainingData, folder: RunFolder, parts: Split) -> dict[str, Robustness | None]:
    """Do what is left of the benchmark, for the results of all approaches."""
    work = CorruptionBenchmark(data, folder, parts, folder.log)
    InlineExecutor(data, folder).do(work)
    return {name: work.result(name, name) for name in data.config.names}


def test_a_picture_is_corrupted_once_for_all_approaches(
    pair: tuple[TrainingData, RunFolder, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, folder, parts = pair
    made: Counter[tuple[str, int, int]] = Counter()
    corrupt = Corruption.__call__

    def counted(self: Corruption, sheet: Sheet, strength: int, *, row: int, **more: Any) -> Any:
        made[self.name, strength, row] += 1
        return corrupt(self, sheet, strength, row=row, **more)

    monkeypatch.setattr(Corruption, "__call__", counted)
    work = CorruptionBenchmark(data, folder, parts, folder.log)
    assert [(unit.name, unit.keeps) for unit in work.waiting] == [
        (f"{fold} changed", (("baseline", f"{fold} changed"), ("cnn", f"{fold} changed")))
        for fold in ("fold 1", "fold 2")
    ]
    InlineExecutor(data, folder).do(work)
    assert set(made.values()) == {1}
    assert len(made) == len(CORRUPTIONS) * STRENGTHS * 24
    assert [(event.approach, event.fold) for event in corrupted_of(folder)] == [
        (name, fold) for fold in ("fold 1", "fold 2") for name in ("baseline", "cnn")
    ]


def test_only_the_approaches_without_answers_answer(
    pair: tuple[TrainingData, RunFolder, Split],
) -> None:
    data, folder, parts = pair
    together = done(data, folder, parts)
    before = corrupted_of(folder)
    shutil.rmtree(folder.unit("cnn", CorruptionUnit.name_of("fold 2")))
    work = CorruptionBenchmark(data, folder, parts, folder.log)
    (unit,) = work.waiting
    assert isinstance(unit, CorruptionUnit)
    assert (unit.fold, unit.approaches) == ("fold 2", ("cnn",))
    assert done(data, folder, parts) == together  # alone it gets the same pictures
    (again,) = corrupted_of(folder)[len(before) :]
    assert (again.approach, again.fold, again.done, again.of) == ("cnn", "fold 2", 4, 4)
