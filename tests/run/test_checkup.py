from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.correction import Correction
from bakeoff.data.corrections import read_corrections
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.report.view import View
from bakeoff.run.checkup import check, check_run

from ..data.pictures_made import encoded
from ..strokes import strokes

LEAVES = ["check.html", "corrections.csv", "health.json"]


def shown(file: Path) -> View:
    """What a page of a check carries."""
    place = r'<script type="application/gzip" id="check">([^<]*)</script>'
    (packed,) = re.findall(place, file.read_text(encoding="utf-8"))
    return View.model_validate_json(gzip.decompress(base64.b64decode(packed)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Strokes as files, one of them under two classes, and a file that is not a picture."""
    dataset = strokes()
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture[..., 0]))
    copied = tmp_path / "set" / "bar" / "copy.png"
    copied.write_bytes((tmp_path / "set" / "dash" / "1.png").read_bytes())
    (tmp_path / "set" / "bar" / "broken.png").write_bytes(b"")
    return tmp_path / "set"


def test_looks_alone_leave_what_they_found(folder: Path, tmp_path: Path) -> None:
    decoded: list[int] = []
    found = check(
        folder, tmp_path / "out", approaches=(), on_decoded=lambda done, _: decoded.append(done)
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == LEAVES
    assert decoded[-1] >= 61
    assert [words.partition(":")[0] for words in found.health.words] == [
        "1 item was unusable and left out",
        "1 picture has an identical copy under another class, so one of the labels is probably "
        "wrong",
    ]
    assert read_corrections(tmp_path / "out" / "corrections.csv") == tuple(
        Correction(one.action, one.name, one.label, one.proposed, one.why, one.quality, line)
        for line, one in enumerate(found.proposed, start=2)
    )
    told = json.loads((tmp_path / "out" / "health.json").read_bytes())
    assert told["dataset"]["pictures"] == 61
    assert told["health"]["words"] == found.health.words
    view = shown(tmp_path / "out" / "check.html")
    assert view.results.health == found.health
    assert view.results.approaches == []
    assert view.results.protocol.folds == 0
    parts = np.frombuffer(base64.b64decode(view.pictures.parts), "<u2")
    assert {view.pictures.part_names[part] for part in parts} == {"training"}
    assert view.corrections.encode() == (tmp_path / "out" / "corrections.csv").read_bytes()


def test_what_was_corrected_is_found_no_more_and_stays_in_the_table(
    folder: Path, tmp_path: Path
) -> None:
    first = check(folder, tmp_path / "1", approaches=())
    acting = {one.name for one in first.proposed if one.action == "leave out"}
    assert acting == {"bar/copy.png", "dash/1.png"}
    table = tmp_path / "1" / "corrections.csv"
    for corrections in (table, read_corrections(table)):
        second = check(folder, tmp_path / "2", approaches=(), corrections=corrections)
        assert len(second.health.words) == 1
        assert {one.name for one in second.proposed} == acting
        for path in (tmp_path / "2").iterdir():
            path.unlink()


def test_a_check_with_a_model_leaves_no_run(folder: Path, tmp_path: Path) -> None:
    events: list[object] = []
    found = check(
        folder,
        tmp_path / "out",
        folds=2,
        threads=1,
        settings={"": {"epochs": 2}},
        on_event=lambda event: events.append(event.event),
    )
    assert found.dataset.pictures == 61
    assert events[-1] == "run finished"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == LEAVES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "set"]


def test_what_a_run_found(finished: RunFolder, tmp_path: Path) -> None:
    found = check_run(finished, tmp_path / "out")
    assert found.health == finished.results().health
    table = (tmp_path / "out" / "corrections.csv").read_bytes()
    assert table == (finished.path / "corrections.csv").read_bytes()
    names = [one.name for one in finished.results().approaches]
    assert list(shown(tmp_path / "out" / "check.html").predictions) == names


def test_a_run_of_an_older_version_is_refused(finished: RunFolder, tmp_path: Path) -> None:
    old = finished.results().model_copy(update={"health": None})
    (tmp_path / "run.json").write_bytes((finished.path / "run.json").read_bytes())
    (tmp_path / "results.json").write_text(old.model_dump_json())
    with pytest.raises(BakeoffError, match="did not look for these things"):
        check_run(RunFolder.open(tmp_path), tmp_path / "out")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    for out in (tmp_path, tmp_path / "mine"):
        with pytest.raises(BakeoffError, match="is there already"):
            check("doodles", out, approaches=())
    (tmp_path / "empty").mkdir()
    check("doodles", tmp_path / "empty", approaches=())
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == LEAVES
