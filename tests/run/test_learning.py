import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bakeoff
from bakeoff.data.duplicates.find import together
from bakeoff.data.split import Split, split
from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event, UnitStarted
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, estimate, resume
from bakeoff.run.learning import Smaller, smaller_folds
from bakeoff.run.plan import Plan
from bakeoff.workers import crew as workers
from bakeoff.workers.estimate import OtherPrograms, Prediction, Stopwatch

from ..strokes import ONE, QUICKLY, strokes
from .plans import planned
from .test_resume import Interruption, figures

LABELS = np.repeat(np.arange(3), [200, 60, 40])


def parts_of(labels: np.ndarray = LABELS, ids: np.ndarray | None = None, folds: int = 3) -> Split:
    return split(labels, folds=folds, test_share=0, together=ids)


def halved(parts: Split, smaller: tuple[Smaller, ...], fold: str) -> list[Smaller]:
    return [one for one in smaller if one.of == fold]


# -- subsets -------------------------------------------------------------------------


def test_each_subset_is_half_of_the_one_before_class_by_class() -> None:
    parts = parts_of()
    smaller = smaller_folds(parts, LABELS, np.arange(300), seed=0)
    assert [one.share for one in smaller] == [0.5] * 3 + [0.25] * 3 + [0.125] * 3
    for fold in parts.folds:
        before = fold
        for one in halved(parts, smaller, fold.name):
            assert set(one.fold.train) < set(before.train)
            assert set(one.fold.validation) < set(before.validation)
            assert one.fold.held_out is fold.held_out
            assert one.fold.name == f"{fold.name} at {len(one.fold.train)}"
            now, then = (np.bincount(LABELS[some.train]) for some in (one.fold, before))
            assert np.abs(now - then / 2).max() <= 1
            assert len(one.fold.validation) == pytest.approx(len(before.validation) / 2, abs=2)
            assert np.array_equal(one.fold.train, np.sort(one.fold.train))
            before = one.fold


def test_a_class_of_one_stays() -> None:
    labels = np.repeat(np.arange(3), [200, 60, 3])
    parts = parts_of(labels)
    for one in smaller_folds(parts, labels, np.arange(263), seed=0):
        assert set(labels[one.fold.train]) == {0, 1, 2}


def test_what_belongs_together_stays_together() -> None:
    ids = np.arange(300) // 4
    parts = parts_of(ids=ids)
    for one in smaller_folds(parts, LABELS, ids, seed=0):
        _, counts = np.unique(ids[one.fold.train], return_counts=True)
        # The validation slice may part what is too large for it, and then so is the rest.
        whole = next(fold for fold in parts.folds if fold.name == one.of)
        kept = [np.isin(ids[whole.train], some).sum() for some in np.unique(ids[one.fold.train])]
        assert counts.tolist() == kept


def test_units_too_large_to_halve_are_parted() -> None:
    labels = np.arange(120) % 3
    ids = together(120, [], extra_ids=np.where(np.arange(120) < 60, 0, np.arange(120)))
    parts = parts_of(labels, folds=2)
    smaller = smaller_folds(parts, labels, ids, seed=0)
    assert all(len(one.fold.train) < 30 for one in smaller)


def test_a_seed_means_the_same_subsets() -> None:
    parts = parts_of()
    one, same, other = (smaller_folds(parts, LABELS, np.arange(300), seed=s) for s in (0, 0, 1))
    rows = [[some.fold.train.tolist() for some in made] for made in (one, same, other)]
    assert rows[0] == rows[1] != rows[2]


def test_halving_ends_where_a_fold_has_too_few() -> None:
    labels = np.arange(48) % 3  # 32 a fold and some to choose by: 13, and then 6
    assert {one.halvings for one in smaller_folds(parts_of(labels), labels, np.arange(48), 0)} == {
        1,
        2,
    }
    labels = np.arange(12) // 2
    assert smaller_folds(parts_of(labels, folds=2), labels, np.arange(12), 0) == ()


def test_a_group_may_be_called_as_a_subset_is() -> None:
    labels = np.arange(120) % 3
    groups = np.arange(120) % 2
    name = smaller_folds(split(labels, leave_out=(groups, ["a", "b"])), labels, np.arange(120), 0)[
        0
    ].fold.name
    parts = split(labels, leave_out=(groups, ["a", name]))
    names = [one.fold.name for one in smaller_folds(parts, labels, np.arange(120), 0)]
    assert name not in names
    assert f"{name} pictures" in names
    assert len(set(names)) == len(names)


# -- runs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curved(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with a curve of two approaches; only to be read."""
    folder = tmp_path_factory.mktemp("curved") / "run"
    return bake(strokes(), folder, test=0, curve=True, **QUICKLY)


def test_a_curve_is_part_of_the_results(curved: RunFolder) -> None:
    for one in curved.results().approaches:
        assert one.learning is not None
        assert [point.pictures for point in one.learning.points] == [7, 13, 26]
        assert one.out_of_fold is not None
        assert one.learning.points[-1].accuracy == pytest.approx(one.out_of_fold.accuracy)
        assert one.learning.words
        assert len(one.folds) == 2  # the smaller fits are no folds


