"""The ONNX graph of a model. An architecture is traced once; later graphs only get new weights.

Tracing takes 4 to 10 s of processor time, filling in weights a tenth of a second, and the same
few architectures come back in every run. So the traced graph of an architecture, without its
weights, is kept in the user's cache folder. Its name says what it follows from: the modules with
their attributes and source files, and the versions of what traces. A kept graph is used only if
its answers to the golden pictures are those of the model.
"""

from __future__ import annotations

import warnings
from ast import literal_eval
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from onnxscript import optimizer
from torch import Tensor, nn
from torch.onnx.errors import OnnxExporterError

from bakeoff.bundle.architecture import key_of
from bakeoff.bundle.bundle import TOLERANCE
from bakeoff.bundle.golden import golden_pictures
from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED
from bakeoff.data.catalog import cache_folder
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_file
from bakeoff.training.model import Model

__all__ = ["OPSET", "Exported", "graph_of"]

# The oldest pair that holds the graphs, so that old runtimes and converters take them: ONNX Runtime
# 1.17 refuses IR 10. Nothing is lost: GELU becomes its formula, which ONNX Runtime fuses again.
OPSET = 18
IR = 8
SCOPES = "pkg.torch.onnx.name_scopes"  # where the exporter records nested module names
EXAMPLE = (2, 40, 56, 3)  # shape of the batch to trace; all four are dynamic in the graph
EYE = "model.eye."  # module whose weights come with bakeoff in half precision
KEPT = 200  # traced architectures in the cache; about 0.1 MB each


class Exported(nn.Module):
    """N×H×W×C uint8 to probabilities, OOD scores, embeddings, and the network's input."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        network = self.model.network
        prepared, blank = self.model.preprocess.with_blank(pixels)
        embedding, ood_score = self.model.embed_and_score(prepared, blank)
        logits = network.head(embedding) / self.model.get_buffer("temperature")
        return torch.softmax(logits, dim=1), ood_score, embedding, prepared


def graph_of(model: Model) -> bytes:
    """One ONNX graph from raw pixels to `OUTPUTS` and `PREPARED`, for batches of any shape.

    Every node is named after its module, as in ``model.preprocess/node_conv2d``. The same model
    gives the same bytes, whether its architecture was traced now or before.

    Raises
    ------
    BakeoffError
        ONNX cannot express an operation of the model.
    """
    exported = Exported(model).eval()
    tensors = _tensors(exported)
    key = key_of(exported)
    if key is None:
        return _halved(_filled(_traced(exported), tensors))
    path = cache_folder() / "graphs" / f"{key}.onnx"
    if path.is_file():
        with suppress(DecodeError, onnx.checker.ValidationError):
            graph = _filled(path.read_bytes(), tensors)
            if _answers_alike(graph, exported):
                return _halved(graph)
    template = _traced(exported)
    with suppress(OSError):  # a full disk or a read-only home costs time, not the graph
        _keep(path, template)
    return _halved(_filled(template, tensors))


def _keep(path: Path, template: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, template)
    kept = sorted(path.parent.glob("*.onnx"), key=lambda file: file.stat().st_mtime)
    for old in kept[:-KEPT]:
        old.unlink(missing_ok=True)


def _tensors(exported: Exported) -> dict[str, Tensor]:
    """What training may have changed, by the names that the exporter gives it."""
    return {**dict(exported.named_parameters()), **dict(exported.named_buffers())}


def _traced(exported: Exported) -> bytes:
    """The graph without the contents of weights. Nothing in it follows from their values."""
    dynamic = torch.export.Dim.DYNAMIC
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations within torch
        try:
            program = torch.onnx.export(
                exported,
                (torch.zeros(EXAMPLE, dtype=torch.uint8),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[*OUTPUTS, PREPARED],
                dynamic_shapes=(dict.fromkeys(range(4), dynamic),),
                verbose=False,
                optimize=False,
            )
        except OnnxExporterError as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise BakeoffError(
                "the model's graph",
                f"ONNX cannot express it ({reason})",
                "Use only operations that torch.onnx.export supports for pictures of any size",
            ) from error
    assert program is not None, "dynamo always returns a program"
    # As inputs, weights are no constants, so the optimizer folds everything but them.
    graph = program.model.graph
    weights = [
        graph.initializers.pop(name) for name in _tensors(exported) if name in graph.initializers
    ]
    for value in weights:
        value.const_value = None
        graph.inputs.append(value)
    optimizer.optimize_ir(program.model)
    proto = program.model_proto
    _tidy(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _tidy(proto: onnx.ModelProto) -> None:
    """Name nodes after their modules, and remove source locations: they contain local paths.

    Shapes of intermediate values go too: those of folded weights would contradict the graph, and
    quantisers refuse that. Every runtime infers them.
    """
    proto.ir_version = IR
    del proto.metadata_props[:], proto.graph.value_info[:]
    for node in proto.graph.node:
        node.name = f"{_module_of(node) or 'model'}/{node.name}"
    for item in (*proto.graph.node, *proto.graph.initializer):
        item.ClearField("doc_string")
        del item.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output):
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]


def _module_of(node: onnx.NodeProto) -> str:
    """The PyTorch name of the module that a node belongs to; "" if it belongs to none."""
    scopes = [entry.value for entry in node.metadata_props if entry.key == SCOPES]
    name = str(literal_eval(scopes[0])[-2]) if scopes else ""
    return "" if name.startswith("_") else name  # sizes of the input are in "_empty_nn_module…"


def _filled(template: bytes, tensors: Mapping[str, Tensor]) -> bytes:
    """The graph of a model: a traced architecture with its weights."""
    proto = onnx.load_model_from_string(template)
    graph = proto.graph
    arrays = {
        value.name: tensors[value.name].detach().numpy()
        for value in graph.input
        if value.name in tensors
    }
    pixels = [value for value in graph.input if value.name not in tensors]
    del graph.input[:]
    graph.input.extend(pixels)
    # Smaller weights are made of initializers, so these must reach their nodes directly.
    uses = Counter(name for node in graph.node for name in node.input)
    nodes = []
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in arrays and uses[node.input[0]] == 1:
            order = next(list(entry.ints) for entry in node.attribute if entry.name == "perm")
            arrays[node.output[0]] = arrays.pop(node.input[0]).transpose(order)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()
    )
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _halved(graph: bytes) -> bytes:
    """The same graph with the eye's weights in half precision, which holds them exactly."""
    proto = onnx.load_model_from_string(graph)
    kept, casts = [], []
    for tensor in proto.graph.initializer:
        array = numpy_helper.to_array(tensor)
        half = array.astype(np.float16) if tensor.name.startswith(EYE) else None
        if half is None or array.dtype != np.float32 or not np.array_equal(half, array):
            kept.append(tensor)
            continue
        kept.append(numpy_helper.from_array(half, f"{tensor.name}.half"))
        to = onnx.TensorProto.FLOAT
        casts.append(onnx.helper.make_node("Cast", [kept[-1].name], [tensor.name], to=to))
        casts[-1].name = f"model.eye/{tensor.name}"
    if not casts:
        return graph
    nodes = [*casts, *proto.graph.node]
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend(nodes)
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _answers_alike(graph: bytes, exported: Exported) -> bool:
    """Whether a graph gives a model's answers to the golden pictures."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for picture in golden_pictures():
        with torch.inference_mode():
            expected, *_ = exported(torch.from_numpy(picture)[None])
        probabilities = session.run([OUTPUTS[0]], {INPUT: picture[None]})[0]
        if np.abs(probabilities - expected.numpy()).max() > TOLERANCE:
            return False
    return True
