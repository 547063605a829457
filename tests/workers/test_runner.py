from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file

from bakeoff.approaches import APPROACHES, CNN, Task, trainer
from bakeoff.bundle.tracing import graph_of
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.split import Fold, Split
from bakeoff.record.config import RunConfig
from bakeoff.record.events import UnitFinished, UnitKept, UnitStarted
from bakeoff.record.folder import RunFolder
from bakeoff.training import ood
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Training
from bakeoff.training.ood import NearestOOD
from bakeoff.training.preprocess import Mode
from bakeoff.workers.data import TrainingData
from bakeoff.workers.robustness import CorruptionBenchmark
from bakeoff.workers.run_queue import RunQueue
from bakeoff.workers.runner import UnitRunner, parameters_of
from bakeoff.workers.units import FitUnit

from ..strokes import strokes

CPU = Compute("cpu", 1, False)
FOLD = Fold("fold 1", np.arange(0, 36), np.arange(36, 45), np.arange(45, 60))
LITTLE: dict[str, dict[str, object]] = {
    "scattering": {"side": 16, "scales": 2, "orientations": 2, "grid": 2},
    "baseline": {"epochs": 2},
    "cnn": {"epochs": 2, "stem": "pixels", "filters": "8,8"},
    "vit": {"epochs": 2, "embed_dim": 16, "depth": 1},
    "transfer": {"epochs": 1, "side": 32},
}


def config_of(name: str, seed: int = 0) -> RunConfig:
    return RunConfig.parse(
        source="strokes", approaches=(name,), settings={name: LITTLE[name]}, seed=seed
    )


def runner_of(path: Path, name: str, dataset: Dataset | None = None, seed: int = 0) -> UnitRunner:
    """A runner whose data has no folds yet; `train` adds them."""
    config = config_of(name, seed)
    folder = RunFolder.create(path, config) if not path.exists() else RunFolder.open(path)
    dataset = dataset or strokes()
    data = TrainingData.of(config, dataset, np.arange(len(dataset)), {}, CPU)
    return UnitRunner(config.approach(name).build(), data, folder, folder.log)


def train(runner: UnitRunner, *folds: Fold) -> None:
    """Train on folds, each as if it were the only one."""
    for fold in folds:
        runner.data = replace(runner.data, folds={fold.name: fold})
        runner.fit(FitUnit.of(runner.approach.name, fold))


def logits_of(runner: UnitRunner, fold: str = "fold 1") -> NDArray[np.float32]:
    _, arrays = runner.folder.load_unit(runner.approach.name, fold)
    return arrays["logits"]


def weights_of(folder: RunFolder, name: str, fold: str = "fold 1") -> bytes:
    return (folder.unit(name, fold) / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("name", list(APPROACHES))
def test_the_weights_on_disk_give_the_logits_on_disk(tmp_path: Path, name: str) -> None:
    train(runner_of(tmp_path / "run", name), FOLD)
    runner = runner_of(tmp_path / "run", name)  # nothing left in memory
    record, arrays = runner.folder.load_unit(name, "fold 1")
    assert np.array_equal(arrays["rows"], FOLD.held_out)
    assert arrays["logits"].dtype == np.float32
    model = runner.model("fold 1")
    again = model.logits_of(runner.data.dataset.pictures.take(FOLD.held_out), CPU)
    assert np.array_equal(again, arrays["logits"])
    assert float(model.get_buffer("temperature")) == pytest.approx(record.temperature)
    assert record.parameters == parameters_of(model)


def test_a_network_of_many_drawings_looks_for_strangers_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "MANY", 20)  # of each class, as many as there are
    train(runner_of(tmp_path / "run", "cnn"), FOLD)
    runner = runner_of(tmp_path / "run", "cnn")
    _, arrays = runner.folder.load_unit("cnn", "fold 1")
    model = runner.model("fold 1")
    assert isinstance(model.network.near, NearestOOD)
    # Four fifths of what it learned from.
    assert len(model.network.near.get_buffer("references")) == 28
    held_out = runner.data.dataset.pictures.take(FOLD.held_out)
    logits, scores = model.judge(held_out, CPU)
    assert np.array_equal(logits, arrays["logits"])
    assert np.array_equal(scores, arrays["ood_score"])
    noise = np.random.default_rng(0).integers(0, 256, (9, 12, 12, 1), dtype=np.uint8)
    _, higher = model.judge(Pictures.from_array(noise), CPU)
    session = onnxruntime.InferenceSession(graph_of(model), providers=["CPUExecutionProvider"])
    (exported,) = session.run(["ood_score"], {"pixels": noise.repeat(3, axis=3)})
    np.testing.assert_allclose(exported, higher, rtol=1e-3)
    model.network.near = None
    _, without = model.judge(Pictures.from_array(noise), CPU)
    assert (higher >= without).all()


