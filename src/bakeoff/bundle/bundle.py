"""Load a bundle and predict with it, by NumPy and ONNX Runtime alone.

A bundle is untrusted input. Loading checks sizes before it reads, then the schema, the checksums,
and that the graph can only compute.
"""

from __future__ import annotations

import hashlib
import os
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.graph import INPUT, MAX_GRAPH_BYTES, OUTPUTS, PREPARED, check_graph
from bakeoff.bundle.inputs import Inputs, gather
from bakeoff.bundle.manifest import Manifest
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.bundle.neighbours import Neighbour, Neighbours
from bakeoff.bundle.occlusion import Occlusion, covered, occlusion_of
from bakeoff.bundle.outcome import UNTRUSTED_HINT, Outcome, checked_outcome, expect_shape
from bakeoff.bundle.pack import SUFFIX
from bakeoff.data.archive import ArchiveLimits, is_archive, unpacked
from bakeoff.data.decode import decode
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import without_alpha
from bakeoff.data.words import count
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.old_names import read_json
from bakeoff.record.whole import read_file

__all__ = [
    "INPUT_PIXELS",
    "Bundle",
    "Explanation",
    "Outcome",
    "Verified",
    "find_bundles",
    "load",
    "read_bundle",
]

GRAPH = "model.onnx"
MANIFEST = "bundle.json"
TOLERANCE = 1e-4  # of a probability: rounding differs between processors
OOD_TOLERANCE = 0.01  # of an OOD score, relative
LEAST_OOD_SCORE = 1e-3  # compared relative to this, where the recorded one is even smaller
BATCH_PIXELS, BATCH_PICTURES = 4_000_000, 256
# Of the network's inputs: more photos at once take no less time each, and 20 MB each.
INPUT_PIXELS = 300_000
PACKED = ArchiveLimits(max_members=64, max_bytes=2 * MAX_GRAPH_BYTES)
MAX_MANIFEST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle's answers on this machine compared with those on the machine that exported it.

    Attributes
    ----------
    pictures : number of golden pictures.
    max_difference : the largest difference of a probability.
    same : whether probabilities and OOD scores differ by no more than rounding on another
        processor explains.
    milliseconds : median time for one picture.
    """

    pictures: int
    max_difference: float
    same: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a model gave its answer: where it looked, and the most similar training pictures."""

    occlusion: Occlusion
    neighbours: list[Neighbour]


