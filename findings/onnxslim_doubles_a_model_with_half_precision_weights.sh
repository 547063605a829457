#!/usr/bin/env bash
# onnxslim makes a model twice as large whose weights are in half precision.
#
# A common way to ship a small model that computes in single precision is to store its weights in
# half and to cast them in the graph. onnxslim takes such a cast for a constant and stores what comes
# of it. It reports fewer operators, and writes a larger file; the answers are the same.
#
# Output seen:
#   onnxslim 0.1.98: 2 operators and 2.0 MB become 1 and 4.0 MB, same answers: True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import onnxslim
from onnx import TensorProto, helper, numpy_helper

weights = np.random.default_rng(0).normal(size=(1000, 1000)).astype(np.float16)
graph = helper.make_graph(
    [
        helper.make_node("Cast", ["half"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "weights"], ["y"]),
    ],
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1000])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1000])],
    [numpy_helper.from_array(weights, "half")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
onnx.checker.check_model(model)
slim = onnxslim.slim(model)
sizes = [len(one.SerializeToString()) / 1e6 for one in (model, slim)]
x = {"x": np.ones((2, 1000), np.float32)}
before, after = (
    onnxruntime.InferenceSession(one.SerializeToString()).run(None, x)[0] for one in (model, slim)
)
same = np.array_equal(before, after)
counts = [len(one.graph.node) for one in (model, slim)]
print(f"onnxslim {version('onnxslim')}: {counts[0]} operators and {sizes[0]:.1f} MB", end=" ")
print(f"become {counts[1]} and {sizes[1]:.1f} MB, same answers: {same}")
assert same and sizes[1] > 1.9 * sizes[0]
PROGRAM
