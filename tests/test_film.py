"""The README starts with the story of `benchmarks/story.py`, as an animation."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_starts_with_a_short_and_light_film() -> None:
    first = re.search(r"!\[[^]]{20,}\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert first is not None
    path = ROOT / first[1]
    assert path.stat().st_size <= 3_000_000
    with Image.open(path) as film:
        assert film.format == "WEBP"
        frames = int(film.n_frames)  # type: ignore[attr-defined]
        seconds = 0.0
        for frame in range(frames):
            film.seek(frame)
            film.load()  # only then is its time known
            seconds += film.info["duration"] / 1000
    assert frames > 50
    assert 15 <= seconds <= 25
