"""An ONNX file or a bundle made elsewhere as a fixed competitor: scored, not trained."""

from __future__ import annotations

import ast
import json
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.own_network import OwnPreprocess, Scaled, Scaling, epoch_of, identity_head
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Fitted, Training
from bakeoff.training.graph_body import GraphBody, with_logits
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sources import Source

__all__ = ["GraphFile", "OwnGraph", "fixed_approach"]

SUFFIXES = (".onnx", ".bakeoff")
PIXELS, ANSWERS, PREPARED = "pixels", "probabilities", "prepared"  # values of a bundle's graph
LOOKED_AT = 500  # training pictures whose answers go into the curve
MAY_HAVE_SEEN = (
    "It was made elsewhere and is only scored here. Whether it has seen these pictures before is "
    "not known; if it has, its scores are too high."
)
HAS_SEEN = (
    "It was made elsewhere, is only scored here, and was trained on these very pictures: its "
    "scores say nothing about new ones."
)
TYPES: dict[str, Any] = {"tensor(float)": np.float32, "tensor(double)": np.float64}
TYPES |= {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


@dataclass(frozen=True)
class GraphFile:
    """What is known of a model in a file.

    Attributes
    ----------
    graph : the ONNX graph, as a file.
    names : of its classes, in its order; empty where the file does not say.
    fingerprint : of the pictures that it was trained on, if it is a bundle.
    mode, side, channels : how a bundle prepares pictures; "" and 0 for other graphs.
    """

    name: str
    graph: bytes
    names: tuple[str, ...] = ()
    fingerprint: str = ""
    mode: str = ""
    side: int = 0
    channels: int = 0

    @property
    def is_bundle(self) -> bool:
        """Whether the graph prepares pictures itself."""
        return bool(self.mode)

    @classmethod
    def read(cls, path: Path) -> GraphFile:
        """What is in an ONNX file, a ``.bakeoff`` file, or the folder of a bundle.

        Raises
        ------
        BakeoffError
            It is none of these.
        """
        if path.suffix == ".onnx":
            data = path.read_bytes()
            return cls(path.name, data, _names_in(_model(data, path.name)))
        try:
            if path.is_dir():
                manifest, graph = ((path / each).read_bytes() for each in _FILES)
            else:
                with zipfile.ZipFile(path) as file:
                    inside = {Path(each).name: each for each in file.namelist()}
                    manifest, graph = (file.read(inside[each]) for each in _FILES)
            about = json.loads(manifest)
            prepared = about["preparation"]
            return cls(
                path.name,
                graph,
                tuple(about["classes"]),
                about["trained_on"]["fingerprint"],
                prepared["mode"],
                prepared["side"],
                prepared["channels"],
            )
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError):
            raise BakeoffError(
                path.name, "is not a bundle that this version reads", "Export it again"
            ) from None


_FILES = ("bundle.json", "model.onnx")


