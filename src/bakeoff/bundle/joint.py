"""Several bundles in one graph, which computes once what they share.

Models of one run often begin alike: with the same preprocessing, and with the network that says
what is out of distribution. Five models of doodles took 9.5 ms one after the other, and 5.3 ms in
one graph (one core of a Zen 3 with other work on it), with the same answers bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

from bakeoff.bundle.graph import INPUT, OUTPUTS
from bakeoff.data.pixels import without_alpha
from bakeoff.errors import BakeoffError

__all__ = ["Joint", "joined"]

LEAST_SHARED = 0.25  # of the bytes of all graphs; with less, models side by side are faster
MOST_BYTES = 64_000_000  # of all graphs, which are in memory once more

Arrays = tuple[NDArray[np.float32], ...]


class Joint:
    """A graph that answers for several models.

    Parameters
    ----------
    graph : from `joined`.
    models : how many are in it.
    """

    def __init__(self, graph: bytes, models: int) -> None:
        self.models = models
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # more threads wait for each other longer than they help
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        self._session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._running: onnxruntime.RunOptions | None = None

    def run(self, pixels: NDArray[np.uint8]) -> Arrays:
        """The outputs of each model in turn, unchecked, for N×H×W×C pixels of uint8.

        Raises
        ------
        BakeoffError
            The graph fails, or `stop` has ended it.
        """
        running = self._running = onnxruntime.RunOptions()
        try:
            return tuple(self._session.run(None, {INPUT: without_alpha(pixels)}, running))
        except Exception as error:  # ONNX Runtime's exception types are not public
            problem = f"cannot be run together ({str(error)[:200]})"
            raise BakeoffError("the models", problem, "Ask each of them alone") from None
        finally:
            self._running = None

    def of_each(self, outputs: Arrays) -> Iterator[Arrays]:
        """Probabilities, OOD scores and embeddings of one model after the other."""
        for start in range(0, len(outputs), len(OUTPUTS)):
            yield outputs[start : start + len(OUTPUTS)]

    def stop(self) -> None:
        """End what the graph computes at this moment, from another thread."""
        if (running := self._running) is not None:
            running.terminate = True


def joined(graphs: Sequence[bytes]) -> bytes | None:
    """One graph of several, each of which `check_graph` has passed; None if that does not pay.

    Weights of the same content become one. ONNX Runtime then finds what has the same inputs, and
    computes it once.
    """
    size = sum(map(len, graphs))
    if len(graphs) < 2 or size > MOST_BYTES:
        return None
    models = [onnx.load_model_from_string(graph) for graph in graphs]
    if len({_versions(model) for model in models}) > 1:
        return None
    whole = onnx.ModelProto()
    whole.ir_version = max(model.ir_version for model in models)
    whole.opset_import.extend(models[0].opset_import)
    whole.graph.name = "joint"
    whole.graph.input.extend(models[0].graph.input)
    known: dict[tuple[object, ...], str] = {}
    for number, model in enumerate(models):
        _add(whole.graph, model.graph, f"{number}.", known)
    data: bytes = whole.SerializeToString()
    return data if len(data) <= (1 - LEAST_SHARED) * size else None


def _versions(model: onnx.ModelProto) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((opset.domain, opset.version) for opset in model.opset_import))


def _add(
    whole: onnx.GraphProto,
    graph: onnx.GraphProto,
    prefix: str,
    known: dict[tuple[object, ...], str],
) -> None:
    """Add a graph, with `prefix` before the names of what is not shared."""
    names = {INPUT: INPUT, "": ""}
    for tensor in graph.initializer:
        content = numpy_helper.to_array(tensor).tobytes()
        key = (tensor.data_type, tuple(tensor.dims), content)
        if key not in known:
            known[key] = prefix + tensor.name
            whole.initializer.add().CopyFrom(tensor)
            whole.initializer[-1].name = known[key]
        names[tensor.name] = known[key]
    for node in graph.node:
        names |= {value: prefix + value for value in node.output if value}
        whole.node.add().CopyFrom(node)
        added = whole.node[-1]
        added.name = prefix + node.name
        added.input[:] = [names[value] for value in node.input]
        added.output[:] = [names[value] for value in node.output]
    for output in graph.output[: len(OUTPUTS)]:
        whole.output.add().CopyFrom(output)
        whole.output[-1].name = names[output.name]
