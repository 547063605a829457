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
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType
    except ImportError:
        raise BakeoffError(
            "a scikit-learn model", "needs skl2onnx", "pip install 'bakeoff[sklearn]'"
        ) from None
    from sklearn.ensemble import HistGradientBoostingClassifier

    how: dict[str, Any] = {
        "initial_types": [("X", FloatTensorType([None, x.shape[1]]))],
        "target_opset": OPSETS,
        "black_op": PLAINLY,
        "custom_conversion_functions": {HistGradientBoostingClassifier: _in_numbers},
    }
    options: list[dict[str, bool]] = [{"zipmap": False}, {}]
    if not shares:
        options = [{"zipmap": False, "raw_scores": True}, {"raw_scores": True}, *options]
    for number, option in enumerate(options):
        try:
            model: onnx.ModelProto = convert_sklearn(
                estimator, options={id(_last(estimator)): option}, **how
            )
        except NameError:  # the converter of this class has no such option
            if number == len(options) - 1:
                raise
        else:
            model.ir_version = min(model.ir_version, IR)
            return model
    raise AssertionError("the last one returns or raises")


def _last(estimator: Any) -> Any:
    """What gives the answers of a pipeline, which the options of a converter are for.

    Options of the pipeline itself do not get there: skl2onnx 1.20 swaps the two scores of a support
    vector machine at its end.
    """
    from sklearn.pipeline import Pipeline

    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def _in_numbers(scope: Any, operator: Any, container: Any) -> None:
    """Convert as skl2onnx does, but with 0 and 1 where it writes False and True.

    protobuf 7 refuses these among whole numbers; skl2onnx 1.20 has them for missing values.
    """
    from skl2onnx.common._registration import get_converter

    add = container.add_node

    def added(*args: Any, **attributes: Any) -> Any:
        for name, value in attributes.items():
            if isinstance(value, list):
                attributes[name] = [
                    int(each) if isinstance(each, bool | np.bool_) else each for each in value
                ]
        return add(*args, **attributes)

    container.add_node = added
    try:
        get_converter(operator.type)(scope, operator, container)
    finally:
        container.add_node = add


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
