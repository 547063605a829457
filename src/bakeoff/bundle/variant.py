"""A graph with its trained weights in fewer bits: smaller by up to a half or three quarters.

Weights alone are rounded, and made float32 again when the graph is loaded. So no pictures are
needed to calibrate by, and OOD score, a sum of many squares, keeps its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bakeoff.bundle.bundle import Bundle
from bakeoff.bundle.manifest import VariantRecord
from bakeoff.data.pictures import Pictures

__all__ = ["LEAST_AGREEMENT", "Kind", "compared", "smaller"]

Kind: TypeAlias = Literal["fp16", "int8"]

LEAST_AGREEMENT = 0.999  # of answers, with those of the full graph
COMPARED = 10_000  # pictures, at most
TURNS = 3  # of timing each, of which the quickest counts

# Modules of `Model` by whose names their nodes begin. The sums that prepare pixels or measure
# OOD score run over many numbers and would feel the rounding, so they stay as they are.
TRAINED = ("model.frozen", "model.network.body", "model.network.head")
LEAST_SIZE = 512  # numbers; rounding smaller tensors would save nothing


def smaller(graph: bytes, kind: Kind) -> bytes:
    """The same graph with the weights of convolutions and products in `kind`.

    fp16 is a cast; int8 is symmetric with a scale for each output channel (Krishnamoorthi,
    "Quantizing deep convolutional networks for efficient inference", 2018).
    """
    model = onnx.load_model_from_string(graph)
    channel_axes = _channel_axes(model.graph)
    kept, unpacking = [], []
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if tensor.name not in channel_axes or weights.size < LEAST_SIZE:
            kept.append(tensor)
            continue
        packed, node = _packed(tensor.name, weights, kind, channel_axes[tensor.name])
        kept += packed
        unpacking.append(node)
    nodes = [*unpacking, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def compared(full: Bundle, small: Bundle, kind: Kind, pictures: Pictures) -> VariantRecord:
    """How often both give a picture the same class, and how large and quick they are."""
    rows = np.unique(np.linspace(0, len(pictures) - 1, COMPARED).astype(np.int64))
    same = 0
    taken = pictures.take(rows)
    for (_, (wanted, *_)), (_, (given, *_)) in zip(
        full.run_all(taken), small.run_all(taken), strict=True
    ):
        same += int((wanted.argmax(1) == given.argmax(1)).sum())
    times = [[one.verify().milliseconds for one in (full, small)] for _ in range(TURNS)]
    full_ms, small_ms = np.min(times, axis=0)
    return VariantRecord(
        kind=kind,
        pictures=len(rows),
        agreement=same / len(rows),
        bytes=small.graph_bytes,
        full_bytes=full.graph_bytes,
        milliseconds=float(small_ms),
        full_milliseconds=float(full_ms),
    )


def _packed(
    name: str, weights: NDArray[np.float32], kind: Kind, axis: int
) -> tuple[list[TensorProto], onnx.NodeProto]:
    """Rounded tensors, and the node that makes float32 of them again under the old name."""
    small = f"{name}.{kind}"
    if kind == "fp16":
        node = helper.make_node("Cast", [small], [name], to=TensorProto.FLOAT)
        return [numpy_helper.from_array(weights.astype(np.float16), small)], node
    others = tuple(one for one in range(weights.ndim) if one != axis)
    scale = np.maximum(np.abs(weights).max(axis=others, keepdims=True) / 127, 1e-12)
    rounded = np.rint(weights / scale).astype(np.int8)
    scales = f"{name}.scale"
    node = helper.make_node("DequantizeLinear", [small, scales], [name], axis=axis)
    return [
        numpy_helper.from_array(rounded, small),
        numpy_helper.from_array(scale.reshape(-1).astype(np.float32), scales),
    ], node


def _channel_axes(graph: onnx.GraphProto) -> Mapping[str, int]:
    """Tensors that a trained layer is weighted by: the axis of its output channels."""
    axes: dict[str, int] = {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or not node.name.startswith(TRAINED):
            continue
        transposed = any(one.name == "transB" and one.i for one in node.attribute)
        axes[node.input[1]] = 0 if node.op_type == "Conv" or transposed else 1
    return axes
