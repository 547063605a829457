"""What a run says of its length before it begins."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from bakeoff.approaches import APPROACHES, Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.split import Fold
from bakeoff.machine import cores
from bakeoff.training.compute import Compute
from bakeoff.workers.estimate import AROUND, OtherPrograms, Prediction, Speed, Stopwatch

from ..strokes import strokes

CPU = Compute("cpu", 1, False)
LITTLE = {"transfer": {"side": 32}, "vit": {"embed_dim": 16, "depth": 1}}


def trainer_of(name: str) -> Trainer:
    dataset = strokes()
    approach = configure(name, {"epochs": 2, **LITTLE.get(name, {})})
    task = Task.of(dataset.pictures, 3)
    return Trainer(approach, task, dataset.pictures, dataset.labels, CPU, seed=0)


@pytest.mark.parametrize("name", list(APPROACHES))
def test_every_part_of_the_work_counts(name: str) -> None:
    trainer = trainer_of(name)
    speed = Speed.of(trainer, 50)
    assert min(speed.preparing, speed.learning, speed.scoring) > 0
    none = np.arange(0)
    plain = Fold("fold 1", np.arange(40), none, none)
    epochs = trainer.training(40).epochs or 0
    assert speed.fit(trainer, plain) == pytest.approx(AROUND + speed.learning * 40 * epochs)
    validated = replace(plain, validation=np.arange(5))
    more = speed.fit(trainer, validated) - speed.fit(trainer, plain)
    assert more == pytest.approx(5 * epochs * speed.scoring)
    scored = replace(plain, held_out=np.arange(9))
    more = speed.fit(trainer, scored) - speed.fit(trainer, plain)
    assert more == pytest.approx(9 * speed.scoring)


def test_waiting_for_a_processor_is_no_work() -> None:
    watch = Stopwatch(CPU)
    assert watch.of(lambda: time.sleep(0.3)) < 0.1
    on_a_card = Stopwatch(Compute("cuda", 1, False))
    assert on_a_card.of(lambda: time.sleep(0.3)) >= 0.3
    busy = lambda: sum(range(3_000_000))
    four = Stopwatch(Compute("cpu", 4, False)).of(busy)
    assert 2 < watch.of(busy) / four < 8  # the seconds of all threads, over the threads


def test_a_stopwatch_learns_how_busy_the_machine_is() -> None:
    watch = Stopwatch(CPU)
    assert watch.slowdown == 1
    assert watch.watch(lambda: "done") == "done"
    assert watch.slowdown < 2  # so short that it says little
    watch.watch(lambda: time.sleep(0.2))  # as if another program had the processor
    assert watch.slowdown > 3
    on_a_card = Stopwatch(Compute("cuda", 1, False))
    on_a_card.watch(lambda: time.sleep(0.2))
    assert on_a_card.slowdown == pytest.approx(1, abs=0.1)


def test_other_programs_are_seen() -> None:
    alone = OtherPrograms()
    started = time.perf_counter()
    while time.perf_counter() - started < 1:
        pass
    before = alone.cores
    spin = "import time\nend = time.time() + 20\nwhile time.time() < end: pass"
    with subprocess.Popen([sys.executable, "-c", spin]) as program:
        beside = OtherPrograms()
        time.sleep(1)
        seen = beside.cores
        program.kill()
    assert before >= 0
    assert 0.3 < seen <= cores() + 0.1


def test_a_prediction_believes_what_it_sees() -> None:
    left = Prediction({"fold 2": 50.0}, packing=1.0, answering={"fold 1": 4.0})
    assert (left.until_scored, left.seconds) == (51, 55)
    left.predicted, left.took = 50.0, 100.0
    assert left.correction == pytest.approx(110 / 60)
    assert left.seconds == pytest.approx(50 * 110 / 60 + 5)


def test_a_probe_changes_nothing_that_comes_after() -> None:
    def trained(*, probed: bool) -> list[bytes]:
        trainer = trainer_of("cnn")
        if probed:
            Speed.of(trainer, 45)
            assert "source" not in vars(trainer)
        rows = torch.arange(45).numpy()
        fitted = trainer.fit("fold 1", train=rows, validation=rows[:0]).fitted
        return [value.numpy().tobytes() for value in fitted.network.state_dict().values()]

    assert trained(probed=True) == trained(probed=False)


def test_a_probe_is_prepared_as_the_whole_is() -> None:
    trainer = trainer_of("transfer")
    few = trainer.probe(10)
    assert len(few.pictures) == 10
    assert few.frozen is trainer.frozen
    assert (few.views, few.backgrounds) == (trainer.views, trainer.backgrounds)
    assert len(trainer.probe(1000).pictures) == len(trainer.pictures)
