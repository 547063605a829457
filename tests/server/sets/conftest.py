"""A server with an empty home, for sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bakeoff.server.home import Home
from bakeoff.server.limits import Bounds

from ..conftest import serving

BOUNDS = Bounds(body_mb=1, set_mb=2, set_files=12)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, open=True)


@pytest.fixture
def page(home: Home) -> Iterator[httpx.Client]:
    with serving(None, home=home, bounds=BOUNDS) as client:
        yield client
