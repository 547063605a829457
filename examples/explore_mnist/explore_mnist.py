"""Explore a CNN and a Vision Transformer on 10 000 pictures of MNIST, and write two tables.

    bakeoff fetch mnist
    python examples/explore_mnist/explore_mnist.py

Two students once did this by hand: they varied the number of layers, the size of filters and the
number of heads, and looked at the scored pictures while they did. Here each trial is scored on
1 600 pictures on which it was not trained, and the best trial of each approach on 2 000 more that
no trial used. There are two aims, loss and size, so that no trial is pruned and each row is
complete. Writes ``tables.md`` beside this file, in about 20 minutes on two cores.
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
    options.add_argument("--out", type=Path, default=HERE / "tables.md")
    options.add_argument("--study", type=Path, help="where to keep the study; default: nowhere")
    options.add_argument("--workers", default="auto")
    arguments = options.parse_args()
    dataset = bakeoff.read(arguments.source)
    training = np.arange(len(dataset))
    if dataset.official_test is not None:  # the official test set is never used
        training = training[~dataset.official_test]
    dataset = dataset.take(training[: arguments.pictures])
    with TemporaryDirectory() as scratch:
        results = tune(
            dataset,
            arguments.study or Path(scratch, "study"),
            approaches=("cnn", "vit"),
            trials=arguments.trials,
            aims=("loss", "size"),
            space=HERE / "explore_mnist.toml",
            inner=1,
            budget="quick",
            test=0,
            workers=arguments.workers,
            on_event=show,
        )
    arguments.out.write_text(page(results), encoding="utf-8")
    print(arguments.out)


def show(kind: str, event: object) -> None:
    """Print a line for each finished trial."""
    if kind == "trial":
        assert isinstance(event, dict)
        trial: TrialRecord = event["record"]
        print(event["approach"], trial.number, trial.state, trial.accuracy, flush=True)


def page(results: StudyResults) -> str:
    protocol = results.protocol
    parts = [
        f"# Settings of a CNN and a ViT on {results.pictures} pictures of {results.name}",
        "Made by `python examples/explore_mnist/explore_mnist.py`, which explains how. "
        f"{protocol.inner_pictures} pictures to train and score the trials, "
        f"{protocol.outer_pictures} that no trial saw, "
        f"budget {protocol.budget}, bakeoff {results.bakeoff_version}, torch "
        f"{results.machine['torch']}, {results.machine['processor']}, threads per fit: "
        f"{results.machine['threads']}. "
        "Rows are sorted by loss; the recommended trial is **bold**. Seconds are wall time, with "
        "other jobs on the machine.",
    ]
    for search in results.searches:
        parts += [f"## {search.title}", rows(search), in_words(search)]
    return "\n\n".join(parts) + "\n"


def rows(search: Search) -> str:
    settings = [setting for setting, domain in search.space.items() if _varies(domain.choices)]
    header = ["trial", *settings, "accuracy", "loss", "parameters", "seconds"]
    lines = [header, ["---"] * len(header)]
    finished = [trial for trial in search.trials if trial.loss is not None]
    for trial in sorted(finished, key=lambda trial: trial.loss or 0.0):
        line = [
            "defaults" if trial.number == 0 else str(trial.number),
            *(
                _short(trial.settings.get(setting, search.space[setting].default))
                for setting in settings
            ),
            f"{trial.accuracy:.2%}",
            f"{trial.loss:.4f}",
            f"{trial.parameters:,}".replace(",", " "),
            f"{trial.seconds:.0f}",
        ]
        if search.recommendation is not None and trial.number == search.recommendation.trial:
            line = [f"**{cell}**" for cell in line]
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_words(search: Search) -> str:
    """The recommendation, the optimism, and which settings mattered."""
    if search.recommendation is None:
        return "No trial was finished."
    words = [search.recommendation.why, search.recommendation.words or ""]
    if search.importance:
        most = sorted(search.importance.items(), key=lambda item: -item[1])[:3]
        words.append(
            "The settings that mattered most (share of the variance of the loss): "
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
