"""Models of a run that answer small pictures in one graph."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import onnx
import pytest

from bakeoff.bundle import joint as joint_module
from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.joint import Joint, joined
from bakeoff.bundle.outcome import checked_outcome
from bakeoff.bundle.panel import name_bundles
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.server import together as together_module
from bakeoff.server.app import create_app
from bakeoff.server.guard import LOOPBACK
from bakeoff.server.limits import Bounds, Problem
from bakeoff.server.models import Models
from bakeoff.server.runs import Runs
from bakeoff.server.together import Together

from ..strokes import strokes

pytestmark = pytest.mark.anyio
WAITING = 100  # pictures at most
DRAWINGS = strokes(6).pictures


def graphs_of(run: RunFolder) -> list[bytes]:
    return [path.joinpath("model.onnx").read_bytes() for path in name_bundles([run.path]).values()]


@pytest.fixture
def anyio_backend() -> str:
    """What the tests and fixtures that are coroutines run in."""
    return "asyncio"


@pytest.fixture
async def models(finished: RunFolder) -> AsyncIterator[Models]:
    """Both models of a run."""
    models = Models(name_bundles([finished.path]), waiting=WAITING, cores=1)
    yield models
    models.close()


async def prepared(models: Models) -> Together:
    """What answers for all of these models, once their graphs are joined."""
    models.join()
    together = models._together
    await asyncio.gather(*together._tasks)
    return together


@pytest.fixture
async def together(models: Models) -> Together:
    """What answers for them, once their graphs are joined."""
    return await prepared(models)


def test_one_graph_gives_what_each_model_gives_alone(finished: RunFolder) -> None:
    graphs = graphs_of(finished)
    whole = joined(graphs)
    assert whole is not None
    assert len(whole) < 0.75 * sum(map(len, graphs))
    joint = Joint(whole, len(graphs))
    pixels = np.stack(list(DRAWINGS))
    each = joint.of_each(joint.run(pixels))
    for path, outputs in zip(name_bundles([finished.path]).values(), each, strict=True):
        for alone, together in zip(load(path).run(pixels), outputs, strict=True):
            np.testing.assert_allclose(together, alone, atol=1e-6)


def test_graphs_that_share_little_or_differ_in_version_stay_apart(finished: RunFolder) -> None:
    one, other = graphs_of(finished)
    assert joined([one]) is None
    strange = onnx.load_model_from_string(other)
    for number, tensor in enumerate(strange.graph.initializer):
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
            values = onnx.numpy_helper.to_array(tensor)
            values = values + np.asarray(number + 1, values.dtype)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    assert joined([one, strange.SerializeToString()]) is None
    newer = onnx.load_model_from_string(other)
    newer.opset_import[0].version += 1
    assert joined([one, newer.SerializeToString()]) is None


def test_large_graphs_stay_apart(finished: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_module, "MOST_BYTES", 1000)
    assert joined(graphs_of(finished)) is None


async def test_a_drawing_is_answered_in_one_graph_a_folder_is_not(models: Models) -> None:
    one, several = Inputs(("a",), DRAWINGS[:1]), Inputs(("a", "b"), DRAWINGS[:2])
    before = await models.predict(None, one)
    together = await prepared(models)
    runs = []
    ((queue, _),) = together._queues.values()
    run = queue.bundle.run
    queue.bundle.run = lambda pixels: runs.append(len(pixels)) or run(pixels)  # type: ignore
    after = await models.predict(None, one)
    assert not any(result.together for result in before.results.values())
    assert all(result.together for result in after.results.values())
    assert len({result.milliseconds for result in after.results.values()}) == 1
    for name, result in before.results.items():
        (alone,), (joint,) = result.answers, after.results[name].answers
        assert (joint.label, joint.verdict) == (alone.label, alone.verdict)
        assert joint.probability == pytest.approx(alone.probability, abs=1e-6)
    await models.predict(["cnn"], one)
    await models.predict(None, several)
    assert runs == [1]


async def test_a_replaced_bundle_leaves_its_joint_graph(
    models: Models, together: Together, finished: RunFolder
) -> None:
    models["cnn"].bundle = load(finished.bundle("cnn"))
    bundles = {name: models[name].bundle for name in models}
    assert await together.outcomes(bundles, DRAWINGS[:1]) is None
    assert set((await models.predict(None, Inputs(("a",), DRAWINGS[:1]))).results) == set(models)


async def test_a_joint_graph_that_fails_leaves_the_answers_to_each_model(
    models: Models, together: Together
) -> None:
    ((queue, _),) = together._queues.values()

    def broken(pixels: object) -> None:
        raise BakeoffError("the models", "cannot be run together", "Ask each of them alone")

    queue.bundle.run = broken  # type: ignore[assignment]
    found = await models.predict(None, Inputs(("a",), DRAWINGS[:1]))
    assert set(found.results) == set(models)
    assert not together._queues


async def test_a_stranger_among_them_gets_no_answer_alone(
    models: Models, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(name: str, *arguments: object) -> object:
        if name == "cnn":
            raise BakeoffError(name, "its graph gives no probabilities", "Use only your own")
        return checked_outcome(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(together_module, "checked_outcome", refused)
    found = await models.predict(None, Inputs(("a",), DRAWINGS[:1]))
    assert set(found.results) == {"baseline"}
    assert [one.model for one in found.failed] == ["cnn"]


async def test_a_file_that_was_replaced_is_not_joined(models: Models) -> None:
    swapped = dict.fromkeys(models, models.paths["baseline"])
    bundles: dict[str, Bundle] = {name: models[name].bundle for name in models}
    together = Together(waiting=WAITING)
    together.prepare(bundles, swapped)
    await asyncio.gather(*together._tasks)
    assert await together.outcomes(bundles, DRAWINGS[:1]) is None


async def test_a_full_queue_is_refused(models: Models, together: Together) -> None:
    ((queue, _),) = together._queues.values()
    queue.waiting = WAITING
    with pytest.raises(Problem, match="in the queue already"):
        await models.predict(None, Inputs(("a",), DRAWINGS[:1]))


async def test_a_large_picture_is_left_to_each_model(models: Models, together: Together) -> None:
    bundles = {name: models[name].bundle for name in models}
    large = Pictures.from_array(np.zeros((1, 300, 300), dtype=np.uint8))
    assert await together.outcomes(bundles, large) is None


async def test_the_server_joins_the_models_that_it_is_given(models: Models) -> None:
    app = create_app(models, Runs([], None), bounds=Bounds(), hosts=LOOPBACK)
    async with app.router.lifespan_context(app):
        await asyncio.gather(*models._together._tasks)
        assert len(models._together._queues) == 1
