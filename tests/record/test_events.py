"""Events as a run logs them, and as earlier versions did."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from datetime import datetime

import pytest

from bakeoff.record import events
from bakeoff.record.events import (
    ApproachScored,
    BundleRefused,
    BundleWritten,
    CorruptingPictures,
    Estimated,
    Event,
    GraphTraced,
    PicturesCorrupted,
    Preparing,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
    TestOpened,
    TimeLeft,
    TracingGraphs,
    UnitFinished,
    UnitKept,
    UnitStarted,
    WorkerDied,
    parse_event,
)

from ..made_up_events import epoch_ended, run_started

TIME = "2026-03-04T05:06:07+00:00"
EVENTS: list[Event] = [
    run_started(options={"folds": 2}, curve={"fold 1 at 20": 0.5}, groups="groups are mixed"),
    run_started(event="run resumed"),
    Estimated(seconds={"cnn": 1.5}, workers=2),
    Estimated(seconds={}),
    Preparing(approach="cnn"),
    UnitStarted(approach="cnn", fold="../größer\n"),
    epoch_ended(3),
    epoch_ended(3, validation_loss=None, validation_accuracy=None),
    UnitFinished(approach="cnn", fold="final", seconds=2.5, best_epoch=3, accuracy=None),
    UnitKept(approach="cnn", fold="fold 1", accuracy=0.5),
    CorruptingPictures(pictures=100, corruptions=["turn", "blur"]),
    PicturesCorrupted(approach="cnn", fold="fold 1", seconds=7.5, accuracy=0.75, done=1, of=4),
    ApproachScored(approach="cnn", accuracy=0.9, interval=(0.8, 0.95), bundle="runs/a/bundles/cnn"),
    TimeLeft(seconds=70.5, slowdown=2.5),
    TracingGraphs(approaches=["cnn", "vit"]),
    GraphTraced(approach="cnn", seconds=9.5, done=1, of=2),
    TestOpened(pictures=12),
    BundleWritten(approach="cnn", path="runs/one/bundles/cnn"),
    BundleRefused(approach="cnn", why="it answers differently"),
    WorkerDied(how="by signal 9", approach="cnn", fold="fold 1"),
    WorkerDied(how="with exit code 1"),
    RunFinished(winner=None, why="They are too close to call."),
    RunFailed(why="the disk is full"),
    RunStopped(status="stopped"),
]


def test_every_kind_of_event_is_here() -> None:
    union, *_ = typing.get_args(Event)
    assert {type(event) for event in EVENTS} == set(typing.get_args(union))
    exported = {name for name in events.__all__ if isinstance(getattr(events, name), type)}
    assert {type(event).__name__ for event in EVENTS} <= exported


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_is_parsed_from_its_line_and_from_its_object(event: Event) -> None:
    line = event.model_dump_json()
    assert "\n" not in line
    for written in (line, line.encode(), json.loads(line)):
        parsed = parse_event(written)
        assert type(parsed) is type(event)
        assert parsed == event


def test_an_event_is_stamped_in_utc_to_the_second() -> None:
    stamped = datetime.fromisoformat(Preparing(approach="cnn").time)
    assert stamped.utcoffset() is not None
    assert stamped.microsecond == 0
    assert abs((datetime.now(stamped.tzinfo) - stamped).total_seconds()) < 60


OLD: list[tuple[dict[str, object], Event]] = [
    (
        {
            "event": "run started",
            "path": "runs/one",
            "pid": 12,
            "request": {
                "schema_version": 1,
                "source": "digits",
                "approaches": ["cnn", "vit"],
                "settings": {"": {"epochs": "3"}},
                "brittleness": True,
            },
            "understood": "1797 pictures",
            "pictures": 1797,
            "classes": 10,
            "folds": ["fold 1", "fold 2"],
            "curve": {},
            "groups": None,
        },
        RunStarted(
            event="run started",
            time=TIME,
            path="runs/one",
            pid=12,
            approaches=["cnn", "vit"],
            options={
                "schema_version": 1,
                "source": "digits",
                "approaches": ["cnn", "vit"],
                "settings": {"": {"epochs": "3"}},
                "brittleness": True,
            },
            description="1797 pictures",
            pictures=1797,
            classes=10,
            folds=["fold 1", "fold 2"],
        ),
    ),
    (
        {"event": "changing pictures", "pictures": 100, "changes": ["turn", "blur"]},
        CorruptingPictures(time=TIME, pictures=100, corruptions=["turn", "blur"]),
    ),
    (
        {
            "event": "pictures changed",
            "approach": "cnn",
            "fold": "fold 1",
            "seconds": 7.5,
            "accuracy": 0.75,
            "done": 1,
            "of": 4,
        },
        PicturesCorrupted(
            time=TIME, approach="cnn", fold="fold 1", seconds=7.5, accuracy=0.75, done=1, of=4
        ),
    ),
    (
        {"event": "worker died", "how": "by signal 9"},
        WorkerDied(time=TIME, how="by signal 9"),
    ),
]


@pytest.mark.parametrize(("written", "event"), OLD, ids=lambda value: "")
def test_events_of_earlier_versions_are_still_read(
    written: Mapping[str, object], event: Event
) -> None:
    written = {"time": TIME, **written}
    before = json.dumps(written)
    assert parse_event(written) == event
    assert parse_event(json.dumps(written)) == event
    assert json.dumps(written) == before


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        b"\xff\x00",
        "[]",
        "3",
        "null",
        "{}",
        '{"event": null}',
        '{"event": ["epoch"]}',
        '{"event": {}}',
        '{"event": "of another version"}',
        '{"event": "epoch"}',
        '{"event": "test opened", "pictures": "many"}',
        '{"event": "run started", "request": 3}',
    ],
)
def test_what_is_no_event_is_a_value_error(written: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_event(written)
