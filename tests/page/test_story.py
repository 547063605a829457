"""The story of a new user, as `benchmarks/story.py` plays and times it, in both browsers."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from .conftest import PATIENCE, in_both

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def patient() -> Iterator[None]:
    """Time for a training on a machine that does other things too."""
    expect.set_options(timeout=180_000)
    yield
    expect.set_options(timeout=PATIENCE)


@pytest.mark.long
@in_both
@pytest.mark.usefixtures("patient")
def test_the_whole_story_is_played(
    engine: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = import_module("story")
    with module.served(tmp_path) as address:
        story = module.Story(engine, address, module.NoFilm())
        story.play()
        story.end()
    assert len(story.seconds) == 7
    print({words: round(seconds, 1) for words, seconds in story.seconds.items()})
