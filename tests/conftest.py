from collections.abc import Iterator

import pytest
import torch

from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake

from .strokes import QUICKLY, strokes


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in a hook of the same name
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What two processes share out: whole modules, and all of the page as one, the longest first.

    Two browsers beside their servers would keep each other waiting. The README's commands and the
    page take longest; with them at the end, one process would be left alone.
    """

    def place(item: pytest.Item) -> str:
        return "page" if item.path.parent.name == "page" else item.path.as_posix()

    longest, slow = (
        {place(item) for item in items if item.get_closest_marker(name)}
        for name in ("timeout", "slow")
    )
    for item in items:
        item.add_marker(pytest.mark.xdist_group(place(item)))
    items.sort(key=lambda item: (place(item) not in longest | {"page"}, place(item) not in slow))


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
