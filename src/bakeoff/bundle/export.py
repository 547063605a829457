"""A trained model to a bundle. The only part of this room that needs torch."""

from __future__ import annotations

import hashlib
import warnings
from ast import literal_eval
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.onnx.errors import OnnxExporterError

from bakeoff.bundle.bundle import GRAPH, TOLERANCE, Bundle
from bakeoff.bundle.card import card
from bakeoff.bundle.golden import as_base64, golden_pictures
from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED, check_graph
from bakeoff.bundle.manifest import FileRecord, Golden, Manifest
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.bundle.neighbours import MOST, Neighbours
from bakeoff.bundle.thumbnails import thumbnail
from bakeoff.bundle.variant import LEAST_AGREEMENT, Kind, compared, smaller
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_folder
from bakeoff.training.model import Model

__all__ = ["export", "graph_of"]

OPSET = 20
SCOPES = "pkg.torch.onnx.name_scopes"  # the exporter's note of modules within modules
SMALL = 64  # pixels, the longer side of a picture that is shipped
EXAMPLE = (2, 40, 56, 3)  # of a batch to trace by; every side of it is free in the graph


def export(
    model: Model,
    about: dict[str, Any],
    folder: Path,
    *,
    graph: bytes | None = None,
    variant: tuple[Kind, Pictures] | None = None,
    neighbours: tuple[Pictures, NDArray[np.int64]] | None = None,
) -> Manifest:
    """Write a bundle to `folder`, whole or not at all; one that is there is replaced.

    Parameters
    ----------
    model : trained, in float32.
    about : the fields of `Manifest` that tell where the model comes from and what it is worth;
        those that follow from the model and the files are filled in here.
    graph : of the model, if it was traced already.
    variant : a kind of smaller weights, and pictures to see by whether they answer alike.
    neighbours : pictures and their labels, of which some are shipped to be shown beside others.

    Raises
    ------
    BakeoffError
        The graph does not answer as the model does, or smaller weights change too many answers.
    """
    model = model.cpu().float().eval()
    graph = graph or graph_of(model)
    manifest = Manifest(
        **about,
        made_with={
            **{name: version(name) for name in ("torch", "onnx", "onnxruntime")},
            "opset": str(OPSET),
        },
        embedding=model.network.head.in_features,
        temperature=float(model.get_buffer("temperature")),
        golden=_golden(model),
        files={GRAPH: _record(graph)},
    )
    bundle = Bundle(manifest, graph, threads=torch.get_num_threads())
    _compare(bundle)
    files = {GRAPH: graph, "model.safetensors": _weights(model)}
    if variant is not None:
        files = {GRAPH: smaller(graph, variant[0])}
        manifest = _with_variant(bundle, files[GRAPH], *variant)
    if neighbours is not None:
        files[NEIGHBOURS] = _neighbours(bundle, *neighbours).to_bytes()
    check_graph(files[GRAPH], f"{folder.name}/{GRAPH}")
    listed = {name: _record(data) for name, data in files.items()}
    manifest = manifest.model_copy(update={"files": listed})
    files["bundle.json"] = manifest.model_dump_json(indent=1).encode()
    files["README.md"] = card(manifest).encode()
    write_folder(folder, files, replace=True)
    return manifest


