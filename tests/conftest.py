from collections.abc import Iterator
from typing import Any

import pytest
import torch
from xdist.scheduler import LoadFileScheduling

from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake

from .strokes import QUICKLY, strokes

PAGE = "tests/page/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: at the end of a run it would leave one process alone."""

    def place(item: pytest.Item) -> str:
        return _shared_out(item.nodeid)

    longest, slow = (
        {place(item) for item in items if item.get_closest_marker(name)}
        for name in ("timeout", "slow")
    )
    items.sort(key=lambda item: (place(item) not in longest | {PAGE}, place(item) not in slow))


class _Sharing(LoadFileScheduling):  # type: ignore[misc]  # it has no types
    """What processes share out: whole modules, and all of the page as one.

    What tests of a module share is made once, and two browsers beside their servers would keep
    each other waiting. Not by pytest-xdist's groups: from pytest 9.2 on its 3.8 loses them.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _shared_out(nodeid)


def _shared_out(nodeid: str) -> str:
    module = nodeid.partition("::")[0]
    return PAGE if module.startswith(PAGE) else module


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Sharing:
    return _Sharing(config, log)


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A run sets the threads of its process; the next test starts without that."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run, with bundles, of two approaches on two folds and a test; only to be read."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    return bake(strokes(), folder, test=0.2, **QUICKLY | {"bundles": True})
