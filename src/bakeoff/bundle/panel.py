"""Several bundles that predict the same pictures, side by side."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.bundle.answer import Answers
from bakeoff.bundle.bundle import MANIFEST, Bundle, find_bundles
from bakeoff.bundle.bundle import load as load_bundle
from bakeoff.bundle.drift import Drift, shuffled
from bakeoff.bundle.inputs import Inputs, gather
from bakeoff.bundle.pack import SUFFIX
from bakeoff.bundle.sheet import explanation_sheet
from bakeoff.data.words import count
from bakeoff.errors import BakeoffError
from bakeoff.record.tables import table

__all__ = ["Panel", "SideBySide", "answers_table", "load", "name_bundles"]

OnDone = Callable[[int, int], None]
SHOWN = 10  # pictures in a repr


def load(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], *, threads: int | None = None
) -> Bundle | Panel:
    """Load a bundle, or several as a panel, which answers side by side.

    Parameters
    ----------
    path : a bundle (a folder with `bundle.json`, or a `.bakeoff` file), a run, a folder of
        bundles, or a list of these.
    threads : CPU threads for one batch; None for one per core.

    Returns
    -------
    A `Bundle` if `path` is one or holds one, a `Panel` if it holds several or is a list.

    Raises
    ------
    BakeoffError
        There is no bundle, one is damaged, or its graph could do more than compute.
    """
    if not isinstance(path, str | os.PathLike):
        return Panel([Path(one).expanduser() for one in path], threads=threads)
    bundles = _bundles_in(Path(path).expanduser())
    return (
        Panel(bundles, threads=threads) if bundles[1:] else load_bundle(*bundles, threads=threads)
    )


class SideBySide(dict[str, Answers]):
    """The answers of each bundle, by its name."""

    def __repr__(self) -> str:
        lines = []
        for same in list(zip(*self.values(), strict=True))[:SHOWN]:
            lines.append(same[0].name)
            width = max(map(len, self))
            for name, answer in zip(self, same, strict=True):
                words = f"{answer.label} ({answer.probability:.1%}), {answer.words}"
                lines.append(f"  {name:<{width}}  {words}")
        more = max(map(len, self.values()), default=0) - SHOWN
        return "\n".join([*lines, *([f"… and {more} more"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        parts = (f"<h4>{escape(name)}</h4>{self[name]._repr_html_()}" for name in self)
        return "".join(f"<div>{part}</div>" for part in parts)


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
            name: load_bundle(path, threads=threads) for name, path in name_bundles(paths).items()
        }

    def __repr__(self) -> str:
        lines = [f"Panel of {count(len(self.bundles), 'bundle')}"]
        for name, bundle in self.bundles.items():
            classes = count(len(bundle.classes), "class")
            lines.append(f"  {name}: {bundle.manifest.title}, {classes}")
        return "\n".join(lines)

    def __getitem__(self, name: str) -> Bundle:
        return self.bundles[name]

    def predict(self, pictures: Any, *, on_done: OnDone = lambda _done, _of: None) -> SideBySide:
        """Classify pictures with each bundle; see `Bundle.predict`."""
        return self.answer(gather(pictures), on_done=on_done)

    def answer(self, inputs: Inputs, *, on_done: OnDone = lambda _done, _of: None) -> SideBySide:
        """The answers of each bundle, by its name; `on_done` counts the pictures of all bundles."""
        of = len(inputs.pictures) * len(self.bundles)
        answers = SideBySide()
        for name, bundle in self.bundles.items():
            before = len(inputs.pictures) * len(answers)
            answers[name] = bundle.answer(inputs, on_done=_shifted(on_done, before, of))
        return answers

    def drift(self, answers: Mapping[str, Answers]) -> dict[str, Drift]:
        """Whether the pictures of these answers are unlike the training pictures, for each bundle.

        Bundles of older versions cannot say, and are left out.
        """
        watched = {}
        for name, some in answers.items():
            if held_out := self.bundles[name].manifest.held_out_scores:
                watched[name] = Drift(held_out)
                watched[name].add(shuffled(one.ood_score for one in some), len(answers))
        return watched

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


def _bundles_in(path: Path) -> list[Path]:
    """The bundles at a path, in the run there, or in the folder there; else the path itself."""
    beside = sorted(
        [*(found.parent for found in path.glob(f"*/{MANIFEST}")), *path.glob(f"*{SUFFIX}")]
    )
    return find_bundles(path) or beside or [path]


def name_bundles(paths: Sequence[Path]) -> dict[str, Path]:
    """The bundles at some paths, or in the runs at these paths, by unique names, in order.

    A bundle is named after its folder or file; a second one of the same name becomes NAME 2.

    Raises
    ------
    BakeoffError
        There are no paths.
    """
    bundles = [bundle for path in paths for bundle in _bundles_in(path)]
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

    Where costs are known, a column has the class of least expected cost. The verdict is "sure",
    "between A and B", "not sure", "not enough pictures to be sure", "out of distribution" or
    "nothing drawn".
    """
    costs = any(answer.cheapest is not None for some in answers.values() for answer in some)
    header = ["picture", "path", "model", "verdict", *(["cheapest"] if costs else [])]
    for place in range(1, top + 1):
        header += [f"class {place}", f"probability {place}"]
    rows = []
    for name, of_model in answers.items():
        for answer in of_model:
            said = answer.verdict in ("between", "unsure")
            verdict = answer.words if said else answer.verdict
            row: list[object] = [answer.name, answer.path, name, verdict]
            row += [answer.cheapest] if costs else []
            for label, probability in answer.ranking[:top]:
                row += [label, f"{probability:.6f}"]
            rows.append(row)
    return table(header, rows)
