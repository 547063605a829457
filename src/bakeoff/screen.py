"""A run in the terminal: what trains, how well, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bakeoff.bundle.answer import Answer, Answers
from bakeoff.data.words import spaced
from bakeoff.evaluation.prose import percent, span
from bakeoff.evaluation.records import HeadlineRecord, LearningCurve, Scores
from bakeoff.record.events import (
    ApproachScored,
    BundleRefused,
    BundleWritten,
    CorruptingPictures,
    EpochEnded,
    Estimated,
    Event,
    GraphTraced,
    PicturesCorrupted,
    Preparing,
    RunStarted,
    TestOpened,
    UnitFinished,
    UnitKept,
    UnitStarted,
    WorkerDied,
)
from bakeoff.record.results import ApproachResult, Results

__all__ = [
    "RunScreen",
    "answers_shown",
    "curves_shown",
    "duration",
    "leaderboard",
    "pseudo_labels_shown",
    "verdict_shown",
]

_NARROW = 80
_LINE = 28  # characters for an interval


@dataclass
class _Row:
    """How far one approach has come. `seconds` are those that a whole fold would have taken."""

    units: Mapping[str, float]  # how long each takes, relative to a whole fold
    done: set[str] = field(default_factory=set)
    active: dict[str, EpochEnded | None] = field(default_factory=dict)  # the last epoch of each
    seconds: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    took: float = 0.0
    note: str = "waiting"
    estimate: float | None = None

    @property
    def share(self) -> float:
        inside: float = sum(
            epoch.number / epoch.of * self.units[unit]
            for unit, epoch in self.active.items()
            if epoch
        )
        return (sum(self.units[unit] for unit in self.done) + inside) / sum(self.units.values())

    @property
    def finished(self) -> bool:
        return len(self.done) == len(self.units)

    @property
    def seconds_left(self) -> float | None:
        """Of one worker: from finished units, else from their epochs, else from the estimate."""
        if self.finished:
            return 0.0
        begun = {unit: epoch for unit, epoch in self.active.items() if epoch}
        if not begun and not self.seconds:
            return self.estimate
        whole: list[float] = sorted(
            self.seconds
            or [epoch.seconds * epoch.of / self.units[unit] for unit, epoch in begun.items()]
        )
        left_here: float = sum(
            epoch.seconds * (epoch.of - epoch.number) for epoch in begun.values()
        )
        after = sum(
            size for unit, size in self.units.items() if unit not in self.done and unit not in begun
        )
        return left_here + whole[len(whole) // 2] * after


class RunScreen:
    """Shows the events of a run: a live table in a terminal, else a line a finished unit.

    Parameters
    ----------
    kept : whether the run stays, so that it can be named and resumed.
    """

    def __init__(self, console: Console, *, kept: bool = True) -> None:
        self.console = console
        self.kept = kept
        self.rows: dict[str, _Row] = {}
        self.smaller: dict[str, float] = {}
        self.again: set[str] = set()
        self.after = ""  # what is done when all is trained, and how far
        self.workers = 1
        self.started = time.monotonic()
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self.render)

    def __enter__(self) -> RunScreen:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self._started(event)
            case Estimated():
                self._estimated(event)
            case CorruptingPictures(pictures=pictures, corruptions=corruptions):
                self._begun(f"corrupting {pictures} pictures in {len(corruptions)} ways")
            case PicturesCorrupted(fold=fold, accuracy=accuracy):
                words = f"{fold} · {accuracy:.0%} of the corrupted pictures right"
                self._gone_on(event, words)
            case GraphTraced(approach=approach, seconds=seconds):
                if not self.console.is_terminal:
                    self.console.print(f"{approach} · its graph, {duration(seconds)}")
            case ApproachScored():
                self.console.print(_scored(event))
            case TestOpened(pictures=pictures):
                self.console.print(f"locked test opened: {pictures} pictures")
            case BundleWritten(path=path):
                self.console.print(Text(f"bundle {path}", style="dim"))
            case BundleRefused(approach=approach, why=why):
                self.console.print(Text(f"no bundle of {approach}: {why}", "red"))
            case WorkerDied(how=how, approach=approach, fold=fold):
                unit = f"{approach} · {fold} starts again" if fold else "another one starts"
                self.console.print(Text(f"a worker died ({how}): {unit}"))
            case Preparing() | UnitStarted() | EpochEnded() | UnitFinished() | UnitKept():
                self._unit_event(event)

    def _started(self, event: RunStarted) -> None:
        # A fit on half of the pictures trains for more epochs, so it takes more than half.
        self.smaller = {unit: share**0.65 for unit, share in event.curve.items()}
        units = dict.fromkeys([*event.folds, "final"], 1.0) | self.smaller
        self.again = {unit for units in event.again.values() for unit in units}
        self.rows = {
            name: _Row(units | dict.fromkeys(event.again.get(name, ()), 1.0))
            for name in event.approaches
        }
        self.console.print(Text(event.description, style="bold"))
        if event.groups:
            self.console.print(Text(event.groups))
        if self.kept:
            self.console.print(Text(f"run {event.path}", style="dim"))

    def _estimated(self, event: Estimated) -> None:
        self.workers = event.workers or 1
        for name, row in self.rows.items():
            row.estimate = event.seconds[name]
        parts = ", ".join(f"{name} {duration(alone)}" for name, alone in event.seconds.items())
        words = f"about {duration(sum(event.seconds.values()) / self.workers)}"
        if self.workers > 1:
            words += f" with {self.workers} workers; with one"
        self.console.print(Text(f"{words}: {parts}"))

    def _begun(self, words: str) -> None:
        self.after = words
        self.console.print(words)

    def _gone_on(self, event: PicturesCorrupted, words: str) -> None:
        left = event.seconds * (event.of - event.done) / self.workers
        self.after = f"{event.done} of {event.of} answered, about {duration(left)} left"
        if not self.console.is_terminal:
            self.console.print(f"{event.approach} · {words}")

    def _unit_event(
        self, event: Preparing | UnitStarted | EpochEnded | UnitFinished | UnitKept
    ) -> None:
        row = self.rows[event.approach]
        if isinstance(event, Preparing):
            row.note = "preparing"
        elif isinstance(event, UnitStarted):
            row.active[event.fold], row.note = None, ""
        elif isinstance(event, EpochEnded):
            row.active[event.fold], row.note = event, ""
        else:
            row.done.add(event.fold)
            row.active.pop(event.fold, None)
            if isinstance(event, UnitFinished):
                row.took += event.seconds
                row.seconds.append(event.seconds / row.units[event.fold])
            if event.accuracy is not None and event.fold not in {*self.smaller, *self.again}:
                row.accuracies.append(event.accuracy)
            if not self.console.is_terminal:
                self.console.print(_line(event))

    def render(self) -> RenderableType:
        """The table as it stands."""
        spare = max(0, self.console.width - _NARROW)  # all fits 80 columns; more go to bar and unit
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("approach", no_wrap=True)
        table.add_column("")
        table.add_column("unit", no_wrap=True, max_width=9 + spare // 2)
        for heading in ("epoch", "train", "valid.", "loss", "held out", "time left"):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, row in self.rows.items():
            bar = ProgressBar(total=1, completed=row.share, width=6 + min(14, spare // 2))
            table.add_row(name, bar, *_cells(row))
        words = f"{duration(time.monotonic() - self.started)} so far"
        left = [row.seconds_left for row in self.rows.values()]
        if self.after:
            words += f", {self.after}"
        elif left and None not in left:
            words += f", about {duration(sum(filter(None, left)) / self.workers)} left"
        words += " · Ctrl-C stops" + (", --resume goes on" if self.kept else "")
        return Group(table, Text(words, style="dim"))


def leaderboard(results: Results) -> Table:
    """The approaches, the best by the headline metric first, with what a choice rests on.

    A headline metric other than accuracy has a column of its own, and so has the locked test, if
    there is one.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("approach", no_wrap=True)
    headline = results.headline
    own = headline if headline is not None and headline.name != "accuracy" else None
    # Two lines, as 80 columns are else too few.
    scores = [own.title.replace(" ", "\n"), "out of\nfold"] if own else ["out of fold"]
    tests = ["test"] if any(one.test for one in results.approaches) else []
    for heading in (*scores, "95 % interval", "loss", *tests, "weights", "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    sign = -1 if headline is None or headline.higher_is_better else 1
    ranked = sorted(results.approaches, key=lambda one: _rank(one, headline, sign))
    for one in ranked:
        interval, loss = _main(one)
        style = "bold" if one.name == results.winner.name else ""
        table.add_row(
            one.name,
            *([_figure(one, own)] if own else []),
            _percent(one.out_of_fold.accuracy if one.out_of_fold else None),
            interval,
            loss,
            *([_percent(one.test.accuracy if one.test else None)] if tests else []),
            f"{one.parameters:,}".replace(",", " "),
            duration(one.seconds.folds + one.seconds.final),
            style=style,
        )
    return table


def verdict_shown(results: Results) -> Text:
    """What to make of a run: the approach to trust, a paragraph of reasons, what to do next."""
    if results.verdict is None:
        return Text(results.winner.why)
    said = results.verdict.sentences
    shown = Text(results.verdict.why, style="bold")
    reasons = " ".join(one.text for one in said if one.about in ("sure", "cost", "where"))
    shown.append(f"\n{reasons}", style="not bold")
    shown.append("\n\nWhat to do next")
    for one in said:
        if one.about == "next":
            shown.append(f"\n• {one.text}", style="not bold")
    return shown


def curves_shown(results: Results) -> Group:
    """The learning curve of every approach that has one, measured and forecast, and its words."""
    shown: list[RenderableType] = []
    for one in results.approaches:
        if one.learning is not None:
            shown += [_curve_shown(one.name, one.learning), Text(one.learning.words)]
    return Group(*shown)


def pseudo_labels_shown(results: Results) -> Group:
    """What pseudo labels gain the approaches that the verdict is not about, if they were tried."""
    said = {one.text for one in results.verdict.sentences} if results.verdict else set()
    words = [one.pseudo.words for one in results.approaches if one.pseudo is not None]
    return Group(*(Text(one) for one in words if one not in said))


def _curve_shown(name: str, curve: LearningCurve) -> Table:
    rows = [
        *(("measured", spaced(one.pictures), one.accuracy, one.interval) for one in curve.points),
        *(
            ("forecast", f"{one.times:g}× {spaced(one.pictures)}", one.accuracy, one.interval)
            for one in curve.forecasts
        ),
    ]
    left = min(low for *_, (low, _) in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(Text(name))
    for heading in ("pictures", "accuracy", "95 % interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for kind, pictures, accuracy, (low, high) in rows:
        between = f"{low:.1%} … {high:.1%}"
        drawn = _whiskers(low, accuracy, high, left)
        style = "dim" if kind == "forecast" else ""
        table.add_row(kind, pictures, f"{accuracy:.1%}", between, drawn, style=style)
    return table


def _whiskers(low: float, middle: float, high: float, left: float) -> str:
    """An interval and its middle on a line from `left` to 1."""
    step = max(1 - left, 1e-9) / (_LINE - 1)
    start, dot, end = (round((share - left) / step) for share in (low, middle, high))
    return " " * start + "─" * (dot - start) + "●" + "─" * (end - dot)


def answers_shown(answers: Mapping[str, Answers], top: int) -> Table:
    """A line a picture, a column a model: its likeliest classes, and whether to believe it."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("picture", overflow="fold")
    for name in answers:
        shown.add_column(Text(name))
    for same in zip(*answers.values(), strict=True):
        shown.add_row(Text(same[0].name), *(_shown(one, top) for one in same))
    return shown


def _shown(answer: Answer, top: int) -> Text:
    style = {"sure": "green", "between": "yellow", "unsure": "yellow"}.get(answer.verdict, "red")
    first, *others = answer.ranking[:top]
    text = Text(f"{first[0]} {first[1]:.1%}", style="bold")
    text.append(f"  {answer.words}", style=f"not bold {style}")
    if answer.cheapest not in (None, answer.label):
        text.append(f"\ncheapest: {answer.cheapest}", style="not bold")
    for label, probability in others:
        text.append(f"\n{label} {probability:.1%}", style="not bold")
    return text


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _rank(result: ApproachResult, headline: HeadlineRecord | None, sign: int) -> tuple[bool, float]:
    """What a ranking sorts by: the headline metric; an approach without a score comes last."""
    scores = result.out_of_fold or result.test
    if scores is None:
        return True, 0.0
    return False, sign * _value(scores, headline)


def _figure(result: ApproachResult, headline: HeadlineRecord) -> str:
    """The headline metric of an approach in words."""
    scores = result.out_of_fold or result.test
    if scores is None:
        return "–"
    figure = _value(scores, headline)
    return percent(figure) if headline.is_share else f"{figure:.3g}"


# As `evaluation.ranking` has it, which needs scipy; `bakeoff predict` does without.
def _value(scores: Scores, headline: HeadlineRecord | None) -> float:
    return scores.metrics.get(headline.name, scores.accuracy) if headline else scores.accuracy


def _main(result: ApproachResult) -> tuple[str, str]:
    """The interval of accuracy, and the loss; dashes where too few pictures left no score."""
    scores = result.out_of_fold or result.test
    if scores is None:
        return "–", "–"
    low, high = scores.interval
    return f"{100 * low:.1f} … {high:.1%}", f"{scores.loss:.3f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.2%}"


def _cells(row: _Row) -> list[str]:
    left = row.seconds_left
    held_out = sum(row.accuracies) / len(row.accuracies) if row.accuracies else None
    if row.finished:
        return ["done", "", "", "", "", _percent(held_out), duration(row.took)]
    unit, epoch = next(reversed(row.active.items()), ("", None))
    also = f" +{len(row.active) - 1}" if len(row.active) > 1 else ""
    loss = epoch.validation_loss if epoch else None
    return [
        row.note or f"{unit}{also}",
        f"{epoch.number}/{epoch.of}" if epoch else "",
        _percent(epoch.train_accuracy if epoch else None),
        _percent(epoch.validation_accuracy if epoch else None),
        "–" if loss is None else f"{loss:.3f}",
        _percent(held_out),
        "…" if left is None else duration(left),
    ]


def _scored(event: ApproachScored) -> Text:
    """An approach's first score, and that it can be used."""
    text = Text(f"{event.approach} ", style="bold")
    if event.accuracy is None or event.interval is None:
        text.append("is trained", style="not bold")
    else:
        words = f"gets {percent(event.accuracy)} right ({span(event.interval)})"
        text.append(words, style="not bold")
    if event.bundle:
        text.append(f" · {event.bundle}", style="not bold dim")
    return text


def _line(event: UnitFinished | UnitKept) -> str:
    words = f"{event.approach} · {event.fold}"
    if event.accuracy is not None:
        words += f" · {event.accuracy:.2%} of the held-out pictures right"
    if isinstance(event, UnitKept):
        return f"{words} · kept"
    return f"{words} · {duration(event.seconds)}"
