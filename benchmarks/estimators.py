"""scikit-learn's classifiers as graphs: which convert, and what ONNX Runtime Web makes of them.

    python benchmarks/estimators.py > benchmarks/estimators.txt

Each is fitted on 300 pictures of scikit-learn's digits (600 of ten classes), 64 numbers in 0…1. Its
graph answers up to 300 others in Python and, one by one, in the WebAssembly that pages use, run by
Node. Needs node and web/node_modules.
"""

from __future__ import annotations

import json
import subprocess
import warnings
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import skl2onnx
import sklearn
import torch
from sklearn import (
    calibration,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    gaussian_process,
    linear_model,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)
from sklearn.base import clone
from sklearn.datasets import load_digits

from bakeoff.approaches.own_estimator import EstimatorBody
from bakeoff.errors import BakeoffError

MODULES = Path(__file__).resolve().parents[1] / "web/node_modules"
CLASSES = (2, 3, 10)

lr, nb, machine = linear_model.LogisticRegression(), naive_bayes.GaussianNB(), svm.SVC()
boosted = ensemble.HistGradientBoostingClassifier(max_iter=10)
scale = preprocessing.StandardScaler()
bins = preprocessing.KBinsDiscretizer
after = pipeline.make_pipeline
soft = partial(ensemble.VotingClassifier, [("lr", lr), ("nb", nb)], voting="soft")
ESTIMATORS: tuple[Any, ...] = (
    lr,
    linear_model.LogisticRegressionCV(),
    linear_model.RidgeClassifier(),
    linear_model.SGDClassifier(),
    linear_model.SGDClassifier(loss="log_loss"),
    linear_model.Perceptron(),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.1),
    svm.LinearSVC(),
    machine,
    svm.SVC(kernel="linear"),
    svm.SVC(kernel="poly"),
    svm.SVC(kernel="sigmoid"),
    svm.NuSVC(nu=0.1),
    tree.DecisionTreeClassifier(),
    tree.ExtraTreeClassifier(),
    ensemble.RandomForestClassifier(),
    ensemble.ExtraTreesClassifier(),
    ensemble.AdaBoostClassifier(),
    ensemble.GradientBoostingClassifier(n_estimators=20),
    boosted,
    ensemble.BaggingClassifier(),
    ensemble.BaggingClassifier(machine, n_estimators=3),
    nb,
    naive_bayes.MultinomialNB(),
    naive_bayes.ComplementNB(),
    naive_bayes.BernoulliNB(),
    neural_network.MLPClassifier((32,), max_iter=50),
    neural_network.MLPClassifier((32,), activation="tanh", max_iter=50),
    calibration.CalibratedClassifierCV(svm.LinearSVC()),
    calibration.CalibratedClassifierCV(machine),
    calibration.CalibratedClassifierCV(svm.LinearSVC(), method="isotonic"),
    multiclass.OneVsRestClassifier(machine),
    multiclass.OneVsOneClassifier(machine),
    ensemble.StackingClassifier([("lr", lr), ("boosted", boosted)]),
    soft(),
    soft(flatten_transform=False),
    model_selection.GridSearchCV(after(scale, machine), {"svc__C": [1, 3]}, cv=2),
    after(scale, machine),
    after(scale, after(decomposition.PCA(20), machine)),
    after(scale, svm.LinearSVC()),
    after(scale, boosted),
    after(preprocessing.MinMaxScaler(), lr),
    after(preprocessing.RobustScaler(), lr),
    after(preprocessing.MaxAbsScaler(), lr),
    after(preprocessing.Normalizer(), lr),
    after(preprocessing.QuantileTransformer(n_quantiles=50), lr),
    after(preprocessing.PowerTransformer(), lr),
    after(decomposition.PCA(8, whiten=True), preprocessing.PolynomialFeatures(2), lr),
    after(feature_selection.SelectKBest(k=20), lr),
    after(feature_selection.VarianceThreshold(), lr),
    after(bins(), lr),
    after(bins(encode="onehot-dense"), lr),
    after(bins(encode="ordinal"), lr),
    neighbors.KNeighborsClassifier(),
    neighbors.NearestCentroid(),
    gaussian_process.GaussianProcessClassifier(),
    semi_supervised.LabelSpreading(),
)

