from __future__ import annotations

import asyncio
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.panel import name_bundles
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import joined
from bakeoff.record.folder import RunFolder
from bakeoff.server.batching import Batcher
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.models import Models

from ..strokes import strokes
from .conftest import serving
from .test_predict import DRAWINGS, png


class Slow:
    """A model that records the sizes of its batches, and can be blocked."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.gate = threading.Event()
        self.gate.set()

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        self.gate.wait(10)
        self.batches.append(pixels.shape)
        if pixels.max() == 13:
            raise RuntimeError("broken")
        means = pixels.reshape(len(pixels), -1).mean(1).astype(np.float32)
        return means[:, None], means, means[:, None]

    def seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.gate.wait(10)
        self.batches.append(pixels.shape)
        return 255 - pixels


def queue_of(model: Slow, waiting: int = 1000) -> Batcher[Bundle]:
    return Batcher(model, ThreadPoolExecutor(1), waiting=waiting)  # type: ignore[arg-type]


def grey(value: int, count: int = 1, side: int = 8) -> Pictures:
    return Pictures.from_array(np.full((count, side, side), value, dtype=np.uint8))


def test_an_idle_model_answers_at_once_and_a_busy_one_in_batches() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        model.gate.clear()
        requests = [asyncio.create_task(queue.run(grey(20)))]
        await asyncio.sleep(0.05)
        requests += [asyncio.create_task(queue.run(grey(value))) for value in range(21, 40)]
        await asyncio.sleep(0.05)
        model.gate.set()
        for value, (_, ood_score, _) in zip(
            range(20, 40), await asyncio.gather(*requests), strict=True
        ):
            assert ood_score.tolist() == [value]
        assert queue.waiting == 0

    asyncio.run(main())
    assert [shape[0] for shape in model.batches] == [1, 19]


def test_small_requests_pass_between_the_batches_of_a_large_one() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        model.gate.clear()
        large = asyncio.create_task(queue.run(grey(1, count=640)))
        await asyncio.sleep(0.05)
        small = asyncio.create_task(queue.run(grey(2)))
        await asyncio.sleep(0.05)
        model.gate.set()
        await small
        assert not large.done()
        _, ood_score, _ = await large
        assert ood_score.tolist() == [1] * 640

    asyncio.run(main())


def test_pictures_of_different_sizes_do_not_share_a_batch() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        mixed = joined([np.asarray(grey(v, side=s)[0])[None] for v, s in ((5, 8), (6, 9), (7, 8))])
        _, ood_score, _ = await queue.run(mixed)
        assert ood_score.tolist() == [5, 6, 7]

    asyncio.run(main())
    assert sorted(model.batches) == [(1, 9, 9, 1), (2, 8, 8, 1)]


def test_network_inputs_wait_in_the_queue_and_have_batches_of_their_own() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        model.gate.clear()
        requests = [asyncio.create_task(queue.run(grey(value))) for value in (1, 2, 3)]
        shown = [asyncio.create_task(queue.seen(grey(value)[0])) for value in (4, 5)]
        await asyncio.sleep(0.05)
        assert queue.waiting == 5
        model.gate.set()
        sights = await asyncio.gather(*shown)
        assert [one.shape for one in sights] == [(8, 8, 1)] * 2
        assert [int(one[0, 0, 0]) for one in sights] == [251, 250]
        assert all(one.done() for one in requests)
        assert queue.waiting == 0

    asyncio.run(main())
    assert [shape[0] for shape in model.batches] == [1, 2, 2]


def test_a_failing_batch_is_reported_to_its_own_requests_only() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        with pytest.raises(RuntimeError, match="broken"):
            await queue.run(grey(13))
        _, ood_score, _ = await queue.run(grey(5))
        assert ood_score.tolist() == [5]

    asyncio.run(main())


def test_a_full_queue_refuses_and_empties() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model, waiting=2)
        model.gate.clear()
        requests = [asyncio.create_task(queue.run(grey(value))) for value in (3, 4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Problem) as refused:
            await queue.run(grey(5))
        assert refused.value.status == 503
        with pytest.raises(Problem, match="in the queue already"):
            await queue.seen(grey(5)[0])
        model.gate.set()
        await asyncio.gather(*requests)
        await queue.run(grey(5))

    asyncio.run(main())


def test_a_client_that_disconnects_does_not_delay_the_others() -> None:
    model = Slow()

    async def main() -> None:
        queue = queue_of(model)
        model.gate.clear()
        gone = asyncio.create_task(queue.run(grey(3)))
        stays = asyncio.create_task(queue.run(grey(4)))
        await asyncio.sleep(0.05)
        gone.cancel()
        model.gate.set()
        _, ood_score, _ = await stays
        assert ood_score.tolist() == [4]
        assert queue.waiting == 0

    asyncio.run(main())


# -- replaced while serving -----------------------------------------------------


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def replace(folder: Path, change: Callable[[Path], None]) -> None:
    """Replace a bundle as `export` does: atomically, by renaming."""
    fresh = Path(shutil.copytree(folder, folder.with_name(".fresh")))
    change(fresh)
    shutil.rmtree(folder)
    fresh.rename(folder)


def retitle(folder: Path) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": "Another"}))


def spoil(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no graph")


def test_a_bundle_is_replaced_and_no_request_fails(
    finished: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="bakeoff.server")
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))
    with serving(run, watch=True) as client:
        statuses: list[int] = []
        stop = threading.Event()

        def keep_requesting() -> None:
            while not stop.is_set():
                statuses.append(client.post("/api/predict", content=png(DRAWINGS[0])).status_code)

        client_thread = threading.Thread(target=keep_requesting)
        client_thread.start()
        replace(run.bundle("cnn"), retitle)
        until(lambda: client.get("/api/models").json()[1]["title"] == "Another")
        replace(run.bundle("cnn"), spoil)
        until(lambda: "cannot be loaded" in caplog.text)
        stop.set()
        client_thread.join()
        assert set(statuses) == {200}
        assert client.get("/api/models").json()[1]["title"] == "Another"


# -- bounds ---------------------------------------------------------------------


def test_a_run_that_is_opened_again_has_its_newest_bundles(
    finished: RunFolder, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished.path, tmp_path / "run"))
    bundle = run / "bundles" / "cnn"

    async def main() -> None:
        models = Models({}, waiting=100, cores=1)
        (name,) = await models.load("run", [bundle])
        first = models[name].bundle
        assert await models.load("run", [bundle]) == [name]
        assert models[name].bundle is first
        replace(bundle, retitle)
        assert await models.load("run", [bundle]) == [name]
        assert models[name].bundle.manifest.title != first.manifest.title
        models.close()

    asyncio.run(main())


def test_bounds_are_parsed() -> None:
    assert Bounds.of(["body_mb=3", "waiting=9"]) == Bounds(body_mb=3, waiting=9)
    assert Bounds.of([]) == Bounds()


@pytest.mark.parametrize(
    "text", ["body=3", "body_mb", "body_mb=0", "body_mb=-1", "body_mb=x", "=1"]
)
def test_an_invalid_bound_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="--bound"):
        Bounds.of([text])


def test_if_one_model_refuses_the_others_answer_all_the_same(finished: RunFolder) -> None:
    models = Models(name_bundles([finished.path]), waiting=1, cores=1)
    models["cnn"].waiting = 5
    some = Inputs(("a", "b"), strokes(2).pictures)

    async def main() -> None:
        found = await models.predict(list(models), some)
        assert set(found.results) == {"baseline"}
        assert [one.model for one in found.failed] == ["cnn"]
        assert "in the queue already" in found.failed[0].problem
        with pytest.raises(Problem, match="in the queue already"):
            await models.predict(["cnn"], some)
        models["cnn"].waiting = 0
        found = await models.predict(None, some)
        assert set(found.results) == {"baseline", "cnn"}
        assert not found.failed

    asyncio.run(main())


def test_a_queue_gives_the_answers_of_its_bundle(finished: RunFolder) -> None:
    bundle: Bundle = load(finished.bundle("cnn"))
    drawings = strokes(9).pictures

    async def main() -> None:
        queue = Batcher(bundle, ThreadPoolExecutor(1), waiting=100)
        given, _, _ = await queue.run(drawings)
        expected, _, _ = bundle.run(np.stack(list(drawings)))
        np.testing.assert_allclose(given, expected, atol=1e-6)

    asyncio.run(main())
