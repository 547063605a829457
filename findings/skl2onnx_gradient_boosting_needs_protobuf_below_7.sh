#!/usr/bin/env bash
# skl2onnx 1.20 cannot convert HistGradientBoostingClassifier beside protobuf 7, which its newest
# requirements admit.
#
# It passes the booleans of NumPy that mark missing values on to onnx.helper.make_node as an attribute
# of integers, and protobuf 7 takes no booleans there. Other trees convert: theirs are Python numbers.
#
# Output seen:
#   skl2onnx 1.20.0, onnx 1.23.2, protobuf 7.36.2
#   RandomForestClassifier converts
#   HistGradientBoostingClassifier: Field onnx.AttributeProto.ints: Expected an int, got a boolean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 protobuf==7.36.2
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

print(", ".join(f"{name} {version(name)}" for name in ("skl2onnx", "onnx", "protobuf")))
pictures, digits = load_digits(return_X_y=True)
pictures = pictures.astype(np.float32)
seen = {}
for kind in (RandomForestClassifier, HistGradientBoostingClassifier):
    model = kind(random_state=0).fit(pictures[:300], digits[:300])
    try:
        to_onnx(model, pictures[:1])
    except Exception as error:
        seen[kind.__name__] = f": {error.__cause__ or error.__context__}"
    else:
        seen[kind.__name__] = " converts"
for name, what in seen.items():
    print(name + what)
assert seen["RandomForestClassifier"] == " converts"
assert seen["HistGradientBoostingClassifier"].endswith("Expected an int, got a boolean.")
PROGRAM
