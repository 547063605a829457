"""The time left: it follows what is done and how busy the machine is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.record.events import (
    ApproachScored,
    EpochEnded,
    Estimated,
    Event,
    PicturesCorrupted,
    TimeLeft,
    UnitFinished,
    UnitStarted,
)
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.workers import time_left
from bakeoff.workers.estimate import BELIEF, Prediction
from bakeoff.workers.time_left import TimeKeeper, end_seconds

from ..made_up_events import epoch_ended
from ..strokes import QUICKLY, strokes


class Kept:
    """A time keeper, and what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int = 2) -> None:
        monkeypatch.setattr(time_left, "cores", lambda: cores)
        self.said: list[TimeLeft] = []
        self.now = 0.0
        self.keeper = TimeKeeper(self.hear, threads=1, clock=lambda: self.now)
        fits = {"fold 1": 20.0, "fold 2": 20.0, "final": 20.0}
        self.keeper.left = {"cnn": Prediction(fits, packing=2.0)}

    def hear(self, event: Event) -> None:
        if isinstance(event, TimeLeft):
            self.said.append(event)

    @property
    def seconds(self) -> float:
        """The last time left, without the end that is always the same."""
        last = self.said[-1]
        return last.seconds - last.slowdown * end_seconds(1)

    def finish(self, fold: str, seconds: float, on_cpu: float | None = None) -> None:
        processor = seconds if on_cpu is None else on_cpu
        self.keeper(UnitStarted(approach="cnn", fold=fold))
        self.keeper(
            UnitFinished(
                approach="cnn",
                fold=fold,
                seconds=seconds,
                cpu_seconds=processor,
                best_epoch=1,
                accuracy=None,
            )
        )


def epoch(fold: str, number: int, of: int = 10, seconds: float = 2.0) -> EpochEnded:
    return epoch_ended(number, of, fold=fold, seconds=seconds)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(monkeypatch)


def test_what_is_done_is_not_left(kept: Kept) -> None:
    kept.keeper.begin({}, 1, 1.0)
    assert kept.seconds == 62
    kept.finish("fold 1", 20)
    assert kept.seconds == 42
    kept.finish("fold 2", 20)
    kept.finish("final", 20)
    assert kept.seconds == 2
    scored = ApproachScored(approach="cnn", accuracy=1.0, interval=(0.9, 1.0), bundle=None)
    kept.keeper(scored)
    kept.finish("final", 20)
    assert kept.seconds == 0


def test_slower_fits_make_the_others_longer(kept: Kept) -> None:
    kept.keeper.begin({}, 1, 1.0)
    kept.finish("fold 1", 40)
    assert kept.seconds == pytest.approx(40 * 50 / 30 + 2, abs=0.1)
    assert kept.said[-1].slowdown == 1
    kept.finish("fold 2", 10)
    assert kept.seconds == pytest.approx(20 * 60 / 50 + 2, abs=0.1)


def test_a_busy_machine_is_noticed_and_forgotten(kept: Kept) -> None:
    kept.keeper.begin({}, 1, 1.0)
    kept.finish("fold 1", 60, on_cpu=20)
    assert kept.said[-1].slowdown > 2.5
    assert kept.seconds == pytest.approx(42 * kept.said[-1].slowdown, abs=0.5)
    for _ in range(8):
        kept.finish("fold 2", 20)
    assert kept.said[-1].slowdown == 1


@pytest.mark.parametrize(
    ("workers", "slowdown", "expected"),
    [(1, 1.0, 1.0), (2, 1.05, 1.0), (1, 2.0, 2.0), (2, 2.0, 2.5), (2, 1.5, 2.0), (4, 1.0, 2.0)],
)
def test_more_workers_wait_longer_for_two_cores(
    kept: Kept, workers: int, slowdown: float, expected: float
) -> None:
    kept.keeper.begin({}, workers, slowdown)
    assert kept.said[-1].slowdown == pytest.approx(expected)


