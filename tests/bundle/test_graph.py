"""Untrusted graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED, check_graph
from bakeoff.errors import BakeoffError


def graph(nodes: Sequence[onnx.NodeProto] = ()) -> onnx.ModelProto:
    """A graph from pixels to four outputs, with further nodes."""
    names = (*OUTPUTS, PREPARED)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in names
    ]
    pixels = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [None] * 4)
    ends = [helper.make_node("Cast", [INPUT], [name], to=TensorProto.FLOAT) for name in names]
    weight = numpy_helper.from_array(np.ones(3, dtype=np.float32), "weight")
    made = helper.make_graph([*nodes, *ends], "g", [pixels], outputs, [weight])
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(made, opset_imports=opsets)


def custom_operator() -> onnx.ModelProto:
    return graph([helper.make_node("Evil", ["weight"], ["x"], domain="com.example")])


def unlisted_operator() -> onnx.ModelProto:
    return graph([helper.make_node("StringNormalizer", ["weight"], ["x"])])


def microsoft_operator() -> onnx.ModelProto:
    return graph([helper.make_node("Tokenizer", ["weight"], ["x"], domain="com.microsoft")])


def external_weights() -> onnx.ModelProto:
    """CVE-2024-27318: weights that name another file, such as one in a parent folder."""
    model = graph()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return model


def external_constant() -> onnx.ModelProto:
    tensor = external_weights().graph.initializer[0]
    return graph([helper.make_node("Constant", [], ["x"], value=tensor)])


def graph_within() -> onnx.ModelProto:
    inner = graph().graph
    return graph([helper.make_node("Identity", ["weight"], ["x"], body=inner)])


def own_function() -> onnx.ModelProto:
    model = graph()
    model.functions.append(
        helper.make_function("f", "F", ["a"], ["b"], [], [helper.make_opsetid("", 20)])
    )
    return model


def sparse_weights() -> onnx.ModelProto:
    model = graph()
    values = numpy_helper.from_array(np.ones(1, dtype=np.float32), "v")
    places = numpy_helper.from_array(np.zeros(1, dtype=np.int64), "i")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [9]))
    return model


def two_inputs() -> onnx.ModelProto:
    model = graph()
    model.graph.input.append(helper.make_tensor_value_info("path", TensorProto.STRING, [1]))
    return model


def other_outputs() -> onnx.ModelProto:
    model = graph()
    del model.graph.output[1:]
    return model


def too_many_nodes() -> onnx.ModelProto:
    return graph([helper.make_node("Abs", ["weight"], [f"x{n}"]) for n in range(20_001)])


def test_a_graph_that_only_computes_may_run() -> None:
    check_graph(graph().SerializeToString(), "model.onnx")


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (custom_operator, r"the operator com\.example\.Evil"),
        (unlisted_operator, "the operator StringNormalizer"),
        (microsoft_operator, r"the operator com\.microsoft\.Tokenizer"),
        (external_weights, "weights in another file"),
        (external_constant, "weights in another file"),
        (graph_within, "contains a subgraph"),
        (own_function, "functions of its own"),
        (sparse_weights, "sparse weights"),
        (two_inputs, "has other inputs than pixels"),
        (other_outputs, "has other outputs than probabilities"),
        (too_many_nodes, "more than 20000 nodes"),
    ],
)
def test_a_graph_that_could_do_more_is_refused(
    made: Callable[[], onnx.ModelProto], problem: str
) -> None:
    with pytest.raises(BakeoffError, match=problem) as refused:
        check_graph(made().SerializeToString(), "model.onnx")
    assert "so bakeoff does not run it" in str(refused.value)


def test_a_graph_without_the_network_input_must_be_exported_again() -> None:
    model = graph()
    del model.graph.output[len(OUTPUTS) :]
    with pytest.raises(BakeoffError, match="from an older version") as refused:
        check_graph(model.SerializeToString(), "cnn/model.onnx")
    assert refused.value.hint == "Export it again with bakeoff export"


@given(st.binary(max_size=300))
def test_bytes_that_are_no_graph_are_refused(data: bytes) -> None:
    with pytest.raises(BakeoffError, match=r"model\.onnx"):
        check_graph(data, "model.onnx")