def test_every_fit_is_in_the_table(curved: RunFolder) -> None:
    with (curved.path / "learning.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 2
    assert list(rows[0]) == [
        "approach",
        "pictures",
        "fold",
        "held_out",
        "accuracy",
        "loss",
        "seconds",
    ]
    for one in curved.results().approaches:
        assert one.learning is not None
        for n, point in enumerate(one.learning.points):
            of_it = [row for row in rows if row["approach"] == one.name][2 * n : 2 * n + 2]
            assert [row["fold"] for row in of_it] == ["fold 1", "fold 2"]
            right = sum(float(row["accuracy"]) * int(row["held_out"]) for row in of_it)
            assert right / 60 == pytest.approx(point.accuracy)
            assert all(float(row["loss"]) > 0 for row in of_it)


def test_every_approach_learns_from_the_same_subsets(curved: RunFolder) -> None:
    folders = [
        sorted(
            unit.name
            for unit in (curved.path / "units" / name).iterdir()
            if unit.name.startswith("fold") or unit.name == "final"
        )
        for name in ("baseline", "cnn")
    ]
    assert folders[0] == folders[1]
    assert len(folders[0]) == 2 * 3 + 1
    assert "fold 1 at 13" in folders[0]


def test_a_curve_changes_no_other_figure(curved: RunFolder, tmp_path: Path) -> None:
    plain = bake(strokes(), tmp_path / "run", test=0, **QUICKLY)
    assert not (plain.path / "learning.csv").exists()
    assert [one.learning for one in plain.results().approaches] == [None, None]
    assert (plain.path / "probabilities.npz").read_bytes() == (
        curved.path / "probabilities.npz"
    ).read_bytes()


def test_a_curve_that_was_interrupted_goes_on(curved: RunFolder, tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, UnitStarted) and event.fold == "fold 2 at 13":
            raise Interruption

    with pytest.raises(Interruption):
        bake(strokes(), tmp_path / "run", test=0, curve=True, on_event=listen, **QUICKLY)
    run = resume(tmp_path / "run", dataset=strokes())
    assert figures(run) == figures(curved)


def test_a_curve_is_added_to_a_finished_run(finished: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path)
    made = (run.bundle("cnn") / "bundle.json").stat().st_mtime_ns
    events = len(list(run.events()))
    resume(run.path, dataset=strokes(), curve=True)
    assert run.config.curve
    assert (run.bundle("cnn") / "bundle.json").stat().st_mtime_ns == made
    added = list(run.events())[events:]
    started = [event.fold for event in added if isinstance(event, UnitStarted)]
    assert started
    assert all(" at " in fold for fold in started)
    for one, before in zip(run.results().approaches, finished.results().approaches, strict=True):
        assert one.learning is not None
        assert (one.out_of_fold, one.test) == (before.out_of_fold, before.test)


def test_without_folds_there_is_no_curve(tmp_path: Path) -> None:
    wish = ONE | {"folds": 0, "test": 0.2}
    with pytest.raises(BakeoffError, match="learning curve: it is scored on what folds hold out"):
        bake(strokes(), tmp_path / "run", curve=True, **wish)
    run = bake(strokes(), tmp_path / "run", **wish)
    with pytest.raises(BakeoffError, match="learning curve"):
        resume(run.path, dataset=strokes(), curve=True)
    assert not run.config.curve


def test_a_curve_counts_in_the_estimate(tmp_path: Path) -> None:
    predicted = []
    for curve in (False, True):
        plan = planned(strokes(), curve=curve, test=0.0)
        (baseline, _) = plan.runners(RunFolder(tmp_path), lambda _: None)
        predicted.append(plan.predict(baseline).units)
    without, with_it = (set(units) for units in predicted)
    assert without == {"fold 1", "fold 2", "final"}
    assert len(with_it - without) == 4  # two folds, each halved twice
    assert all(seconds > 0 for seconds in predicted[1].values())


def test_workers_share_what_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "predict", lambda *_: Prediction({"fold 1": 400.0}))
    monkeypatch.setattr(workers, "MEMORY", 1)
    # Other programs would take their part of each estimate, and not the same.
    monkeypatch.setattr(OtherPrograms, "cores", 0.0)
    monkeypatch.setattr(Stopwatch, "slowdown", 1.0)
    both = []
    for count in (1, 2):
        monkeypatch.setattr(workers, "cores", lambda count=count: count)
        both.append(estimate(strokes(), test=0.0, **ONE)["baseline"])
    assert both[0] - both[1] == pytest.approx(200.0, rel=0.5)
    assert both[1] > 200.0


def test_groups_that_are_left_out_have_a_curve_too(tmp_path: Path) -> None:
    dataset = strokes(groups=np.arange(60) // 3 % 2, group_names=("ann", "bob"))
    run = bake(dataset, tmp_path / "run", leave_one_group_out=True, curve=True, **ONE)
    learning = run.results().approaches[0].learning
    assert learning is not None
    assert len(learning.points) == 3


@pytest.mark.parametrize(
    ("count", "epochs"), [(100, 12), pytest.param(250, None, marks=pytest.mark.long)]
)
def test_a_forecast_from_few_digits_holds_for_more(
    tmp_path: Path, count: int, epochs: int | None
) -> None:
    """A small version of benchmarks/forecast.py."""
    digits = bakeoff.read("digits")
    order = np.random.default_rng(0).permutation(len(digits))
    asked: dict[str, Any] = {
        "approaches": ("baseline",),
        "settings": {"": {"epochs": epochs}} if epochs else {},
        "folds": 2,
        "budget": "quick",
        "threads": 1,
        "bundles": False,
        "robustness": False,
    }
    few = digits.take(np.sort(order[:count]))
    run = bake(few, tmp_path / "few", test=0, curve=True, **asked)
    learning = run.results().approaches[0].learning
    assert learning is not None
    official = np.arange(len(digits)) >= 1000
    for forecast in learning.forecasts:
        rows = np.concatenate([np.arange(forecast.pictures), np.flatnonzero(official)])
        dataset = replace(digits.take(order[rows]), official_test=official[rows])
        truth = bake(dataset, tmp_path / str(forecast.pictures), **asked).results()
        test = truth.approaches[0].test
        assert test is not None
        assert forecast.interval[0] <= test.accuracy <= forecast.interval[1]
