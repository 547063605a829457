#!/usr/bin/env bash
# onnxconverter-common turns a graph that begins with uint8 pixels into one that is not valid.
#
# convert_float_to_float16 (1.16.0) declares the result of Cast(uint8 → float) as float16 but leaves
# the node's `to` at float. onnx's checker refuses the result, and ONNX Runtime does not load it. The
# converter of the same name in onnxruntime.transformers.float16 changes both.
#
# Output seen:
#   onnxconverter-common 1.16.0, onnx 1.23.2, ONNX Runtime 1.32.0
#   before: loads
#   onnxconverter_common.float16: Type Error: Type (tensor(float16)) of output arg (x) of node (cast) …
#   onnxruntime.transformers.float16: loads
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxconverter-common==1.16.0 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from copy import deepcopy
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common import float16 as common
from onnxruntime.transformers import float16 as transformers

print(
    f"onnxconverter-common {version('onnxconverter-common')}, onnx {onnx.__version__}, "
    f"ONNX Runtime {onnxruntime.__version__}"
)
model = helper.make_model(
    helper.make_graph(
        [
            helper.make_node("Cast", ["pixels"], ["x"], name="cast", to=TensorProto.FLOAT),
            helper.make_node("Conv", ["x", "w"], ["y"], name="conv"),
        ],
        "graph",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 6, 6])],
        [numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")],
    ),
    opset_imports=[helper.make_opsetid("", 18)],
    ir_version=8,
)
onnx.checker.check_model(model, full_check=True)


def loads(model):
    try:
        onnxruntime.InferenceSession(model.SerializeToString())
    except Exception as error:
        return str(error).partition("FAIL : ")[2].split(" of node (cast)")[0] + " of node (cast) …"
    return "loads"


results = {
    "before": loads(model),
    "onnxconverter_common.float16": loads(common.convert_float_to_float16(deepcopy(model))),
    "onnxruntime.transformers.float16": loads(
        transformers.convert_float_to_float16(deepcopy(model))
    ),
}
for name, result in results.items():
    print(f"{name}: {result}")
first, invalid, last = results.values()
assert first == last == "loads"
assert invalid.startswith("Type Error")
PROGRAM
