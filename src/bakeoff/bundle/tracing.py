"""The ONNX graph of a model. Each part is traced once; later graphs only get new weights.

Tracing a part takes 1 to 10 s of processor time, filling in weights a tenth of a second. The same
few parts come back in every run, and most models of a run have the first and longest, `Preprocess`,
in common. So the commonest traces come with the package, without weights, and others are kept in
the user's cache folder. The name of a trace says what it follows from: the modules with their
attributes and source files, and for kept ones the versions of what traces. Either is used only if
the answers to the golden pictures are the model's.
"""

from __future__ import annotations

import warnings
from ast import literal_eval
from contextlib import suppress
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from torch import Tensor

from bakeoff.bundle.architecture import form_of, key_of
from bakeoff.bundle.bundle import TOLERANCE
from bakeoff.bundle.golden import golden_pictures
from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED
from bakeoff.bundle.parts import Exported, Part
from bakeoff.bundle.shipped import shipped
from bakeoff.bundle.weights import filled, halved
from bakeoff.cache import keep, kept
from bakeoff.errors import BakeoffError
from bakeoff.training.model import Model
from bakeoff.training.preprocess import Preprocess

__all__ = ["OPSET", "graph_of", "sizes_of", "trace_of"]

# The oldest pair that holds the graphs, so that old runtimes and converters take them: ONNX Runtime
# 1.17 refuses IR 10. Nothing is lost: GELU becomes its formula, which ONNX Runtime fuses again.
OPSET = 18
IR = 8
SCOPES = "pkg.torch.onnx.name_scopes"  # where the exporter records nested module names
EXAMPLE = (2, 40, 56, 3)  # shape of the batch to trace; all four are dynamic in the graph
FOLDER, KEPT = "graphs", 400  # traces in the cache; about 0.03 MB each


def graph_of(model: Model) -> bytes:
    """One ONNX graph from raw pixels to `OUTPUTS` and `PREPARED`, for batches of any shape.

    Every node is named after its module, as in ``model.preprocess/node_conv2d``. The same model
    gives the same bytes, whether its parts were traced now or before.

    Raises
    ------
    BakeoffError
        ONNX cannot express an operation of the model.
    """
    exported = Exported(model)
    ready = [part.graph() for part in exported.parts]
    kept = [
        graph or _kept(part, exported) for graph, part in zip(ready, exported.parts, strict=True)
    ]
    if any(kept):
        graph = _graph(exported, kept)
        if _answers_alike(graph, exported):
            return halved(graph)
    return halved(_graph(exported, ready))


def _graph(exported: Exported, kept: list[onnx.ModelProto | None]) -> bytes:
    """The graph of a model, of the traces that are kept and of new ones for its other parts."""
    values: dict[str, Tensor] = {}
    if not all(kept):
        with torch.inference_mode():
            values = exported.values(torch.zeros(EXAMPLE, dtype=torch.uint8))
    traces: list[onnx.ModelProto] = []
    arrays: dict[str, NDArray[Any]] = {}
    for part, trace in zip(exported.parts, kept, strict=True):
        if trace is None:
            trace = trace_of(part, [values[name].clone() for name in part.takes])
            _keep(part, exported, trace)
        traces.append(trace)
        arrays |= {name: tensor.detach().numpy() for name, tensor in part.tensors().items()}
    return filled(_joined(traces), arrays)


def sizes_of(part: Part, exported: Exported) -> tuple[int, ...]:
    """The sizes of what a part takes that are fixed in its trace, and follow from another part.

    They are those of the network's input: of the same pooling, a trace for 28×28 makes a quarter of
    the features for 48×48.
    """
    preprocess = exported.parts[0].model.get_submodule("preprocess")
    assert isinstance(preprocess, Preprocess), "the first part prepares"
    return (preprocess.channels, preprocess.size) if PREPARED in part.takes else ()


def _kept(part: Part, exported: Exported) -> onnx.ModelProto | None:
    """The trace of such a part, if there is one and it can be read.

    One that came with the package is first: all users of a version have the same.
    """
    form = form_of(part, *sizes_of(part, exported))
    if form is None:
        return None
    data = shipped().get(form)
    if data is None and (name := _name_of(part, exported)):
        data = kept(FOLDER, name)
    if data is None:
        return None
    with suppress(DecodeError, onnx.checker.ValidationError):
        trace = onnx.load_model_from_string(data)
        onnx.checker.check_model(trace)
        return trace
    return None


def _name_of(part: Part, exported: Exported) -> str | None:
    key = key_of(part, *sizes_of(part, exported))
    return None if key is None else f"{key}.onnx"


def _keep(part: Part, exported: Exported, trace: onnx.ModelProto) -> None:
    if name := _name_of(part, exported):
        keep(FOLDER, name, trace.SerializeToString(deterministic=True), KEPT)


