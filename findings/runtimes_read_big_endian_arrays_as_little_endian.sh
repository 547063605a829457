#!/usr/bin/env bash
# ONNX Runtime and tract take NumPy arrays of big-endian numbers and read their bytes the other way.
#
# IDX files, such as MNIST's and QMNIST's labels, hold big-endian numbers, and np.frombuffer(data,
# ">f4") or idx2numpy give arrays that NumPy computes with correctly. Passed to a session (1.32.0) or
# to tract's runnable (0.23.9), 1.0 arrives as 4.6e-41; nothing is raised. `.astype("f4")` helps.
#
# Output seen:
#   onnxruntime 1.32.0, tract 0.23.9
#   given [1. 2. 3.] as >f4
#   onnxruntime answers [4.6006e-41 8.9683e-44 2.3049e-41]
#   tract answers [4.6006e-41 8.9683e-44 2.3049e-41]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 tract==0.23.9 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
import tract
from onnx import TensorProto, helper

print(f"onnxruntime {onnxruntime.__version__}, tract {version('tract')}")
value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in "xy"]
same = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", value[:1], value[1:])
model = helper.make_model(same, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
onnx.save(model, "same.onnx")
session = onnxruntime.InferenceSession("same.onnx")
runnable = tract.onnx().load("same.onnx").into_model().into_runnable()
numbers = np.array([1, 2, 3], ">f4")
swapped = numbers.view("<f4")
print("given", numbers, "as", numbers.dtype.str)
for name, answer in (
    ("onnxruntime", lambda x: session.run(None, {"x": x})[0]),
    ("tract", lambda x: runnable.run([x])[0].to_numpy()),
):
    print(name, "answers", answer(numbers))
    assert np.array_equal(answer(numbers), swapped)
    assert np.array_equal(answer(numbers.astype("f4")), [1, 2, 3])
PROGRAM
