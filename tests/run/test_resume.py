import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bakeoff.bundle.bundle import find_bundles, load
from bakeoff.bundle.export import export
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RECIPE
from bakeoff.record.events import (
    BundleRefused,
    Event,
    Listener,
    RunFailed,
    RunFinished,
    TestOpened,
    UnitStarted,
)
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.run.bundles import final_model
from bakeoff.training.model import Model

from ..record.test_lock import hold
from ..strokes import QUICKLY, strokes

TIMES = {"created", "finished", "test_opened", "seconds", "peak_memory_mb", "latency", "verdict"}
# Time goes by in these only, and the verdict speaks of it; whether the test was opened, and how
# often, is asserted apart.
OF_BUNDLES = {"bytes"}  # the whole run has bundles to weigh, the others leave none
WEIGHTS = "weights.safetensors"  # in the folder of every fit


def timeless(value: Any) -> Any:
    """JSON without whatever tells how long something took, when it was, or what a bundle weighs."""
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if key not in TIMES | OF_BUNDLES}
    if isinstance(value, list):
        return [timeless(one) for one in value]
    return value


def figures(run: RunFolder) -> Any:
    return timeless(json.loads((run.path / "results.json").read_text(encoding="utf-8")))


def same(run: RunFolder, whole: RunFolder) -> None:
    """Assert that a run ended as one that was never interrupted."""
    assert figures(run) == figures(whole)
    for name in ("probabilities.npz", "mistakes.csv"):
        assert (run.path / name).read_bytes() == (whole.path / name).read_bytes()
    for weights in whole.path.glob(f"units/*/*/{WEIGHTS}"):
        assert (run.path / weights.relative_to(whole.path)).read_bytes() == weights.read_bytes()
    assert [event.event for event in run.events()].count("test opened") == 1
    assert list(run.path.rglob("*.partial")) == []


class Interruption(Exception):  # noqa: N818 - no error: someone pressed Ctrl-C
    """Stands for whatever ends a run."""


def after(count: int) -> Listener:
    """A listener that ends the run at its `count`th event."""
    left = [count]

    def listen(_: Event) -> None:
        left[0] -= 1
        if not left[0]:
            raise Interruption

    return listen


def interrupted(path: Path, count: int, dataset: Dataset | None = None) -> RunFolder:
    with pytest.raises(Interruption):
        bake(dataset or strokes(), path, test=0.2, on_event=after(count), **QUICKLY)
    return RunFolder(path)


@pytest.mark.parametrize("count", [1, 3, 6, 12, 15])
def test_a_run_goes_on_where_it_was_interrupted(
    finished: RunFolder, tmp_path: Path, count: int
) -> None:
    run = interrupted(tmp_path / "run", count)
    done = {path.parent.name for path in run.path.glob(f"units/baseline/*/{WEIGHTS}")}
    trained: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, UnitStarted) and event.approach == "baseline":
            trained.append(event.fold)

    resume(tmp_path / "run", dataset=strokes(), on_event=listen)
    same(run, finished)
    assert done.isdisjoint(trained)
    assert len(done) + len(trained) == 3


def test_the_test_part_is_not_opened_again(finished: RunFolder, tmp_path: Path) -> None:
    kinds = [event.event for event in finished.events() if "graph" not in event.event]
    run = interrupted(tmp_path / "run", kinds.index("test opened") + 1)
    (opened,) = [event.time for event in run.events() if isinstance(event, TestOpened)]
    time.sleep(1.1)  # events are stamped to the second
    resume(run.path, dataset=strokes())
    same(run, finished)
    assert run.results().protocol.test_opened == opened
    assert run.results().finished > opened