class Bundle:
    """A trained approach, ready to predict.

    Attributes
    ----------
    manifest : the contents of bundle.json.
    name : of the bundle, such as "cnn".
    classes : K class names, in the order of every probability vector.
    cost : K×K, of answering column where the truth is row; None if the bundle has no costs.
    neighbours : training pictures, if the bundle was exported with some.
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
        self.cost = _cost_matrix(manifest)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # Spinning threads would take the cores from other models that run at the same time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Convert int8 weights to float32 once, at load time, instead of in every run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exception types are not public
            raise BakeoffError(
                manifest.name,
                f"ONNX Runtime cannot run its graph ({_first_line(error)})",
                UNTRUSTED_HINT,
            ) from None
        self._running: onnxruntime.RunOptions | None = None
        # By position: graphs of schema 1 call the second one otherwise.
        self._outputs = [output.name for output in self._session.get_outputs()[: len(OUTPUTS)]]

    def __repr__(self) -> str:
        manifest = self.manifest
        scores = [f"{score.accuracy:.1%} accuracy ({score.on})" for score in manifest.scores]
        trained = f"trained on {count(manifest.trained_on.pictures, 'picture')}"
        lines = [
            f"Bundle {self.name}: {manifest.title}",
            f"  {count(len(self.classes), 'class')}, {trained} of {manifest.trained_on.name}",
            f"  {', '.join(scores)}" if scores else "",
            f"  {manifest.parameters:,} parameters, {self.graph_bytes / 1e6:.1f} MB",
        ]
        return "\n".join(line for line in lines if line)

    def predict(
        self, pictures: Any, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> Answers:
        """Classify pictures.

        Parameters
        ----------
        pictures : the path of a picture, folder, CSV or zip, the bytes of a file, a PIL image, an
            array of pixels, or a list of these; see `gather`.
        on_done : called with the number of pictures done and the number of all pictures.

        Returns
        -------
        One `Answer` for each picture, in order; `left_out` lists what could not be read.

        Raises
        ------
        BakeoffError
            There is nothing to read, or nothing can be read.
        """
        return self.answer(gather(pictures), on_done=on_done)

    def answer(
        self, inputs: Inputs, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> Answers:
        """Classify pictures that `gather` has read, so that several models can share them."""
        total = len(inputs.pictures)
        probabilities = np.empty((total, len(self.classes)), dtype=np.float32)
        ood_scores = np.empty(total, dtype=np.float32)
        done = 0
        for rows, outcome in self.run_all(inputs.pictures):
            probabilities[rows], ood_scores[rows], _ = outcome
            done += len(rows)
            on_done(done, total)
        return Answers(
            [
                answer_of(
                    name,
                    shares,
                    float(score),
                    self.classes,
                    self.manifest.trust,
                    picture,
                    path,
                    self.cost,
                )
                for name, path, shares, score, picture in zip(
                    inputs.names,
                    inputs.paths,
                    probabilities,
                    ood_scores,
                    inputs.pictures,
                    strict=True,
                )
            ],
            inputs.left_out,
            inputs.notes,
        )

    def run_all(self, pictures: Pictures) -> Iterator[tuple[NDArray[np.int64], Outcome]]:
        """Row numbers and the `Outcome` for them, in batches that fit into memory."""
        largest = int(pictures.shapes.prod(axis=1).max(initial=1))
        for rows, pixels in pictures.batches(self._at_once(largest)):
            yield rows, self.run(pixels)

    def _at_once(self, size: int) -> int:
        """How many pictures of `size` numbers to run together."""
        input_size = max(self.manifest.preparation.side, 1) ** 2
        fitting = min(BATCH_PIXELS // max(size, 1), INPUT_PIXELS // input_size, BATCH_PICTURES)
        return max(fitting, 1)

    def run(self, pixels: NDArray[np.uint8]) -> Outcome:
        """The `Outcome` for N×H×W×C pixels of uint8; those with alpha are laid on white.

        Raises
        ------
        BakeoffError
            The graph of a stranger gives what are no probabilities, or `stop` has ended it.
        """
        outputs = self._run(pixels, self._outputs)
        size = self.manifest.embedding
        return checked_outcome(self.name, outputs, len(pixels), len(self.classes), size)

    def stop(self) -> None:
        """End what the graph computes at this moment, from another thread."""
        if (running := self._running) is not None:
            running.terminate = True

    def seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The network's input for N×H×W×C uint8 pictures: N×S×S×C, C = 1 (grey) or 3 (RGB).

        This takes as long as `run`: ONNX Runtime always runs the whole graph.
        """
        preparation = self.manifest.preparation
        side = preparation.side
        (prepared,) = self._run(pixels, [PREPARED])
        expect_shape(self.name, PREPARED, prepared, (len(pixels), preparation.channels, side, side))
        shown: NDArray[np.uint8] = np.rint(prepared.clip(0, 1) * 255).astype(np.uint8)
        return shown.transpose(0, 2, 3, 1)

    def _run(self, pixels: NDArray[np.uint8], names: Sequence[str]) -> list[NDArray[np.float32]]:
        """The outputs of these names."""
        fed = {INPUT: without_alpha(pixels)}
        running = self._running = onnxruntime.RunOptions()
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(names, fed, running)
        except Exception as error:  # ONNX Runtime's exception types are not public
            if running.terminate:
                raise BakeoffError(
                    self.name, "took too long and was stopped", "Send fewer or smaller pictures"
                ) from None
            raise BakeoffError(
                self.name, f"its graph cannot be run ({_first_line(error)})", UNTRUSTED_HINT
            ) from None
        finally:
            self._running = None
        return outputs

    def explain(self, picture: NDArray[np.uint8], neighbours: int = 5) -> Explanation:
        """Which parts of an H×W×C picture mattered, and the most similar training pictures.

        This runs the model on about two hundred copies of the picture; see `covered`.
        """
        picture = without_alpha(picture[None])[0]
        copies = covered(picture)
        batches = np.array_split(copies, -(-len(copies) // self._at_once(picture.size)))
        outcomes = [self.run(batch) for batch in batches]
        probabilities = np.concatenate([shares for shares, _, _ in outcomes])
        return self.explanation(picture, probabilities, outcomes[0][2][0], neighbours)

    def explanation(
        self,
        picture: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        embedding: NDArray[np.float32],
        neighbours: int,
    ) -> Explanation:
        """`explain` for a caller that has run the `covered` copies itself.

        Parameters
        ----------
        picture : H×W×C.
        probabilities : one row of K for each copy.
        embedding : E numbers, of the whole picture.
        neighbours : number of training pictures.
        """
        nearest: list[Neighbour] = []
        if self.neighbours is not None:
            nearest = self.neighbours.nearest(embedding, neighbours, self.classes)
        return Explanation(occlusion_of(picture, probabilities, self.classes), nearest)

    def verify(self) -> Verified:
        """Predict the golden pictures and compare with the answers that the bundle records."""
        differences, ood_differences, times = [], [], []
        for golden in self.manifest.golden:
            picture = decode(b64decode(golden.png), "golden picture")
            started = time.perf_counter()
            probabilities, ood_scores, _ = self.run(picture[None])
            times.append(time.perf_counter() - started)
            differences.append(np.abs(probabilities[0] - np.asarray(golden.probabilities)).max())
            difference = abs(float(ood_scores[0]) - golden.ood_score)
            ood_differences.append(difference / max(golden.ood_score, LEAST_OOD_SCORE))
        return Verified(
            pictures=len(times),
            max_difference=float(max(differences)),
            same=bool(max(differences) <= TOLERANCE and max(ood_differences) <= OOD_TOLERANCE),
            milliseconds=float(np.median(times)) * 1e3,
        )


def load(path: str | os.PathLike[str], *, threads: int | None = None) -> Bundle:
    """Load a bundle: a folder with `bundle.json`, or a `.bakeoff` file.

    Parameters
    ----------
    path : the bundle, or a run with a single approach.
    threads : CPU threads for one batch; None for one per core.

    Raises
    ------
    BakeoffError
        There is no bundle at `path`, it is damaged, or its graph could do more than compute.
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
                f"{path.name}/{NEIGHBOURS}", f"is damaged ({error})", UNTRUSTED_HINT
            ) from None
    return Bundle(manifest, files[GRAPH], neighbours, threads=threads)


def read_bundle(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Read and check a bundle as `load` does, without preparing it to predict.

    Returns
    -------
    The manifest, and the bytes of the graph and of the neighbours, if there are any, by file name.
    """
    if path.is_file() and is_archive(path):
        with unpacked(path, PACKED) as (folder, _):
            return _read_bundle(folder, path.name)
    return _read_bundle(_folder(path), path.name)


def find_bundles(path: Path) -> list[Path]:
    """The bundle at `path`, or those of the run at `path` in the order of its approaches."""
    path = path.expanduser()
    if (path / MANIFEST).is_file() or (path.is_file() and path.suffix == SUFFIX):
        return [path]
    found = (manifest.parent for manifest in path.glob(f"bundles/*/{MANIFEST}"))
    bundles = sorted(bundle for bundle in found if bundle.name[0] != ".")  # that is being written
    try:
        order = RunFolder(path).config.names
    except (BakeoffError, OSError):  # not a run, or a damaged one
        return bundles
    known = [path / "bundles" / name for name in order]
    return sorted(bundles, key=lambda path: known.index(path) if path in known else len(known))


def run_of_bundle(bundle: Path) -> RunFolder | None:
    """The run whose bundle this is; None of a bundle elsewhere, or a file."""
    parent = bundle.expanduser().resolve().parent
    run = parent.parent
    return RunFolder(run) if parent.name == "bundles" and (run / "run.json").is_file() else None


def _cost_matrix(manifest: Manifest) -> NDArray[np.float64] | None:
    if not manifest.cost:
        return None
    place = {name: index for index, name in enumerate(manifest.classes)}
    cost: NDArray[np.float64] = 1.0 - np.eye(len(place))
    for one in manifest.cost:
        cost[place[one.truth], place[one.answer]] = one.cost
    return cost


def _folder(path: Path) -> Path:
    inside = find_bundles(path) if path.is_dir() else []
    if len(inside) == 1:
        return inside[0]
    if inside:
        raise BakeoffError(
            str(path),
            f"holds {len(inside)} bundles",
            f"Name one of {', '.join(map(str, inside))}",
        )
    raise BakeoffError(
        str(path),
        f"is not a bundle: it has no {MANIFEST}" if path.exists() else "does not exist",
        "Name a folder or .bakeoff file made by bakeoff run or bakeoff export",
    )


def _read_bundle(folder: Path, name: str) -> tuple[Manifest, dict[str, bytes]]:
    data = _read(folder, MANIFEST, MAX_MANIFEST_BYTES, name)
    try:
        manifest = Manifest.model_validate(read_json(data, f"{name}/{MANIFEST}"))
    except ValueError as error:
        reason = "it is not JSON"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BakeoffError(
            f"{name}/{MANIFEST}",
            f"is damaged or of another version ({reason})"[:300],
            "Export it again with bakeoff export, or update bakeoff",
        ) from None
    files = {GRAPH: _checked(folder, GRAPH, manifest, name)}
    check_graph(files[GRAPH], f"{name}/{GRAPH}")
    if NEIGHBOURS in manifest.files:
        files[NEIGHBOURS] = _checked(folder, NEIGHBOURS, manifest, name)
    return manifest, files


def _checked(folder: Path, file: str, manifest: Manifest, name: str) -> bytes:
    """The bytes of a file whose checksum is the one in the manifest."""
    data = _read(folder, file, MAX_GRAPH_BYTES, name)
    if hashlib.sha256(data).hexdigest() != manifest.files[file].sha256:
        raise BakeoffError(
            f"{name}/{file}",
            f"its checksum differs from the one in {MANIFEST}",
            "Copy the bundle again",
        )
    return data


def _read(folder: Path, file: str, max_bytes: int, name: str) -> bytes:
    try:
        data = read_file(folder / file, most=max_bytes + 1)
    except OSError as error:
        raise BakeoffError(
            f"{name}/{file}", f"cannot be read ({error.strerror})", "Copy the bundle again"
        ) from None
    if len(data) > max_bytes:
        raise BakeoffError(
            f"{name}/{file}", f"is larger than {max_bytes // 1_000_000} MB", UNTRUSTED_HINT
        )
    return data


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
