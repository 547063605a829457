"""What the terminal shows of a run."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from bakeoff.evaluation.records import CurvePoint, Forecast, HeadlineRecord, LearningCurve
from bakeoff.record.events import (
    ApproachScored,
    BundleRefused,
    CorruptingPictures,
    Estimated,
    Event,
    GraphTraced,
    PicturesCorrupted,
    Preparing,
    RunFinished,
    TestOpened,
    UnitFinished,
    UnitKept,
    UnitStarted,
    WorkerDied,
)
from bakeoff.record.folder import RunFolder
from bakeoff.screen import RunScreen, curves_shown, duration, leaderboard

from .made_up_events import epoch_ended, run_started


def finished_unit(fold: str = "fold 1", accuracy: float | None = 0.9) -> UnitFinished:
    return UnitFinished(approach="cnn", fold=fold, seconds=20.0, best_epoch=3, accuracy=accuracy)


def started_unit(fold: str = "fold 1") -> UnitStarted:
    return UnitStarted(approach="cnn", fold=fold)


def shown(screen: RunScreen, width: int = 120) -> str:
    console = screen.console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(screen.render())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def fed(*events: Event, terminal: bool = True) -> tuple[RunScreen, io.StringIO]:
    file = io.StringIO()
    screen = RunScreen(Console(file=file, force_terminal=terminal, width=120, highlight=False))
    for event in (run_started(), *events):
        screen(event)
    return screen, file


@pytest.mark.parametrize("words", [None, "groups are mixed: 3 are too few"])
def test_what_became_of_the_groups_is_said_where_there_are_any(words: str | None) -> None:
    console = Console(width=100, record=True)
    RunScreen(console)(run_started(groups=words))
    assert ("groups are" in console.export_text()) is (words is not None)


def test_what_waits_what_trains_and_what_is_done() -> None:
    screen, _ = fed(Preparing(approach="cnn"))
    assert "preparing" in shown(screen)
    assert "waiting" in shown(screen)
    screen, _ = fed(started_unit(), epoch_ended(4))
    text = shown(screen)
    assert "fold 1" in text
    assert "4/10" in text
    assert "75.00%" in text


def test_all_fits_a_terminal_of_80_columns() -> None:
    screen, _ = fed(Preparing(approach="vit"), started_unit(), epoch_ended(4))
    screen(finished_unit())
    screen(started_unit("fold 2"))
    screen(epoch_ended(4, fold="fold 2", train_accuracy=1.0, seconds=100.0))
    text = shown(screen, 80)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("time left", "preparing", "fold 2", "4/10", "100.00%", "75.00%", "90.00%"):
        assert words in text
    assert "10 min 20 s" in text


def test_time_left_by_epochs_then_by_whole_units() -> None:
    screen, _ = fed(started_unit(), epoch_ended(4))
    # 6 epochs of 2 s here, and two more units of 10 epochs
    assert screen.rows["cnn"].seconds_left == pytest.approx(6 * 2 + 2 * 20)
    screen(finished_unit())
    assert screen.rows["cnn"].seconds_left == pytest.approx(2 * 20)
    assert screen.rows["vit"].seconds_left is None
    screen(finished_unit("fold 2"))
    screen(finished_unit("final", None))
    assert screen.rows["cnn"].seconds_left == 0
    assert "done" in shown(screen)


def test_the_estimate_stands_until_something_is_known() -> None:
    screen, file = fed(Estimated(seconds={"cnn": 100.0, "vit": 25.0}))
    assert "about 2 min 05 s: cnn 1 min 40 s, vit 25 s" in file.getvalue()
    assert "so far, about 2 min 05 s left" in shown(screen)
    screen(started_unit())
    screen(epoch_ended(4))
    assert screen.rows["cnn"].seconds_left == pytest.approx(6 * 2 + 2 * 20)
    assert "so far, about 1 min 17 s left" in shown(screen)


def test_smaller_fits_take_less_and_are_no_folds() -> None:
    screen = RunScreen(Console(file=io.StringIO(), width=120))
    screen(run_started(curve={"fold 1 at 50": 0.25}))
    quarter = 0.25**0.65
    screen(finished_unit())
    assert screen.rows["cnn"].seconds_left == pytest.approx(20 * (2 + quarter))
    smaller = finished_unit("fold 1 at 50", 0.3)
    screen(smaller.model_copy(update={"seconds": 20 * quarter}))
    assert screen.rows["cnn"].seconds_left == pytest.approx(20 * 2)
    assert "90.00%" in shown(screen)  # of the fold alone
    assert screen.rows["cnn"].share == pytest.approx((1 + quarter) / (3 + quarter))


def test_a_curve_shows_what_was_measured_and_what_is_forecast(finished: RunFolder) -> None:
    results = finished.results()
    console = Console(file=io.StringIO(), width=80)
    console.print(curves_shown(results))
    assert isinstance(console.file, io.StringIO)
    assert not console.file.getvalue().strip()
    curve = LearningCurve(
        [CurvePoint(100, 0.8, (0.7, 0.9), 5), CurvePoint(1200, 0.9, (0.85, 0.95), 5)],
        *(0.0, 1.0, 0.5),
        [Forecast(2.0, 3000, 1.0, (0.95, 1.0))],
        "Words.",
    )
    (one, *_) = results.approaches
    one = one.model_copy(update={"learning": curve})
    console.print(curves_shown(results.model_copy(update={"approaches": [one]})))
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    first, last = (
        next(line for line in lines if line.lstrip().startswith(kind))
        for kind in ("measured", "forecast")
    )
    assert "80.0%" in first
    assert first.endswith("─" * 9 + "●" + "─" * 9)
    assert "2× 3 000" in last
    assert last.endswith("─●")
    assert "Words." in lines


def test_the_bar_follows_epochs_within_units() -> None:
    screen, _ = fed(started_unit(), epoch_ended(5))
    assert screen.rows["cnn"].share == pytest.approx(0.5 / 3)


def test_without_a_terminal_a_line_a_unit() -> None:
    _, file = fed(
        finished_unit(),
        UnitKept(approach="cnn", fold="fold 2", accuracy=0.9),
        finished_unit("final", None),
        TestOpened(pictures=12),
        RunFinished(winner="cnn", why="It is better."),
        terminal=False,
    )
    lines = file.getvalue().splitlines()
    assert lines[0] == "class folders, 60 pictures"
    assert "cnn · fold 1 · 90.00% of the held-out pictures right · 20 s" in lines
    assert "cnn · fold 2 · 90.00% of the held-out pictures right · kept" in lines
    assert "cnn · final · 20 s" in lines
    assert "locked test opened: 12 pictures" in lines


def test_a_live_table_in_a_terminal() -> None:
    screen, file = fed(started_unit(), epoch_ended(4))
    with screen:
        pass
    assert "4/10" in file.getvalue()


def test_the_leaderboard_ranks_by_accuracy(finished: RunFolder) -> None:
    results = finished.results()
    console = Console(file=io.StringIO(), width=120)
    console.print(leaderboard(results))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    best = max(
        results.approaches, key=lambda one: one.out_of_fold.accuracy if one.out_of_fold else 0
    )
    other = next(one for one in results.approaches if one.name != best.name)
    assert text.index(f" {best.name} ") < text.index(f" {other.name} ")
    without_folds = [one.model_copy(update={"out_of_fold": None}) for one in results.approaches]
    console.print(leaderboard(results.model_copy(update={"approaches": without_folds})))
    assert "–" in console.file.getvalue()


@pytest.mark.parametrize("higher", [True, False])
def test_the_leaderboard_ranks_by_the_headline_metric(finished: RunFolder, higher: bool) -> None:
    """The less accurate one is better by another metric; of a cost, less is better."""
    results = finished.results()
    name = "balanced_accuracy" if higher else "cost"
    headline = HeadlineRecord(
        name, "Balanced" if higher else "Mean cost", "", "bar", 0.3, higher, is_share=higher
    )
    ranked = sorted(
        (one for one in results.approaches if one.out_of_fold),
        key=lambda one: one.out_of_fold.accuracy if one.out_of_fold else 0,
    )
    figures = (0.9, 0.8) if higher else (0.1, 0.2)
    changed = []
    for one, figure in zip(ranked, figures, strict=True):
        assert one.out_of_fold is not None
        metrics = one.out_of_fold.metrics | {name: figure}
        changed.append(
            one.model_copy(update={"out_of_fold": replace(one.out_of_fold, metrics=metrics)})
        )
    console = Console(file=io.StringIO(), width=140)
    console.print(
        leaderboard(results.model_copy(update={"approaches": changed, "headline": headline}))
    )
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for word in headline.title.split():
        assert word in text
    assert text.index(f" {ranked[0].name} ") < text.index(f" {ranked[1].name} ")
    assert ("90.0 %" if higher else "0.1") in text


@pytest.mark.parametrize(
    ("seconds", "words"), [(7.6, "8 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


CORRUPTING = CorruptingPictures(pictures=100, corruptions=["turn", "blur"])
CORRUPTED = PicturesCorrupted(
    approach="cnn", fold="fold 1", seconds=7.2, accuracy=0.8, done=1, of=2
)


def test_corrupted_pictures_are_not_silent() -> None:
    screen, _ = fed(CORRUPTING)
    assert "corrupting 100 pictures in 2 ways" in shown(screen)
    screen, file = fed(CORRUPTING, CORRUPTED)
    assert "1 of 2 answered, about 7 s left" in shown(screen)
    assert "fold 1" not in file.getvalue()
    _, file = fed(CORRUPTING, CORRUPTED, terminal=False)
    assert "cnn · fold 1 · 80% of the corrupted pictures right" in file.getvalue()


def test_graphs_are_not_silent() -> None:
    traced = GraphTraced(approach="cnn", seconds=9.4, done=1, of=2)
    _, file = fed(traced)
    assert "its graph" not in file.getvalue()
    _, file = fed(traced, terminal=False)
    assert "cnn · its graph, 9 s" in file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_first_score_is_shown_with_the_model_to_try(terminal: bool) -> None:
    scored = ApproachScored(
        approach="cnn", accuracy=0.935, interval=(0.91, 0.952), bundle="runs/a/bundles/cnn"
    )
    _, file = fed(scored, terminal=terminal)
    plain = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert "cnn gets 93.5 % right (91.0 to 95.2 %) · runs/a/bundles/cnn\n" in plain
    without = scored.model_copy(update={"accuracy": None, "interval": None, "bundle": None})
    _, file = fed(without, terminal=terminal)
    assert "is trained" in file.getvalue()


def test_two_units_of_one_approach_at_once() -> None:
    begun: list[Event] = [started_unit(), epoch_ended(5), started_unit("fold 2")]
    screen, _ = fed(*begun, epoch_ended(1, fold="fold 2"))
    assert "fold 2 +1" in shown(screen)
    assert screen.rows["cnn"].share == pytest.approx((5 / 10 + 1 / 10) / 3)


def test_time_left_is_shared_by_the_workers() -> None:
    seconds = {"cnn": 60.0, "vit": 30.0}
    screen, file = fed(Estimated(seconds=seconds, workers=3))
    assert "about 30 s left" in shown(screen)
    assert "about 30 s with 3 workers; with one: cnn 1 min 00 s, vit 30 s" in file.getvalue()


def test_a_worker_that_died_is_shown() -> None:
    died = WorkerDied(how="by signal 9")
    _, file = fed(died.model_copy(update={"approach": "cnn", "fold": "fold 1"}), died)
    assert "a worker died (by signal 9): cnn · fold 1 starts again" in file.getvalue()
    assert "a worker died (by signal 9): another one starts" in file.getvalue()


def test_a_bundle_that_was_refused_is_shown_with_its_cause() -> None:
    why = "the exported cnn: answers differently by 1.0e-03. Please report this"
    _, file = fed(BundleRefused(approach="cnn", why=why))
    assert f"no bundle of cnn: {why}" in file.getvalue()
