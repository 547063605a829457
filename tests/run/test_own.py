"""Users' own models in a run: trained by workers, bundled, and noticed when they change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakeoff.bundle.bundle import load
from bakeoff.errors import BakeoffError
from bakeoff.record.events import WorkerDied
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume
from bakeoff.tune.search import tune

from ..approaches.test_own import NETS
from ..strokes import CLASSES, QUICKLY, strokes

OPTIONS: dict[str, Any] = QUICKLY | {"settings": {"": {"epochs": 2}}}


@pytest.mark.long
def test_an_own_network_travels_wherever_ours_do(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("from beside import NAME\n" + NETS)
    (tmp_path / "beside.py").write_text("NAME = 1")
    dataset = strokes()
    approaches = (f"{tmp_path}/nets.py:Plain", f"{tmp_path}/nets.py:Fitting")
    more = {"approaches": approaches, "bundles": True, "test": 0.2}
    run = bake(dataset, tmp_path / "run", workers="local:2", **OPTIONS | more)
    assert not any(isinstance(event, WorkerDied) for event in run.events())
    plain, fitting = run.results().approaches
    assert (plain.name, plain.title, fitting.title) == ("plain", "Plain", "Fitting")
    assert plain.settings["epochs"] == 2
    assert fitting.out_of_fold is not None
    assert fitting.out_of_fold.accuracy > 0.5  # by its own fit; chance is a third
    arrays = run.probabilities()
    bundle = load(run.bundle("plain"), threads=1)
    row = int(arrays["test_rows"][0])
    (answer,) = bundle.predict([dataset.pictures[row]])
    found = dict(answer.ranking)
    expected = arrays["plain_test"][0].tolist()
    assert [found[name] for name in CLASSES] == pytest.approx(expected, abs=1e-4)
    assert (run.path / "report.html").is_file()


def test_a_changed_file_is_noticed_when_a_run_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "nets.py"
    path.write_text(NETS)
    dataset = strokes()
    options = OPTIONS | {"approaches": (f"{path}:Plain",)}
    run = bake(dataset, tmp_path / "run", workers="local:1", **options)
    (first,) = run.results().approaches
    again = resume(run.path, dataset=dataset, workers="local:1").results().approaches[0]
    assert again.out_of_fold == first.out_of_fold
    path.write_text(NETS.replace("8, classes", "8 , classes"))
    with pytest.raises(BakeoffError, match=r"nets\.py: has changed since the run began"):
        resume(run.path, dataset=dataset, workers="local:1")
    path.unlink()
    with pytest.raises(BakeoffError, match=r"nets\.py: cannot be read, and an approach"):
        resume(run.path, dataset=dataset, workers="local:1")
    assert RunFolder.open(run.path).results().approaches[0].out_of_fold == first.out_of_fold


def test_a_search_refuses_an_own_model(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="is an own model, and a search knows no values"):
        tune(strokes(), tmp_path / "study", approaches=("nets.py:Plain",), trials=1)
