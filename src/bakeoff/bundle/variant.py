"""A graph with trained weights of fewer bits: up to two times (fp16) or four times (int8) smaller.

Only weights are rounded; loading the graph converts them back to float32. So no calibration
pictures are needed, and the OOD score, a sum of many squares, keeps its scale.
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
from bakeoff.bundle.weights import in_half, with_weights
from bakeoff.data.pictures import Pictures

__all__ = ["LEAST_AGREEMENT", "Kind", "compared", "smaller"]

Kind: TypeAlias = Literal["fp16", "int8"]

LEAST_AGREEMENT = 0.999  # share of pictures with the same answer as the full graph
COMPARED = 10_000  # pictures, at most
REPEATS = 3  # timings of each graph; the fastest counts

# The modules of `Model` whose weights are rounded, as in the names of their nodes. The weights of
# preprocessing and of the OOD score enter sums over many numbers, where rounding would add up.
TRAINED = ("model.frozen", "model.network.body", "model.network.head")
LEAST_SIZE = 512  # numbers; rounding smaller tensors saves nothing


def smaller(graph: bytes, kind: Kind) -> bytes:
    """The same graph with the weights of convolutions and matrix products in `kind`.

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
    return with_weights(model, kept, [*unpacking, *model.graph.node])


def compared(full: Bundle, small: Bundle, kind: Kind, pictures: Pictures) -> VariantRecord:
    """Compare the answers, sizes and speeds of two bundles of one model."""
    rows = np.unique(np.linspace(0, len(pictures) - 1, COMPARED).astype(np.int64))
    same = 0
    taken = pictures.take(rows)
    for (_, (expected, *_)), (_, (rounded, *_)) in zip(
        full.run_all(taken), small.run_all(taken), strict=True
    ):
        same += int((expected.argmax(1) == rounded.argmax(1)).sum())
    times = [[bundle.verify().milliseconds for bundle in (full, small)] for _ in range(REPEATS)]
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
    """The rounded tensors, and the node that converts them to float32 under the old name."""
    if kind == "fp16":
        tensor, node = in_half(name, weights)
        return [tensor], node
    small = f"{name}.{kind}"
    others = tuple(other for other in range(weights.ndim) if other != axis)
    scale = np.maximum(np.abs(weights).max(axis=others, keepdims=True) / 127, 1e-12)
    rounded = np.rint(weights / scale).astype(np.int8)
    scales = f"{name}.scale"
    node = helper.make_node("DequantizeLinear", [small, scales], [name], axis=axis)
    return [
        numpy_helper.from_array(rounded, small),
        numpy_helper.from_array(scale.reshape(-1).astype(np.float32), scales),
    ], node


def _channel_axes(graph: onnx.GraphProto) -> Mapping[str, int]:
    """For each weight tensor of a trained layer, the axis of its output channels."""
    axes: dict[str, int] = {}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or not node.name.startswith(TRAINED):
            continue
        transposed = any(entry.name == "transB" and entry.i for entry in node.attribute)
        axes[node.input[1]] = 0 if node.op_type == "Conv" or transposed else 1
    return axes
