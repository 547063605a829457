"""Several bundles side by side, asked the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from bakeoff.bundle.answer import Answers
from bakeoff.bundle.bundle import find_bundles, load
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.pack import SUFFIX
from bakeoff.bundle.sheet import explanation_sheet
from bakeoff.errors import BakeoffError
from bakeoff.record.tables import table

__all__ = ["Panel", "answers_table", "name_bundles"]


OnDone = Callable[[int, int], None]


class Panel:
    """Bundles by name, in order.

    Parameters
    ----------
    paths : bundles, or runs, of which every bundle takes part.
    threads : CPU threads for each.

    Raises
    ------
    BakeoffError
        There is none, or one cannot be loaded.
    """

    def __init__(self, paths: Sequence[Path], *, threads: int | None = None) -> None:
        self.bundles = {
            name: load(path, threads=threads) for name, path in name_bundles(paths).items()
        }

    def answer(
        self, inputs: Inputs, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> dict[str, Answers]:
        """What each says of pictures gathered before; `on_done` counts those of all models."""
        of = len(inputs.pictures) * len(self.bundles)
        answers: dict[str, Answers] = {}
        for name, bundle in self.bundles.items():
            before = len(inputs.pictures) * len(answers)
            answers[name] = bundle.answer(inputs, on_done=_shifted(on_done, before, of))
        return answers

    def draw(self, inputs: Inputs, answers: Mapping[str, Answers], folder: Path) -> Iterator[Path]:
        """Draw what mattered to each into a PNG for each picture, one by one.

        A file is numbered as its picture, and bears its name as far as file names may.
        """
        folder.mkdir(parents=True, exist_ok=True)
        digits = len(str(len(inputs.names)))
        for row, name in enumerate(inputs.names):
            picture = np.array(inputs.pictures[row])
            models = {
                model: (answers[model][row], bundle.explain(picture), bundle.seen(picture[None])[0])
                for model, bundle in self.bundles.items()
            }
            plain = re.sub(r"[^\w-]+", "_", Path(name).stem)[:60]
            path = folder / f"{row + 1:0{digits}}-{plain}.png"
            explanation_sheet(name, picture, models).save(path)
            yield path


def _shifted(on_done: OnDone, before: int, of: int) -> OnDone:
    return lambda done, _: on_done(before + done, of)


def name_bundles(paths: Sequence[Path]) -> dict[str, Path]:
    """Every bundle at some paths, or in the runs there, by a name of its own, in order.

    A bundle is called as its folder or file is; of two with one name, the second is NAME 2.

    Raises
    ------
    BakeoffError
        There is none.
    """
    found = [one for path in paths for one in find_bundles(path) or [path]]
    if not found:
        raise BakeoffError("bundles", "none was named", "Name a run, or a bundle that a run left")
    named: dict[str, Path] = {}
    seen: Counter[str] = Counter()
    for path in found:
        name = path.stem if path.suffix == SUFFIX else path.resolve().name
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} {seen[name]}"] = path
    return named


def answers_table(answers: Mapping[str, Answers], top: int) -> str:
    """All answers as CSV: a row for each picture and model, with the `top` most probable classes.

    The verdict is "sure", "between A and B" or "out of distribution".
    """
    header = ["picture", "model", "verdict"]
    for place in range(1, top + 1):
        header += [f"class {place}", f"probability {place}"]
    rows = []
    for name, given in answers.items():
        for answer in given:
            verdict = answer.words if answer.verdict == "between" else answer.verdict
            row: list[object] = [answer.name, name, verdict]
            for label, probability in answer.ranking[:top]:
                row += [label, f"{probability:.6f}"]
            rows.append(row)
    return table(header, rows)
