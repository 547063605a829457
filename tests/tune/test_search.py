"""A search of settings: the pictures it uses, the files it writes, and interruptions."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from PIL import Image

from bakeoff.errors import BakeoffError
from bakeoff.record.config import RECIPE, RunConfig
from bakeoff.record.study import StudyResults, TrialRecord
from bakeoff.run.bake import bake
from bakeoff.tune import search as story
from bakeoff.tune.recommendation import choose, front_of, with_outer
from bakeoff.tune.search import SearchConfig, resume_tune, tune
from bakeoff.tune.space import read_settings, spaces
from bakeoff.tune.study import Outcome, Study, storage_of
from bakeoff.workers.worker import Worker

from ..strokes import QUICKLY, strokes

SPACE = """
[cnn]
epochs = 3
filters = ["8,8", "8", "8,16"]
dropout = { low = 0.0, high = 0.5 }
learning_rate = { low = 0.001, high = 0.02, log = true }
weight_decay = 0.05
label_smoothing = 0.1
dense = ""
kernel_size = 3
pooling = ["max", "average"]
batch_size = "none"
"""

# The first trial and the scores on unseen pictures have these, whatever the space: by default they
# would train for 35 epochs each.
DEFAULTS: dict[str, object] = {"epochs": 3, "stem": "pixels", "filters": "8,8"}
ASKED: dict[str, Any] = {
    "settings": {"cnn": DEFAULTS},
    "trials": 5,
    "inner": 1,
    "budget": "quick",
    "threads": 1,
    "precision": "fp32",
    "device": "cpu",
    "workers": "local:1",
}


def space(path: Path) -> Path:
    file = path / "space.toml"
    file.write_text(SPACE)
    return file


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResults]:
    """A finished search on 90 strokes, for tests that only read it."""
    path = tmp_path_factory.mktemp("found")
    results = tune(strokes(90), path / "study", space=space(path), **ASKED | {"inner": 3})
    return path / "study", results


def test_every_trial_is_recorded_with_its_curves(found: tuple[Path, StudyResults]) -> None:
    _, results = found
    [search] = results.searches
    assert [one.number for one in search.trials] == [0, 1, 2, 3, 4]
    assert {one.state for one in search.trials} <= {"finished", "pruned"}
    assert search.trials[0].settings == {}
    for one in search.trials:
        if one.state == "finished":
            assert len(one.folds) == results.protocol.inner_folds == 3
            assert one.loss is not None
            assert one.accuracy == pytest.approx(np.mean([fold.accuracy for fold in one.folds]))
            assert one.latency_ms is not None
            assert one.parameters
        assert all(len(fold.curve) for fold in one.folds)


def test_the_recommendation_has_scores_on_unseen_pictures(found: tuple[Path, StudyResults]) -> None:
    _, results = found
    recommendation = results.searches[0].recommendation
    assert recommendation is not None
    assert recommendation.outer is not None
    assert set(recommendation.outer) == {"defaults", "best", "recommendation"}
    best = next(one for one in results.searches[0].trials if one.number == recommendation.best)
    assert recommendation.optimism == pytest.approx(
        (best.accuracy or 0) - recommendation.outer["best"].accuracy
    )
    assert recommendation.words is not None
    assert "pictures that no trial saw" in recommendation.words
    if recommendation.trial == 0:
        assert recommendation.outer["recommendation"] == recommendation.outer["defaults"]


def test_a_run_accepts_the_settings_of_a_search(found: tuple[Path, StudyResults]) -> None:
    path, results = found
    settings = read_settings(path / "settings.toml")
    assert set(settings) == {"cnn"}
    recommendation = results.searches[0].recommendation
    assert recommendation is not None
    assert settings["cnn"] == results.searches[0].trials[recommendation.trial].settings
    asked = QUICKLY | {"approaches": ("cnn",), "settings": settings}
    if not settings["cnn"]:
        asked["settings"] = {"cnn": {"epochs": 2}}
    assert bake(strokes(), path.parent / "run", **asked).results().approaches


def test_a_search_writes_table_report_and_study(found: tuple[Path, StudyResults]) -> None:
    path, results = found
    with (path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == list("01234")
    assert {"loss", "parameters", "seconds", "filters", "dropout"} <= rows[0].keys()
    assert "which no trial used" in (path / "report.html").read_text()
    with storage_of(f"sqlite:///{path / 'study.db'}") as storage:
        study = optuna.load_study(study_name="study/cnn", storage=storage)
        states = [one.state.name for one in study.trials]
    assert len(states) == 5
    assert "RUNNING" not in states
    assert not list((path / "units" / "cnn").glob("trial*"))  # weights of trials are not kept
    again = resume_tune(path, dataset=strokes(90), workers="local:1")
    assert again.model_copy(update={"finished": None}) == results.model_copy(
        update={"finished": None}
    )


def test_no_trial_gets_outer_or_test_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, set[int]]] = []
    do = Worker.do

    def spy(self: Worker, unit: Any) -> None:
        seen.append((unit.name, set(self.data.rows.tolist())))
        do(self, unit)

    monkeypatch.setattr(Worker, "do", spy)
    results = tune(
        strokes(100), tmp_path / "s", space=space(tmp_path), test=0.2, **ASKED | {"trials": 2}
    )
    protocol = results.protocol
    assert protocol.test_pictures + protocol.inner_pictures + protocol.outer_pictures == 100
    inner = {frozenset(rows) for name, rows in seen if name.startswith("trial")}
    later = {frozenset(rows) for name, rows in seen if name.startswith("outer")}
    assert [len(rows) for rows in inner] == [protocol.inner_pictures]
    assert [len(rows) for rows in later] == [protocol.inner_pictures + protocol.outer_pictures]
    last_trial = max(n for n, (name, _) in enumerate(seen) if name.startswith("trial"))
    assert all(name.startswith("outer") for name, _ in seen[last_trial + 1 :])


def test_an_interrupted_search_continues(tmp_path: Path) -> None:
    done: list[int] = []

    def on_event(kind: str, details: Mapping[str, Any]) -> None:
        if kind == "trial":
            done.append(details["record"].number)
        if kind == "epoch" and details["trial"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(strokes(90), tmp_path / "s", space=space(tmp_path), on_event=on_event, **ASKED)
    assert done == [0, 1]
    results = resume_tune(tmp_path / "s", dataset=strokes(90), workers="local:1")
    trials = results.searches[0].trials
    assert [one.number for one in trials] == [0, 1, 2, 3, 4]
    assert all(one.state in ("finished", "pruned") for one in trials)
    drawn = [one.settings.get("dropout") for one in trials]
    assert len(set(drawn)) == 5  # random settings are not drawn twice
    alone = tune(strokes(90), tmp_path / "alone", space=space(tmp_path), **ASKED)
    assert [one.settings for one in trials] == [one.settings for one in alone.searches[0].trials]


@pytest.mark.parametrize("enqueued", [0, 2])
def test_a_search_that_ended_while_its_study_was_created_can_be_resumed(
    tmp_path: Path, enqueued: int
) -> None:
    identity = {"set": "strokes"}
    with storage_of(f"sqlite:///{tmp_path / 'study.db'}") as storage:
        half = optuna.create_study(study_name="half", storage=storage, direction="minimize")
        half.set_user_attr("identity", identity)
        for number in range(enqueued):
            half.enqueue_trial({}, user_attrs={"number": number})
    with storage_of(f"sqlite:///{tmp_path / 'study.db'}") as storage:
        space = spaces(("baseline",))["baseline"]
        whole = Study(storage, "half", space, ("loss",), 3, 0, identity, alone=True)
        assert whole.waiting() == 3
        claim = whole.ask()
        assert claim is not None
        assert claim.number == 0
        again = Study(storage, "half", space, ("loss",), 3, 0, identity, alone=True)
        assert again.waiting() == 3  # that trial was interrupted


def test_a_trial_is_read_while_another_process_stores_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, space, right = (
        f"sqlite:///{tmp_path / 'study.db'}",
        spaces(("cnn",))["cnn"],
        np.ones(9, bool),
    )
    with storage_of(url) as storage, storage_of(url) as other:
        study = Study(storage, "shared", space, ("loss",), 2, 0, {}, alone=True)
        reader = Study(other, "shared", space, ("loss",), 2, 0, {}, alone=False)
        seen: list[tuple[str, int]] = []
        store = storage.set_trial_user_attr

        def store_and_read(trial_id: int, key: str, value: object) -> None:
            store(trial_id, key=key, value=value)
            [outcome] = reader.outcomes()
            seen.append((outcome.record.state, len(outcome.right)))

        claim = study.ask()
        assert claim is not None
        monkeypatch.setattr(storage, "set_trial_user_attr", store_and_read)
        study.tell(claim, tried(0, 0.1).record, np.ones(9, np.float32), right)
    assert seen == [("running", 0)] * 3 + [("finished", 9)]


@pytest.mark.parametrize("recipe", [None, 1, RECIPE + 1])
def test_trials_of_another_recipe_are_not_mixed_with_todays(
    found: tuple[Path, StudyResults], tmp_path: Path, recipe: int | None
) -> None:
    document = json.loads((found[0] / "tune.json").read_text())
    del document["config"]["recipe"]
    if recipe is not None:
        document["config"]["recipe"] = recipe
    (tmp_path / "tune.json").write_text(json.dumps(document))
    with pytest.raises(BakeoffError, match="prepared pictures in another way"):
        resume_tune(tmp_path, dataset=strokes(90))
    assert [path.name for path in tmp_path.iterdir()] == ["tune.json"]


def test_two_aims_give_a_pareto_front(tmp_path: Path) -> None:
    results = tune(
        strokes(90), tmp_path / "s", space=space(tmp_path), aims=("accuracy", "size"), **ASKED
    )
    [search] = results.searches
    assert all(one.state == "finished" for one in search.trials)  # none is pruned by half of them
    front = [one for one in search.trials if one.front]
    assert front
    assert search.recommendation is not None
    assert "not clearly worse" in search.recommendation.why
    assert "size" in search.recommendation.why


def test_a_time_limit_ends_the_search(tmp_path: Path) -> None:
    results = tune(strokes(90), tmp_path / "s", space=space(tmp_path), seconds=1e-6, **ASKED)
    assert results.searches[0].trials == []
    assert results.searches[0].recommendation is None
    assert "is running" in (tmp_path / "s" / "settings.toml").read_text()


def test_untrainable_settings_cost_one_trial(tmp_path: Path) -> None:
    file = space(tmp_path)
    file.write_text(SPACE.replace("kernel_size = 3", "kernel_size = 2"))
    results = tune(strokes(90), tmp_path / "s", space=file, **ASKED | {"trials": 3})
    states = [one.state for one in results.searches[0].trials]
    assert states == ["finished", "failed", "failed"]  # the defaults have an odd kernel
    assert "odd kernel" in str(results.searches[0].trials[1].why)
    assert results.searches[0].recommendation is not None


def test_invalid_searches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="is not a search"):
        resume_tune(tmp_path)
    with pytest.raises(BakeoffError, match="leaves no outer pictures"):
        tune(strokes(official_test=np.arange(60) > 40), tmp_path / "s", folds=0, **ASKED)
    with pytest.raises(BakeoffError, match="cannot be opened"):
        tune(strokes(), tmp_path / "s", storage="nowhere://x", **ASKED)


OTHER_SPACE = SPACE.replace('"8,16"', '"4"')


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a space and another one, and the URL of a database with a finished search."""
    path = tmp_path_factory.mktemp("shared")
    (path / "other.toml").write_text(OTHER_SPACE)
    url = f"sqlite:///{path / 'shared.db'}"
    asked = ASKED | {"trials": 2, "storage": url, "study": "shared"}
    tune(strokes(90), path / "first", space=space(path), **asked)
    return path, url