def graph_of(model: Model) -> bytes:
    """The model from raw pixels to `OUTPUTS` and `PREPARED` as one ONNX graph, for any batch.

    Every node is named after its module, as in ``model.prepare/node_conv2d``. Where it came from in
    the source, which the exporter notes with the paths of this machine, is left out: the same
    model gives the same bytes.

    Raises
    ------
    BakeoffError
        ONNX has no words for something in the model.
    """
    every = torch.export.Dim.DYNAMIC
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what will change in torch's next release
        try:
            program = torch.onnx.export(
                _Answering(model).eval(),
                (torch.zeros(EXAMPLE, dtype=torch.uint8),),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[*OUTPUTS, PREPARED],
                dynamic_shapes=({0: every, 1: every, 2: every, 3: every},),
                verbose=False,
            )
        except OnnxExporterError as error:
            why = str(error.__cause__ or error).strip().splitlines()[0]
            raise BakeoffError(
                "the model's graph",
                f"ONNX cannot hold it ({why})",
                "Build the network of what torch.onnx.export takes, for any size of picture",
            ) from error
    assert program is not None, "with dynamo there is a program"
    proto = program.model_proto
    del proto.metadata_props[:]
    for node in proto.graph.node:
        node.name = f"{_module_of(node)}/{node.name}"
    for part in (*proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        part.ClearField("doc_string")
        del part.metadata_props[:]
    for value in (*proto.graph.input, *proto.graph.output):
        del value.metadata_props[:]
    del proto.graph.metadata_props[:]
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _module_of(node: onnx.NodeProto) -> str:
    """The module that a node computes for, as PyTorch names it; "" where it is none's alone."""
    scopes = [one.value for one in node.metadata_props if one.key == SCOPES]
    return str(literal_eval(scopes[0])[-2]) if scopes else ""


class _Answering(nn.Module):
    """N×H×W×C uint8 to probabilities, OOD score, embedding, and the prepared pixels."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        network = self.model.network
        prepared = self.model.preprocess(pixels)
        described = self.model.embed(prepared)
        logits = network.head(described) / self.model.get_buffer("temperature")
        return torch.softmax(logits, dim=1), network.ood(described), described, prepared


def _golden(model: Model) -> list[Golden]:
    answering = _Answering(model)
    golden = []
    for picture in golden_pictures():
        with torch.inference_mode():
            probabilities, ood_score, *_ = answering(torch.from_numpy(picture)[None])
        golden.append(
            Golden(
                png=as_base64(picture),
                probabilities=_floats(probabilities.numpy()),
                ood_score=float(ood_score[0]),
            )
        )
    return golden


def _compare(bundle: Bundle) -> None:
    verified = bundle.verify()
    if not verified.same:
        raise BakeoffError(
            f"the exported {bundle.name}",
            f"answers differently by {verified.off:.1e}, where {TOLERANCE:.0e} is allowed",
            "Please report this with the settings of the run",
        )


def _with_variant(full: Bundle, graph: bytes, kind: Kind, pictures: Pictures) -> Manifest:
    """The manifest of a graph with smaller weights, which answers for itself."""
    small = Bundle(full.manifest, graph, threads=torch.get_num_threads())
    found = compared(full, small, kind, pictures)
    if found.agreement < LEAST_AGREEMENT:
        raise BakeoffError(
            f"{full.name} in {kind}",
            f"gives {found.agreement:.2%} of {found.pictures} pictures the class that the full "
            f"{full.name} gives them, and {LEAST_AGREEMENT:.1%} are wanted",
            "Take --variant fp16" if kind == "int8" else "Export it without --variant",
        )
    golden = []
    for one, picture in zip(full.manifest.golden, golden_pictures(), strict=True):
        probabilities, ood_score, _ = small.run(picture[None])
        answered = {"probabilities": _floats(probabilities), "ood_score": float(ood_score[0])}
        golden.append(one.model_copy(update=answered))
    return full.manifest.model_copy(update={"golden": golden, "variant": found})


def _neighbours(bundle: Bundle, pictures: Pictures, labels: NDArray[np.int64]) -> Neighbours:
    """As many of each class as its share, evenly spaced."""
    by_class = np.argsort(labels, kind="stable")
    chosen = by_class[np.unique(np.linspace(0, len(labels) - 1, MOST).astype(np.int64))]
    embeddings = np.empty((len(chosen), bundle.manifest.embedding), dtype=np.float32)
    taken = pictures.take(chosen)
    for rows, (_, _, some) in bundle.run_all(taken):
        embeddings[rows] = some
    return Neighbours(embeddings, labels[chosen], [thumbnail(one, SMALL) for one in taken])


def _weights(model: Model) -> bytes:
    tensors = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    data: bytes = save(tensors)
    return data


def _floats(probabilities: NDArray[np.float32]) -> list[float]:
    return [float(one) for one in probabilities[0].clip(0, 1)]


def _record(data: bytes) -> FileRecord:
    return FileRecord(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