# Runs [graph, numbers] pairs; prints the probabilities of each, or why it does not run.
IN_NODE = """
import * as ort from "onnxruntime-web/wasm";
import { readFileSync } from "node:fs";
ort.env.wasm.numThreads = 1;
for (const name of JSON.parse(readFileSync("names.json"))) {
  try {
    const session = await ort.InferenceSession.create(readFileSync(`${name}.onnx`));
    const numbers = new Float32Array(new Uint8Array(readFileSync(`${name}.x`)).buffer);
    const logits = [];
    for (let at = 0; at < numbers.length; at += 64) {
      const given = new ort.Tensor("float32", numbers.slice(at, at + 64), [1, 64]);
      const answer = await session.run({ [session.inputNames[0]]: given });
      logits.push([...answer[session.outputNames[0]].data]);
    }
    console.log(JSON.stringify({ logits }));
    await session.release();
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.message ?? error).slice(0, 100) }));
  }
}
"""


def main() -> None:
    """Fit, convert and compare everything; a row for each estimator."""
    warnings.simplefilter("ignore")
    print(
        f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}, onnxruntime "
        f"{onnxruntime.__version__}\n\nThe largest difference of a probability between Python and "
        "ONNX Runtime Web.\n\n| estimator | 2 classes | 3 classes | 10 classes |\n|---|---|---|---|"
    )
    with TemporaryDirectory() as folder:
        cells = [converted(Path(folder), *each) for each in pairs()]
        answers = iter(in_node(Path(folder)))
        for number, estimator in enumerate(ESTIMATORS):
            row = [compared(cells[number * len(CLASSES) + k], answers) for k in range(len(CLASSES))]
            print(f"| {' '.join(repr(estimator).split())} | {' | '.join(row)} |")


def pairs() -> list[tuple[Any, int]]:
    return [(estimator, classes) for estimator in ESTIMATORS for classes in CLASSES]


def converted(folder: Path, estimator: Any, classes: int) -> np.ndarray | str:
    """What the graph of an estimator answers in Python, or why there is none. It is kept."""
    pictures, labels = load_digits(return_X_y=True)
    x, y = (pictures[labels < classes] / 16).astype(np.float32), labels[labels < classes]
    train = 600 if classes == 10 else 300
    body = EstimatorBody(lambda _: clone(estimator), classes)
    try:
        body.learn(x[:train], y[:train], seed=0)
    except BakeoffError as error:
        return str(error)[:100]
    if body.without_graph:
        return "no graph"
    x = x[train : train + 300]
    number = len(list(folder.glob("*.onnx")))
    (folder / f"{number:04}.onnx").write_bytes(body.bytes)
    x.tofile(folder / f"{number:04}.x")
    return torch.softmax(body(torch.from_numpy(x)), 1).numpy()


def in_node(folder: Path) -> list[dict[str, Any]]:
    """What all graphs of the folder answer in Node, in their order."""
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "run.mjs").write_text(IN_NODE)
    (folder / "names.json").write_text(
        json.dumps(sorted(each.stem for each in folder.glob("*.onnx")))
    )
    done = subprocess.run(
        ["node", "run.mjs"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def compared(here: np.ndarray | str, answers: Any) -> str:
    if isinstance(here, str):
        return here
    there = next(answers)
    if "error" in there:
        return str(there["error"])
    shares = torch.softmax(torch.tensor(there["logits"]), 1).numpy()
    return f"{np.abs(shares - here).max():.0e}"


if __name__ == "__main__":
    main()