def states(url: str) -> list[str]:
    with storage_of(url) as storage:
        study = optuna.load_study(study_name="shared/cnn", storage=storage)
        return [trial.state.name for trial in study.trials]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"source": strokes(90, seed=1)}, "the set of pictures differs"),
        ({"source": strokes(87)}, "the set of pictures differs"),
        ({"space": "other.toml"}, "the space of filters differs"),
        ({"aims": ("accuracy",)}, r'the aim is \["loss"\] there, not \["accuracy"\]'),
        ({"aims": ("loss", "size")}, r'not \["loss", "size"\]'),
        ({"seed": 7}, "the option seed is 0 there, not 7"),
        ({"folds": 4}, "the option folds is 5 there, not 4"),
        ({"test": 0.3}, "the option test is null there, not 0.3"),
        ({"inner": 2}, "the number of inner folds is 1 there, not 2"),
        ({"budget": "standard"}, 'the option budget is "quick" there, not "standard"'),
        ({"trials": 3}, "the number of trials is 2 there, not 3"),
        ({"mode": "photo"}, 'the option mode is "auto" there, not "photo"'),
        (
            {"settings": {"cnn": DEFAULTS | {"mirror": True}}},
            "the setting of mirror is null there, not true",
        ),
        ({"approaches": ("baseline", "cnn"), "seed": 7}, "shared/cnn: belongs to another search"),
    ],
)
def test_a_search_that_differs_does_not_join(
    shared: tuple[Path, str], tmp_path: Path, other: dict[str, Any], words: str
) -> None:
    path, url = shared
    before = states(url)
    asked = ASKED | {"trials": 2, "storage": url, "study": "shared", "space": "space.toml"}
    asked |= {"source": strokes(90)} | other
    source, file = asked.pop("source"), path / asked.pop("space")
    if "approaches" in other:
        file.write_text(SPACE)
    with pytest.raises(BakeoffError, match=words) as refusal:
        tune(source, tmp_path / "second", space=file, **asked)
    assert "Use another --study" in refusal.value.hint
    assert not (tmp_path / "second").exists()
    assert states(url) == before
    with storage_of(url) as storage:
        names = [study.study_name for study in optuna.get_all_study_summaries(storage)]
    assert names == ["shared/cnn"]


