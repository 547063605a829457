"""Do the settings that a search finds hold in a run with another seed, and is its own score honest?

    python benchmarks/tune.py DRAWINGS > benchmarks/tune.txt

Searches the CNN's settings, then runs the defaults, the best trial and the recommended one on five
folds with a seed that the search never used. `--keep FOLDER` keeps the search and the runs, and
continues them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measure import hardware

from bakeoff.record.folder import RunFolder
from bakeoff.record.studyfolder import StudyFolder
from bakeoff.run.bake import bake
from bakeoff.tune.search import resume_tune, tune

SEED = 7


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("source")
    options.add_argument("--trials", type=int, default=25)
    options.add_argument("--keep", type=Path)
    arguments = options.parse_args()
    with TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        path = folder / "study"
        if not path.exists():
            tune(arguments.source, path, approaches=("cnn",), trials=arguments.trials)
        study = StudyFolder(path).results()
        if study.finished is None:
            study = resume_tune(path)
        [search] = study.searches
        recommendation = search.recommendation
        assert recommendation is not None
        assert recommendation.outer is not None
        trials = {one.number: one for one in search.trials}
        print(f"{hardware()}; {study.description}\n")
        states = [one.state for one in search.trials]
        each = ", ".join(f"{states.count(one)} {one}" for one in sorted(set(states)))
        print(f"{len(states)} trials: {each}. {recommendation.why}\n{recommendation.words}\n")
        print("| settings | loss in the search | of outer pictures | seed 7, 5 folds | loss |")
        print("|---|---|---|---|---|")
        for what, number in (
            ("defaults", 0),
            ("best", recommendation.best),
            ("recommendation", recommendation.trial),
        ):
            # The recommendation is often one of the other two, which need not run twice.
            place = folder / f"trial {number}"
            if not (place / "results.json").exists():
                settings = {"cnn": dict(trials[number].settings)}
                options: dict[str, Any] = {
                    "bundles": False,
                    "robustness": False,
                    "settings": settings,
                }
                options["settings"] = settings
                bake(arguments.source, place, approaches=("cnn",), seed=SEED, **options)
            scores = RunFolder.open(place).results().approaches[0].out_of_fold
            assert scores is not None
            print(
                f"| {what}: trial {number} | {trials[number].loss:.4f} "
                f"| {recommendation.outer[what].accuracy:.2%} "
                f"| {scores.accuracy:.2%} | {scores.loss:.4f} |"
            )


if __name__ == "__main__":
    main()
