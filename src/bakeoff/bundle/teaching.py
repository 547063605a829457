"""What the static page needs to teach a model more: what it learned from, and its features' graph.

A fit in closed form can be solved again in the browser with further pictures. The features say
roughly what the pictures look like, so a page contains them only on request.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from bakeoff.bundle.bundle import run_of_bundle
from bakeoff.bundle.graph import INPUT, PREPARED
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import LESSONS

__all__ = ["FEATURES_FILE", "LESSONS_FILE", "features_graph", "lessons_of"]

LESSONS_FILE, FEATURES_FILE = "lessons.safetensors", "features.onnx"
FINAL = "final"  # the unit of the fit on everything
FEATURES, BLANK = "features", "blank"  # values in the graph of a model with a frozen part


def lessons_of(bundle: Path) -> bytes | None:
    """What the model of a run's bundle learned from; None if it cannot be taught more.

    Returns
    -------
    A safetensors file: ``features``, ``directions`` and ``kept`` as from `Approach.lessons`,
    ``labels``, N class numbers, and ``folds``, N numbers of the folds that held each picture out,
    -1 for none. Its metadata has ``balance``; see `Training`.

    Raises
    ------
    BakeoffError
        The run is damaged, or has no scores yet.
    """
    run, name = run_of_bundle(bundle), bundle.name
    path = run.unit(name, FINAL) / LESSONS if run else None
    if run is None or path is None or not path.is_file():
        return None
    with safe_open(path, "numpy") as file:
        tensors: dict[str, NDArray[np.generic]] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no dict
        metadata = file.metadata()
    rows = tensors.pop("rows")
    folds = np.full(len(rows), -1, dtype=np.int32)
    result = next(one for one in run.latest_results().approaches if one.name == name)
    for number, fold in enumerate(result.folds):
        _, arrays = run.load_unit(name, fold.name)
        folds[np.isin(rows, arrays["rows"])] = number
    labels = tensors["labels"].astype(np.int32)
    return save({**tensors, "labels": labels, "folds": folds}, metadata)


def features_graph(graph: bytes) -> bytes:
    """The part of a model's graph from pixels to its frozen part's features.

    Its outputs are the features, the network's input, and whether nothing is drawn.

    Raises
    ------
    BakeoffError
        The model has no frozen part.
    """
    model = onnx.load_model_from_string(graph)
    makers = {value: node for node in model.graph.node for value in node.output}
    if FEATURES not in makers:
        raise BakeoffError("the graph", "has no features to learn from", "Use scattering")
    outputs = (FEATURES, PREPARED, BLANK)
    wanted, waiting = set(outputs), list(outputs)
    while waiting:
        node = makers.get(waiting.pop())
        fresh = set(node.input if node else ()) - wanted
        wanted |= fresh
        waiting += fresh
    nodes = [node for node in model.graph.node if wanted.intersection(node.output)]
    weights = [each for each in model.graph.initializer if each.name in wanted]
    kinds = {FEATURES: onnx.TensorProto.FLOAT, BLANK: onnx.TensorProto.BOOL}
    values = [value for value in model.graph.output if value.name == PREPARED] + [
        onnx.helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()
    ]
    part = onnx.helper.make_graph(nodes, "features", list(model.graph.input), values, weights)
    part = onnx.helper.make_model(
        part, ir_version=model.ir_version, opset_imports=list(model.opset_import)
    )
    assert [value.name for value in part.graph.input] == [INPUT]
    data: bytes = part.SerializeToString(deterministic=True)
    return data
