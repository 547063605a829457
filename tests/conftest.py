import gc
from collections.abc import Iterator
from functools import cache

import httpx
import pytest
import torch
from hypothesis import settings
from torch.onnx._internal.exporter._registration import ONNXRegistry

from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.workers.robustness import PICTURES as CORRUPTED

from .shared import made_once
from .strokes import QUICKLY, strokes

settings.register_profile("bakeoff", deadline=None)  # no test is timed: machines are busy
settings.load_profile("bakeoff")


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A run sets the threads of its process; the next test starts without that."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def _few_corrupted_pictures() -> Iterator[None]:
    """Corrupt forty pictures of a run at most: a hundred took a third of a small one's time."""
    with pytest.MonkeyPatch.context() as patch:
        for budget in CORRUPTED:
            patch.setitem(CORRUPTED, budget, 40)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_table_of_onnx_functions() -> Iterator[None]:
    """Let PyTorch read the source of its 994 ONNX functions once: it does so for each graph, which
    took 0.4 s of the 0.9 s of processor time of a small model's two graphs.
    """
    with pytest.MonkeyPatch.context() as patch:
        table = staticmethod(cache(ONNXRegistry.from_torchlib))
        patch.setattr(ONNXRegistry, "from_torchlib", table)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_list_of_certificates() -> Iterator[None]:
    """Let httpx read the certificates of all authorities once, not for each request: 20 ms."""
    with pytest.MonkeyPatch.context() as patch:
        once = cache(httpx.create_ssl_context)
        patch.setattr("httpx._transports.default.create_ssl_context", once)
        yield


@pytest.fixture(scope="module", autouse=True)
def _modules_are_no_garbage() -> None:
    """Take what is imported out of the garbage collector's sight.

    A run collects garbage after each approach. With all that the tests import, each collection
    took 0.5 s, three quarters of a run over the strokes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run, with bundles, of two approaches on two folds and a test; only to be read."""
    asked = QUICKLY | {"bundles": True}
    return RunFolder.open(
        made_once(
            tmp_path_factory, "finished", lambda path: bake(strokes(), path, test=0.2, **asked)
        )
    )
