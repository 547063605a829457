"""Explore a CNN and a Vision Transformer on 10 000 pictures of MNIST, and write two tables.

    bakeoff fetch mnist
    python examples/explore_mnist.py

Two students once did this by hand: so many conv layers, filters of that size, more heads, fewer
layers; and they looked at the scored pictures while they did. Here each setting is scored on 1 600
pictures that it did not learn from, and the best of each kind on 2 000 more that no trial saw. Two
aims, loss and size, so that none is left off early and each row is whole. Writes
``explore_mnist.md`` beside this file; it took some 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import bakeoff
from bakeoff.record.study import Search, StudyResults, TrialRecord
from bakeoff.tune.search import tune

HERE = Path(__file__).parent
PICTURES = 10_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("source", nargs="?", default="mnist")
    options.add_argument("--trials", type=int, default=13)
    options.add_argument("--pictures", type=int, default=PICTURES)
    options.add_argument("--out", type=Path, default=HERE / "explore_mnist.md")
    options.add_argument("--study", type=Path, help="where to keep the study; default: nowhere")
    options.add_argument("--workers", default="auto")
    given = options.parse_args()
    every = bakeoff.read(given.source)
    training = np.arange(len(every))
    if every.official_test is not None:  # which is not so much as looked at
        training = training[~every.official_test]
    some = every.take(training[: given.pictures])
    with TemporaryDirectory() as scratch:
        results = tune(
            some,
            given.study or Path(scratch, "study"),
            approaches=("cnn", "vit"),
            trials=given.trials,
            aims=("loss", "size"),
            space=HERE / "explore_mnist.toml",
            inner=1,
            budget="quick",
            test=0,
            workers=given.workers,
            hear=told,
        )
    given.out.write_text(page(results), encoding="utf-8")
    print(given.out)


def told(kind: str, event: object) -> None:
    """A line for each trial, while one waits."""
    if kind == "trial":
        assert isinstance(event, dict)
        trial: TrialRecord = event["record"]
        print(event["approach"], trial.number, trial.state, trial.accuracy, flush=True)


def page(results: StudyResults) -> str:
    protocol = results.protocol
    parts = [
        f"# Settings of a CNN and a ViT on {results.pictures} pictures of {results.name}",
        f"Made by `python examples/explore_mnist.py`, which says how. {protocol.inner_pictures} "
        f"pictures to learn from and be scored on, {protocol.outer_pictures} that no trial saw, "
        f"budget {protocol.budget}, bakeoff {results.bakeoff_version}, torch "
        f"{results.machine['torch']}, {results.machine['processor']}, threads a fit: "
        f"{results.machine['threads']}. "
        "Rows by loss; **bold** is the pick. Seconds are by the clock, beside other work.",
    ]
    for search in results.searches:
        parts += [f"## {search.title}", rows(search), said(search)]
    return "\n\n".join(parts) + "\n"


def rows(search: Search) -> str:
    settings = [setting for setting, domain in search.space.items() if _varies(domain.choices)]
    head = ["trial", *settings, "accuracy", "loss", "parameters", "seconds"]
    lines = [head, ["---"] * len(head)]
    done = [one for one in search.trials if one.loss is not None]
    for one in sorted(done, key=lambda one: one.loss or 0.0):
        line = [
            "defaults" if one.number == 0 else str(one.number),
            *(
                _short(one.settings.get(setting, search.space[setting].default))
                for setting in settings
            ),
            f"{one.accuracy:.2%}",
            f"{one.loss:.4f}",
            f"{one.parameters:,}".replace(",", " "),
            f"{one.seconds:.0f}",
        ]
        if search.recommendation is not None and one.number == search.recommendation.trial:
            line = [f"**{cell}**" for cell in line]
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def said(search: Search) -> str:
    """The pick, the optimism, and which settings mattered."""
    if search.recommendation is None:
        return "Nothing was found."
    words = [search.recommendation.why, search.recommendation.words or ""]
    if search.importance:
        most = sorted(search.importance.items(), key=lambda one: -one[1])[:3]
        words.append(
            "What mattered most (share of what varied in the loss): "
            + ", ".join(f"{setting} {share:.0%}" for setting, share in most)
            + "."
        )
    return " ".join(words)


def _varies(choices: Sequence[object] | None) -> bool:
    return choices is None or len(choices) > 1


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "–" if value in ("", "none") else str(value)


if __name__ == "__main__":
    main()
