#!/usr/bin/env bash
# skl2onnx 1.20 with the option raw_scores writes a graph of a two-class LinearSVC whose declared output
# does not fit what it computes: one column is declared, two come out.
#
# ONNX Runtime warns and goes on; runtimes that plan their memory from the declared shapes refuse the
# graph. Without the option, and with more classes, both agree.
#
# Output seen:
#   skl2onnx 1.20.0, ONNX Runtime 1.31.1
#   2 classes, raw_scores=False: declared 1, computed 1
#   2 classes, raw_scores=True: declared 1, computed 2
#   3 classes, raw_scores=False: declared 3, computed 3
#   3 classes, raw_scores=True: declared 3, computed 3
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.31.1
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
import onnxruntime
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.svm import LinearSVC

print(f"skl2onnx {version('skl2onnx')}, ONNX Runtime {version('onnxruntime')}")
onnxruntime.set_default_logger_severity(4)
pictures, digits = load_digits(return_X_y=True)
pictures = pictures.astype(np.float32)
seen = []
for classes in (2, 3):
    some = digits < classes
    model = LinearSVC().fit(pictures[some], digits[some])
    for raw in (False, True):
        proto = to_onnx(model, pictures[:1], options={id(model): {"raw_scores": raw}})
        output = proto.graph.output[-1]
        declared = output.type.tensor_type.shape.dim[1].dim_value
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        computed = session.run([output.name], {"X": pictures[:4]})[0].shape[1]
        seen.append((declared, computed))
        print(f"{classes} classes, raw_scores={raw}: declared {declared}, computed {computed}")
assert seen == [(1, 1), (1, 2), (3, 3), (3, 3)], seen
PROGRAM
