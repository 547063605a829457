from __future__ import annotations

import pytest

from bakeoff.report.write import render_report

from .dom import Node, parse
from .made_up_run import Run, make_run


@pytest.fixture(scope="session")
def usual() -> Run:
    """Four approaches, five folds, a locked test, three groups."""
    return make_run(pictures=500, test=100, groups=("digit", "drawn", "stamp"))


@pytest.fixture(scope="session")
def usual_page(usual: Run) -> Node:
    return parse(render_report(usual.results, usual.thumbnails))