@pytest.mark.parametrize(
    ("name", "many", "room"),
    [
        ("cnn", 300, ood.ROOM),
        ("cnn", 20, 1_000),
        ("scattering", 20, ood.ROOM),
        ("transfer", 20, ood.ROOM),
    ],
)
def test_few_drawings_or_features_that_are_wide_or_fixed_leave_it_to_the_eye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, many: int, room: int
) -> None:
    monkeypatch.setattr(trainer, "MANY", many)
    monkeypatch.setattr(ood, "ROOM", room)
    train(runner_of(tmp_path / "run", name), FOLD)
    assert runner_of(tmp_path / "run", name).model("fold 1").network.near is None


def test_a_finished_unit_is_not_trained_again(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "run", "cnn")
    final = Fold("final", np.arange(60), FOLD.train[:0], FOLD.train[:0])
    parts = Split((FOLD,), final, FOLD.train[:0], None, FOLD.train[:0], np.arange(60))
    train(runner, FOLD)
    benchmark = CorruptionBenchmark(runner.data, runner.folder, parts, runner.folder.log)
    work = RunQueue([runner], parts, [], [], benchmark, runner.folder.log)
    assert work.left() == 1
    unit = work.next("cnn")
    assert unit is not None
    assert unit.name == "final"
    kept = [event for event in runner.folder.events() if isinstance(event, UnitKept)]
    assert [(event.approach, event.fold) for event in kept] == [("cnn", "fold 1")]


def test_a_ridge_in_closed_form_trains_on_validation_rows_too(tmp_path: Path) -> None:
    def weights(fold: Fold, name: str) -> bytes:
        runner = runner_of(tmp_path / name, "scattering")
        train(runner, fold)
        return weights_of(runner.folder, "scattering")

    everything = Fold("fold 1", np.arange(0, 45), FOLD.train[:0], FOLD.held_out)
    assert weights(FOLD, "inner slice") == weights(everything, "none")
    # Without held-out rows, thresholds are chosen on validation rows, which it must not learn.
    without = replace(FOLD, held_out=FOLD.train[:0])
    fewer = replace(without, validation=FOLD.train[:0])
    alone = weights(without, "no held-out rows")
    assert alone == weights(fewer, "nothing else")
    assert alone != weights(everything, "everything")


def test_only_what_is_left_is_estimated(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "run", "baseline")
    final = Fold("final", np.arange(60), FOLD.train[:0], FOLD.train[:0])
    parts = Split((FOLD,), final, FOLD.train[:0], None, FOLD.train[:0], np.arange(12))
    both = runner.predict(parts)
    assert list(both.units) == ["fold 1", "final"]
    assert both.preparing > 0
    train(runner, FOLD)
    assert list(runner.predict(parts).units) == ["final"]
    runner.data = replace(runner.data, folds={"final": final})
    runner.fit(runner.final(parts))
    assert runner.predict(parts).seconds == 0
    answering = runner.predict(parts, answers={"fold 1": 1000})
    assert (answering.units, answering.preparing) == ({}, 0)
    assert list(answering.answering) == ["fold 1"]
    assert answering.seconds > 0


def test_pictures_of_the_locked_test_are_out_of_reach(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "whole", "cnn")
    train(runner, FOLD)
    dataset = strokes()
    order = np.concatenate([np.arange(60, 70), np.arange(60)])  # ten more stand before
    more = np.concatenate([np.stack(list(dataset.pictures)), np.zeros((10, 12, 12, 1), np.uint8)])
    moved = strokes(
        pictures=Pictures.from_array(more[order]),
        labels=np.concatenate([dataset.labels, np.zeros(10, np.int64)])[order],
    )
    rows = np.arange(10, 70)
    config = config_of("cnn")
    folder = RunFolder.create(tmp_path / "part", config)
    data = TrainingData.of(config, moved, rows, {}, CPU)
    with_test = UnitRunner(config.approach("cnn").build(), data, folder, folder.log)
    assert data.task == runner.data.task
    assert len(with_test.trainer.pictures) == 60
    train(with_test, Fold("fold 1", FOLD.train + 10, FOLD.validation + 10, FOLD.held_out + 10))
    assert np.array_equal(logits_of(runner), logits_of(with_test))


def test_the_order_of_units_does_not_matter(tmp_path: Path) -> None:
    other = Fold("fold 2", np.arange(15, 50), np.arange(50, 60), np.arange(0, 15))
    runners = [runner_of(tmp_path / name, "baseline") for name in ("forth", "back")]
    for runner, folds in zip(runners, ([FOLD, other], [other, FOLD]), strict=True):
        for fold in folds:
            train(runner, fold)
    for name in ("fold 1", "fold 2"):
        forth, back = (weights_of(runner.folder, "baseline", name) for runner in runners)
        assert forth == back