def test_machine_and_place_do_not_make_another_search() -> None:
    asked = {"approaches": ("cnn",), "source": "here", "fingerprint": "x"}
    configs = [
        RunConfig.parse(**asked | more)
        for more in ({}, {"source": "there", "threads": 8, "device": "cuda", "precision": "bf16"})
    ]
    here, there = (
        SearchConfig(config=config, spaces={"cnn": {}}).identity("cnn", 3) for config in configs
    )
    assert here == there


def test_an_interrupted_search_gives_its_trials_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    asked = ASKED | {"trials": 2, "storage": url, "study": "shared"}

    def interrupt(name: str, details: Mapping[str, Any]) -> None:
        if name == "epoch" and details["trial"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(strokes(90), tmp_path / "a", space=space(tmp_path), on_event=interrupt, **asked)
    assert states(url)[1:] == ["FAIL", "WAITING"]
    results = tune(strokes(90), tmp_path / "b", space=space(tmp_path), **asked)  # without waiting
    assert [trial.state for trial in results.searches[0].trials] == ["finished", "finished"]


def together(path: Path, url: str, trials: int = 8) -> list[StudyResults]:
    """Two processes that share a study, each with its own folder."""
    dataset = strokes(90)
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        file = path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(file)
    command = [sys.executable, "-m", "bakeoff", "tune", str(path / "pictures"), "--no-open"]
    command += ["--space", str(space(path)), "--storage", url, "--study", "shared"]
    command += ["--trials", str(trials), "--inner", "1", "--budget", "quick", "--threads", "1"]
    command += ["--workers", "local:1"]
    both = [subprocess.Popen([*command, "--out", str(path / name)]) for name in "ab"]
    assert [one.wait() for one in both] == [0, 0]
    return [
        StudyResults.model_validate_json((path / name / "study.json").read_bytes()) for name in "ab"
    ]


def no_trial_lost_or_doubled(results: list[StudyResults], url: str, trials: int = 8) -> None:
    for one in results:
        assert [trial.number for trial in one.searches[0].trials] == list(range(trials))
        assert all(trial.state in ("finished", "pruned") for trial in one.searches[0].trials)
    with storage_of(url) as storage:
        study = optuna.load_study(study_name="shared/cnn", storage=storage)
        begun = [one.user_attrs["number"] for one in study.trials if "record" in one.user_attrs]
    assert sorted(begun) == list(range(trials))


def tried(number: int, loss: float, *, size: int = 100, spread: float = 0.01) -> Outcome:
    """A trial whose 100 losses are around `loss`."""
    losses = (loss + spread * np.sin(np.arange(100) * (number + 1))).astype(np.float32)
    right = losses < loss + spread / 2
    record = TrialRecord(
        number=number,
        state="finished",
        settings={},
        accuracy=float(right.mean()),
        loss=float(losses.mean()),
        bytes=size,
        latency_ms=size / 100,
    )
    return Outcome(record, losses, right)


def test_chance_does_not_beat_the_defaults() -> None:
    by_chance = choose([tried(0, 0.1), tried(1, 0.0999), tried(2, 0.2)], ["loss"])
    assert by_chance is not None
    assert (by_chance.recommendation, by_chance.best) == (0, 1)
    assert "keep the defaults" in by_chance.why
    clearly = choose([tried(0, 0.1), tried(1, 0.05)], ["loss"])
    assert clearly is not None
    assert clearly.recommendation == 1
    assert "clearly better" in clearly.why
    assert choose([], ["loss"]) is None
    alone = choose([tried(3, 0.1)], ["loss"])
    assert alone is not None
    assert (alone.recommendation, alone.why[:7]) == (3, "Trial 3")


def test_the_smallest_of_the_good_is_recommended() -> None:
    some = [tried(0, 0.1, size=900), tried(1, 0.1005, size=300), tried(2, 0.5, size=100)]
    chosen = choose(some, ["loss", "size"])
    assert chosen is not None
    assert (chosen.recommendation, chosen.best) == (1, 0)
    assert front_of(some, ["loss", "size"]) == {0, 1, 2}
    assert front_of([*some, tried(3, 0.6, size=200)], ["loss", "size"]) == {0, 1, 2}


def test_an_optimistic_score_is_reported() -> None:
    best = tried(1, 0.05)._replace(right=np.ones(200, np.bool_))
    chosen = choose([tried(0, 0.1), tried(1, 0.05)], ["loss"])
    assert chosen is not None
    right = np.arange(100) % 10 > 0
    scores = (np.full(100, 0.3), right)
    recommendation = with_outer(
        chosen, best, {"defaults": scores, "best": scores, "recommendation": scores}
    )
    assert recommendation.optimism == pytest.approx(0.1)
    low, high = recommendation.optimism_interval or (0, 0)
    assert 0 < low < 0.1 < high
    assert "10.0 points too optimistic" in str(recommendation.words)
    assert with_outer(chosen, best, None).outer is None


def test_many_pictures_use_one_inner_fold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(story, "MANY", 50)
    asked = ASKED | {"trials": 2, "inner": None}
    results = tune(strokes(90), tmp_path / "s", space=space(tmp_path), **asked)
    assert results.protocol.inner_folds == 1
    assert len(results.searches[0].trials[0].folds) == 1


def test_processes_share_the_trials(tmp_path: Path) -> None:
    asked = ASKED | {"workers": "local:2", "trials": 4}
    results = tune(strokes(90), tmp_path / "s", space=space(tmp_path), **asked)
    assert [one.number for one in results.searches[0].trials] == [0, 1, 2, 3]