@dataclass(frozen=True, kw_only=True)
class OwnGraph(Approach):
    """A model that is asked as it is, on every fold and on the locked test.

    Attributes
    ----------
    scaling : what its input looks like: 0…1 ("unit"), -1…1 ("symmetric"), 0…255 ("bytes"), or as
        networks for ImageNet expect it. A bundle prepares its input itself.
    """

    source: ClassVar[GraphFile]
    classes: ClassVar[tuple[str, ...]] = ()
    fingerprint: ClassVar[str] = ""
    own_title: ClassVar[str] = ""
    input_settings: ClassVar[tuple[str, ...]] = ("side", "scaling")

    scaling: Scaling = "unit"

    @property
    def title(self) -> str:
        return self.own_title

    @property
    def fixed(self) -> bool:
        return True

    @property
    def validates(self) -> bool:
        return False

    def preprocess(self, task: Task) -> Preprocess:
        source = self.source
        if source.is_bundle:
            prepare = partial(_prepared, _part(source, PIXELS, PREPARED))
            task = replace(task, mode="ink" if source.mode == "ink" else "photo")
            return OwnPreprocess(prepare, task, source.side, source.channels)
        shape = self._shape()
        side = shape.side or self._side(task)
        return Preprocess(mode=task.mode, size=side, channels=shape.channels or task.channels)

    def eye(self, task: Task) -> nn.Module | None:
        """Ours knows drawings as ours are prepared."""
        prepared = self.preprocess(task)
        return super().eye(task) if not self.source.is_bundle and prepared.channels == 1 else None

    def background(self, task: Task) -> float:  # noqa: ARG002 - nothing is trained
        return 0.0

    def pretrained(self, task: Task) -> str:  # noqa: ARG002
        known = bool(self.source.fingerprint) and self.source.fingerprint == self.fingerprint
        return HAS_SEEN if known else MAY_HAVE_SEEN

    def build(self, task: Task) -> Network:
        channels = self.preprocess(task).channels
        if not self.source.is_bundle:  # drawings have one channel, whatever a network takes
            channels = self._shape().channels
        body = FixedBody(self, self._graph(task), channels)
        return Network(body, identity_head(task.classes))

    def schedule(self, pictures: int, task: Task) -> Training:
        return replace(super().schedule(pictures, task), epochs=1)

    def fits_itself(self, network: Network) -> bool:  # noqa: ARG002
        return True

    def exports(self, network: Network) -> bool:  # noqa: ARG002
        return False

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Nothing is trained; the curve shows some training pictures as it answers them."""
        started = time.perf_counter()
        rows = how["train"][:LOOKED_AT]
        answers = network(source.plain(rows.to(how["compute"].device)).cpu())
        epoch = epoch_of(answers, labels[rows], None, labels[rows], started)
        how["on_epoch"](epoch)
        return Fitted(network.cpu().eval(), [epoch], 1, how["validation"], None)

    def _shape(self) -> _Shape:
        return _Shape.of(self.source, onnxruntime_session(self.source.graph).get_inputs()[0])

    def _graph(self, task: Task) -> bytes:
        """From prepared pictures to logits in the order of the classes."""
        source = self.source
        columns = self._columns(task)
        if source.is_bundle:
            model = _model(_part(source, PREPARED, ANSWERS), source.name)
            return with_logits(model, ANSWERS, columns, task.classes, shares=True)
        output, shares = _output(source, self._shape(), self._side(task))
        width = output[1]
        if width != len(columns):
            raise BakeoffError(
                source.name,
                f"answers {width} numbers for a picture of {len(columns)} classes",
                "It must have been trained for the classes of these pictures",
            )
        model = onnx.utils.Extractor(_model(source.graph, source.name)).extract_model(
            [onnxruntime_session(source.graph).get_inputs()[0].name], [output[0]]
        )
        return with_logits(model, output[0], columns, task.classes, shares=shares)

    def _columns(self, task: Task) -> list[int]:
        """The class of each of the model's outputs."""
        names = self.source.names
        if not names or not self.classes:
            return list(range(task.classes))
        if sorted(names) != sorted(self.classes):
            raise BakeoffError(
                self.source.name,
                f"knows the classes {', '.join(names)[:200]}",
                f"The pictures have {', '.join(self.classes)[:200]}",
            )
        return [self.classes.index(name) for name in names]


class FixedBody(GraphBody):
    """A graph that is a file of its own, behind its declared input; nothing of it is stored."""

    def __init__(self, approach: OwnGraph, graph: bytes, channels: int) -> None:
        super().__init__()
        self.set(graph)
        self.register_buffer("graph", self.graph, persistent=False)
        shape = None if approach.source.is_bundle else approach._shape()
        self.layout = "NCHW" if shape is None else shape.layout
        self.dtype = np.float32 if shape is None else shape.dtype
        scaling: Scaling = "unit" if shape is None else approach.scaling
        if self.dtype is np.uint8:
            scaling = "bytes"
        self.scaled = Scaled(nn.Identity(), scaling, channels)

    @property
    def without_graph(self) -> str:
        return "is a file of its own, which stays as it is"

    def forward(self, x: Tensor) -> Tensor:
        array = _arranged(self.scaled.cpu()(x.detach().float().cpu()).numpy(), self.layout)
        if self.dtype is np.uint8:
            array = array.round()
        session = self._session or onnxruntime_session(self.bytes)
        self._session = session
        name = session.get_inputs()[0].name
        (answers,) = session.run(None, {name: array.astype(self.dtype)})
        return torch.from_numpy(np.array(answers, dtype=np.float32)).to(x.device)


