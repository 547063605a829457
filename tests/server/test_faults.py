"""What strangers, odd files and bad luck do to a server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from bakeoff.bundle import bundle as bundles
from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.inputs import InputLimits, from_bytes
from bakeoff.bundle.manifest import Manifest
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.server import memory, models
from bakeoff.server.batching import Batcher
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.memory import Decoding, Held, Memory, cost_of

from .conftest import serving
from .test_predict import DRAWINGS, png
from .test_security import refused

# -- memory and time -------------------------------------------------------------------


def blank(side: int, mode: str = "L", colour: str = "white") -> bytes:
    """A large PNG of a few bytes."""
    buffer = io.BytesIO()
    Image.new(mode, (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


def zip_of(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.png", data)
    return buffer.getvalue()


def test_memory_is_shared_in_line_and_given_back() -> None:
    async def main() -> list[str]:
        told: list[str] = []
        whole = Memory(10)

        async def use(name: str, size: int) -> None:
            taken = await whole.take(size)
            told.append(name)
            await asyncio.sleep(0.01)
            whole.give(taken)

        await asyncio.gather(use("a", 6), use("b", 6), use("c", 3), use("all", 99), use("d", 1))
        assert whole.free == whole.size
        return told

    assert asyncio.run(main()) == ["a", "b", "c", "all", "d"]


def test_who_waits_too_long_or_leaves_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PATIENCE", 0.05)

    async def main() -> None:
        whole = Memory(10)
        taken = await whole.take(8)
        leaves = asyncio.create_task(whole.take(5))
        with pytest.raises(Problem, match="no memory left") as late:
            await whole.take(3)
        assert late.value.status == 503
        assert late.value.headers == {"Retry-After": "5"}
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        assert await whole.take(2) == 2
        whole.give(taken + 2)
        assert whole.free == 10

    asyncio.run(main())


def test_who_gives_up_at_the_moment_when_memory_is_returned_gets_no_error() -> None:
    async def main() -> None:
        whole = Memory(10)
        taken = await whole.take(8)
        leaves = asyncio.create_task(whole.take(5))
        await asyncio.sleep(0)
        leaves.cancel()  # its turn is cancelled, and it has not yet heard of it
        whole.give(taken)
        with pytest.raises(asyncio.CancelledError):
            await leaves
        assert whole.free == 10

    asyncio.run(main())


def test_requests_wait_for_memory_and_then_give_up(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PATIENCE", 0.2)
    large = blank(1000, "RGBA")
    bounds = Bounds(memory_mb=16, picture_megapixels=2)
    with serving(finished, bounds=bounds) as client, ThreadPoolExecutor(4) as pool:
        statuses = list(
            pool.map(lambda _: client.post("/api/predict", content=large).status_code, range(8))
        )
        assert set(statuses) <= {200, 503}
        assert 200 in statuses
        # Afterwards all of it is free again.
        assert client.post("/api/predict", content=large).status_code == 200


def test_a_small_request_never_waits_for_a_large_one() -> None:
    async def main() -> None:
        decoding = Decoding(1000)
        first, second, *small = (Held(decoding) for _ in range(6))
        await first.take(999_999)
        waiting = asyncio.create_task(second.take(500))
        await asyncio.sleep(0)
        for held in small:
            await asyncio.wait_for(held.take(40), 1)
        assert not waiting.done()
        for held in (first, *small):
            held.keep(0)
        await waiting
        second.keep(0)
        assert decoding.small.free + decoding.large.free == 1000

    asyncio.run(main())


MOST = 25_000_000 * 12  # bytes for the largest picture


@pytest.mark.parametrize(
    ("body", "least", "most"),
    [
        (zip_of(a=blank(28), b=blank(100, "RGBA")), 10_000 * 12, 200_000),
        (zip_of(a=blank(28), b=blank(5000)), MOST, MOST + 2_000_000),
        (zip_of(a=blank(28), b=blank(6000)), 28 * 28 * 12, 100_000),  # the larger one is refused
        (zip_of(a=b"no picture" * 9), 90, 90),
        (zip_of(**{f"p{n}": blank(512) for n in range(9)}), 9 * 512 * 512 * 3, 12_000_000),
        (zip_of(a=blank(28))[:-30], MOST, MOST + 200_000_000),  # damaged
        (b"PK\x03\x04" + bytes(99), MOST, MOST + 200_000_000),
        (blank(100, "RGBA"), 10_000 * 12, 200_000),
        (blank(5000), MOST, MOST + 2_000_000),
        (b"1,2,3\n" * 9, 54 * 76, 54 * 80),
    ],
)
def test_what_decoding_takes_is_known_before(body: bytes, least: int, most: int) -> None:
    assert least <= cost_of([("picture", body)], Bounds()) <= most


def test_the_size_of_a_picture_in_a_zip_may_come_late() -> None:
    head = io.BytesIO()
    notes = b"".join(b"\xff\xfe\xff\xff" + bytes(65_533) for _ in range(2))  # before the size
    Image.new("L", (9, 9)).save(head, "JPEG")
    data = head.getvalue()
    late = data[:2] + notes + data[2:]
    assert from_bytes(late, "late.jpg").pictures[0].shape == (9, 9, 1)
    assert cost_of([("a.zip", zip_of(a=late))], Bounds()) > MOST
    assert cost_of([("a.zip", zip_of(a=data))], Bounds()) < 10_000


def test_memory_is_returned_after_large_requests_alone(
    finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    returned: list[bool] = []
    monkeypatch.setattr(memory, "bound_kept_memory", lambda _: returned.append(True))
    with serving(finished) as client:
        client.post("/api/predict", content=zip_of(a=blank(28), b=blank(28)))
        client.post("/api/predict", content=blank(200))
        assert not returned
        client.post("/api/predict", content=blank(2000))
        wait(lambda: returned)
        client.post("/api/predict", content=zip_of(a=blank(2000)))
        wait(lambda: len(returned) == 2)


def test_decoding_ends_when_a_request_has_had_its_time() -> None:
    body = zip_of(**{f"p{number:03}": blank(1000, "RGBA") for number in range(99)})
    found = from_bytes(body, "some.zip", InputLimits(cpu_seconds=0.1))
    assert 0 < len(found.names) < 99
    assert len(found.names) + len(found.left_out) == 99
    assert "was not reached in 0.1 s" in found.left_out[0].problem
    assert found.left_out[0].hint == "Send it in another request"


@pytest.mark.parametrize("packed", [True, False])
def test_the_pictures_of_a_request_may_fill_so_much(finished: RunFolder, packed: bool) -> None:
    red = blank(512, "RGB", "red")  # 0.8 MB from 2 kB
    with serving(finished, bounds=Bounds(unpacked_mb=2)) as client:
        address = "/api/predict?model=cnn"
        if packed:
            answer = client.post(address, content=zip_of(**{f"p{n}": red for n in range(6)}))
        else:
            files = [("files", (f"p{n}.png", red)) for n in range(6)]
            answer = client.post(address, files=files)
    found = answer.json()
    assert len(found["models"][0]["answers"]) == 3
    problems = [one["problem"] for one in found["left_out"]]
    assert problems == ["was not reached: the pictures before it fill 2 MB"] * 3


def test_one_long_line_is_refused_before_it_is_split(finished: RunFolder) -> None:
    line = b",".join([b"7"] * 3_000_000)
    with serving(finished) as client:
        refused(client.post("/api/predict", content=line), 400, "too long for a table")


# -- graphs of strangers ---------------------------------------------------------------


def graph_giving(probabilities: list[float], score: float, manifest: Manifest) -> bytes:
    """A graph that gives the same answer to every picture."""
    width = manifest.embedding
    side, channels = manifest.preparation.side, manifest.preparation.channels
    values = {
        "probabilities": np.asarray([probabilities], dtype=np.float32),
        "ood_score": np.asarray([score], dtype=np.float32),
        "embedding": np.zeros((1, width), dtype=np.float32),
        "prepared": np.zeros((1, channels, side, side), dtype=np.float32),
    }
    nodes = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value))
        for name, value in values.items()
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in values]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [None] * 4)
    graph = helper.make_graph(nodes, "g", [pixels], outputs)
    opset = [helper.make_opsetid("", 18)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("probabilities", "score"),
    [
        ([np.nan, 0.5, 0.5], 1.0),
        ([np.inf, 0, 0], 1.0),
        ([-7, 7, 1], 1.0),
        ([0.9, 0.9, 0.9], 1.0),
        ([0, 0, 0], 1.0),
        ([1, 0, 0], np.nan),
        ([1, 0, 0], -np.inf),
    ],
)
def test_what_are_no_probabilities_is_refused(
    finished: RunFolder, probabilities: list[float], score: float
) -> None:
    manifest = load(finished.bundle("cnn")).manifest
    picture = np.asarray(DRAWINGS[0])[None]
    fine = Bundle(manifest, graph_giving([0.25, 0.5, 0.25], 1.0, manifest))
    assert fine.run(picture)[0].tolist() == [[0.25, 0.5, 0.25]]
    odd = Bundle(manifest, graph_giving(probabilities, score, manifest))
    with pytest.raises(BakeoffError, match="gives no probabilities"):
        odd.run(picture)


def test_a_model_that_fails_is_named_and_the_others_answer(finished: RunFolder) -> None:
    picture = png(DRAWINGS[0])
    with serving(finished) as client:
        whole = client.post("/api/predict", content=picture).json()
        assert whole["failed"] == []
    broken = load(finished.bundle("cnn"))
    broken._session = None
    before = bundles.load

    def one_broken(path: Path, **options: Any) -> Bundle:
        return broken if Path(path).name == "cnn" else before(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "load", one_broken)
        patch.setattr(Bundle, "verify", lambda _: None)
        with serving(finished) as client:
            for address in ("/api/predict", "/api/seen", "/api/explain"):
                found = client.post(address, content=picture).json()
                assert [one["model"] for one in found["models"]] == ["baseline"], address
                assert [one["model"] for one in found["failed"]] == ["cnn"]
                assert "cannot be run" in found["failed"][0]["problem"]
                refused(client.post(f"{address}?model=cnn", content=picture), 500, "cannot be run")
            refused(client.post("/api/predict?format=csv", content=picture), 503, "cnn: ")


def test_an_answer_that_takes_too_long_is_stopped(finished: RunFolder) -> None:
    bundle = load(finished.bundle("cnn"))
    manifest = bundle.manifest
    model = onnx.load_model_from_string(graph_giving([1, 0, 0], 1.0, manifest))
    matrix = onnx.numpy_helper.from_array(np.zeros((600, 600), np.float32), "matrix")
    model.graph.initializer.append(matrix)
    # The size of the picture keeps ONNX Runtime from computing it all when it loads the graph.
    nodes = [
        helper.make_node("Cast", ["pixels"], ["p"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["p"], ["brightest"], keepdims=0),
        helper.make_node("Add", ["matrix", "brightest"], ["x0"]),
    ]
    nodes += [
        helper.make_node("MatMul", ["matrix", f"x{number}"], [f"x{number + 1}"])
        for number in range(4000)
    ]
    nodes += [
        helper.make_node("ReduceMax", ["x4000"], ["top"], keepdims=0),
        helper.make_node("Mul", ["top", "zero"], ["nothing"]),
        helper.make_node("Add", ["fixed", "nothing"], ["probabilities"]),
    ]
    model.graph.node[0].output[0] = "fixed"
    model.graph.node.extend(nodes)
    zero = onnx.numpy_helper.from_array(np.zeros((), np.float32), "zero")
    model.graph.initializer.append(zero)
    slow = Bundle(manifest, model.SerializeToString(), threads=1)
    picture = np.asarray(DRAWINGS[0])[None]

    async def main() -> float:
        queue = Batcher(slow, ThreadPoolExecutor(1), waiting=9)

        async def watch() -> None:
            while True:
                await asyncio.sleep(0.05)
                queue.stop_after(0.2)

        watching = asyncio.create_task(watch())
        started = time.perf_counter()
        with pytest.raises(Problem, match="took too long and was stopped"):
            await queue.run(Pictures.from_array(picture))
        watching.cancel()
        return time.perf_counter() - started

    assert asyncio.run(main()) < 10


# -- bundles that change ----------------------------------------------------------------


def test_the_watch_survives_whatever_a_bundle_does(
    finished: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = RunFolder(Path(shutil.copytree(finished.path, tmp_path / "run")))
    before, failures = bundles.load, 0

    def odd(path: Path, **options: Any) -> Bundle:
        nonlocal failures
        if (path / "odd").exists():
            failures += 1
            raise ZeroDivisionError("odd")
        return before(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "load", odd)
        patch.setattr(models, "CHECK_EVERY", 0.05)
        with serving(run, watch=True) as client:
            manifest = run.bundle("cnn") / "bundle.json"
            (run.bundle("cnn") / "odd").touch()
            os.utime(manifest)
            wait(lambda: failures == 1)
            assert client.post("/api/predict", content=png(DRAWINGS[0])).status_code == 200
            (run.bundle("cnn") / "odd").unlink()
            text = json.loads(manifest.read_text()) | {"title": "Another"}
            manifest.write_text(json.dumps(text))
            wait(lambda: client.get("/api/models").json()[1]["title"] == "Another")
    assert "cannot be loaded" in caplog.text


def wait(until: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)
