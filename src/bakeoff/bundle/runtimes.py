"""Other runtimes that answer with a bundle's graph, each in a process of its own.

A crash of a runtime then is an answer too, and another Python with that runtime can do the work:
this file needs nothing but NumPy and the runtime.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError

__all__ = [
    "ELSEWHERE",
    "RUNTIMES",
    "Runtime",
    "answers_of",
    "import_openvino",
    "python_with",
    "run_apart",
]

Run: TypeAlias = Callable[[NDArray[np.uint8]], Any]  # N×H×W×C to N×K probabilities
GRAPH, PICTURES, ANSWERS = "graph.onnx", "pictures.npz", "answers.npz"
PROBABILITIES = "probabilities"
ALL = [PROBABILITIES, "ood_score", "embedding", "prepared"]
SECONDS = 3600  # for all pictures
ELSEWHERE = "BAKEOFF_RUNTIME_PYTHON"
"""Names the Python that has what bakeoff's own has not: some tools need other versions of parts."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One way to run a graph.

    Attributes
    ----------
    module : what Python imports.
    package : what pip installs.
    load : takes the path of an ONNX graph and returns a function from pictures to probabilities.
    fixed : it takes graphs of one size only; see `bakeoff.bundle.fixed`.
    apart : its package does not go with bakeoff's, and needs an environment of its own.
    """

    module: str
    package: str
    load: Callable[[Path], Run]
    fixed: bool = False
    apart: bool = False


def _onnxruntime(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda pixels: session.run([PROBABILITIES], {"pixels": pixels})[0]


def import_openvino() -> Any:
    """OpenVINO, which then sends nothing.

    Version 2026.4 reports its import and each conversion to Google Analytics, without a question.
    It goes on without the package that does so.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # makes imports fail
    import openvino

    return openvino


def _openvino(path: Path) -> Run:
    openvino = import_openvino()
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


def _litert(path: Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    from bakeoff.bundle.converters import to_litert

    if path.read_bytes()[4:8] != b"TFL3":  # an ONNX graph is converted first
        converted = path.with_suffix(".tflite")
        to_litert(path.read_bytes(), converted)
        path = converted
    answer = Interpreter(str(path)).get_signature_runner()
    return lambda pixels: answer(pixels=pixels)[PROBABILITIES]


RUNTIMES: dict[str, Runtime] = {
    "onnxruntime": Runtime("onnxruntime", "onnxruntime", _onnxruntime),
    "openvino": Runtime("openvino", "openvino", _openvino),
    "mnn": Runtime("MNN", "MNN", _mnn),
    "tract": Runtime("tract", "tract", _tract),
    "opencv": Runtime("cv2", "opencv-python-headless", _opencv, fixed=True),
    "litert": Runtime("litert_torch", "litert-torch onnx", _litert, fixed=True, apart=True),
}


def answers_of(
    name: str,
    graph: bytes,
    pictures: Sequence[NDArray[np.uint8]],
    *,
    python: str | None = None,
    batch: int = 1,
) -> list[NDArray[np.float32]]:
    """What a runtime answers to pictures, each H×W×C: K probabilities for each.

    Parameters
    ----------
    name : one of `RUNTIMES`.
    python : the interpreter in which the runtime is installed; None for this one.
    batch : the most pictures to answer at once, of those that follow each other in one shape.

    Raises
    ------
    BakeoffError
        There is no such runtime, it is not installed, or it failed.
    """
    if name not in RUNTIMES:
        raise BakeoffError(f"--runtime {name}", "is unknown", f"Use {', '.join(RUNTIMES)}")
    runtime = RUNTIMES[name]
    subject = f"--runtime {name}"
    python = python or python_with(subject, runtime.module, runtime.package, apart=runtime.apart)
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        folder = Path(scratch)
        (folder / GRAPH).write_bytes(graph)
        np.savez(folder / PICTURES, *pictures)
        reason = run_apart(__spec__.name, name, scratch, str(batch), python=python)
        if reason or not (folder / ANSWERS).is_file():
            hint = "Use onnxruntime, or another version of it"
            raise BakeoffError(subject, f"does not run the graph ({reason})", hint)
        with np.load(folder / ANSWERS, allow_pickle=False) as file:
            return [file[f"arr_{row}"] for row in range(len(pictures))]


def python_with(subject: str, module: str, package: str, *, apart: bool) -> str:
    """The Python that has a module: this one, or the one that `ELSEWHERE` names.

    Raises
    ------
    BakeoffError
        This one has it not, and no other is named.
    """
    if find_spec(module) is not None:
        return sys.executable
    if elsewhere := os.environ.get(ELSEWHERE):
        return elsewhere
    hint = f"pip install {package}"
    if apart:
        hint = (
            f"Install it into an environment of its own (python -m venv apart; apart/bin/{hint}), "
            f"and set {ELSEWHERE}=apart/bin/python"
        )
    raise BakeoffError(subject, f"needs {package.split()[0]}, which is not installed", hint)


def run_apart(module: str, *arguments: str, python: str) -> str:
    """Run a module of bakeoff in a process of its own: why it failed, or nothing."""
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(  # noqa: S603
            [python, "-m", module, *arguments],
            env={**os.environ, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        return f"{python}: {error.strerror}"
    if not done.returncode:
        return ""
    return _reason(done.stderr) if done.returncode > 0 else "it crashed"


def _reason(stderr: str) -> str:
    """The error at the end of a traceback, on one line; it may have several."""
    lines = stderr.strip().splitlines() or ["it said nothing"]
    named = [row for row, line in enumerate(lines) if re.match(r"[\w.]+: ", line)]
    reason = " ".join(" ".join(lines[named[-1] if named else -1 :]).split())
    return reason.removeprefix("bakeoff.errors.BakeoffError: ").rstrip(".")[:300]


def _answer(name: str, folder: Path, batch: int) -> None:
    """The work of the other process."""
    run = RUNTIMES[name].load(folder / GRAPH)
    with np.load(folder / PICTURES, allow_pickle=False) as file:
        pictures = [file[f"arr_{row}"] for row in range(len(file.files))]
    answers: list[NDArray[np.float32]] = []
    for _, alike in groupby(pictures, key=lambda picture: picture.shape):
        same = np.stack(list(alike))
        for start in range(0, len(same), batch):
            answers += list(np.asarray(run(np.ascontiguousarray(same[start : start + batch]))))
    np.savez(folder / ANSWERS, *answers)


if __name__ == "__main__":
    _answer(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
