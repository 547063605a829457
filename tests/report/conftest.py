from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.record.folder import RunFolder
from bakeoff.report import page

from .made_up_run import make_run

SHELL = "<!doctype html><title>bakeoff</title><body><!--carried--><script>read()</script></body>"


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Four approaches, five folds, a locked test, three groups; only to be read."""
    path = tmp_path_factory.mktemp("usual") / "run"
    return make_run(path, pictures=500, test=100, groups=("digit", "drawn", "stamp"))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page into which reports are written, as the build makes it."""
    path = tmp_path / "installed" / "web" / "report" / "index.html"
    path.parent.mkdir(parents=True)
    path.write_text(SHELL, encoding="utf-8")
    monkeypatch.setattr(page, "files", lambda _: tmp_path / "installed")
    return path
