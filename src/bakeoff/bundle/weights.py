"""The weights of a graph: filled in, in half precision, written back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

__all__ = ["filled", "halved", "in_half", "with_weights"]

EYE = "model.eye."  # module whose weights come with bakeoff in half precision
LARGE = 10_000  # numbers: what the eye saw of training pictures is in half precision too


def with_weights(
    model: onnx.ModelProto, weights: Iterable[TensorProto], nodes: Iterable[NodeProto]
) -> bytes:
    """The model, which is changed, with these weights and nodes instead of its own, checked."""
    weights, nodes = list(weights), list(nodes)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(weights)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def filled(model: onnx.ModelProto, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The graph whose inputs with the names of `arrays` are weights, with these as their values."""
    graph = model.graph
    values = {each.name: arrays[each.name] for each in graph.input if each.name in arrays}
    pictures = [each for each in graph.input if each.name not in arrays]
    del graph.input[:]
    graph.input.extend(pictures)
    # Smaller weights are made of initializers, so these must reach their nodes directly.
    uses = Counter(name for node in graph.node for name in node.input)
    nodes = []
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in values and uses[node.input[0]] == 1:
            order = next(list(entry.ints) for entry in node.attribute if entry.name == "perm")
            values[node.output[0]] = values.pop(node.input[0]).transpose(order)
        else:
            nodes.append(node)
    tensors = [
        numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in values.items()
    ]
    return with_weights(model, [*graph.initializer, *tensors], nodes)


def in_half(name: str, array: NDArray[Any]) -> tuple[TensorProto, NodeProto]:
    """An array in half precision, and the node that makes it float32 under its name."""
    tensor = numpy_helper.from_array(array.astype(np.float16), f"{name}.fp16")
    return tensor, helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT)


def halved(graph: bytes) -> bytes:
    """The same graph with weights in half precision where that holds them exactly: the eye's, and
    large ones.
    """
    model = onnx.load_model_from_string(graph)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        eye = tensor.name.startswith(EYE)
        wanted = array.dtype == np.float32 and (eye or array.size >= LARGE)
        with np.errstate(over="ignore"):
            exact = wanted and np.array_equal(array.astype(np.float16), array)
        if not exact:
            kept.append(tensor)
            continue
        half, cast = in_half(tensor.name, array)
        cast.name = f"{'model.eye' if eye else 'model'}/{tensor.name}"
        kept.append(half)
        casts.append(cast)
    return with_weights(model, kept, [*casts, *model.graph.node]) if casts else graph
