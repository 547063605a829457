from collections.abc import Iterator

import pytest
import torch

from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake

from .strokes import QUICKLY, strokes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest modules come first: of two processes, none is left with one at the end."""
    longest, slow = (
        {item.path for item in items if item.get_closest_marker(name)}
        for name in ("timeout", "slow")
    )
    items.sort(key=lambda item: (item.path not in longest, item.path not in slow))


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
