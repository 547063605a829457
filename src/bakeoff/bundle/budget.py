"""How much memory and arithmetic an untrusted graph may ask for, found without running it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from bakeoff.bundle import classical
from bakeoff.errors import BakeoffError

__all__ = ["check_cost"]

PICTURE = (1, 512, 512, 3)  # no picture that is decoded is larger
MAX_VALUES = 200_000_000  # in one tensor: 0.8 GB of float32
MAX_ALL_VALUES = 2_000_000_000
MAX_PRODUCTS = 1_000_000_000_000  # multiply-adds for one picture: half a minute
# Their output is never larger than their inputs together, so its size need not be known.
NEVER_LARGER = frozenset(
    {"Cast", "Clip", "Concat", "Flatten", "Identity", "Relu"}
    | {"Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
)

# Arithmetic on sizes.
ARITHMETIC = frozenset(
    {"Add", "Cast", "Ceil", "Concat", "Constant", "Div", "Equal", "Floor", "Gather", "Greater"}
    | {"Less", "Max", "Min", "Mod", "Mul", "Neg", "Reshape", "Slice", "Squeeze", "Sub"}
    | {"Unsqueeze", "Where"}
)
FEW = 64  # numbers of a tensor that holds sizes
ROUNDS = 5  # each may settle sizes that the next one needs

Shape = tuple[int, ...]


def check_cost(model: onnx.ModelProto, name: str) -> None:
    """Refuse a graph whose tensors would fill memory, or that would compute for minutes.

    ONNX's shape inference gives the shape of every tensor for one picture of the largest size.

    Parameters
    ----------
    model : of which `check_graph` knows that its operators are harmless; left as it is.
    name : of its file, for error messages.

    Raises
    ------
    BakeoffError
        It would take too much, or how much cannot be known.
    """
    shapes = _shapes(model, name)
    total, products = 0, 0
    for node in model.graph.node:
        given = [shapes[value] for value in node.input if value in shapes]
        for value in node.output:
            if not value:  # an output that is left out
                continue
            if value not in shapes:
                if node.op_type not in NEVER_LARGER:
                    raise _refused(name, f"has a {node.op_type} whose size cannot be known")
                shapes[value] = (sum(map(math.prod, given)),)  # at most
            size = math.prod(shapes[value])
            if size > MAX_VALUES:
                raise _refused(name, f"has a {node.op_type} of {size / 1e6:,.0f} million numbers")
            total += size
        products += _products(node, shapes)
    if total > MAX_ALL_VALUES:
        raise _refused(name, f"computes {total / 1e6:,.0f} million numbers for one picture")
    if products > MAX_PRODUCTS:
        raise _refused(name, f"needs {products / 1e9:,.0f} billion multiplications for one picture")


def _shapes(model: onnx.ModelProto, name: str) -> dict[str, Shape]:
    """The shapes that can be known, by name of the tensor."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    del graph.value_info[:]  # what a stranger claims
    for tensor in graph.initializer:
        if math.prod(tensor.dims) > FEW:  # whose shape says enough
            tensor.CopyFrom(
                onnx.TensorProto(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
            )
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    shape = graph.input[0].type.tensor_type.shape
    if len(shape.dim) != len(PICTURE):
        raise _refused(name, "has an input that is not a picture")
    for dimension, size in zip(shape.dim, PICTURE, strict=True):
        dimension.Clear()
        dimension.dim_value = size
    found: dict[str, Shape] = {}
    for _ in range(ROUNDS):
        before = len(found)
        try:
            found = _inferred(copy)
        except Exception:  # its exception types are not public
            raise _refused(name, "contradicts itself") from None
        if len(found) == before:
            break
        _settle(graph, found)
    return found


def _inferred(model: onnx.ModelProto) -> dict[str, Shape]:
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    found = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        if tensor.HasField("shape") and all(one.HasField("dim_value") for one in tensor.shape.dim):
            found[value.name] = tuple(one.dim_value for one in tensor.shape.dim)
    return found


def _settle(graph: onnx.GraphProto, shapes: Mapping[str, Shape]) -> None:
    """Compute sizes from known sizes, which shape inference then goes on with.

    It does not itself follow all arithmetic on sizes, and never a Range.
    """
    known = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if math.prod(tensor.dims) <= FEW
    }
    described = {value.name for value in graph.value_info}
    for node in list(graph.node):
        output = node.output[0]
        if node.op_type == "Shape" and node.input[0] in shapes:
            sides = {one.name: one.i for one in node.attribute}
            wanted = slice(sides.get("start", 0), sides.get("end"))
            value = np.asarray(shapes[node.input[0]][wanted], dtype=np.int64)
        elif node.op_type in ARITHMETIC and all(one in known or not one for one in node.input):
            given = {one: known[one] for one in node.input if one}
            outputs: Any = ReferenceEvaluator(node).run(None, given)
            value = np.asarray(outputs[0])
        elif node.op_type == "Range" and all(one in known for one in node.input):
            start, end, step = (float(known[one].item()) for one in node.input)
            if output not in described and step:
                length = max(0, math.ceil((end - start) / step))
                kind = helper.np_dtype_to_tensor_dtype(known[node.input[0]].dtype)
                graph.value_info.append(helper.make_tensor_value_info(output, kind, [length]))
            continue
        elif node.domain == classical.DOMAIN:
            outputs = zip(node.output, classical.sizes(node, shapes), strict=False)
            graph.value_info.extend(
                helper.make_tensor_value_info(name, kind, shape)
                for name, (kind, shape) in outputs
                if name and name not in described
            )
            continue
        else:
            continue
        if value.size <= FEW:
            known[output] = value
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), output))
            graph.node.remove(node)


def _products(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Multiply-adds of a node, from the shapes of its inputs and output."""
    operands: Sequence[Shape] = [shapes.get(value, ()) for value in node.input]
    outputs = math.prod(shapes.get(node.output[0], (0,)))
    if node.domain == classical.DOMAIN:
        return outputs + classical.products(node, operands[0][0] if operands[0] else 1)
    if node.op_type in ("Conv", "ConvInteger"):
        return outputs * math.prod(operands[1][1:])
    if node.op_type == "QLinearConv":
        return outputs * math.prod(operands[3][1:])
    if node.op_type in ("MatMul", "MatMulInteger", "QLinearMatMul"):
        return outputs * (operands[0][-1] if operands[0] else 1)
    if node.op_type == "Gemm":
        return outputs * min(operands[0], default=1)
    if node.op_type == "Einsum":  # at most: every index is in one of the operands
        return math.prod(math.prod(shape) for shape in operands)
    return outputs


def _refused(name: str, problem: str) -> BakeoffError:
    return BakeoffError(
        name,
        f"{problem}, so bakeoff does not run it",
        "Use only bundles made by bakeoff, from people you trust",
    )