@dataclass(frozen=True)
class _Shape:
    """The input of a graph: "NCHW", "NHWC" or "flat", and what is fixed; 0 for what is free."""

    layout: str
    side: int
    channels: int
    dtype: Any

    @classmethod
    def of(cls, source: GraphFile, given: Any) -> _Shape:
        """That of a graph's input.

        Raises
        ------
        BakeoffError
            It does not look like that of a picture.
        """
        sizes = [size if isinstance(size, int) and size > 0 else 0 for size in given.shape]
        found: tuple[str, int, int] | None = None
        if len(sizes) == 4 and sizes[1] in (1, 3) and sizes[2] == sizes[3]:
            found = ("NCHW", sizes[2], sizes[1])
        elif len(sizes) == 4 and sizes[3] in (1, 3) and sizes[1] == sizes[2]:
            found = ("NHWC", sizes[1], sizes[3])
        elif len(sizes) == 2 and sizes[1]:
            for channels in (1, 3):
                side = math.isqrt(sizes[1] // channels)
                if channels * side**2 == sizes[1]:
                    found = ("flat", side, channels)
                    break
        if found is None or given.type not in TYPES:
            raise BakeoffError(
                source.name,
                f"takes {given.type} of {given.shape}, which is not understood as a picture",
                "It must take N×C×S×S, N×S×S×C or N×D numbers, with C 1 or 3",
            )
        return cls(*found, TYPES[given.type])


def fixed_approach(
    path: Path, name: str, title: str, classes: tuple[str, ...], fingerprint: str
) -> type[Approach]:
    """The approach that asks the model in a file.

    Parameters
    ----------
    classes, fingerprint : of the pictures that it is asked for, as far as they are known.
    """
    about: dict[str, Any] = {
        "name": name,
        "source": GraphFile.read(path),
        "classes": classes,
        "fingerprint": fingerprint,
        "own_title": title,
        "__doc__": f"The model in {path.name}, as it is.",
    }
    return type("Fixed", (OwnGraph,), about)


@lru_cache(maxsize=8)  # a run asks few graphs, each again and again
def onnxruntime_session(graph: bytes) -> Any:
    """A session for some bytes.

    Raises
    ------
    BakeoffError
        ONNX Runtime does not run them.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exception types are not public
        raise BakeoffError(
            "an ONNX file",
            f"cannot be run by ONNX Runtime ({str(error).splitlines()[0][:200]})",
            "Export it with its weights inside, for a released opset",
        ) from None


def _model(data: bytes, name: str) -> onnx.ModelProto:
    try:
        return onnx.load_model_from_string(data)
    except Exception:  # protobuf has several
        raise BakeoffError(name, "is not an ONNX graph", "Name a file that is one") from None


def _names_in(model: onnx.ModelProto) -> tuple[str, ...]:
    """Class names from the metadata, as Ultralytics and others write them."""
    for entry in model.metadata_props:
        if entry.key.lower() in ("names", "classes", "class_names", "labels"):
            try:
                value = ast.literal_eval(entry.value)
            except (ValueError, SyntaxError):
                value = [each.strip() for each in entry.value.split(",")]
            if isinstance(value, Mapping):
                value = [value[key] for key in sorted(value)]
            if isinstance(value, list | tuple):
                return tuple(map(str, value))
    return ()


def _part(source: GraphFile, start: str, end: str) -> bytes:
    """The part of a bundle's graph between two of its values."""
    extractor = onnx.utils.Extractor(_model(source.graph, source.name))
    data: bytes = extractor.extract_model([start], [end]).SerializeToString()
    return data


def _prepared(graph: bytes, pixels: Tensor, size: int) -> Tensor:  # noqa: ARG001 - its own
    session = onnxruntime_session(graph)
    return torch.from_numpy(session.run(None, {PIXELS: pixels.cpu().numpy()})[0])


def _arranged(array: NDArray[Any], layout: str) -> NDArray[Any]:
    if layout == "flat":
        return array.reshape(len(array), -1)
    return array.transpose(0, 2, 3, 1) if layout == "NHWC" else array


def _output(source: GraphFile, shape: _Shape, side: int) -> tuple[tuple[str, int], bool]:
    """Name and width of the output that answers, and whether it holds probabilities."""
    session = onnxruntime_session(source.graph)
    side, channels = shape.side or side, shape.channels
    noise = np.random.default_rng(0).random((2, channels, side, side))
    noise = _arranged(noise * (255 if shape.dtype is np.uint8 else 1), shape.layout)
    given = {session.get_inputs()[0].name: noise.astype(shape.dtype)}
    asked = [output.name for output in session.get_outputs()]
    try:
        answers = session.run(asked, given)
    except Exception as error:  # its exception types are not public
        raise BakeoffError(
            source.name,
            f"fails for an input of {noise.shape} ({str(error).splitlines()[0][:200]})",
            "Its first axis must be free, and its input a picture",
        ) from None
    for name, answer in zip(asked, answers, strict=True):
        if isinstance(answer, np.ndarray) and answer.ndim == 2 and answer.dtype.kind == "f":
            shares = bool((answer >= 0).all() and np.abs(answer.sum(1) - 1).max() < 1e-3)
            return (name, answer.shape[1]), shares
    raise BakeoffError(
        source.name,
        f"has no output of N×K numbers, but {', '.join(asked)}",
        "One output must be probabilities or logits; for skl2onnx, set zipmap to False",
    )
