"""A fitted scikit-learn estimator as an ONNX graph, if skl2onnx converts it faithfully."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.training.graph_body import with_logits

__all__ = ["NotConvertedError", "converted", "scores_of"]

OPSETS = {"": 18, "ai.onnx.ml": 3}
IR = 8
# These have the same arithmetic in plain operators, which every runtime has.
PLAINLY = {"LinearClassifier", "LinearRegressor", "Scaler", "Normalizer"}
ALIKE = 1e-3  # difference between an estimator's scores and its graph's
COMPARED = 200  # pictures

Features = NDArray[np.float32]


class NotConvertedError(Exception):
    """skl2onnx has no graph for an estimator, or one that answers differently."""


def scores_of(estimator: Any, x: Features) -> tuple[NDArray[np.float64], bool]:
    """N×k scores of the estimator's own classes, and whether they are probabilities."""
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(x), dtype=np.float64), True
    scores = np.asarray(estimator.decision_function(x), dtype=np.float64)
    return (np.stack([-scores, scores], 1) if scores.ndim == 1 else scores), False


def converted(estimator: Any, x: Features, classes: int) -> bytes:
    """The graph of a fitted estimator, from N×D features to N×K logits.

    Parameters
    ----------
    x : features that it was fitted on, to compare the answers.
    classes : K, of which the estimator may know fewer.

    Raises
    ------
    NotConvertedError
        There is none that answers as the estimator does.
    BakeoffError
        skl2onnx is not installed.
    """
    x = x[:: -(-len(x) // COMPARED)]
    expected, shares = scores_of(estimator, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations within skl2onnx
        try:
            model = _converted(estimator, x, shares=shares)
            given, output = model.graph.input[0].name, model.graph.output[1].name
            session = onnxruntime.InferenceSession(
                onnx.utils.Extractor(model).extract_model([given], [output]).SerializeToString(),
                providers=["CPUExecutionProvider"],
            )
            (answers,) = session.run(None, {given: x})
        except BakeoffError:
            raise
        except Exception as error:  # converters raise what they like
            raise NotConvertedError(_first_line(error)) from error
    if answers.shape != expected.shape:
        raise NotConvertedError(f"its graph answers {answers.shape}, not {expected.shape}")
    difference = float(np.abs(answers - expected).max())
    if not difference <= ALIKE * max(1.0, float(np.abs(expected).max())):
        raise NotConvertedError(f"its graph differs from it by up to {difference:.2g}")
    model = onnx.utils.Extractor(model).extract_model([given], [output])
    if any(one.HasField("g") for node in model.graph.node for one in node.attribute):
        raise NotConvertedError("its graph needs a loop")
    columns = [int(label) for label in estimator.classes_]
    return with_logits(model, output, columns, classes, shares=shares)


def _converted(estimator: Any, x: Features, *, shares: bool) -> onnx.ModelProto:
    try:
        from skl2onnx import to_onnx
    except ImportError:
        raise BakeoffError(
            "a scikit-learn model", "needs skl2onnx", "pip install 'bakeoff[sklearn]'"
        ) from None
    how: dict[str, Any] = {"target_opset": OPSETS, "black_op": PLAINLY}
    options: list[dict[str, bool]] = [{"zipmap": False}, {}]
    if not shares:
        options = [{"zipmap": False, "raw_scores": True}, {"raw_scores": True}, *options]
    for number, option in enumerate(options):
        try:
            model: onnx.ModelProto = to_onnx(
                estimator, x[:1], options={id(estimator): option}, **how
            )
        except NameError:  # the converter of this class has no such option
            if number == len(options) - 1:
                raise
        else:
            model.ir_version = min(model.ir_version, IR)
            return model
    raise AssertionError("the last one returns or raises")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
