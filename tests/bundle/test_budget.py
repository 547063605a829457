"""Graphs that would fill memory, compute for minutes, or whose cost cannot be known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bakeoff.bundle.graph import check_graph
from bakeoff.errors import BakeoffError

from .test_graph import graph


def with_weights(*nodes: onnx.NodeProto, **weights: np.ndarray) -> onnx.ModelProto:
    """A graph with further nodes and weights."""
    model = graph(nodes)
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in weights.items()
    )
    return model


def constant_fill() -> onnx.ModelProto:
    """40 GB from a few bytes."""
    fill = helper.make_node("ConstantOfShape", ["sides"], ["x"])
    return with_weights(fill, sides=np.array([100_000, 100_000]))


def expanded() -> onnx.ModelProto:
    return with_weights(
        helper.make_node("Expand", ["weight", "sides"], ["x"]), sides=np.array([10**9, 3])
    )


def enlarged() -> onnx.ModelProto:
    scales = np.array([1, 64, 64, 64], dtype=np.float32)
    return with_weights(helper.make_node("Resize", ["pixels", "", "scales"], ["x"]), scales=scales)


def tiled() -> onnx.ModelProto:
    return with_weights(
        helper.make_node("Tile", ["weight", "times"], ["x"]), times=np.array([10**8])
    )


def broadcast() -> onnx.ModelProto:
    """Every number of one axis with every number of another."""
    tall, wide = np.zeros((20_000, 1), np.float32), np.zeros((1, 20_000), np.float32)
    return with_weights(helper.make_node("Add", ["tall", "wide"], ["x"]), tall=tall, wide=wide)


def matrix_chain() -> onnx.ModelProto:
    """Minutes from 4 MB: each product has a billion multiplications."""
    nodes = [
        helper.make_node("MatMul", ["matrix", f"x{n}" if n else "matrix"], [f"x{n + 1}"])
        for n in range(1500)
    ]
    return with_weights(*nodes, matrix=np.zeros((1000, 1000), np.float32))


def many_tensors() -> onnx.ModelProto:
    nodes = [helper.make_node("Tile", ["weight", "times"], [f"x{n}"]) for n in range(40)]
    return with_weights(*nodes, times=np.array([3 * 10**7]))


def wide_convolutions() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["pixels"], ["p"], to=TensorProto.FLOAT),
        helper.make_node("ConstantOfShape", ["sides"], ["kernel"]),
        *(
            helper.make_node("Conv", ["p", "kernel"], [f"x{n}"], auto_pad="SAME_UPPER")
            for n in range(8)
        ),
    ]
    return with_weights(*nodes, sides=np.array([64, 512, 60, 60]))


def size_from_pixels() -> onnx.ModelProto:
    """As large as the pixels say."""
    nodes = [
        helper.make_node("ReduceSum", ["pixels"], ["brightness"], keepdims=0),
        helper.make_node("Cast", ["brightness"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["whole", "one"], ["sides"]),
        helper.make_node("ConstantOfShape", ["sides"], ["x"]),
    ]
    model = with_weights(*nodes, one=np.array([1]))
    model.graph.node[0].input[0] = "p"
    cast = helper.make_node("Cast", ["pixels"], ["p"], to=TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    return model


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (constant_fill, "ConstantOfShape of 10,000 million numbers"),
        (expanded, "Expand of 3,000 million"),
        (enlarged, "Resize of "),
        (tiled, "Tile of 300 million"),
        (broadcast, "Add of 400 million"),
        (matrix_chain, "1,5.. billion multiplications"),
        (many_tensors, "3,60. million numbers for one picture"),
        (wide_convolutions, "1,4.. billion multiplications"),
        (size_from_pixels, "a ConstantOfShape whose size cannot be known"),
    ],
)
def test_a_graph_that_would_take_too_much_is_refused(
    made: Callable[[], onnx.ModelProto], problem: str
) -> None:
    with pytest.raises(BakeoffError, match=problem) as refused:
        check_graph(made().SerializeToString(), "model.onnx")
    assert "so bakeoff does not run it" in str(refused.value)


def test_what_a_stranger_says_about_shapes_does_not_count() -> None:
    model = constant_fill()
    claim = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1])
    model.graph.value_info.append(claim)
    with pytest.raises(BakeoffError, match=r"ConstantOfShape of|contradicts itself"):
        check_graph(model.SerializeToString(), "model.onnx")


def test_a_chain_that_ends_in_seconds_may_run() -> None:
    model = matrix_chain()
    del model.graph.node[100:1500]
    check_graph(model.SerializeToString(), "model.onnx")
