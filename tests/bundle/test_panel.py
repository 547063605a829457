from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bakeoff
from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.bundle import Bundle, find_bundles
from bakeoff.bundle.inputs import Inputs, gather
from bakeoff.bundle.pack import pack
from bakeoff.bundle.panel import Panel, SideBySide, answers_table
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import Trust
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder

from ..strokes import strokes


def test_a_run_stands_for_all_of_its_bundles(finished: RunFolder) -> None:
    panel = Panel([finished.path])
    assert list(panel.bundles) == ["baseline", "cnn"]
    first, *lines = repr(panel).splitlines()
    assert first == "Panel of 2 bundles"
    assert [line.partition(":")[0].strip() for line in lines] == ["baseline", "cnn"]
    assert find_bundles(finished.bundle("cnn")) == [finished.bundle("cnn")]
    assert find_bundles(finished.path / "units") == []


def test_bundles_come_in_the_order_of_the_run_s_approaches(tmp_path: Path) -> None:
    run = RunFolder.create(
        tmp_path / "run", RunConfig.parse(source="x", approaches=("vit", "baseline"))
    )
    for name in ("another", "baseline", "vit"):
        run.bundle(name).mkdir(parents=True)
        (run.bundle(name) / "bundle.json").write_text("{}")
    assert [one.name for one in find_bundles(run.path)] == ["vit", "baseline", "another"]
    (run.path / "run.json").write_text("damaged")
    assert [one.name for one in find_bundles(run.path)] == ["another", "baseline", "vit"]


def test_bundles_of_the_same_name_are_numbered(finished: RunFolder) -> None:
    assert list(Panel([finished.bundle("cnn")] * 3).bundles) == ["cnn", "cnn 2", "cnn 3"]


def test_every_bundle_predicts_the_same_pictures(finished: RunFolder) -> None:
    panel = Panel([finished.path])
    drawings = list(strokes(9).pictures)
    seen: list[tuple[int, int]] = []
    answers = panel.answer(gather(drawings), on_done=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (18, 18)
    for name, some in answers.items():
        assert some == panel.bundles[name].predict(drawings)


def test_a_run_of_several_bundles_is_loaded_as_a_panel(finished: RunFolder) -> None:
    panel = bakeoff.load(finished.path)
    assert isinstance(panel, Panel)
    assert list(panel.bundles) == ["baseline", "cnn"]
    drawings = list(strokes(3).pictures)
    found = panel.predict(drawings)
    assert isinstance(found, SideBySide)
    for name in ("baseline", "cnn"):
        alone = bakeoff.load(finished.bundle(name))
        assert isinstance(alone, Bundle)
        assert found[name] == alone.predict(drawings)
        assert panel[name].classes == alone.classes
    lines = repr(found).splitlines()
    assert lines[0] == "[0]"
    assert len(lines) == 9
    first = found["cnn"][0]
    assert lines[2].split() == ["cnn", *f"{first}".partition(": ")[2].split()]
    assert found._repr_html_().count("<h4>") == 2
    many = panel.predict(list(strokes(12).pictures))
    assert repr(many).endswith("… and 2 more")


def test_bundles_anywhere_are_loaded(finished: RunFolder, tmp_path: Path) -> None:
    """A run's folder of bundles, packed and unpacked ones beside each other, lists, and one."""

    def names(path: Any) -> list[str]:
        panel = bakeoff.load(path)
        assert isinstance(panel, Panel)
        return list(panel.bundles)

    assert names(finished.path / "bundles") == ["baseline", "cnn"]
    assert names(str(finished.path)) == ["baseline", "cnn"]
    assert names([finished.bundle("cnn"), str(finished.bundle("baseline"))]) == ["cnn", "baseline"]
    assert names([finished.bundle("cnn")]) == ["cnn"]
    shutil.copytree(finished.bundle("cnn"), tmp_path / "mine")
    alone = bakeoff.load(tmp_path)
    assert isinstance(alone, Bundle)
    pack(finished.bundle("baseline"), tmp_path / "theirs.bakeoff")
    assert names(tmp_path) == ["mine", "theirs"]
    with pytest.raises(BakeoffError, match="none was named"):
        bakeoff.load([])
    with pytest.raises(BakeoffError, match="does not exist"):
        bakeoff.load(tmp_path / "nowhere")


def test_nothing_to_load_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="none was named"):
        Panel([])
    with pytest.raises(BakeoffError, match="is not a bundle"):
        Panel([tmp_path])


def test_the_table_has_a_row_for_each_picture_and_model(finished: RunFolder) -> None:
    answers = Panel([finished.path]).answer(gather(list(strokes(4).pictures)))
    rows = list(csv.DictReader(io.StringIO(answers_table(answers, top=2))))
    assert len(rows) == 8
    first = answers["baseline"][0]
    assert rows[0]["picture"] == first.name
    assert rows[0]["path"] == first.path == "[0]"
    assert rows[0]["model"] == "baseline"
    said = first.verdict in ("between", "unsure")
    expected = first.words if said else first.verdict
    assert rows[0]["verdict"] == expected
    assert rows[0]["class 1"] == first.label
    assert float(rows[0]["probability 1"]) == pytest.approx(first.probability, abs=1e-6)
    assert float(rows[0]["probability 2"]) <= float(rows[0]["probability 1"])


def test_the_table_says_out_of_distribution() -> None:
    trust = Trust(
        error_rate=0.01,
        least_probability=0.1,
        refusal_rate=0.01,
        max_ood_score=2.0,
        measured=None,
    )
    answers = [
        answer_of("x.png", np.array([0.6, 0.4]), score, ["ant", "bee"], trust)
        for score in (1.0, 3.0)
    ]
    rows = list(csv.DictReader(io.StringIO(answers_table({"cnn": Answers(answers)}, top=1))))
    assert [row["verdict"] for row in rows] == ["between ant and bee", "out of distribution"]


def test_each_picture_is_explained_in_a_file(finished: RunFolder, tmp_path: Path) -> None:
    panel = Panel([finished.path])
    some = strokes(2)
    inputs = Inputs(("../a b.png", "site_a/c.png"), some.pictures)
    drawn = list(panel.draw(inputs, panel.answer(inputs), tmp_path / "why"))
    assert [one.name for one in drawn] == ["1-a_b.png", "2-site_a_c.png"]
    assert sorted((tmp_path / "why").iterdir()) == drawn
    with Image.open(drawn[0]) as sheet:
        assert sheet.width > sheet.height
