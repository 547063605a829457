"""The models of the two projects that bakeoff grew out of, beside its defaults, on the same folds.

    python benchmarks/seeds.py drawings DRAWINGS RUNS >> benchmarks/seeds.txt
    python benchmarks/seeds.py mnist MNIST RUNS >> benchmarks/seeds.txt
    python benchmarks/seeds.py drawings-long DRAWINGS RUNS >> benchmarks/seeds.txt
    python benchmarks/seeds.py mnist-long MNIST RUNS >> benchmarks/seeds.txt

DRAWINGS is a folder of class folders, scored out of fold. MNIST is a folder with the four IDX
files: the official test part, all of it, after training on the first 2 000 pictures of the training
part. Each approach is a run of its own with one thread; the folds follow from the pictures and the
seed, so they are the same. The runs are kept in RUNS, and a finished one is not done again; their
seconds are those of all fits together.

In the long races their networks get as many epochs as `Race.epochs` says, and ours the standard
budget. Nothing is tuned.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from measure import done_once, first_digits, hardware, said

from bakeoff.record.results import ApproachResult

SEEDS = Path(__file__).resolve().parents[1] / "examples/seeds"
OURS = ("scattering", "transfer", "cnn", "vit")
TRAINED = 2_000  # pictures of MNIST
COMMON = ("--threads", "1", "--no-robustness", "--no-bundles")


@dataclass(frozen=True)
class Race:
    """What takes part, and how long it trains; no epochs: as long as the quick budget says."""

    folds: int
    theirs: tuple[str, ...]
    epochs: dict[str, int] = field(default_factory=dict)
    ours: tuple[str, ...] = OURS

    def arguments(self, source: Path) -> list[str]:
        budget = [] if self.epochs else ["--budget", "quick"]
        return ["run", str(source), "--folds", str(self.folds), *budget, *COMMON]


FIRST = ("first.py:FirstCNN", "first.py:FirstTransfer")
SECOND = ("second.py:SecondCNN", "second.py:SecondViT")
RACES = {
    "drawings": Race(10, (*FIRST, *SECOND)),
    "mnist": Race(0, (*FIRST, *SECOND)),
    # Three folds, as the first project had.
    "drawings-long": Race(3, FIRST, {"firstcnn": 200, "firsttransfer": 200}),
    "mnist-long": Race(0, SECOND, {"secondcnn": 60, "secondvit": 150}),
}


def main() -> None:
    """Print a row as soon as it is measured: most of them are of use where all take too long."""
    name, source, runs = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    race = RACES[name]
    if name.startswith("mnist"):
        source = first_digits(source, runs / "mnist", TRAINED, test=True)
    arguments = race.arguments(source)
    more = " --set NAME.epochs=EPOCHS" if race.epochs else ""
    print(f"{hardware()}\n\n    {said(arguments)} --approach NAME{more}\n")
    print("| approach | pictures | accuracy | 95 % interval | loss | kept epoch of | seconds |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for path in (*(f"{SEEDS}/{their}" for their in race.theirs), *race.ours):
        own = path.rpartition(":")[2].lower()
        asked = [*arguments, "--approach", path]
        if own in race.epochs:
            asked += ["--set", f"{own}.epochs={race.epochs[own]}"]
        (one,) = done_once(asked, runs / f"{name}-{own}").results().approaches
        print(_row(one), flush=True)


def _row(one: ApproachResult) -> str:
    scores = one.test or one.out_of_fold
    assert scores is not None, "there are folds, or a test part"
    interval = "–".join(f"{end:.1%}" for end in scores.interval)
    kept = {f"{fit.best_epoch} of {len(fit.curve)}" for fit in one.folds or [one.final]}
    seconds = one.seconds.folds + one.seconds.final
    return (
        f"| {one.title} | {scores.pictures} | {scores.accuracy:.2%} | {interval} "
        f"| {scores.loss:.4f} | {', '.join(sorted(kept))} | {seconds:.0f} |"
    )


if __name__ == "__main__":
    main()
