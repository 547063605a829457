"""What a run says of its length before it begins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bakeoff.approaches import APPROACHES, Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.training.compute import Compute
from bakeoff.workers import estimate
from bakeoff.workers.estimate import PROBE, estimate_seconds

from ..strokes import strokes

CPU = Compute("cpu", 1, False)
LITTLE = {"transfer": {"side": 32}, "vit": {"embed_dim": 16, "depth": 1}}


def trainer_of(name: str) -> Trainer:
    dataset = strokes()
    approach = configure(name, {"epochs": 2, **LITTLE.get(name, {})})
    task = Task.of(dataset.pictures, 3)
    return Trainer(approach, task, dataset.pictures, dataset.labels, CPU, seed=0)


@pytest.mark.parametrize("name", list(APPROACHES))
def test_every_part_of_the_work_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_second_a_picture(work: Callable[[], object]) -> float:
        work()
        return float(PROBE)

    monkeypatch.setattr(estimate, "_seconds", one_second_a_picture)
    seconds = estimate_seconds(trainer_of(name), [40, 50], scored=70)
    assert seconds > 60 + 70  # what is prepared and what is scored; training is timed for real
    assert seconds < 60 + 70 + 60


def test_a_probe_changes_nothing_that_comes_after() -> None:
    def trained(*, probed: bool) -> list[bytes]:
        trainer = trainer_of("cnn")
        if probed:
            estimate_seconds(trainer, [45], scored=15)
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
