"""The sizes of what forests, support vector machines and scalers answer, in the domain ai.onnx.ml.

ONNX's shape inference knows few of them, so what an untrusted graph would take could not be known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import onnx

__all__ = ["CLASSICAL", "DOMAIN", "products", "sizes"]

DOMAIN = "ai.onnx.ml"
ALIKE = frozenset({"Binarizer", "Imputer", "Normalizer", "Scaler"})
CLASSIFIERS = frozenset({"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"})
REGRESSORS = frozenset({"LinearRegressor", "SVMRegressor", "TreeEnsembleRegressor"})
CLASSICAL = ALIKE | CLASSIFIERS | REGRESSORS | {"ArrayFeatureExtractor", "FeatureVectorizer"}
LABELS = ("classlabels_ints", "classlabels_int64s", "classlabels_strings")

Shape = tuple[int, ...]


def sizes(node: onnx.NodeProto, shapes: Mapping[str, Shape]) -> list[tuple[int, Shape]]:
    """Type and shape of each output, the inputs' shapes being known; empty if nothing follows."""
    given = [shapes.get(name) for name in node.input]
    if node.op_type not in CLASSICAL or not given or any(one is None for one in given):
        return []
    inputs = [one for one in given if one is not None]
    first, kind = inputs[0], onnx.TensorProto.FLOAT
    if len(first) == 1:
        first = (1, *first)
    attributes = {one.name: one for one in node.attribute}
    if node.op_type in CLASSIFIERS:
        labels = [attributes[name] for name in LABELS if name in attributes]
        count = max((len(one.ints) + len(one.strings) for one in labels), default=1)
        # For each class, or of a support vector machine for each pair of them.
        scores = count * (count - 1) // 2 if _in_pairs(node, attributes) else count
        return [(onnx.TensorProto.INT64, first[:1]), (kind, (first[0], max(scores, 1)))]
    if node.op_type in REGRESSORS:
        named = [attributes[name].i for name in ("n_targets", "targets") if name in attributes]
        return [(kind, (first[0], max([1, *named])))]
    if node.op_type == "ArrayFeatureExtractor":
        return [(kind, (*first[:-1], math.prod(inputs[1])))]
    if node.op_type == "FeatureVectorizer":
        return [(kind, (first[0], sum(math.prod(one[1:]) for one in inputs)))]
    return [(kind, inputs[0])]


def products(node: onnx.NodeProto, pictures: int) -> int:
    """Multiply-adds at most: every number that was learned, once for each picture."""
    return pictures * sum(len(one.floats) for one in node.attribute)


def _in_pairs(node: onnx.NodeProto, attributes: Mapping[str, onnx.AttributeProto]) -> bool:
    """Whether a support vector machine answers with the scores of pairs, not probabilities."""
    learned: Sequence[str] = ("prob_a", "vectors_per_class")
    has = [bool(name in attributes) for name in learned]
    if node.op_type != "SVMClassifier" or not has[1]:
        return False
    labels = max(len(attributes[name].ints) for name in LABELS if name in attributes)
    return not has[0] and labels > 2
