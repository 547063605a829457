"""What an ONNX graph from a stranger may be, checked before anything runs it.

ONNX Runtime runs whatever a graph says. A graph that only computes, with operators of the
standard alone and every weight inside the file, can neither read files nor call other code;
bounded sizes keep it from filling memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from google.protobuf.message import DecodeError

from bakeoff.errors import BakeoffError

__all__ = ["INPUT", "OUTPUTS", "PREPARED", "check_graph"]

INPUT = "pixels"
OUTPUTS = ("probabilities", "ood_score", "embedding")
FORMER_OUTPUTS = ("probabilities", "strangeness", "embedding")  # of bundles before schema 2
PREPARED = "prepared"  # the fourth, which only those ask for who want to see it

MOST_BYTES = 500_000_000
MOST_NODES = 20_000
# What `torch.onnx.export` makes of bakeoff's approaches and of timm's backbones, and their near
# kin. None has a body of its own (If, Loop, Scan), none makes up sizes from data that a picture
# could make huge (Range and Expand are bounded by the input's own size).
OPERATORS = frozenset(
    """
    Abs Add And AveragePool BatchNormalization Cast CastLike Ceil Clip Concat Constant
    ConstantOfShape Conv CumSum Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather
    GatherElements Gelu Gemm GlobalAveragePool Greater GreaterOrEqual GridSample
    GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN
    LayerNormalization
    LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max MaxPool Mean Min Mish
    Mod Mul Neg Not Or PRelu Pad Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Shape
    Sigmoid Sign Sin Cos Atan Size Slice Softmax Softplus Split Sqrt Squeeze Sub Sum Tan Tanh Tile
    TopK Transpose Trilu Unsqueeze Where Xor
    AffineGrid CenterCropPad DequantizeLinear DynamicQuantizeLinear ConvInteger MatMulInteger
    QLinearConv QLinearMatMul QuantizeLinear
    """.split()  # noqa: SIM905 - one a line would be two pages
)


def check_graph(data: bytes, name: str) -> None:
    """Refuse a graph that could do anything but compute an answer from pixels.

    Parameters
    ----------
    data : the file.
    name : how to call it in an error.

    Raises
    ------
    BakeoffError
        It is no ONNX graph, too large, has weights elsewhere, uses operators beyond the standard
        ones that picture classifiers need, or does not go from pixels to probabilities, or
        was made before graphs showed what they prepare.
    """
    if len(data) > MOST_BYTES:
        raise _refused(name, f"holds more than {MOST_BYTES // 1_000_000} MB")
    try:
        model = onnx.load_model_from_string(data)
    except (DecodeError, ValueError):
        raise _refused(name, "is no ONNX graph") from None
    graph = model.graph
    if model.functions or model.training_info:
        raise _refused(name, "defines functions of its own")
    if len(graph.node) > MOST_NODES:
        raise _refused(name, f"has more than {MOST_NODES} nodes")
    for node in graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            called = f"{node.domain}.{node.op_type}".lstrip(".")
            raise _refused(name, f"uses the operator {called[:100]}")
        if any(one.HasField("g") or one.graphs for one in node.attribute):
            raise _refused(name, "has a graph within the graph")
    if graph.sparse_initializer:
        raise _refused(name, "has sparse weights")
    for tensor in _tensors(graph):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise _refused(name, "keeps weights in another file")
    if [one.name for one in graph.input] != [INPUT]:
        raise _refused(name, f"does not take {INPUT} alone")
    outputs = [one.name for one in graph.output]
    if tuple(outputs[: len(OUTPUTS)]) not in (OUTPUTS, FORMER_OUTPUTS):
        raise _refused(name, f"does not answer with {' and '.join(OUTPUTS)}")
    if outputs[len(OUTPUTS) :][:1] != [PREPARED]:
        raise BakeoffError(
            name,
            f"is of an older version: it does not show what was {PREPARED}",
            "Make it again with bakeoff export",
        )


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
        f"{problem}, so it is not run",
        "Take a bundle that bakeoff made, from people you trust",
    )