@pytest.mark.parametrize(
    ("workers", "others", "expected"), [(1, 1.0, 1.0), (2, 1.0, 1.5), (2, 0.3, 1.15), (4, 0.0, 2.0)]
)
def test_programs_on_the_other_cores_count(
    kept: Kept, workers: int, others: float, expected: float
) -> None:
    kept.keeper.begin({}, workers, 1.0, others)
    assert kept.said[-1].slowdown == pytest.approx(expected)


def test_a_final_fit_waits_for_a_fold_whoever_trains(kept: Kept) -> None:
    kept.keeper.begin({}, 7, 0.2)
    alone = kept.said[-1].seconds / kept.said[-1].slowdown - end_seconds(1)
    assert alone == pytest.approx(time_left.START + 40, abs=0.1)


def test_epochs_count_and_are_reported_now_and_then(kept: Kept) -> None:
    kept.keeper.begin({}, 1, 1.0)
    kept.keeper(UnitStarted(approach="cnn", fold="fold 1"))
    for number in range(1, 6):
        kept.now = 2.0 * number
        kept.keeper(epoch("fold 1", number))
    assert len(kept.said) == 2  # at the beginning and after 6 seconds
    assert kept.seconds == pytest.approx(56)
    kept.now += 10
    kept.keeper(epoch("fold 1", 6))
    assert kept.seconds == pytest.approx(50)


@pytest.mark.parametrize("slowdown", [1.0, 3.0])
def test_epochs_correct_a_wrong_prediction(kept: Kept, slowdown: float) -> None:
    kept.keeper.left["cnn"] = Prediction({"fold 1": 3000.0})  # a probe that had to wait
    kept.keeper.begin({}, 1, slowdown)
    assert kept.seconds == pytest.approx(3000 * slowdown)
    kept.now = 60.0
    kept.keeper(epoch("fold 1", 1, seconds=3.0 * slowdown))
    kept.keeper(epoch("fold 1", 2, seconds=3.0 * slowdown))
    kept.now = 120.0
    kept.keeper(epoch("fold 1", 3, seconds=3.0 * slowdown))
    corrected = (9 + BELIEF) / (900 + BELIEF)
    assert kept.seconds == pytest.approx(2100 * corrected * slowdown, abs=0.1)
    kept.finish("fold 1", 30)
    assert kept.seconds == pytest.approx(0, abs=0.1)


def test_epochs_of_a_fit_that_begins_again_are_counted_once(kept: Kept) -> None:
    kept.keeper.begin({}, 1, 1.0)
    for number in (1, 2, 3, 1):  # its worker died
        kept.now += 10.0
        kept.keeper(epoch("fold 1", number, seconds=2.0))
    assert kept.keeper.left["cnn"].underway == {"fold 1": (0.1, 2.0)}


def test_corruptions_are_made_once_and_answered_by_each(kept: Kept) -> None:
    kept.keeper.left["cnn"].answering = {"fold 1": 3.0, "fold 2": 3.0}
    kept.keeper.left["vit"] = Prediction({}, answering={"fold 2": 5.0})
    kept.keeper.begin({"fold 0": 99.0, "fold 1": 10.0, "fold 2": 10.0}, 1, 1.0)
    two = time_left.END_EACH
    assert kept.seconds - two == 62 + 3 + 3 + 5 + 20
    for approach, fold in (("cnn", "fold 1"), ("cnn", "fold 2"), ("vit", "fold 2")):
        kept.keeper(PicturesCorrupted(approach=approach, fold=fold, seconds=1, accuracy=1))
    assert kept.seconds - two == 62


def test_a_run_reports_it_until_its_end(tmp_path: Path) -> None:
    events: list[Event] = []
    bake(strokes(), tmp_path / "run", on_event=events.append, **QUICKLY)
    kinds = [event.event for event in events]
    assert kinds[kinds.index("estimated") + 1] == "time left"
    # On a machine that gets busier, the seconds themselves may grow.
    left = [event.seconds / event.slowdown for event in events if isinstance(event, TimeLeft)]
    assert len(left) > 3
    assert left[-1] < left[0]
    (estimated,) = [event for event in events if isinstance(event, Estimated)]
    assert set(estimated.seconds) == {"baseline", "cnn"}
    assert kinds == [event.event for event in RunFolder(tmp_path / "run").events()]
