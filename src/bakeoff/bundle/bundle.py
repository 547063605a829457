"""Load a bundle and ask it: NumPy and ONNX Runtime, no torch.

What is in a bundle is a stranger's word until it is checked: sizes before anything is read,
the schema, checksums, and a graph that can do nothing but compute.
"""

from __future__ import annotations

import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.graph import INPUT, MOST_BYTES, OUTPUTS, PREPARED, check_graph
from bakeoff.bundle.inputs import Inputs, gather
from bakeoff.bundle.manifest import Manifest
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.bundle.neighbours import Neighbour, Neighbours
from bakeoff.bundle.occlusion import Occlusion, covered, occlusion_of
from bakeoff.bundle.pack import SUFFIX
from bakeoff.data.archive import ArchiveLimits, is_archive, unpacked
from bakeoff.data.decode import decode
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.old_names import read_json

__all__ = ["Bundle", "Explanation", "Outcome", "Verified", "find_bundles", "load", "read_bundle"]

GRAPH = "model.onnx"
MANIFEST = "bundle.json"
TOLERANCE = 1e-4  # of a probability: what another processor may add up differently
STRANGER = 0.01  # of a OOD score, as a share of it
BATCH_PIXELS, BATCH_PICTURES = 4_000_000, 256
PACKED = ArchiveLimits(max_members=64, max_bytes=2 * MOST_BYTES)
MOST_MANIFEST = 20_000_000
TRUSTED = "Take a bundle that bakeoff made, from people you trust"

Outcome: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""N×K probabilities, N strangenesses and N×E embeddings."""


@dataclass(frozen=True, slots=True)
class Verified:
    """How a bundle answers here, beside how it answered where it was made.

    `off` is the largest difference of a probability over the golden pictures, and `same` says
    whether it, and that of the OOD score, are within what another processor may add up
    differently.
    """

    pictures: int
    off: float
    same: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model answers so: where it looked, and training pictures like this one."""

    occlusion: Occlusion
    neighbours: list[Neighbour]


