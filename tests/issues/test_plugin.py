"""An issue finder of another package, found through its entry point as pip installs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from bakeoff.data.corrections import read_corrections
from bakeoff.data.pictures import Pictures
from bakeoff.run.bake import bake

from ..strokes import QUICKLY, strokes

Install: TypeAlias = Callable[..., None]
FINDER = '''
from bakeoff.issues.issue import Issue, Proposal

def find(evidence):
    """Pictures whose top left pixel is black."""
    rows = [
        row for row, picture in enumerate(evidence.dataset.pictures) if picture[0, 0, 0] == 0
    ]
    if rows:
        words = f"{len(rows)} pictures have a black corner."
        proposals = [Proposal(row, "its corner is black", "leave out") for row in rows]
        yield Issue("black corner", tuple(rows), words, tuple(proposals))

def find_beyond(evidence):
    yield Issue("beyond", (len(evidence.dataset),), "It names a picture that does not exist.")

def find_class(evidence):
    yield Issue("class", (0,), "Unknown class.", (Proposal(0, "it looks so", "relabel", "cat"),))
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with some of the finders above, as site-packages would hold it."""

    def installed(*functions: str) -> None:
        site = tmp_path / "site"
        info = site / "black_corners-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "black_corners.py").write_text(FINDER)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: black-corners\nVersion: 1.0\n")
        lines = [f"{function} = black_corners:{function}" for function in functions]
        (info / "entry_points.txt").write_text("\n".join(["[bakeoff.issue_finders]", *lines]))
        monkeypatch.syspath_prepend(str(site))

    return installed


def test_a_run_reports_what_a_plugin_finds(install: Install, tmp_path: Path) -> None:
    install("find")
    dataset = strokes()
    pixels = np.stack(list(dataset.pictures))
    pixels[[4, 17], 0, 0] = 0
    dataset = strokes(pictures=Pictures.from_array(pixels))
    run = bake(
        dataset,
        tmp_path / "run",
        **QUICKLY | {"approaches": ("baseline",), "settings": {"": {"epochs": 2}}},
    )
    health = run.results().health
    assert health is not None
    assert health.words[-1] == "2 pictures have a black corner."
    by_name = {one.name: one for one in read_corrections(run.path / "corrections.csv")}
    index = run.picture_index()
    for row in (4, 17):
        correction = by_name[dataset.names[row]]
        assert "its corner is black" in correction.why
        locked = index.part_names[index.parts[row]] == "test"
        assert correction.action == ("keep" if locked else "leave out")


@pytest.mark.parametrize(
    ("finder", "problem"),
    [
        ("find_beyond", "ValueError: row 60 is outside the 60 pictures"),
        ("find_class", "ValueError: “cat” is not a class"),
        ("no_such_function", "cannot be imported"),
    ],
)
def test_a_plugin_that_fails_loses_nothing(install: Install, finder: str, problem: str) -> None:
    from .test_find import issues_of

    install(finder)
    health, proposed = issues_of(strokes())
    (words,) = health.words
    assert words.startswith(f"The issue finder {finder} failed")
    assert problem in words
    assert proposed == []
