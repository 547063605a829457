"""A model that is an ONNX graph already, in the place of a network's body."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

__all__ = ["GraphBody", "with_logits"]

LEAST = 1e-7  # probability whose logarithm is the lowest logit


class GraphBody(nn.Module):
    """What comes before, as float32 or uint8, to N×K logits, by ONNX Runtime.

    The graph has one input and one output. Its bytes are a buffer, so that they are stored with the
    weights of the other models, and are joined as they are to the graph of the bundle: what was
    scored is what ships.
    """

    graph: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("graph", torch.empty(0, dtype=torch.uint8))
        self._session: Any = None

    def set(self, graph: bytes) -> None:
        """Use this graph."""
        self.graph = torch.frombuffer(bytearray(graph), dtype=torch.uint8)
        self._session = None

    @property
    def bytes(self) -> bytes:
        """The graph as a file; empty before `set`."""
        return self.graph.cpu().numpy().tobytes()

    @property
    def without_graph(self) -> str:
        """Why there is no graph to ship; empty if there is one."""
        return ""

    @property
    def learned(self) -> int:
        """The numbers in its weights, and in the attributes of its trees."""
        if not len(self.graph):
            return 0
        graph = onnx.load_model_from_string(self.bytes).graph
        weights = sum(numpy_helper.to_array(each).size for each in graph.initializer)
        attributes = (one for node in graph.node for one in node.attribute)
        return weights + sum(len(one.floats) for one in attributes)

    def forward(self, x: Tensor) -> Tensor:
        session = self._session
        if session is None:
            session = self._session = _session(self.bytes)
        given = session.get_inputs()[0]
        array = x.detach().cpu().numpy() if x.dtype == torch.uint8 else x.detach().float().cpu()
        (answer,) = session.run(None, {given.name: np.asarray(array)})
        return torch.from_numpy(np.array(answer, dtype=np.float32)).to(x.device)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        """Graphs have any length, so there is none to compare with."""
        for name, buffer in list(self._buffers.items()):
            stored = state_dict.get(prefix + name)
            if stored is not None and buffer is not None:
                setattr(self, name, torch.empty_like(stored))
        self._session = None
        super()._load_from_state_dict(state_dict, prefix, *args)


def with_logits(
    model: onnx.ModelProto, output: str, columns: list[int], classes: int, *, shares: bool
) -> bytes:
    """A graph that ends in one output, N×K logits in the order of the classes.

    Parameters
    ----------
    model : with one input; changed.
    output : the name of its N×k output.
    columns : the class of each of its k columns. A class without one gets the lowest logit.
    shares : the output holds probabilities, not logits.
    """
    graph = model.graph
    matrix = np.zeros((len(columns), classes), dtype=np.float32)
    matrix[np.arange(len(columns)), columns] = 1
    lowest = np.where(matrix.any(axis=0), 0, 0 if shares else np.log(LEAST)).astype(np.float32)
    for name, array in (("bakeoff.class_matrix", matrix), ("bakeoff.class_bias", lowest)):
        graph.initializer.append(numpy_helper.from_array(array, name))
    graph.node.append(
        helper.make_node("MatMul", [output, "bakeoff.class_matrix"], ["bakeoff.by_class"])
    )
    graph.node.append(
        helper.make_node("Add", ["bakeoff.by_class", "bakeoff.class_bias"], ["bakeoff.of_class"])
    )
    last = "bakeoff.of_class"
    if shares:
        graph.initializer.append(
            numpy_helper.from_array(np.array(LEAST, dtype=np.float32), "bakeoff.least")
        )
        graph.node.append(helper.make_node("Max", [last, "bakeoff.least"], ["bakeoff.positive"]))
        graph.node.append(helper.make_node("Log", ["bakeoff.positive"], ["bakeoff.logits"]))
        last = "bakeoff.logits"
    del graph.output[:]
    del graph.value_info[:]  # guesses; browsers refuse a graph where they are wrong
    graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", classes]))
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _session(graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
