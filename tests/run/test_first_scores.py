"""What can be used of a run before it is finished, and that it becomes part of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.bundle.bundle import load
from bakeoff.bundle.manifest import Manifest
from bakeoff.record.events import ApproachScored, BundleWritten, Event, TestOpened
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Results
from bakeoff.report.view import Sheets, view_of
from bakeoff.run.bake import bake, resume

from ..strokes import QUICKLY, strokes
from .test_resume import Interruption, figures

WITH_BUNDLES: dict[str, Any] = QUICKLY | {"bundles": True, "test": 0.2}
PRELIMINARY = ["preliminary.json", "preliminary.npz"]


@dataclass
class Seen:
    """What was there whenever an approach was scored."""

    path: Path
    events: list[ApproachScored] = field(default_factory=list)
    results: list[Results] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)
    graphs: list[bytes] = field(default_factory=list)
    probabilities: list[dict[str, Any]] = field(default_factory=list)
    opened: bool = False

    def __call__(self, event: Event) -> None:
        run = RunFolder(self.path)
        self.opened |= isinstance(event, TestOpened)
        if isinstance(event, ApproachScored):
            assert not self.opened
            assert event.bundle is not None
            self.events.append(event)
            self.results.append(run.latest_results())
            self.probabilities.append(run.probabilities(preliminary=True))
            self.manifests.append(load(event.bundle).manifest)
            self.graphs.append(Path(event.bundle, "model.onnx").read_bytes())
            view_of(run, Sheets(tile=1, urls=[], rows=None))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A run, and what was seen of it while it went on."""
    seen = Seen(tmp_path_factory.mktemp("first scores") / "run")
    bake(strokes(), seen.path, on_event=seen, **WITH_BUNDLES)
    return seen


def test_each_approach_joins_the_results(seen: Seen) -> None:
    names = ["baseline", "cnn"]
    assert [event.approach for event in seen.events] == names
    for count, results in enumerate(seen.results, start=1):
        assert [one.name for one in results.approaches] == names[:count]
        assert results.preliminary is not None
        assert results.preliminary.to_come == names[count:]
        assert "the locked test and the verdict" in results.preliminary.words
    assert "CNN from scratch" in seen.results[0].winner.why
    assert "CNN from scratch" not in seen.results[1].winner.why
    assert len(seen.results[1].comparison) == 1


def test_nothing_of_the_locked_test_is_in_them(seen: Seen) -> None:
    for results, arrays in zip(seen.results, seen.probabilities, strict=True):
        assert all(one.test is None for one in results.approaches)
        assert (results.winner.name, results.verdict) == (None, None)
        assert results.protocol.test_opened is None
        assert not results.test_comparison
        assert not [name for name in arrays if name.endswith("_test")]


def test_first_scores_stay_when_the_run_is_finished(seen: Seen) -> None:
    run = RunFolder(seen.path)
    final, arrays = run.results(), run.probabilities()
    assert final.preliminary is None
    assert run.latest_results() == final
    for first, last in zip(seen.results[-1].approaches, final.approaches, strict=True):
        assert first.out_of_fold == last.out_of_fold
        assert first.folds == last.folds
        assert last.test is not None
        assert np.array_equal(
            seen.probabilities[-1][f"{first.name}_out_of_fold"], arrays[f"{first.name}_out_of_fold"]
        )
    assert not [name for name in PRELIMINARY if (seen.path / name).exists()]


def test_bundles_are_usable_early_and_complete_in_the_end(seen: Seen) -> None:
    run = RunFolder(seen.path)
    for event, early, graph in zip(seen.events, seen.manifests, seen.graphs, strict=True):
        bundle = run.bundle(event.approach)
        last = load(bundle).manifest
        assert [score.on for score in early.scores] == ["out of fold"]
        assert [score.on for score in last.scores] == ["out of fold", "test"]
        assert early.scores[0] == last.scores[0]
        assert (bundle / "model.onnx").read_bytes() == graph
        assert early.files == last.files
        assert early.trust is not None
        assert last.trust is not None
        assert early.trust.max_ood_score == last.trust.max_ood_score
        assert load(bundle).verify().same
        assert "| test |" in (bundle / "README.md").read_text(encoding="utf-8")
    written = [event for event in run.events() if isinstance(event, BundleWritten)]
    assert [event.approach for event in written] == ["baseline", "cnn"]


@pytest.mark.parametrize("after", [1, 2])
def test_a_run_that_ends_after_a_first_score_goes_on(
    seen: Seen, tmp_path: Path, after: int
) -> None:
    scored: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, ApproachScored):
            scored.append(event.approach)
            if len(scored) == after:
                raise Interruption

    with pytest.raises(Interruption):
        bake(strokes(), tmp_path / "run", on_event=listen, **WITH_BUNDLES)
    stopped = RunFolder(tmp_path / "run")
    preliminary = stopped.latest_results().preliminary
    assert preliminary is not None
    assert len(preliminary.to_come) == 2 - after
    resume(tmp_path / "run", dataset=strokes())
    assert figures(stopped) == figures(RunFolder(seen.path))
    for name in ("baseline", "cnn"):
        again = stopped.bundle(name) / "model.onnx"
        assert again.read_bytes() == (seen.path / "bundles" / name / "model.onnx").read_bytes()


def test_without_folds_a_model_can_be_used_and_has_no_score(tmp_path: Path) -> None:
    events: list[ApproachScored] = []

    def listen(event: Event) -> None:
        if isinstance(event, ApproachScored):
            events.append(event)
            assert not (tmp_path / "run" / "preliminary.json").exists()
            assert event.bundle is not None
            assert load(event.bundle).manifest.scores == []

    more: dict[str, Any] = {"folds": 0, "approaches": ("baseline",), "on_event": listen}
    more["settings"] = {"": {"epochs": 2}}
    run = bake(strokes(), tmp_path / "run", **WITH_BUNDLES | more)
    assert [(event.accuracy, event.interval) for event in events] == [(None, None)]
    assert run.results().approaches[0].test is not None
    assert [score.on for score in load(run.bundle("baseline")).manifest.scores] == ["test"]


def test_a_finished_run_keeps_its_results_while_more_is_asked(seen: Seen, tmp_path: Path) -> None:
    events: list[str] = []
    resume(seen.path, dataset=strokes(), on_event=lambda event: events.append(event.event))
    assert "approach scored" not in events
    assert not [name for name in PRELIMINARY if (seen.path / name).exists()]
