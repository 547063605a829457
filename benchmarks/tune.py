"""Does a search find settings that hold in a run with another seed, and what does it say of itself?

    python benchmarks/tune.py DRAWINGS > benchmarks/tune.txt

Searches the CNN's settings, then bakes the defaults, the best trial and the pick on five folds with
a seed that the search never used. `--keep FOLDER` keeps the search and the runs, and goes on with
them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

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
    given = options.parse_args()
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        path = folder / "study"
        if not path.exists():
            tune(given.source, path, approaches=("cnn",), trials=given.trials)
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
            # The pick is often one of the other two, and need not be baked twice.
            place = folder / f"trial {number}"
            if not (place / "results.json").exists():
                settings = {"cnn": dict(trials[number].settings)}
                asked = {"bundles": False, "robustness": False, "settings": settings}
                bake(given.source, place, approaches=("cnn",), seed=SEED, **asked)
            scores = RunFolder.open(place).results().approaches[0].out_of_fold
            assert scores is not None
            print(
                f"| {what}: trial {number} | {trials[number].loss:.4f} "
                f"| {recommendation.outer[what].accuracy:.2%} "
                f"| {scores.accuracy:.2%} | {scores.loss:.4f} |"
            )


if __name__ == "__main__":
    main()