def test_units_differ_by_seed_and_name(tmp_path: Path) -> None:
    twin = Fold("fold 2", FOLD.train, FOLD.validation, FOLD.held_out)
    runner = runner_of(tmp_path / "a", "cnn")
    train(runner, FOLD)
    train(runner, twin)
    reseeded = runner_of(tmp_path / "b", "cnn", seed=1)
    train(reseeded, FOLD)
    assert not np.array_equal(logits_of(runner), logits_of(runner, "fold 2"))
    assert not np.array_equal(logits_of(runner), logits_of(reseeded))


def test_labels_and_pixels_of_held_out_pictures_cannot_matter(tmp_path: Path) -> None:
    dataset = strokes()
    pixels = np.stack(list(dataset.pictures))
    pixels[FOLD.held_out] = np.random.default_rng(9).integers(0, 256, (15, 12, 12, 1))
    labels = dataset.labels.copy()
    labels[FOLD.held_out] = (labels[FOLD.held_out] + 1) % 3
    poisoned = strokes(pictures=Pictures.from_array(pixels), labels=labels)
    for name in ("scattering", "baseline", "cnn"):
        weights = []
        for where, pictures in (("clean", dataset), ("poisoned", poisoned)):
            runner = runner_of(tmp_path / where / name, name, pictures)
            train(runner, FOLD)
            weights.append(weights_of(runner.folder, name))
        assert weights[0] == weights[1]


def test_the_final_fit_takes_epochs_and_temperature_from_the_folds(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "run", "baseline")
    train(runner, FOLD)
    everything = Fold("final", np.arange(60), FOLD.train[:0], FOLD.train[:0])
    runner.data = replace(runner.data, folds={"final": everything})
    parts = Split((FOLD,), everything, FOLD.train[:0], None, FOLD.train[:0], np.arange(60))
    runner.fit(runner.final(parts))
    fold, _ = runner.folder.load_unit("baseline", "fold 1")
    final, arrays = runner.folder.load_unit("baseline", "final")
    assert final.best_epoch == len(final.curve) == fold.best_epoch
    assert final.temperature != 1.0
    assert final.curve[0].validation_loss is None
    assert len(arrays["rows"]) == 0
    assert arrays["logits"].shape == (0, 3)
    of_final = [
        event
        for event in runner.folder.events()
        if isinstance(event, UnitStarted | UnitFinished) and event.fold == "final"
    ]
    started, finished = of_final
    assert isinstance(started, UnitStarted)
    assert started.approach == "baseline"
    assert isinstance(finished, UnitFinished)
    assert finished.accuracy is None


def test_without_a_slice_to_fit_it_on_the_temperature_is_1(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "run", "baseline")
    train(runner, Fold("fold 1", FOLD.train, FOLD.train[:0], FOLD.held_out))
    assert runner.folder.load_unit("baseline", "fold 1")[0].temperature == 1.0


def test_weights_are_whole_and_the_frozen_part_is_not_among_them(tmp_path: Path) -> None:
    runner = runner_of(tmp_path / "run", "transfer")
    train(runner, FOLD)
    weights = load_file(runner.folder.unit("transfer", "fold 1") / "weights.safetensors")
    # What the score for none of these keeps is about the training pictures.
    assert sum(w.numel() for name, w in weights.items() if ".ood." not in f".{name}") < 100_000
    assert not [name for name in weights if name.startswith(("frozen.", "eye."))]
    assert runner.folder.load_unit("transfer", "fold 1")[0].parameters > 500_000


def test_a_task_says_how_pictures_look() -> None:
    pictures = strokes().pictures
    task = Task.of(pictures, 3)
    assert (task.classes, task.pictures, task.side, task.channels) == (3, 60, 12, 1)
    assert task.mode == "ink"
    assert Task.of(pictures, 3, "photo").mode == "photo"
    rng = np.random.default_rng(0)
    noise = Pictures.from_array(rng.integers(0, 256, (60, 20, 30, 3)).astype(np.uint8))
    task = Task.of(noise, 3)
    assert (task.side, task.channels, task.mode) == (30, 3, "photo")


def test_only_scans_and_photos_of_drawings_show_paper() -> None:
    def task(paper: int, ink: int, side: int, mode: Mode | Literal["auto"] = "auto") -> Task:
        pictures = np.full((8, side, side), paper, dtype=np.uint8)
        pictures[:, side // 4 : side // 2, side // 2] = ink
        return Task.of(Pictures.from_array(pictures), 2, mode)

    assert task(250, 20, side=80).paper
    assert not task(0, 255, side=80).paper
    assert not task(250, 20, side=28).paper
    assert not task(250, 20, side=80, mode="photo").paper
    scanned, photo = task(250, 20, side=80), task(250, 20, side=80, mode="photo")
    assert CNN().background(scanned) == 0.5
    assert CNN().background(replace(scanned, paper=False)) == 0
    assert CNN(training=Training(background=0.2)).background(replace(scanned, paper=False)) == 0.2
    assert CNN(training=Training(background=0.2)).background(photo) == 0
