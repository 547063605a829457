"""The ONNX graph of a final fit, traced by a worker: it keeps a core busy as long as a small fit.

A graph is kept under a name that says what it follows from. So a bundle that is made again, by
``--resume`` or ``bakeoff export``, uses it, and never that of other weights.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import ClassVar

from bakeoff.record.events import GraphTraced
from bakeoff.record.folder import RunFolder
from bakeoff.version import __version__
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import FINAL, Unit
from bakeoff.workers.worker import Worker

__all__ = ["GraphUnit", "digest_of_final", "kept_graph"]

FILE = "graph.onnx"
TRACED_BY = ("torch", "onnxscript", "onnx")


@dataclass(frozen=True)
class GraphUnit(Unit):
    """The graph of an approach's final fit, from raw pixels to answers."""

    kind: ClassVar[str] = "graph"

    @classmethod
    def of(cls, folder: RunFolder, approach: str) -> GraphUnit:
        """That of the final fit as it is now."""
        return cls(approach, _name_of(folder, approach))

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        return ((self.approach, FINAL),)

    def do(self, worker: Worker) -> None:
        from bakeoff.bundle.tracing import graph_of  # a worker that only trains needs no onnx

        started = time.perf_counter()
        approach = worker.data.config.approach(self.approach).build()
        model = load_model(worker.folder, approach, FINAL)
        graph = graph_of(model.cpu().float())
        worker.folder.save_unit_files(self.approach, self.name, {FILE: graph})
        worker.tell(GraphTraced(approach=self.approach, seconds=time.perf_counter() - started))


def kept_graph(folder: RunFolder, approach: str) -> bytes | None:
    """The graph of an approach's final fit as it is now, if these versions have traced it."""
    path = folder.unit(approach, _name_of(folder, approach)) / FILE
    return path.read_bytes() if path.is_file() else None


def digest_of_final(folder: RunFolder, approach: str, *versions: str) -> str:
    """Says what follows from a final fit: its files, and the versions of what is used on it."""
    digest = hashlib.sha256(repr(list(versions)).encode())
    for name, data in sorted(folder.unit_files(approach, FINAL).items()):
        digest.update(name.encode() + data)
    return digest.hexdigest()[:16]


def _name_of(folder: RunFolder, approach: str) -> str:
    versions = (__version__, *map(version, TRACED_BY))
    return f"graph {digest_of_final(folder, approach, *versions)}"
