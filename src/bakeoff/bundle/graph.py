"""Checks on an untrusted ONNX graph, before anything runs it.

ONNX Runtime runs any graph. A graph that uses standard operators only and stores every weight in
the file can neither read other files nor call other code; limits on sizes keep it from filling
memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from google.protobuf.message import DecodeError

from bakeoff.bundle.budget import check_cost
from bakeoff.bundle.classical import CLASSICAL, DOMAIN
from bakeoff.errors import BakeoffError

__all__ = ["FORMER_OUTPUTS", "INPUT", "OUTPUTS", "PREPARED", "check_graph", "has_former_outputs"]

INPUT = "pixels"
OUTPUTS = ("probabilities", "ood_score", "embedding")
FORMER_OUTPUTS = ("probabilities", "strangeness", "embedding")  # of bundles before schema 2
PREPARED = "prepared"  # the fourth output: the network's input

MAX_GRAPH_BYTES = 500_000_000
MAX_NODES = 20_000
# What the exporter can emit for a network in the standard set of operators, and what quantising
# adds; a test compares the list with the exporter. Left out are subgraphs (If, Loop, Scan),
# sequences, strings, random numbers and losses. None can produce a huge tensor from a small picture
# (the input's size bounds Range and Expand).
OPERATORS = frozenset(
    """
    Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention
    AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
    BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat Constant
    ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DFT DepthToSpace
    DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand
    EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
    GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow
    HannWindow HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN LSTM
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul
    MatMulInteger Max MaxPool MaxRoiPool Mean Min Mish Mod Mul Neg NonMaxSuppression NonZero
    Not Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize RoiAlign RotaryEmbedding Round
    STFT ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh Size Slice Softmax
    Softplus SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK
    Transpose Trilu Unique Unsqueeze Where Xor
    """.split()  # noqa: SIM905 - a list would fill two pages
)
DOMAINS = {"": OPERATORS, "ai.onnx": OPERATORS, DOMAIN: CLASSICAL}


def check_graph(data: bytes, name: str) -> None:
    """Refuse a graph that could do anything but compute an answer from pixels.

    Parameters
    ----------
    data : the contents of the file.
    name : of the file, for error messages.

    Raises
    ------
    BakeoffError
        It is not an ONNX graph, is too large, keeps weights in other files, uses operators that
        picture classifiers do not need, has other inputs or outputs than bakeoff's, or comes from
        a version without the output `PREPARED`, or would take too much memory or time.
    """
    if len(data) > MAX_GRAPH_BYTES:
        raise _refused(name, f"is larger than {MAX_GRAPH_BYTES // 1_000_000} MB")
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError):
        raise _refused(name, "is not an ONNX graph") from None
    graph = model.graph
    if model.functions or model.training_info:
        raise _refused(name, "defines functions of its own")
    if len(graph.node) > MAX_NODES:
        raise _refused(name, f"has more than {MAX_NODES} nodes")
    for node in graph.node:
        if node.op_type not in DOMAINS.get(node.domain, ()):
            operator = f"{node.domain}.{node.op_type}".lstrip(".")
            raise _refused(name, f"uses the operator {operator[:100]}")
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise _refused(name, "contains a subgraph")
    if graph.sparse_initializer:
        raise _refused(name, "has sparse weights")
    for tensor in _tensors(graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise _refused(name, "keeps weights in another file")
    if [value.name for value in graph.input] != [INPUT]:
        raise _refused(name, f"has other inputs than {INPUT}")
    outputs = [value.name for value in graph.output]
    if tuple(outputs[: len(OUTPUTS)]) not in (OUTPUTS, FORMER_OUTPUTS):
        raise _refused(name, f"has other outputs than {', '.join(OUTPUTS)}")
    if outputs[len(OUTPUTS) :][:1] != [PREPARED]:
        raise BakeoffError(
            name,
            f"is from an older version: it has no output {PREPARED}",
            "Export it again with bakeoff export",
        )
    check_cost(model, name)


def has_former_outputs(data: bytes) -> bool:
    """Whether a graph's outputs have the names of schema 1, as in the graphs of older runs."""
    outputs = onnx.load_model_from_string(data).graph.output
    return tuple(value.name for value in outputs[: len(OUTPUTS)]) == FORMER_OUTPUTS


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _refused(name: str, problem: str) -> BakeoffError:
    return BakeoffError(
        name,
        f"{problem}, so bakeoff does not run it",
        "Use only bundles made by bakeoff, from people you trust",
    )
