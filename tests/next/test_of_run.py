"""What to label next, as real bundles see it, on the command line and from Python."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.data.new_labels import read_labels
from bakeoff.errors import BakeoffError
from bakeoff.next.cold import rank_cold
from bakeoff.next.of_run import Waiting, waiting_of
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.run.source import read_again

from ..commands import bakeoff, stroke_folders
from ..strokes import ONE, strokes


def flat(folder: Path, count: int = 12) -> Path:
    """Strokes without labels, one three times, and a blank sheet."""
    folder.mkdir(parents=True)
    pictures = [*strokes(count, seed=7).pictures]
    pictures += [pictures[0], pictures[0], np.full((12, 12, 1), 255, dtype=np.uint8)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture[..., 0]).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flat(tmp_path_factory.mktemp("next") / "more")


def test_a_run_ranks_pictures_and_the_table_can_be_given_back(
    finished: RunFolder,
    more: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("next", finished.path, more, "--take", "5", "--out", tmp_path)
    bakeoff(*asked, monkeypatch=monkeypatch)
    said = capsys.readouterr().out
    assert "cannot be read, so it does not count" in said  # the strokes were never files
    assert "Fill in the column label" in said
    rows = list(csv.DictReader((tmp_path / "next.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == [""] * len(rows)
    names = [row["name"] for row in rows]
    assert len([row for row in rows if not row["apart"]]) <= 5
    assert "14.png" not in names  # blank
    assert len({"00.png", "12.png", "13.png"} & set(names)) <= 1  # copies
    assert all(row["why"] and row["guess"] in ("bar", "dash", "box") for row in rows)
    page = (tmp_path / "next.html").read_text(encoding="utf-8")
    assert page.count("<img ") == len(rows)
    assert "default-src 'none'" in page
    text = (tmp_path / "next.csv").read_text().replace(f"{names[0]},,", f"{names[0]},box,")
    (tmp_path / "filled.csv").write_text(text)
    (label,) = read_labels(tmp_path / "filled.csv")
    assert (label.name, label.proposed) == (names[0], "box")


def test_the_list_as_json_leaves_no_files(
    finished: RunFolder,
    more: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    bakeoff("next", more, "--take", "3", "--json", monkeypatch=monkeypatch)
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == 3
    assert listed[0]["guess"] is None
    assert listed[0]["reasons"]
    assert list(tmp_path.iterdir()) == []


def test_a_run_learns_from_labels_given_beside_its_set(more: Path, tmp_path: Path) -> None:
    pictures = stroke_folders(tmp_path / "pictures")
    table = tmp_path / "next.csv"
    table.write_text("name,label\nmore/00.png,bar\nmore/01.png,dash\nmore/02.png,\n")
    run = bake(pictures, tmp_path / "run", unlabelled=more, labels=table, **ONE)
    names = run.picture_index().names
    assert len(names) == 38
    assert {"more/00.png", "more/01.png"} <= set(names)
    again = read_again(run.config)  # as --resume does: the same pictures
    assert again.fingerprint() == run.config.fingerprint
    waiting = waiting_of(run.config)
    assert len(waiting.rows) == 13
    assert len(waiting.labelled) == 38
    beside = waiting_of(run.config, flat(tmp_path / "others", 3))
    assert {beside.dataset.names[row].split("/")[0] for row in beside.rows} == {"others"}


def test_pictures_beside_the_folders_of_the_classes_wait_too(tmp_path: Path) -> None:
    pictures = stroke_folders(tmp_path / "pictures")
    config = RunConfig(source=str(pictures))
    with pytest.raises(BakeoffError, match="none of its 36 pictures is without a label"):
        waiting_of(config)
    (pictures / "bar" / "0.png").rename(pictures / "loose.png")
    waiting = waiting_of(config)
    assert [waiting.dataset.names[row] for row in waiting.rows] == ["loose.png"]


def test_without_a_run_copies_are_not_chosen_twice(more: Path) -> None:
    from bakeoff.data.read import read_as_found

    waiting = Waiting.of(read_as_found(more, need_labels=False))
    names = [waiting.name(candidate) for candidate in rank_cold(waiting, 6)]
    assert len(names) == 6
    assert len({"00.png", "12.png", "13.png"} & set(names)) <= 1


def test_labelled_pictures_count_in_a_cold_start(tmp_path: Path) -> None:
    from bakeoff.data.read import read_as_found

    pictures = stroke_folders(tmp_path / "pictures")
    for number in range(3):
        (pictures / "box" / f"{3 * number + 2}.png").rename(pictures / f"loose{number}.png")
    waiting = Waiting.of(read_as_found(pictures, need_labels=False))
    assert len(rank_cold(waiting, 5)) == 3


def test_two_runs_are_refused(finished: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    bakeoff("next", finished.path, finished.path, monkeypatch=monkeypatch, code=2)
