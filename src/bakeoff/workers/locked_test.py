"""The locked test, answered once by a final fit when everything else is settled."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.record.folder import RunFolder
from bakeoff.workers.graph import digest_of_final
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import FINAL, Unit
from bakeoff.workers.worker import Worker

__all__ = ["LockedTestUnit", "test_answers"]

FILE = "answers.npz"


@dataclass(frozen=True)
class LockedTestUnit(Unit):
    """The answers of an approach's final fit to the locked test.

    The one worker that does it is given the test pictures as its `rows`; see `open_test` in
    `bakeoff.run.bake`.
    """

    kind: ClassVar[str] = "test"

    @classmethod
    def of(cls, folder: RunFolder, approach: str) -> LockedTestUnit:
        """That of the final fit as it is now."""
        return cls(approach, f"test {digest_of_final(folder, approach)}")

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        return ((self.approach, FINAL),)

    def do(self, worker: Worker) -> None:
        data = worker.data
        approach = data.config.approach(self.approach).build()
        model = load_model(worker.folder, approach, FINAL)
        logits, ood_score = model.judge(data.dataset.pictures.take(data.rows), data.compute)
        buffer = io.BytesIO()
        np.savez(buffer, rows=data.rows, logits=logits, ood_score=ood_score)
        worker.folder.save_unit_files(self.approach, self.name, {FILE: buffer.getvalue()})


def test_answers(folder: RunFolder, approach: str) -> dict[str, NDArray[Any]]:
    """Rows, logits and OOD scores of the locked test, by the final fit as it is now."""
    with np.load(
        folder.unit(approach, LockedTestUnit.of(folder, approach).name) / FILE, allow_pickle=False
    ) as file:
        return dict(file)
