"""Several bundles that predict the same pictures, side by side."""

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
from bakeoff.data.words import count
from bakeoff.errors import BakeoffError
from bakeoff.record.tables import table

__all__ = ["Panel", "answers_table", "name_bundles"]

OnDone = Callable[[int, int], None]


class Panel:
    """Bundles by name, in the order of their paths.

    Parameters
    ----------
    paths : bundles, or runs, which stand for all of their bundles.
    threads : CPU threads for each bundle.

    Raises
    ------
    BakeoffError
        There is no bundle, or one cannot be loaded.
    """

    def __init__(self, paths: Sequence[Path], *, threads: int | None = None) -> None:
        self.bundles = {
            name: load(path, threads=threads) for name, path in name_bundles(paths).items()
        }

    def __repr__(self) -> str:
        lines = [f"Panel of {count(len(self.bundles), 'bundle')}"]
        for name, bundle in self.bundles.items():
            classes = count(len(bundle.classes), "class")
            lines.append(f"  {name}: {bundle.manifest.title}, {classes}")
        return "\n".join(lines)

    def answer(
        self, inputs: Inputs, *, on_done: OnDone = lambda _done, _of: None
    ) -> dict[str, Answers]:
        """The answers of each bundle, by its name; `on_done` counts the pictures of all bundles."""
        of = len(inputs.pictures) * len(self.bundles)
        answers: dict[str, Answers] = {}
        for name, bundle in self.bundles.items():
            before = len(inputs.pictures) * len(answers)
            answers[name] = bundle.answer(inputs, on_done=_shifted(on_done, before, of))
        return answers

    def draw(self, inputs: Inputs, answers: Mapping[str, Answers], folder: Path) -> Iterator[Path]:
        """Draw an explanation of each picture into a PNG, one after the other.

        Files are named by the number of the picture and a safe form of its name.
        """
        folder.mkdir(parents=True, exist_ok=True)
        digits = len(str(len(inputs.names)))
        for row, name in enumerate(inputs.names):
            picture = np.array(inputs.pictures[row])
            models = {
                model: (answers[model][row], bundle.explain(picture), bundle.seen(picture[None])[0])
                for model, bundle in self.bundles.items()
            }
            safe = re.sub(r"[^\w-]+", "_", str(Path(name).with_suffix(""))).strip("_")[-60:]
            path = folder / f"{row + 1:0{digits}}-{safe}.png"
            explanation_sheet(name, picture, models).save(path)
            yield path


def _shifted(on_done: OnDone, before: int, of: int) -> OnDone:
    return lambda done, _: on_done(before + done, of)


def name_bundles(paths: Sequence[Path]) -> dict[str, Path]:
    """The bundles at some paths, or in the runs at these paths, by unique names, in order.

    A bundle is named after its folder or file; a second one of the same name becomes NAME 2.

    Raises
    ------
    BakeoffError
        There are no paths.
    """
    bundles = [bundle for path in paths for bundle in find_bundles(path) or [path]]
    if not bundles:
        raise BakeoffError("bundles", "none was named", "Name a run or a bundle")
    named: dict[str, Path] = {}
    uses: Counter[str] = Counter()
    for path in bundles:
        name = path.stem if path.suffix == SUFFIX else path.resolve().name
        uses[name] += 1
        named[name if uses[name] == 1 else f"{name} {uses[name]}"] = path
    return named


def answers_table(answers: Mapping[str, Answers], top: int) -> str:
    """All answers as CSV: a row for each picture and model, with the `top` most probable classes.

    The verdict is "sure", "between A and B" or "out of distribution".
    """
    header = ["picture", "path", "model", "verdict"]
    for place in range(1, top + 1):
        header += [f"class {place}", f"probability {place}"]
    rows = []
    for name, of_model in answers.items():
        for answer in of_model:
            verdict = answer.words if answer.verdict == "between" else answer.verdict
            row: list[object] = [answer.name, answer.path, name, verdict]
            for label, probability in answer.ranking[:top]:
                row += [label, f"{probability:.6f}"]
            rows.append(row)
    return table(header, rows)
