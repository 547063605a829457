"""A fixed graph as a torch module, for converters that take torch's graphs and not ONNX.

onnx2torch 1.5 stops at ReduceMax of opset 18. What is needed here is less: graphs of one size, in
which all shapes, axes and bounds are constants, and the operators that bakeoff's exporter emits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import Tensor, nn

from bakeoff.errors import BakeoffError

__all__ = ["TorchGraph"]

Attributes: TypeAlias = dict[str, Any]
Operator: TypeAlias = Callable[[list[Any], Attributes], Any]

DTYPES = {
    onnx.TensorProto.FLOAT: torch.float32,
    onnx.TensorProto.INT32: torch.int32,
    onnx.TensorProto.INT64: torch.int64,
    onnx.TensorProto.UINT8: torch.uint8,
    onnx.TensorProto.BOOL: torch.bool,
}
HALVINGS = 32  # float32 has 24 bits, and small numbers are farther down
PAD_MODES = {b"constant": "constant", b"edge": "replicate", b"reflect": "reflect"}


class TorchGraph(nn.Module):
    """What an ONNX graph computes, node by node.

    Parameters
    ----------
    graph : a graph of one size, as `fixed_graph` makes it.
    sorts : False where the target cannot sort, as LiteRT: the largest numbers are then found by
        bisection, where nobody asks for their places.

    Raises
    ------
    BakeoffError
        It has an operator that is not in the table below.
    """

    def __init__(self, graph: bytes, *, sorts: bool = True) -> None:
        super().__init__()
        model = onnx.load_model_from_string(graph)
        unknown = sorted({node.op_type for node in model.graph.node} - set(OPERATORS))
        if unknown:
            problem = f"has operators without a conversion ({', '.join(unknown)})"
            raise BakeoffError("the model's graph", problem, "Use --to onnx or --to fixed")
        (pixels,) = model.graph.input
        self.input = pixels.name
        self.shape = tuple(size.dim_value for size in pixels.type.tensor_type.shape.dim)
        self.outputs = [value.name for value in model.graph.output]
        self.steps: list[tuple[Operator, list[str], list[str], Attributes]] = []
        self.constants: dict[str, Any] = {"": None}
        self.buffers_of: dict[str, str] = {}
        for number, tensor in enumerate(model.graph.initializer):
            array = np.array(numpy_helper.to_array(tensor))
            if array.dtype.kind == "f" and array.ndim:
                name = self.buffers_of[tensor.name] = f"constant_{number}"
                self.register_buffer(name, torch.from_numpy(array))
            else:  # shapes, axes and bounds must be plain numbers where a graph is traced
                self.constants[tensor.name] = array.tolist()
        ranks = {} if sorts else _ranks(model.graph, self.constants)
        for node in model.graph.node:
            attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            attributes["outputs"] = len(node.output)
            attributes["ranks"] = ranks.get(node.output[0])
            operator = OPERATORS[node.op_type]
            self.steps.append((operator, list(node.input), list(node.output), attributes))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        values: dict[str, Any] = dict(self.constants)
        values |= {name: getattr(self, buffer) for name, buffer in self.buffers_of.items()}
        values[self.input] = pixels
        for operator, inputs, outputs, attributes in self.steps:
            results = operator([values[name] for name in inputs], attributes)
            if len(outputs) == 1:
                values[outputs[0]] = results
            else:
                values |= zip(outputs, results, strict=True)
        return tuple(values[name] for name in self.outputs)


def _ranks(graph: onnx.GraphProto, constants: dict[str, Any]) -> dict[str, list[int]]:
    """Which of the largest numbers each TopK must find, where nobody asks for their places."""
    uses: dict[str, list[bool]] = {}
    for node in graph.node:
        last = node.op_type == "Gather" and constants.get(node.input[1]) == -1
        for name in node.input:
            uses.setdefault(name, []).append(last)
    found = {}
    for node in graph.node:
        if node.op_type == "TopK" and node.output[1] not in uses:
            (count,) = constants[node.input[1]]
            only = all(uses[node.output[0]])  # the last of them is all that is used
            found[node.output[0]] = [count] if only else list(range(1, count + 1))
    return found


def _tensor(value: Any, like: Tensor) -> Tensor:
    """A constant as a tensor; tensors as they are."""
    if isinstance(value, Tensor):
        return value
    return torch.tensor(value, dtype=like.dtype if not isinstance(value, bool) else torch.bool)


def _both(inputs: Sequence[Any]) -> tuple[Tensor, Tensor]:
    first, second = inputs[:2]
    like = first if isinstance(first, Tensor) else second
    return _tensor(first, like), _tensor(second, like)


def _of_two(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    return lambda inputs, _: function(*_both(inputs))


def _of_one(function: Callable[[Tensor], Tensor]) -> Operator:
    return lambda inputs, _: function(inputs[0])


def _of_many(function: Callable[[Tensor, Tensor], Tensor]) -> Operator:
    def operator(inputs: list[Any], _: Attributes) -> Tensor:
        result: Tensor = inputs[0]
        for each in inputs[1:]:
            result = function(*_both([result, each]))
        return result

    return operator


def _divide(one: Tensor, other: Tensor) -> Tensor:
    whole = not one.is_floating_point()
    return torch.div(one, other, rounding_mode="trunc" if whole else None)


def _cast(inputs: list[Any], attributes: Attributes) -> Tensor:
    result: Tensor = inputs[0].to(DTYPES[attributes["to"]])
    return result


def _listed(value: int | list[int]) -> list[int]:
    return value if isinstance(value, list) else [value]


def _reduced(function: Callable[..., Tensor]) -> Operator:
    def operator(inputs: list[Any], attributes: Attributes) -> Tensor:
        x = inputs[0]
        axes = inputs[1] if len(inputs) > 1 else attributes.get("axes")
        axes = list(range(x.dim())) if axes is None else _listed(axes)
        return function(x, dim=axes, keepdim=bool(attributes.get("keepdims", 1)))

    return operator


def _unsqueeze(inputs: list[Any], _: Attributes) -> Tensor:
    x: Tensor = inputs[0]
    rank = x.dim() + len(_listed(inputs[1]))
    for axis in sorted(axis % rank for axis in _listed(inputs[1])):
        x = x.unsqueeze(axis)
    return x


def _squeeze(inputs: list[Any], _: Attributes) -> Tensor:
    x: Tensor = inputs[0]
    result: Tensor = x.squeeze(tuple(_listed(inputs[1]))) if len(inputs) > 1 else x.squeeze()
    return result


def _slice(inputs: list[Any], _: Attributes) -> Tensor:
    x: Tensor = inputs[0]
    starts, ends = _listed(inputs[1]), _listed(inputs[2])
    axes = _listed(inputs[3]) if len(inputs) > 3 else list(range(len(starts)))
    steps = _listed(inputs[4]) if len(inputs) > 4 else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        rows = range(*slice(start, end, step).indices(x.shape[axis]))
        if step == 1:
            x = x.narrow(axis, rows.start, len(rows))
        else:
            x = x.index_select(axis, torch.tensor(list(rows), dtype=torch.int64))
    return x


def _gather(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, index = inputs
    axis = attributes.get("axis", 0)
    if isinstance(index, int):
        result: Tensor = x.select(axis, index)
        return result
    rows = torch.as_tensor(index, dtype=torch.int64)
    flat: Tensor = x.index_select(axis, rows.flatten())
    axis %= x.dim()
    return flat.reshape(*x.shape[:axis], *rows.shape, *x.shape[axis + 1 :])


def _gather_nd(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, places = inputs[0], torch.as_tensor(inputs[1], dtype=torch.int64)
    batch = attributes.get("batch_dims", 0)
    each = [torch.arange(size) for size in x.shape[:batch]]
    rows = [
        row.view([-1 if axis == at else 1 for axis in range(places.dim() - 1)])
        for at, row in enumerate(each)
    ]
    result: Tensor = x[(*rows, *places.unbind(-1))]
    return result


def _pad(inputs: list[Any], attributes: Attributes) -> Tensor:
    x: Tensor = inputs[0]
    pads, half = inputs[1], len(inputs[1]) // 2
    pairs = [(pads[axis], pads[axis + half]) for axis in range(half)]
    while pairs and pairs[0] == (0, 0):  # torch counts from the last axis
        pairs.pop(0)
    mode = PAD_MODES[attributes.get("mode", b"constant")]
    flat = [pad for pair in reversed(pairs) for pad in pair]
    if mode == "constant":
        value = inputs[2] if len(inputs) > 2 and inputs[2] is not None else 0
        return F.pad(x, flat, mode, float(value))
    return F.pad(x, flat, mode)


def _padded(x: Tensor, attributes: Attributes, value: float = 0.0) -> tuple[Tensor, list[int]]:
    """Uneven padding as a step of its own; what is left is the same on both sides."""
    pads = attributes.get("pads") or [0, 0, 0, 0]
    half = len(pads) // 2
    if list(pads[:half]) == list(pads[half:]):
        return x, list(pads[:half])
    flat = [pad for axis in reversed(range(half)) for pad in (pads[axis], pads[axis + half])]
    return F.pad(x, flat, "constant", value), [0] * half


def _conv(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, weight, *bias = inputs
    x, padding = _padded(x, attributes)
    function = (F.conv1d, F.conv2d)[weight.dim() - 3]
    result: Tensor = function(
        x,
        weight,
        bias[0] if bias else None,
        stride=attributes.get("strides", 1),
        padding=padding,
        dilation=attributes.get("dilations", 1),
        groups=attributes.get("group", 1),
    )
    return result


def _max_pool(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, padding = _padded(inputs[0], attributes, float("-inf"))
    result: Tensor = F.max_pool2d(
        x,
        attributes["kernel_shape"],
        stride=attributes.get("strides", 1),
        padding=padding,
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )
    return result


def _average_pool(inputs: list[Any], attributes: Attributes) -> Tensor:
    return F.avg_pool2d(
        inputs[0],
        attributes["kernel_shape"],
        stride=attributes.get("strides", 1),
        padding=list(attributes.get("pads", [0, 0]))[:2],
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )


def _batch_norm(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, weight, bias, mean, variance = inputs
    epsilon = attributes.get("epsilon", 1e-5)
    return F.batch_norm(x, mean, variance, weight, bias, eps=epsilon)


def _layer_norm(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, weight, *bias = inputs
    epsilon = attributes.get("epsilon", 1e-5)
    return F.layer_norm(x, weight.shape, weight, bias[0] if bias else None, epsilon)


def _gemm(inputs: list[Any], attributes: Attributes) -> Tensor:
    a, b, *c = inputs
    a = a.T if attributes.get("transA") else a
    b = b.T if attributes.get("transB") else b
    product: Tensor = attributes.get("alpha", 1.0) * (a @ b)
    return product + attributes.get("beta", 1.0) * c[0] if c else product


def _split(inputs: list[Any], attributes: Attributes) -> Sequence[Tensor]:
    x, axis, parts = inputs[0], attributes.get("axis", 0), attributes["outputs"]
    sizes = inputs[1] if len(inputs) > 1 else -(-x.shape[axis] // parts)
    return torch.split(x, sizes, axis)


def _top_k(inputs: list[Any], attributes: Attributes) -> Sequence[Tensor]:
    x, (count,) = inputs
    axis, largest = attributes.get("axis", -1), bool(attributes.get("largest", 1))
    if attributes["ranks"] and largest and axis in (-1, x.dim() - 1):
        return [_largest(x, attributes["ranks"])] * 2  # nobody reads the second
    return torch.topk(x, count, axis, largest)


def _largest(x: Tensor, ranks: list[int]) -> Tensor:
    """The largest numbers in the last axis, by their ranks from 1 on, without sorting.

    For each, at least `rank` numbers are `low` or more, and fewer than that are `high` or more.
    The answer is the largest number below `high`, once nothing else is left between the two.
    """
    wanted = torch.tensor(ranks, dtype=x.dtype)
    each = x.unsqueeze(-1)  # …×N×1, beside …×R
    smallest, largest = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    low, high = smallest + 0 * wanted, largest + 0 * wanted
    several = (each >= high.unsqueeze(-2)).to(x.dtype).sum(-2) >= wanted  # the largest itself
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = (each >= middle.unsqueeze(-2)).to(x.dtype).sum(-2) >= wanted
        low, high = torch.where(enough, middle, low), torch.where(enough, high, middle)
    below = torch.where(each < high.unsqueeze(-2), each, smallest.unsqueeze(-1)).amax(-2)
    return torch.where(several, largest, below)


def _clip(inputs: list[Any], _: Attributes) -> Tensor:
    x, low, high = [*inputs, None, None][:3]
    result: Tensor = x.clamp(low, high)
    return result


def _where(inputs: list[Any], _: Attributes) -> Tensor:
    condition, *values = inputs
    return torch.where(condition, *_both(values))


def _pow(inputs: list[Any], _: Attributes) -> Tensor:
    base, exponent = inputs
    result: Tensor = base**exponent
    return result


def _cum_sum(inputs: list[Any], _: Attributes) -> Tensor:
    axis = inputs[1]
    return torch.cumsum(inputs[0], axis if isinstance(axis, int) else axis[0])


def _flatten(inputs: list[Any], attributes: Attributes) -> Tensor:
    x, axis = inputs[0], attributes.get("axis", 1)
    result: Tensor = x.reshape(int(np.prod(x.shape[:axis])), -1)
    return result


def _hard_sigmoid(inputs: list[Any], attributes: Attributes) -> Tensor:
    slope, height = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
    result: Tensor = (slope * inputs[0] + height).clamp(0, 1)
    return result


def _text(attributes: Attributes, name: str) -> str:
    return str(attributes.get(name, b"none").decode())


def _named() -> Iterator[tuple[str, Operator]]:
    yield "Cast", _cast
    yield "Clip", _clip
    yield "Concat", lambda inputs, how: torch.cat(inputs, how["axis"])
    yield "Conv", _conv
    yield "CumSum", _cum_sum
    yield "Div", _of_two(_divide)
    yield "Expand", lambda inputs, _: inputs[0] * torch.ones(inputs[1], dtype=inputs[0].dtype)
    yield "Flatten", _flatten
    yield "Gather", _gather
    yield "GatherND", _gather_nd
    yield "Gelu", lambda inputs, how: F.gelu(inputs[0], approximate=_text(how, "approximate"))
    yield "Gemm", _gemm
    yield "HardSigmoid", _hard_sigmoid
    yield "LeakyRelu", lambda inputs, how: F.leaky_relu(inputs[0], how.get("alpha", 0.01))
    yield "Pad", _pad
    yield "Pow", _pow
    yield "Reshape", lambda inputs, _: inputs[0].reshape(inputs[1])
    yield "Slice", _slice
    yield "Softmax", lambda inputs, how: inputs[0].softmax(how.get("axis", -1))
    yield "Split", _split
    yield "Squeeze", _squeeze
    yield "Tile", lambda inputs, _: inputs[0].repeat(inputs[1])
    yield "TopK", _top_k
    yield "Transpose", lambda inputs, how: inputs[0].permute(how["perm"])
    yield "Unsqueeze", _unsqueeze
    yield "Where", _where
    yield "BatchNormalization", _batch_norm
    yield "LayerNormalization", _layer_norm
    yield "AveragePool", _average_pool
    yield "MaxPool", _max_pool
    yield "GlobalAveragePool", lambda inputs, _: inputs[0].mean((2, 3), keepdim=True)
    yield "GlobalMaxPool", lambda inputs, _: inputs[0].amax((2, 3), keepdim=True)
    yield "Max", _of_many(torch.maximum)
    yield "Min", _of_many(torch.minimum)
    for name, many in (
        ("ReduceL1", partial(torch.linalg.vector_norm, ord=1)),
        ("ReduceL2", torch.linalg.vector_norm),
        ("ReduceMax", torch.amax),
        ("ReduceMin", torch.amin),
        ("ReduceMean", torch.mean),
        ("ReduceSum", torch.sum),
    ):
        yield name, _reduced(many)
    for name, two in (
        ("Add", torch.add),
        ("And", torch.logical_and),
        ("Equal", torch.eq),
        ("Greater", torch.gt),
        ("GreaterOrEqual", torch.ge),
        ("Less", torch.lt),
        ("LessOrEqual", torch.le),
        ("MatMul", torch.matmul),
        ("Mul", torch.mul),
        ("Or", torch.logical_or),
        ("Sub", torch.sub),
    ):
        yield name, _of_two(two)
    for name, one in (
        ("Abs", torch.abs),
        ("Ceil", torch.ceil),
        ("Cos", torch.cos),
        ("Erf", torch.erf),
        ("Exp", torch.exp),
        ("Floor", torch.floor),
        ("HardSwish", F.hardswish),
        ("Identity", torch.clone),
        ("Log", torch.log),
        ("Neg", torch.neg),
        ("Not", torch.logical_not),
        ("Reciprocal", torch.reciprocal),
        ("Relu", torch.relu),
        ("Round", torch.round),
        ("Sigmoid", torch.sigmoid),
        ("Sign", torch.sign),
        ("Sin", torch.sin),
        ("Softplus", F.softplus),
        ("Sqrt", torch.sqrt),
        ("Tanh", torch.tanh),
    ):
        yield name, _of_one(one)


OPERATORS: dict[str, Operator] = dict(_named())
