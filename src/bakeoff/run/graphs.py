"""The graphs of bundles, traced by workers: each keeps one core busy as long as a small fit does.

A graph is a unit of its own, kept under a name that says what it follows from. So a bundle that is
made again, by ``--resume`` or ``bakeoff export``, finds it, and never that of other weights.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from importlib.metadata import version

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.version import __version__
from bakeoff.workers.units import FINAL, Tell, Unit, UnitRunner, load_model

__all__ = ["Graphs", "kept_graph", "trace"]

FILE = "graph.onnx"
TRACED_BY = ("torch", "onnxscript", "onnx")


class Graphs:
    """The graphs of a run that are not traced yet; see `Work`.

    Parameters
    ----------
    folder : of the run, whose final fits are all there.
    approaches : by name.
    tell : called with all that happens.
    """

    def __init__(self, folder: RunFolder, approaches: Sequence[str], tell: Tell) -> None:
        self._tell = tell
        units = [Unit(name, FINAL, _name_of(folder, name), kind="graph") for name in approaches]
        left = [unit for unit in units if not folder.has_unit(unit.approach, unit.name)]
        # The largest model takes longest, and is not to be begun last.
        self._left = sorted(left, key=lambda unit: _weight(folder, unit.approach))
        self._of, self._done = len(left), 0
        if left:
            tell("tracing graphs", approaches=[unit.approach for unit in left])

    def left(self) -> int:
        return len(self._left)

    def next(self, last: str | None) -> Unit | None:  # noqa: ARG002
        return self._left.pop() if self._left else None

    def heard(self, unit: Unit, kind: str, details: dict[str, object]) -> bool:  # noqa: ARG002
        if kind == "graph traced":
            self._done += 1
            self._tell(kind, **details, done=self._done, of=self._of)
        return False

    def ended(self, unit: Unit, error: BakeoffError | None, *, stopped: bool) -> None:
        """An approach without a graph is told of where its bundle is made, and costs no more."""


def trace(runner: UnitRunner, unit: Unit) -> None:
    """Trace the graph of a final fit, and keep it.

    Raises
    ------
    BakeoffError
        ONNX has no words for something in it.
    """
    from bakeoff.bundle.export import graph_of  # a worker that only trains needs no onnx

    started = time.perf_counter()
    model = load_model(runner.folder, runner.approach, FINAL)  # the bench shares what it assembles
    graph = graph_of(model.cpu().float())
    runner.folder.save_unit_files(unit.approach, unit.name, {FILE: graph})
    runner.tell("graph traced", approach=unit.approach, seconds=time.perf_counter() - started)


def kept_graph(folder: RunFolder, approach: str) -> bytes | None:
    """The graph of an approach's final fit as it is now, if these versions have traced it."""
    path = folder.unit(approach, _name_of(folder, approach)) / FILE
    return path.read_bytes() if path.is_file() else None


def _name_of(folder: RunFolder, approach: str) -> str:
    """Says all that a graph follows from: what was fitted, and what traces it."""
    digest = hashlib.sha256(repr([__version__, *map(version, TRACED_BY)]).encode())
    for name, data in sorted(folder.unit_files(approach, FINAL).items()):
        digest.update(name.encode() + data)
    return f"graph {digest.hexdigest()[:16]}"


def _weight(folder: RunFolder, approach: str) -> int:
    return sum(file.stat().st_size for file in folder.unit(approach, FINAL).iterdir())
