"""Export a trained model as a bundle. Needs torch, as `tracing` does."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from bakeoff.bundle.bundle import GRAPH, TOLERANCE, Bundle
from bakeoff.bundle.card import card
from bakeoff.bundle.golden import as_base64, golden_pictures
from bakeoff.bundle.graph import check_graph, has_former_outputs
from bakeoff.bundle.manifest import FileRecord, Golden, Manifest
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.bundle.neighbours import MOST, Neighbours
from bakeoff.bundle.parts import Exported
from bakeoff.bundle.thumbnails import thumbnail_file
from bakeoff.bundle.tracing import OPSET, graph_of
from bakeoff.bundle.variant import LEAST_AGREEMENT, Kind, compared, smaller
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_file, write_folder
from bakeoff.training.model import Model

__all__ = ["export", "restate"]

NEIGHBOUR_SIDE = 64  # pixels, the longer side of a shipped training picture


def export(
    model: Model,
    about: dict[str, Any],
    folder: Path,
    *,
    graph: bytes | None = None,
    variant: tuple[Kind, Pictures] | None = None,
    neighbours: tuple[Pictures, NDArray[np.int64]] | None = None,
) -> Manifest:
    """Write a bundle to `folder` atomically, replacing an older one.

    Parameters
    ----------
    model : trained, in float32.
    about : the fields of `Manifest` that say where the model comes from and how it scored; the
        fields that depend on the model and the files are filled in here.
    graph : the ONNX graph of the model, if it was traced already.
    variant : a kind of smaller weights, and pictures on which to compare the answers.
    neighbours : N pictures and N labels; up to `MOST` of them are shipped with the bundle.

    Raises
    ------
    BakeoffError
        The graph's answers differ from the model's, or smaller weights change too many answers.
    """
    model = model.cpu().float().eval()
    if graph is None or has_former_outputs(graph):
        graph = graph_of(model)
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


def restate(folder: Path, about: dict[str, Any]) -> Manifest:
    """Change what a bundle says of its model, which stays byte by byte.

    Each of the two files is replaced atomically, so that the bundle can be read at any moment.

    Parameters
    ----------
    about : as for `export`.
    """
    manifest = Manifest.model_validate_json((folder / "bundle.json").read_bytes())
    manifest = Manifest(**dict(manifest) | about)
    write_file(folder / "README.md", card(manifest).encode())
    write_file(folder / "bundle.json", manifest.model_dump_json(indent=1).encode())
    return manifest


def _golden(model: Model) -> list[Golden]:
    exported = Exported(model)
    golden = []
    for picture in golden_pictures():
        with torch.inference_mode():
            probabilities, ood_score, *_ = exported(torch.from_numpy(picture)[None])
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
            f"differs from the trained model by {verified.max_difference:.1e} in a probability; "
            f"{TOLERANCE:.0e} is allowed",
            "Report this as a bug, with the settings of the run",
        )


def _with_variant(full: Bundle, graph: bytes, kind: Kind, pictures: Pictures) -> Manifest:
    """The manifest of a graph with smaller weights, with golden answers of its own."""
    small = Bundle(full.manifest, graph, threads=torch.get_num_threads())
    comparison = compared(full, small, kind, pictures)
    if comparison.agreement < LEAST_AGREEMENT:
        raise BakeoffError(
            f"{full.name} in {kind}",
            f"agrees with the full weights on {comparison.agreement:.2%} of "
            f"{comparison.pictures} pictures; {LEAST_AGREEMENT:.1%} are required",
            "Use --variant fp16" if kind == "int8" else "Export it without --variant",
        )
    golden = []
    for record, picture in zip(full.manifest.golden, golden_pictures(), strict=True):
        probabilities, ood_score, _ = small.run(picture[None])
        answer = {"probabilities": _floats(probabilities), "ood_score": float(ood_score[0])}
        golden.append(record.model_copy(update=answer))
    return full.manifest.model_copy(update={"golden": golden, "variant": comparison})


def _neighbours(bundle: Bundle, pictures: Pictures, labels: NDArray[np.int64]) -> Neighbours:
    """Up to `MOST` pictures, evenly spaced in the order of the classes, so each has its share."""
    by_class = np.argsort(labels, kind="stable")
    chosen = by_class[np.unique(np.linspace(0, len(labels) - 1, MOST).astype(np.int64))]
    embeddings = np.empty((len(chosen), bundle.manifest.embedding), dtype=np.float32)
    taken = pictures.take(chosen)
    for rows, (_, _, batch) in bundle.run_all(taken):
        embeddings[rows] = batch
    return Neighbours(
        embeddings, labels[chosen], [thumbnail_file(picture, NEIGHBOUR_SIDE) for picture in taken]
    )


def _weights(model: Model) -> bytes:
    tensors = {
        name: (value.half() if _is_half(name, value) else value).contiguous().clone()
        for name, value in model.state_dict().items()
    }
    data: bytes = save(tensors)
    return data


def _floats(probabilities: NDArray[np.float32]) -> list[float]:
    return [float(share) for share in probabilities[0].clip(0, 1)]


def _record(data: bytes) -> FileRecord:
    return FileRecord(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _is_half(name: str, value: Tensor) -> bool:
    """Whether it is a weight of the eye, which half precision holds exactly."""
    return name.startswith("eye.") and value.is_floating_point()
