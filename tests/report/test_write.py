from __future__ import annotations

import base64
import gzip
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.report import write, write_report
from bakeoff.report.view import Sheets, View

from .conftest import SHELL
from .made_up_run import DIGITS, HOSTILE, KINDS, make_run


def carried(text: str) -> View:
    """The run in a report."""
    (packed,) = re.findall(r'<script type="application/gzip" id="run">([^<]*)</script>', text)
    return View.model_validate_json(gzip.decompress(base64.b64decode(packed)))


def rows_of(sheets: Sheets) -> list[int]:
    """Rows of the dataset whose pictures are in a report."""
    assert sheets.rows is not None
    return [int(row) for row in np.frombuffer(base64.b64decode(sheets.rows), "<u4")]


def written(run: RunFolder) -> str:
    path = write_report(run)
    assert path == run.path / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", kinds=KINDS[:2], pictures=60)


@pytest.mark.usefixtures("shell")
def test_the_page_contains_the_run(small: RunFolder) -> None:
    text = written(small)
    before, after = SHELL.split("<!--carried-->")
    assert text.startswith(before)
    assert text.endswith(after)
    view = carried(text)
    assert view.results.winner == small.results().winner
    assert view.pictures.names == small.picture_index().names


@pytest.mark.usefixtures("shell")
def test_every_picture_of_a_small_run_is_there(small: RunFolder) -> None:
    sheets = carried(written(small)).sheets
    rows = rows_of(sheets)
    assert sorted(rows) == list(range(60))
    (url,) = sheets.urls
    kind, _, code = url.partition(";base64,")
    assert kind == "data:image/webp"
    with Image.open(io.BytesIO(base64.b64decode(code))) as image:
        for place, row in enumerate(rows):
            left, top = place % sheets.across * sheets.tile, place // sheets.across * sheets.tile
            square = image.convert("RGBA").crop((left, top, left + sheets.tile, top + sheets.tile))
            assert square.tobytes() == small.sheets()[row].tobytes()


@pytest.mark.usefixtures("shell")
def test_mistakes_come_first_with_the_approaches_in_turn(small: RunFolder) -> None:
    rows = rows_of(carried(written(small)).sheets)
    one, other = (approach.mistakes for approach in small.results().approaches)
    worst = dict.fromkeys([one[0].index, other[0].index] if other else [one[0].index])
    assert rows[: len(worst)] == list(worst)
    problem = {mistake.index for mistake in (*one, *other)}
    assert set(rows[: len(problem)]) == problem


@pytest.mark.usefixtures("shell")
def test_outliers_come_next(small: RunFolder) -> None:
    rows = rows_of(carried(written(small)).sheets)
    results = small.results()
    assert results.health is not None
    problem = {mistake.index for approach in results.approaches for mistake in approach.mistakes}
    odd = [one.index for one in results.health.suspects]
    odd += [one.index for one in results.health.odd]
    expected = [row for row in odd if row not in problem]
    assert rows[len(problem) :][: len(expected)] == expected


@pytest.mark.usefixtures("shell")
def test_names_stay_data(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", classes=HOSTILE, pictures=100, groups=HOSTILE[:2])
    text = written(run)
    assert text.count("</script>") == 2  # of the run, and of the page itself
    assert not [name for name in HOSTILE if name in text]
    view = carried(text)
    assert view.results.dataset.classes == list(HOSTILE)


@pytest.mark.usefixtures("shell")
def test_the_same_run_gives_the_same_bytes(small: RunFolder) -> None:
    assert written(small) == written(RunFolder.open(small.path))


@pytest.mark.usefixtures("shell")
def test_large_pictures_stop_at_the_budget_after_the_worst_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", kinds=KINDS[:2], classes=DIGITS, pictures=1500)
    everything = rows_of(carried(written(run)).sheets)
    one_sheet = len(carried(written(run)).sheets.urls[0])
    monkeypatch.setattr(write, "PICTURES_BYTES", int(1.5 * one_sheet))
    rows = rows_of(carried(written(run)).sheets)
    assert rows == everything[:256]
    monkeypatch.setattr(write, "PICTURES_BYTES", 0)
    none = carried(written(run)).sheets
    assert (none.urls, rows_of(none)) == ([], [])


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.long)])
def test_a_run_of_seventy_thousand_can_be_mailed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(write, "PICTURES_BYTES", int(share * write.PICTURES_BYTES))
    pictures, test = int(share * 70_000), int(share * 10_000)
    run = make_run(tmp_path / "run", classes=DIGITS, pictures=pictures, test=test)
    # The page itself comes on top.
    assert len(written(run).encode()) < share * (15_000_000 - 650_000)


@pytest.mark.usefixtures("shell")
def test_a_report_is_replaced_whole_or_not_at_all(
    small: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = small.path / "report.html"
    target.write_text("the old one")
    before = sorted(path.name for path in small.path.iterdir())

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="no space left"):
            write_report(small)
    assert target.read_text() == "the old one"
    assert sorted(path.name for path in small.path.iterdir()) == before
    assert written(small).startswith("<!doctype html>")
    assert sorted(path.name for path in small.path.iterdir()) == before
    assert target.stat().st_mode & 0o777 == 0o644


def test_without_the_page_it_says_how_to_build_it(small: RunFolder, shell: Path) -> None:
    shell.unlink()
    with pytest.raises(BakeoffError, match="Build it with"):
        write_report(small)
    assert not (small.path / "report.html").exists()
