"""Other runtimes that answer with a bundle's graph, each in a process of its own.

A crash of a runtime then is an answer too, and another Python with that runtime can do the work:
this file needs nothing but NumPy and the runtime.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError

__all__ = ["RUNTIMES", "Runtime", "answers_of"]

Run: TypeAlias = Callable[[NDArray[np.uint8]], Any]  # N×H×W×C to N×K probabilities
GRAPH, PICTURES, ANSWERS = "graph.onnx", "pictures.npz", "answers.npz"
PROBABILITIES = "probabilities"
ALL = [PROBABILITIES, "ood_score", "embedding", "prepared"]
SECONDS = 3600  # for all pictures


@dataclass(frozen=True, slots=True)
class Runtime:
    """One way to run a graph.

    Attributes
    ----------
    module : what Python imports.
    package : what pip installs.
    load : takes the path of an ONNX graph and returns a function from pictures to probabilities.
    fixed : it takes graphs of one size only; see `bakeoff.bundle.fixed`.
    """

    module: str
    package: str
    load: Callable[[Path], Run]
    fixed: bool = False


def _onnxruntime(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([PROBABILITIES], {"pixels": pixels})[0]


def _openvino(path: Path) -> Run:
    import openvino

    # On processors with bfloat16 it would compute in that by default.
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", options)
    return lambda pixels: compiled({"pixels": pixels})[PROBABILITIES]


def _mnn(path: Path) -> Run:
    import MNN.expr
    import MNN.nn

    converted = path.with_suffix(".mnn")
    program = Path(sys.executable).with_name("mnnconvert")
    command = [str(program), "-f", "ONNX", "--modelFile", str(path), "--MNNModel", str(converted)]
    subprocess.run([*command, "--bizCode", "none"], check=True, capture_output=True)  # noqa: S603
    network = MNN.nn.load_module_from_file(str(converted), ["pixels"], ALL)

    def run(pixels: NDArray[np.uint8]) -> Any:
        value = MNN.expr.const(pixels, list(pixels.shape), MNN.expr.NCHW, MNN.expr.uint8)
        return np.array(network.forward([value])[0].read())

    return run


def _tract(path: Path) -> Run:
    import tract

    model = tract.onnx().load(str(path)).into_model().into_runnable()
    return lambda pixels: model.run([pixels])[0].to_numpy()


def _opencv(path: Path) -> Run:
    import cv2

    network = cv2.dnn.readNetFromONNX(str(path))

    def run(pixels: NDArray[np.uint8]) -> Any:
        network.setInput(pixels, "pixels")
        return network.forward(PROBABILITIES)

    return run


RUNTIMES: dict[str, Runtime] = {
    "onnxruntime": Runtime("onnxruntime", "onnxruntime", _onnxruntime),
    "openvino": Runtime("openvino", "openvino", _openvino),
    "mnn": Runtime("MNN", "MNN", _mnn),
    "tract": Runtime("tract", "tract", _tract),
    "opencv": Runtime("cv2", "opencv-python-headless", _opencv, fixed=True),
}


def answers_of(
    name: str, graph: bytes, pictures: Sequence[NDArray[np.uint8]], *, python: str | None = None
) -> list[NDArray[np.float32]]:
    """What a runtime answers to pictures, each H×W×C: K probabilities for each.

    Parameters
    ----------
    name : one of `RUNTIMES`.
    python : the interpreter in which the runtime is installed; None for this one.

    Raises
    ------
    BakeoffError
        There is no such runtime, it is not installed, or it failed.
    """
    if name not in RUNTIMES:
        raise BakeoffError(f"--runtime {name}", "is unknown", f"Use {', '.join(RUNTIMES)}")
    runtime = RUNTIMES[name]
    if python is None and find_spec(runtime.module) is None:
        raise BakeoffError(
            f"--runtime {name}", "is not installed", f"pip install {runtime.package}"
        )
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        folder = Path(scratch)
        (folder / GRAPH).write_bytes(graph)
        np.savez(folder / PICTURES, *pictures)
        command = [python or sys.executable, "-m", __spec__.name, name, scratch]
        paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(  # noqa: S603
            command,
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        if done.returncode or not (folder / ANSWERS).is_file():
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            reason = lines[-1][:300] if done.returncode >= 0 else "it crashed"
            hint = "Use onnxruntime, or another version of it"
            raise BakeoffError(f"--runtime {name}", f"does not run the graph ({reason})", hint)
        with np.load(folder / ANSWERS, allow_pickle=False) as file:
            return [file[f"arr_{row}"] for row in range(len(pictures))]


def _answer(name: str, folder: Path) -> None:
    """The work of the other process."""
    run = RUNTIMES[name].load(folder / GRAPH)
    with np.load(folder / PICTURES, allow_pickle=False) as file:
        pictures = [file[f"arr_{row}"] for row in range(len(file.files))]
    answers = [np.asarray(run(np.ascontiguousarray(picture[None])))[0] for picture in pictures]
    np.savez(folder / ANSWERS, *answers)


if __name__ == "__main__":
    _answer(sys.argv[1], Path(sys.argv[2]))