def trace_of(part: Part, taken: list[Tensor]) -> onnx.ModelProto:
    """The graph of a part without the contents of weights, of examples of what it takes.

    Nothing in it follows from the values of weights.

    Raises
    ------
    BakeoffError
        ONNX cannot express an operation of the part.
    """
    # Imported only to trace: with kept traces a run starts sooner.
    from onnxscript import optimizer
    from torch.onnx.errors import OnnxExporterError

    dynamic = torch.export.Dim.DYNAMIC
    free = [dict.fromkeys(range(4) if name == INPUT else [0], dynamic) for name in part.takes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations within torch
        try:
            program = torch.onnx.export(
                part,
                tuple(taken),
                dynamo=True,
                opset_version=OPSET,
                input_names=part.takes,
                output_names=part.gives,
                dynamic_shapes=tuple(free),
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
        graph.initializers.pop(name) for name in part.tensors() if name in graph.initializers
    ]
    for value in weights:
        value.const_value = None
        graph.inputs.append(value)
    optimizer.optimize_ir(program.model)
    trace: onnx.ModelProto = program.model_proto
    _tidy(trace)
    _rename(trace.graph, part)
    return trace


def _tidy(trace: onnx.ModelProto) -> None:
    """Name nodes after their modules, and remove source locations: they contain local paths.

    Shapes of intermediate values go too: those of folded weights would contradict the graph, and
    quantisers refuse that. Every runtime infers them.
    """
    trace.ir_version = IR
    del trace.metadata_props[:], trace.graph.value_info[:]
    for node in trace.graph.node:
        node.name = f"{_module_of(node) or 'model'}/{node.name}"
    for item in (*trace.graph.node, *trace.graph.initializer):
        item.ClearField("doc_string")
        del item.metadata_props[:]
    for value in (*trace.graph.input, *trace.graph.output):
        del value.metadata_props[:]
    del trace.graph.metadata_props[:]


def _rename(graph: onnx.GraphProto, part: Part) -> None:
    """Give the inner values and the nodes names of this part, and free dimensions their letters."""
    own = {*part.takes, *part.gives, *part.tensors()}

    def named(value: str) -> str:
        return value if not value or value in own else f"{part.name}.{value}"

    for node in graph.node:
        node.name = f"{node.name}.{part.name}"
        node.input[:] = map(named, node.input)
        node.output[:] = map(named, node.output)
    for tensor in graph.initializer:
        tensor.name = named(tensor.name)
    letters: dict[str, str] = {}
    for value in (*graph.input, *graph.output):
        dimensions = value.type.tensor_type.shape.dim
        for dimension, letter in zip(dimensions, "NHWC", strict=False):
            if dimension.dim_param:
                dimension.dim_param = letters.setdefault(dimension.dim_param, letter)


def _joined(traces: list[onnx.ModelProto]) -> onnx.ModelProto:
    """One graph of the traces of all parts, in their order; values are joined by their names."""
    joined = onnx.ModelProto()
    joined.CopyFrom(traces[0])
    ends = {value.name: value for trace in traces for value in trace.graph.output}
    for trace in traces[1:]:
        joined.graph.node.extend(trace.graph.node)
        joined.graph.initializer.extend(trace.graph.initializer)
        joined.graph.input.extend(each for each in trace.graph.input if each.name not in ends)
    domains = {each.domain: each for trace in traces for each in trace.opset_import if each.domain}
    joined.opset_import.extend(domains[name] for name in sorted(domains))
    del joined.graph.output[:]
    joined.graph.output.extend(ends[name] for name in (*OUTPUTS, PREPARED))
    return joined


def _module_of(node: onnx.NodeProto) -> str:
    """The PyTorch name of the module that a node belongs to; "" if it belongs to none.

    The last scope is the node's own name, and the only one of what the exporter added itself, such
    as a view after the last convolution of a MobileNet.
    """
    scopes = [entry.value for entry in node.metadata_props if entry.key == SCOPES]
    *modules, _ = literal_eval(scopes[0]) if scopes else [""]
    name = str(modules[-1]) if modules else ""
    return "" if name.startswith("_") else name  # sizes of the input are in "_empty_nn_module…"


def _answers_alike(graph: bytes, exported: Exported) -> bool:
    """Whether a graph gives a model's answers to the golden pictures."""
    try:
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    except Exception:  # ONNX Runtime's errors have no class in common
        return False
    for picture in golden_pictures():
        with torch.inference_mode():
            expected, *_ = exported(torch.from_numpy(picture)[None])
        try:
            probabilities = session.run([OUTPUTS[0]], {INPUT: picture[None]})[0]
        except Exception:  # a trace of something else
            return False
        if np.abs(probabilities - expected.numpy()).max() > TOLERANCE:
            return False
    return True
