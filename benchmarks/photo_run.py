"""Memory and time of a whole run on small photos, as a user starts it.

    python benchmarks/photo_run.py ANTS_AND_BEES > benchmarks/photo_run.txt

The first run has an empty cache folder, as on a new machine; the second has what the first kept.
The peak is that of the largest process, as the operating system has it: two workers and the process
that started them hold the same libraries and pictures, so their sum would count these three times.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import hardware, run_bakeoff, said


def main() -> None:
    """Print a row for each run."""
    arguments = ["run", sys.argv[1], "--approach", "transfer"]
    print(f"{hardware()}; {said(arguments)}\n")
    print("| cache folder | peak of a process | time | out of fold |\n|---|---|---|---|")
    with TemporaryDirectory() as temporary:
        os.environ["BAKEOFF_CACHE"] = str(Path(temporary) / "cache")
        for name in ("empty", "kept"):
            run = run_bakeoff(arguments, Path(temporary) / name)
            scores = run.results.approaches[0].out_of_fold
            assert run.exit == 0, f"bakeoff ended with {run.exit}"
            assert scores is not None, "it has folds"
            peak = f"{run.peak_mb * 2**20 / 1e9:.2f} GB"
            print(f"| {name} | {peak} | {run.seconds:.0f} s | {scores.accuracy:.2%} |", flush=True)


if __name__ == "__main__":
    main()