class Bundle:
    """A trained approach, ready to be asked.

    Attributes
    ----------
    manifest : all there is to know of it.
    name : of the bundle, such as "cnn".
    classes : class names, in the order of every vector of probabilities.
    neighbours : training pictures, if the owner chose to ship some.
    graph_bytes : size of the graph with its weights.
    """

    def __init__(
        self,
        manifest: Manifest,
        graph: bytes,
        neighbours: Neighbours | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        self.manifest = manifest
        self.graph_bytes = len(graph)
        self.neighbours = neighbours
        self.name = manifest.name
        self.classes = manifest.classes
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # Threads that wait busily would take the cores from other models beside this one.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Weights kept in int8 are made float32 once, when loaded, instead of in every run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own kinds are not public
            raise BakeoffError(
                manifest.name, f"ONNX Runtime can not run its graph ({_first_line(error)})", TRUSTED
            ) from None

    def predict(
        self, given: Any, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> Answers:
        """Name pictures, given in any form.

        Parameters
        ----------
        given : a path of a picture, folder, CSV or zip, the bytes of a file, a PIL image, an
            array of pixels, or a list of such; see `gather`.
        on_done : called with the number of pictures done, and of all.

        Returns
        -------
        One `Answer` for each picture, in order; what could not be read is in `left_out`.

        Raises
        ------
        BakeoffError
            There is nothing to read, or nothing that can be read.
        """
        return self.answer(gather(given), on_done=on_done)

    def answer(
        self, inputs: Inputs, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> Answers:
        """Name pictures that were gathered before, as when several models are asked."""
        count = len(inputs.pictures)
        probabilities = np.empty((count, len(self.classes)), dtype=np.float32)
        ood_score = np.empty(count, dtype=np.float32)
        done = 0
        for rows, some in self.run_all(inputs.pictures):
            probabilities[rows], ood_score[rows], _ = some
            done += len(rows)
            on_done(done, count)
        return Answers(
            [
                answer_of(name, shares, float(score), self.classes, self.manifest.trust, picture)
                for name, shares, score, picture in zip(
                    inputs.names, probabilities, ood_score, inputs.pictures, strict=True
                )
            ],
            inputs.left_out,
        )

    def run_all(self, pictures: Pictures) -> Iterator[tuple[NDArray[np.int64], Outcome]]:
        """Rows and what `run` gives for them, in batches that fit into memory."""
        largest = int(pictures.shapes.prod(axis=1).max(initial=1))
        for rows, pixels in pictures.batches(min(max(BATCH_PIXELS // largest, 1), BATCH_PICTURES)):
            yield rows, self.run(pixels)

    def run(self, pixels: NDArray[np.uint8]) -> Outcome:
        """N×H×W×C uint8 to N×K probabilities, N strangenesses and N×E embeddings."""
        expected = ((len(self.classes),), (), (self.manifest.embedding,))
        names = [output.name for output in self._session.get_outputs()[: len(OUTPUTS)]]
        asked = dict(zip(names, expected, strict=True))
        probabilities, ood_score, embeddings = self._run(pixels, asked)
        return probabilities, ood_score, embeddings

    def seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the model sees of N×H×W×C uint8 pictures: N×S×S×C, C = 1 (grey) or 3 (RGB).

        It takes as long as `run`: ONNX Runtime runs a graph whole, whatever is asked of it.
        """
        made = self.manifest.preparation
        (prepared,) = self._run(pixels, {PREPARED: (made.channels, made.side, made.side)})
        shown: NDArray[np.uint8] = np.rint(prepared.clip(0, 1) * 255).astype(np.uint8)
        return shown.transpose(0, 2, 3, 1)

    def _run(
        self, pixels: NDArray[np.uint8], asked: Mapping[str, tuple[int, ...]]
    ) -> list[NDArray[np.float32]]:
        """Outputs by name, each of the shape that it has for one picture."""
        outputs: list[NDArray[np.float32]] = self._session.run(list(asked), {INPUT: pixels})
        for (name, shape), output in zip(asked.items(), outputs, strict=True):
            if output.shape != (len(pixels), *shape):
                raise BakeoffError(
                    self.name, f"its graph answers with {name} of another shape", TRUSTED
                )
        return outputs

    def explain(self, picture: NDArray[np.uint8], neighbours: int = 5) -> Explanation:
        """What of an H×W×C picture mattered, and the training pictures most like it.

        About two hundred runs of the model; see `covered`.
        """
        copies = covered(picture)
        parts = [self.run(some) for some in np.array_split(copies, -(-copies.size // BATCH_PIXELS))]
        probabilities = np.concatenate([one for one, _, _ in parts])
        return self.explanation(picture, probabilities, parts[0][2][0], neighbours)

    def explanation(
        self,
        picture: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        embedding: NDArray[np.float32],
        neighbours: int,
    ) -> Explanation:
        """The same from what `run` said of `covered` pictures, as when others take turns."""
        near: list[Neighbour] = []
        if self.neighbours is not None:
            near = self.neighbours.nearest(embedding, neighbours, self.classes)
        return Explanation(occlusion_of(picture, probabilities, self.classes), near)

    def verify(self) -> Verified:
        """Ask of the golden pictures again, and compare."""
        golden = self.manifest.golden
        pictures = [decode(b64decode(one.png), "golden picture") for one in golden]
        answers, times = [], []
        for picture in pictures:
            started = time.perf_counter()
            answers.append(self.run(picture[None]))
            times.append(time.perf_counter() - started)
        off = max(
            float(np.abs(given[0] - np.asarray(one.probabilities)).max())
            for one, (given, _, _) in zip(golden, answers, strict=True)
        )
        stranger = max(
            abs(float(strange[0]) / one.ood_score - 1)
            for one, (_, strange, _) in zip(golden, answers, strict=True)
        )
        same = off <= TOLERANCE and stranger <= STRANGER
        return Verified(len(golden), off, same, float(np.median(times)) * 1e3)


def load(path: str | os.PathLike[str], *, threads: int | None = None) -> Bundle:
    """Load a bundle: a folder with `bundle.json`, or a `.bakeoff` file.

    Parameters
    ----------
    path : the bundle. A run with a single approach is taken for that approach's bundle.
    threads : CPU threads for one batch; None for one for each core.

    Raises
    ------
    BakeoffError
        There is no bundle at `path`, it is damaged, or it could do more than compute.
    """
    path = Path(path).expanduser()
    manifest, files = read_bundle(path)
    neighbours = None
    if NEIGHBOURS in files:
        try:
            neighbours = Neighbours.from_bytes(
                files[NEIGHBOURS], classes=len(manifest.classes), width=manifest.embedding
            )
        except ValueError as error:
            raise BakeoffError(
                f"{path.name}/{NEIGHBOURS}", f"is damaged ({error})", TRUSTED
            ) from None
    return Bundle(manifest, files[GRAPH], neighbours, threads=threads)


def read_bundle(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What a bundle says of itself, and the files by which it answers, checked as `load` does.

    Returns
    -------
    The manifest, and by name `bundle.json`, the graph, and the neighbours if it has some.
    """
    if path.is_file() and is_archive(path):
        with unpacked(path, PACKED) as (folder, _):
            return _read_bundle(folder, path.name)
    return _read_bundle(_folder(path), path.name)


def find_bundles(path: Path) -> list[Path]:
    """The bundle at `path`, or those of the run there in the order of its approaches; or none."""
    path = path.expanduser()
    if (path / MANIFEST).is_file() or (path.is_file() and path.suffix == SUFFIX):
        return [path]
    found = sorted(one.parent for one in path.glob(f"bundles/*/{MANIFEST}"))
    try:
        order = RunFolder(path).config.approaches
    except (BakeoffError, OSError):  # of no run, or of one that is damaged
        return found
    known = [path / "bundles" / name for name in order]
    return sorted(found, key=lambda one: known.index(one) if one in known else len(known))


def _folder(path: Path) -> Path:
    inside = find_bundles(path) if path.is_dir() else []
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise BakeoffError(
            str(path),
            f"holds {len(inside)} bundles",
            f"Name one of {', '.join(str(one) for one in inside)}",
        )
    raise BakeoffError(
        str(path),
        f"is no bundle: it holds no {MANIFEST}" if path.exists() else "is not there",
        "Name a folder or .bakeoff file that bakeoff run or bakeoff export made",
    )


def _read_bundle(folder: Path, name: str) -> tuple[Manifest, dict[str, bytes]]:
    data = _read(folder, MANIFEST, MOST_MANIFEST, name)
    try:
        manifest = Manifest.model_validate(read_json(data))
    except ValueError as error:
        misfit = "it is not JSON"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            misfit = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BakeoffError(
            f"{name}/{MANIFEST}",
            f"is damaged or of another version ({misfit})"[:300],
            "Make it again with bakeoff export, or update bakeoff",
        ) from None
    files = {MANIFEST: data, GRAPH: _checked(folder, GRAPH, manifest, name)}
    check_graph(files[GRAPH], f"{name}/{GRAPH}")
    if NEIGHBOURS in manifest.files:
        files[NEIGHBOURS] = _checked(folder, NEIGHBOURS, manifest, name)
    return manifest, files


def _checked(folder: Path, file: str, manifest: Manifest, name: str) -> bytes:
    """A file that is what the manifest lists."""
    data = _read(folder, file, MOST_BYTES, name)
    if hashlib.sha256(data).hexdigest() != manifest.files[file].sha256:
        raise BakeoffError(
            f"{name}/{file}",
            "is not the file that bundle.json lists: its checksum differs",
            "Copy the bundle again",
        )
    return data


def _read(folder: Path, file: str, most: int, name: str) -> bytes:
    try:
        with (folder / file).open("rb") as opened:
            data = opened.read(most + 1)
    except OSError as error:
        raise BakeoffError(
            f"{name}/{file}", f"it can not be read ({error.strerror})", "Copy the bundle again"
        ) from None
    if len(data) > most:
        raise BakeoffError(f"{name}/{file}", f"is larger than {most // 1_000_000} MB", TRUSTED)
    return data


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
