"""A bundle's graph for pictures of one size, which old converters and small runtimes need."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import GraphProto, numpy_helper
from PIL import Image

__all__ = ["fixed_graph", "fixed_pictures", "fixed_shape"]


def fixed_shape(graph: bytes) -> tuple[int, int, int]:
    """Height, width and channels of the network's own input, which is where nothing is lost."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    prepared = session.run(["prepared"], {"pixels": np.zeros((1, 28, 28, 1), np.uint8)})[0]
    _, channels, height, width = prepared.shape
    return height, width, channels


def fixed_graph(graph: bytes, shape: tuple[int, int, int]) -> bytes:
    """The same graph for one picture of this shape; what follows from the shape is folded."""
    model = onnx.load_model_from_string(graph)
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    for dimension, size in zip(dimensions, (1, *shape), strict=True):
        dimension.Clear()
        dimension.dim_value = size
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    options = onnxruntime.SessionOptions()
    # Its basic level folds constants and keeps to the standard operators.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        path = Path(scratch, "fixed.onnx")
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        folded = onnx.load(path)
    del folded.opset_import[1:], folded.graph.value_info[:]
    _halve_first(folded.graph)
    folded = onnx.shape_inference.infer_shapes(folded)
    onnx.checker.check_model(folded)
    data: bytes = folded.SerializeToString(deterministic=True)
    return data


def _halve_first(graph: GraphProto) -> None:
    """Compute each GELU as (x · ½) · (1 + erf) instead of x · (½ · (1 + erf)), to the same bits.

    OpenCV 5.0 joins the nodes of the second form into one of its own, which fails.
    """
    halves = {
        tensor.name
        for tensor in graph.initializer
        if np.array_equal(numpy_helper.to_array(tensor).ravel(), [0.5])
    }
    made_by = {node.output[0]: node for node in graph.node}
    uses = Counter(name for node in graph.node for name in node.input)

    def operator(name: str) -> str:
        return made_by[name].op_type if name in made_by else ""

    for outer in graph.node:
        for x, name in permutations(outer.input) if outer.op_type == "Mul" else ():
            if operator(name) != "Mul" or uses[name] > 1:
                continue
            factors = made_by[name].input
            for half, rest in permutations(factors):
                adds = half in halves and operator(rest) == "Add"
                if adds and "Erf" in map(operator, made_by[rest].input):
                    factors[:] = [x, half]
                    outer.input[:] = [name, rest]
                    break


def fixed_pictures(
    pictures: list[NDArray[np.uint8]], shape: tuple[int, int, int]
) -> list[NDArray[np.uint8]]:
    """Pictures in the one size, H×W×C each."""
    height, width, channels = shape
    resized = []
    for picture in pictures:
        image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
        image = image.convert("RGB" if channels == 3 else "L")
        array = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        resized.append(array.reshape(shape))
    return resized