def test_what_a_crash_left_half_written_does_not_matter(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = interrupted(tmp_path / "run", 5)
    half = run.path / "units" / "cnn" / ".fold 1.partial"
    half.mkdir(parents=True)
    (half / "weights.safetensors").write_bytes(b"half of th")
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"time": "2026-')
    (run.path / ".results.json.partial").write_text("{")
    resume(run.path, dataset=strokes())
    same(run, finished)
    assert "run resumed" in [event.event for event in run.events()]


def test_a_finished_run_has_its_results_and_report_rebuilt(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path)
    for name in ("results.json", "report.html", "probabilities.npz", "mistakes.csv"):
        (run.path / name).unlink()
    shutil.rmtree(run.path / "pictures")
    resume(run.path, dataset=strokes())
    same(run, finished)
    for path in (finished.path / "pictures").iterdir():
        assert (run.path / "pictures" / path.name).read_bytes() == path.read_bytes()
    assert (run.path / "report.html").stat().st_size > 10_000
    started = [event.event for event in run.events()].count("unit started")
    assert started == 6  # those of the first time


def changed_pixels(dataset: Dataset) -> Dataset:
    pixels = np.stack(list(dataset.pictures))
    pixels[7, 0, 0] ^= 1
    return replace(dataset, pictures=Pictures.from_array(pixels))


def changed_labels(dataset: Dataset) -> Dataset:
    return replace(dataset, labels=np.roll(dataset.labels, 1))


def one_fewer(dataset: Dataset) -> Dataset:
    return dataset.take(np.arange(59))


@pytest.mark.parametrize("change", [changed_pixels, changed_labels, one_fewer])
def test_other_pictures_are_refused(
    finished: RunFolder, tmp_path: Path, change: Callable[[Dataset], Dataset]
) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    with pytest.raises(BakeoffError, match=r"have changed since the run began\. Bring them back"):
        resume(tmp_path / "run", dataset=change(strokes()))
    assert len(list(RunFolder(tmp_path / "run").events())) == len(list(finished.events()))


def test_folds_that_were_divided_in_another_way_are_refused(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path)
    (path,) = run.unit(finished.config.names[0], "fold 1").glob("*.npz")
    with np.load(path) as file:
        arrays = dict(file)
    arrays["rows"], arrays["logits"] = arrays["rows"][1:], arrays["logits"][1:]
    np.savez(path, **arrays)
    with pytest.raises(BakeoffError, match="held out other pictures"):
        resume(run.path, dataset=strokes())


def test_what_is_no_run_cannot_go_on(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"holds no run\.json"):
        resume(tmp_path)


# -- kill -9 -----------------------------------------------------------------------

CHILD = """
import json, sys
from bakeoff.run.bake import bake, resume
from bakeoff.run.bundles import final_model

def tell(event):
    print(event.event, flush=True)

verb, source, out, how = sys.argv[1:]
if verb == "bake":
    bake(source, out, on_event=tell, **json.loads(how))
else:
    resume(out, on_event=tell)
"""


def killed(arguments: list[str], events: int, delay: float) -> bool:
    """Run the child and kill it some time after so many events; whether it was not done by then."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CHILD, *arguments], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(events):
            child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
    return child.returncode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.long)])
def test_a_run_killed_at_random_moments_ends_with_the_same_numbers(
    tmp_path: Path, times: int
) -> None:
    dataset = strokes()
    for picture, name in zip(dataset.pictures, dataset.names, strict=True):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(path)
    source = str(tmp_path / "pictures")
    how = QUICKLY | {"test": 0.2, "folds": 3}
    whole = bake(source, tmp_path / "whole", **how)
    seed = random.randrange(10**6)
    print("seed", seed)  # pytest shows it when the test fails
    rng = random.Random(seed)
    path = tmp_path / "run"
    for verb in ("bake", "resume", "resume")[:times]:
        arguments = [verb, source, str(path), json.dumps(how)]
        assert killed(arguments, events=rng.randint(1, 12), delay=rng.uniform(0, 0.02))
    with pytest.raises(BakeoffError, match="not finished"):
        RunFolder(path).results()
    resume(path)
    same(RunFolder(path), whole)


def test_a_bundle_that_is_refused_costs_neither_the_run_nor_the_others(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(model: Model, about: dict[str, Any], out: Path, **extras: Any) -> None:
        if about["name"] == "baseline":
            raise BakeoffError("the exported baseline", "answers differently", "Report this")
        export(model, about, out, **extras)

    monkeypatch.setattr("bakeoff.run.bundles.export", refusing)
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path, ignore=shutil.ignore_patterns("bundles"))
    events: list[Event] = []
    resume(run.path, dataset=strokes(), on_event=events.append)
    refused = next(event for event in events if isinstance(event, BundleRefused))
    assert refused.approach == "baseline"
    assert "answers differently" in refused.why
    assert isinstance(events[-1], RunFinished)
    assert find_bundles(run.path) == [run.bundle("cnn")]
    baseline, cnn = run.results().approaches
    assert baseline.latency.engine == "PyTorch"
    assert cnn.latency.engine == "ONNX Runtime"


def test_a_run_that_another_process_works_on_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(Interruption):
        bake(strokes(), tmp_path / "run", **QUICKLY, on_event=after(3))
    run = RunFolder.open(tmp_path / "run")
    assert run.last_event() == list(run.events())[-1]
    assert isinstance(run.last_event(), RunFailed)
    with hold(run.path) as other:
        with pytest.raises(BakeoffError, match=f"process {other.pid}"):
            resume(run.path, dataset=strokes())
        other.kill()
    resume(run.path, dataset=strokes())
    assert isinstance(run.last_event(), RunFinished)


@pytest.mark.parametrize("recipe", [None, 1, RECIPE + 1])
def test_weights_of_another_recipe_are_not_mixed_with_todays(
    finished: RunFolder, tmp_path: Path, recipe: int | None
) -> None:
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))
    document = json.loads((run.path / "run.json").read_text())
    del document["recipe"]
    if recipe is not None:
        document["recipe"] = recipe
    (run.path / "run.json").write_text(json.dumps(document))
    with pytest.raises(BakeoffError, match="prepared pictures in another way"):
        resume(run.path)
    with pytest.raises(BakeoffError, match="start a new one"):
        final_model(run, "cnn")
    assert run.results().winner == finished.results().winner
    assert load(run.bundle("cnn")).verify().same
