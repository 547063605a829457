"""Operators of ONNX as torch computes them, each compared with ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bakeoff.bundle.torch_graph import OPERATORS, TorchGraph
from bakeoff.errors import BakeoffError

X = np.random.default_rng(0).normal(size=(1, 4, 6, 6)).astype(np.float32)
INT = np.int64
FILTERS = np.random.default_rng(1).normal(size=(2, 4, 3, 3)).astype(np.float32)
FOUR = np.array([1, 2, 3, 0.5], np.float32)

# Operator, constants after the first input, attributes.
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *((name, [], {}) for name in ("Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish")),
    *((name, [], {}) for name in ("Identity", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid")),
    *((name, [], {}) for name in ("HardSigmoid", "Sign", "Sin", "Softplus", "Tanh", "LeakyRelu")),
    ("Clip", [np.float32(-0.5), np.float32(0.5)], {}),
    ("Clip", [None, np.float32(0.5)], {}),
    ("Add", [X[:, :, :1] * 2], {}),
    ("Sub", [np.float32(2)], {}),
    ("Mul", [X], {}),
    ("Div", [np.float32(3)], {}),
    ("Pow", [np.float32(2)], {}),
    ("Max", [np.float32(0.1), X[:, ::-1] + 0.2], {}),
    ("Min", [np.float32(0.1)], {}),
    ("MatMul", [X[0, 0]], {}),
    ("Cast", [], {"to": TensorProto.INT64}),
    ("Cast", [], {"to": TensorProto.BOOL}),
    ("Flatten", [], {"axis": 2}),
    ("Reshape", [np.array([4, 36], INT)], {"allowzero": 1}),
    ("Reshape", [np.array([2, -1], INT)], {}),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}),
    ("Squeeze", [np.array([0], INT)], {}),
    ("Unsqueeze", [np.array([0, -1], INT)], {}),
    ("Expand", [np.array([3, 4, 6, 6], INT)], {}),
    ("Tile", [np.array([1, 2, 1, 3], INT)], {}),
    ("Slice", [np.array([v], INT) for v in (1, 2**62, 2, 2)], {}),
    ("Slice", [np.array([v], INT) for v in (-1, -(2**62), 3, -1)], {}),
    ("Slice", [np.array(v, INT) for v in ([0, -3], [2, -1], [1, 3])], {}),
    ("Gather", [np.int64(-1)], {"axis": 1}),
    ("Gather", [np.array([[0, 2], [3, 1]], INT)], {"axis": 1}),
    ("GatherND", [np.array([[0, 3], [0, 1]], INT)], {}),
    ("GatherND", [np.array([[[2, 1], [0, 5]]], INT)], {"batch_dims": 1}),
    ("Concat", [X], {"axis": -2}),
    ("Split", [np.array([1, 3], INT)], {"axis": 1, "outputs": 2}),
    ("Pad", [np.array([0, 0, 1, 2, 0, 0, 3, 0], INT)], {"mode": "edge"}),
    ("Pad", [np.array([0, 1, 1, 2, 0, 0, 3, 0], INT), np.float32(7)], {}),
    ("Pad", [np.array([0, 0, 1, 2, 0, 0, 3, 0], INT)], {"mode": "reflect"}),
    ("Conv", [FILTERS], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    ("Conv", [FILTERS, FOUR[:2]], {"pads": [0, 0, 1, 1]}),
    ("Conv", [FILTERS[:, :2]], {"group": 2, "dilations": [2, 2]}),
    ("MaxPool", [], {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "strides": [2, 2]}),
    ("MaxPool", [], {"kernel_shape": [4, 4], "ceil_mode": 1, "strides": [3, 3]}),
    ("AveragePool", [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 0}),
    ("AveragePool", [], {"kernel_shape": [2, 2], "strides": [2, 2], "count_include_pad": 1}),
    ("GlobalAveragePool", [], {}),
    ("GlobalMaxPool", [], {}),
    ("BatchNormalization", [FOUR, FOUR, FOUR, FOUR], {"epsilon": 0.01}),
    ("LayerNormalization", [X[0, 0, 0], X[0, 0, 1]], {"axis": -1}),
    ("Softmax", [], {"axis": 1}),
    ("CumSum", [np.int64(2)], {}),
    ("TopK", [np.array([3], INT)], {"outputs": 2}),
    *(
        (name, [np.array([2, -1], INT)], {"keepdims": keep})
        for name in ("ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum")
        for keep in (0, 1)
    ),
    *((name, [np.float32(0.1)], {}) for name in ("Greater", "GreaterOrEqual")),
    *((name, [np.float32(0.1)], {}) for name in ("Equal", "Less", "LessOrEqual")),
]


def one_node(name: str, constants: list[Any], attributes: dict[str, Any]) -> bytes:
    """A graph of one operator, then one that makes floats of what it gives."""
    attributes = dict(attributes)
    outputs = [f"y{number}" for number in range(attributes.pop("outputs", 1))]
    inputs = ["x", *("" if each is None else f"c{n}" for n, each in enumerate(constants))]
    tensors = [
        numpy_helper.from_array(np.asarray(each), f"c{n}")
        for n, each in enumerate(constants)
        if each is not None
    ]
    nodes = [helper.make_node(name, inputs, outputs, **attributes)]
    nodes += [helper.make_node("Cast", [y], [f"f{y}"], to=TensorProto.FLOAT) for y in outputs]
    opset = [helper.make_opsetid("", 20 if name == "Gelu" else 18)]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape)],
        [helper.make_tensor_value_info(f"f{y}", TensorProto.FLOAT, None) for y in outputs],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def compared(graph: bytes, x: NDArray[np.float32], *, sorts: bool = True) -> None:
    expected = onnxruntime.InferenceSession(graph).run(None, {"x": x})
    answers = TorchGraph(graph, sorts=sorts)(torch.from_numpy(x))
    for answer, right in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer.numpy(), right, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "constants", "attributes"),
    [*CASES, ("Gelu", [], {}), ("Gelu", [], {"approximate": "tanh"})],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_operator_computes_what_onnx_says(
    name: str, constants: list[Any], attributes: dict[str, Any]
) -> None:
    compared(one_node(name, constants, attributes), X)


def made_of(nodes: list[onnx.NodeProto], tensors: dict[str, Any], shape: list[int]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "several",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return data


def test_operators_of_several_inputs() -> None:
    node = helper.make_node
    logic = [
        node("Greater", ["x", "zero"], ["positive"]),
        node("Less", ["x", "half"], ["small"]),
        node("And", ["positive", "small"], ["both"]),
        node("Or", ["both", "both"], ["either"]),
        node("Not", ["either"], ["neither"]),
        node("Where", ["neither", "x", "zero"], ["z"]),
        node("Sqrt", ["squares"], ["root"]),
        node("Mul", ["z", "z"], ["squares"]),
        node("Add", ["root", "half"], ["more"]),
        node("Log", ["more"], ["y"]),
    ]
    logic[6], logic[7] = logic[7], logic[6]
    numbers = {"zero": np.float32(0), "half": np.float32(0.5)}
    compared(made_of(logic, numbers, [1, 4, 6, 6]), X)
    gemm = [node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=0.5, beta=2.0)]
    compared(made_of(gemm, {"w": X[0, 0, :3], "b": FOUR[:3]}, [4, 6]), X[0, :, 0])
    tested = {name for name, *_ in CASES} | {each.op_type for each in [*logic, *gemm]} | {"Gelu"}
    assert set(OPERATORS) <= tested


ROWS = [
    np.random.default_rng(5).normal(size=36),
    np.repeat(np.random.default_rng(6).random(6), 6),  # ties
    np.zeros(36),
    np.random.default_rng(7).random(36) * 1e-6,
    np.r_[np.zeros(30), np.random.default_rng(8).random(6)],
    np.r_[1e6, np.random.default_rng(9).random(35)],
]


@pytest.mark.parametrize("count", [1, 2, 7, 36])
@pytest.mark.parametrize("only_last", [True, False])
def test_the_largest_are_found_without_sorting(count: int, only_last: bool) -> None:
    node = helper.make_node
    nodes = [
        node("TopK", ["x", "count"], ["values", "rows"], axis=-1),
        node("Gather", ["values", "last"], ["y"], axis=1),
    ]
    if not only_last:
        nodes[1] = node("ReduceMean", ["values"], ["y"], keepdims=0)
    constants = {"count": np.array([count], INT), "last": np.int64(-1)}
    graph = made_of(nodes, constants, [1, 36])
    for row in ROWS:
        x = row.astype(np.float32)[None]
        largest = np.sort(x[0])[-count:]
        right = largest[0] if only_last else largest.mean()
        found = TorchGraph(graph, sorts=False)(torch.from_numpy(x))[0].item()
        assert np.isclose(found, right, rtol=1e-6, atol=1e-7)
        compared(graph, x)


def test_places_are_found_by_sorting() -> None:
    node = helper.make_node
    nodes = [
        node("TopK", ["x", "count"], ["values", "rows"], axis=-1),
        node("Cast", ["rows"], ["y"], to=TensorProto.FLOAT),
    ]
    graph = made_of(nodes, {"count": np.array([4], INT)}, [1, 36])
    compared(graph, ROWS[0].astype(np.float32)[None], sorts=False)


def test_an_operator_that_is_not_known_is_named() -> None:
    graph = made_of([helper.make_node("Einsum", ["x"], ["y"], equation="ij->ji")], {}, [2, 3])
    with pytest.raises(BakeoffError, match=r"operators without a conversion \(Einsum\)"):
        TorchGraph(graph)
