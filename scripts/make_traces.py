"""Trace the parts of models that most runs have in common, for the package.

    python scripts/make_traces.py

Run it after a change to what they follow from: preprocessing, frozen networks, the parts of an
exported model. Traces that still fit are kept; a test says when some are missing. Use the versions
in constraints.txt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, product

import torch
from rich.progress import track

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.registry import entry_of
from bakeoff.approaches.trainer import eye_of
from bakeoff.bundle.architecture import form_of
from bakeoff.bundle.parts import Exported, Part
from bakeoff.bundle.shipped import SHIPPED, packed, shipped
from bakeoff.bundle.tracing import EXAMPLE, sizes_of, trace_of
from bakeoff.record.config import DEFAULT_APPROACHES
from bakeoff.record.whole import write_file
from bakeoff.training.model import Model
from bakeoff.training.ood import SketchOOD

INK = Task(classes=10, pictures=800, side=28, channels=1, mode="ink")
LARGE_INK = replace(INK, side=200)
PHOTOS = replace(INK, mode="photo", channels=3)
TASKS = (
    INK,
    LARGE_INK,
    replace(INK, pictures=60_000),
    *(replace(PHOTOS, side=side) for side in (32, 64, 400)),
)
CLASSES = range(2, 27)  # for so many, models are traced whole
FIRST = DEFAULT_APPROACHES[0]
WHOLE = (  # of the commonest sets; a network from scratch that takes photos is traced
    *((INK, name) for name in DEFAULT_APPROACHES),
    *((PHOTOS, name) for name in (FIRST, "transfer")),
    *((replace(task, budget="quick"), "cnn") for task in (INK, LARGE_INK)),
    *((LARGE_INK, name) for name in ("cnn", "vit")),
)


def models() -> Iterator[Model]:
    """Untrained models that have all the parts to ship."""
    for task, name in product(TASKS, DEFAULT_APPROACHES):
        yield model_of(entry_of(name).load()(), task)


def whole_models() -> Iterator[Model]:
    """Untrained models that are shipped whole, for each number of classes."""
    for (task, name), classes in product(WHOLE, CLASSES):
        yield model_of(entry_of(name).load()(), replace(task, classes=classes))


def model_of(approach: Approach, task: Task) -> Model:
    """An untrained model."""
    frozen, network = approach.frozen(task), approach.build(task)
    eye = eye_of(approach, task, frozen)
    if eye is not None:
        network.ood = SketchOOD(task.classes, 5, eye_width(eye, approach, task), 20)
    model = Model(approach.preprocess(task), frozen, network, 1.0, eye)
    return model.eval().float()  # as `GraphUnit` exports it


def eye_width(eye: torch.nn.Module, approach: Approach, task: Task) -> int:
    """How many features the eye gives of an approach's input."""
    preprocess = approach.preprocess(task)
    with torch.inference_mode():
        seen = eye(torch.zeros(1, preprocess.channels, preprocess.size, preprocess.size))
    return int(seen.shape[1])


def wanted() -> Iterator[tuple[str, Part, Exported]]:
    """The parts to ship, each once, by their form."""
    found = set()
    for model, whole in chain(((m, False) for m in models()), ((m, True) for m in whole_models())):
        exported = Exported(model)
        for part in exported.parts if whole else exported.parts[:-1]:
            form = form_of(part, *sizes_of(part, exported))
            assert form is not None, f"{part.name} has no form"
            if form not in found:
                found.add(form)
                yield form, part, exported


def main() -> None:
    """Write the archive anew if a trace is missing or of no use any more."""
    known, traces = shipped(), {}
    for form, part, exported in track(list(wanted()), "Tracing"):
        if form in known:
            traces[form] = known[form]
            continue
        with torch.inference_mode():
            values = exported.values(torch.zeros(EXAMPLE, dtype=torch.uint8))
        trace = trace_of(part, [values[name].clone() for name in part.takes])
        traces[form] = trace.SerializeToString(deterministic=True)
    if traces.keys() == known.keys():
        print(f"{len(traces)} traces are as they were")
        return
    data = packed(traces)
    write_file(SHIPPED, data)
    new = len(traces.keys() - known.keys())
    print(f"{SHIPPED.name}: {len(traces)} traces, {new} of them new, {len(data) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
