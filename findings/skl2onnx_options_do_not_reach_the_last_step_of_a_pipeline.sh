#!/usr/bin/env bash
# skl2onnx 1.20 converts a pipeline of a scaler and a two-class SVC with its scores the wrong way round:
# the option raw_scores, given for the pipeline, does not reach its last step.
#
# Given for a bare SVC, raw_scores makes the graph return decision_function (both columns: -s and s).
# Given for make_pipeline(StandardScaler(), SVC()), the conversion succeeds and the second column is
# neither decision_function nor a probability of the second class: it falls where decision_function
# rises. Labels are right, so only somebody who uses the scores notices. Options that are keyed by the
# step itself (options={id(pipeline[-1]): {"raw_scores": True}}) reach it.
#
# Output seen, the rank correlation of the second column with decision_function:
#   skl2onnx 1.20.0, scikit-learn 1.9.1
#   SVC alone, options of the SVC                 +1.00
#   pipeline, options of the pipeline             -1.00
#   pipeline, options of its last step            +1.00
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
from scipy.stats import spearmanr
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

print(f"skl2onnx {version('skl2onnx')}, scikit-learn {version('scikit-learn')}")
pictures, digits = load_digits(return_X_y=True)
two = np.isin(digits, (3, 8))
pictures, digits = pictures[two].astype(np.float32), digits[two]


def correlation(model, options):
    graph = to_onnx(model, pictures[:1], options=options).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    labels, scores = session.run(None, {"X": pictures})
    assert (labels == model.predict(pictures)).mean() > 0.99
    scores = np.asarray([list(row.values()) if isinstance(row, dict) else row for row in scores])
    return float(spearmanr(scores[:, 1], model.decision_function(pictures)).statistic)


bare = SVC().fit(pictures, digits)
whole = make_pipeline(StandardScaler(), SVC()).fit(pictures, digits)
last = whole.steps[-1][1]
raw = {"raw_scores": True, "zipmap": False}
seen = {
    "SVC alone, options of the SVC": correlation(bare, {id(bare): raw}),
    "pipeline, options of the pipeline": correlation(whole, {id(whole): raw}),
    "pipeline, options of its last step": correlation(whole, {id(last): raw}),
}
for what, value in seen.items():
    print(f"{what:<45} {value:+.2f}")
assert [round(value) for value in seen.values()] == [1, -1, 1], seen
PROGRAM
