"""The models of the two projects that bakeoff grew out of, beside its defaults, on the same folds.

    python benchmarks/seeds.py mnist MNIST > benchmarks/seeds.txt
    python benchmarks/seeds.py drawings DRAWINGS >> benchmarks/seeds.txt

DRAWINGS is a folder of class folders, scored out of fold over 10 folds. MNIST is a folder with the
four IDX files: the official test part, all of it, after training on the first 2 000 pictures of the
training part. Both with the quick budget and one thread. Each approach is a run of its own; the
folds follow from the pictures and the seed, so they are the same.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from pathlib import Path

from measure import hardware, run_bakeoff, said

SEEDS = Path(__file__).resolve().parents[1] / "examples/seeds"
THEIRS = (
    f"{SEEDS}/second.py:SecondCNN",
    f"{SEEDS}/second.py:SecondViT",
    f"{SEEDS}/first.py:FirstCNN",
    f"{SEEDS}/first.py:FirstTransfer",
)
OURS = ("scattering", "transfer", "cnn", "vit")
TRAINED = 2_000  # pictures of MNIST
COMMON = ("--budget", "quick", "--threads", "1", "--no-robustness", "--no-bundles")


def main() -> None:
    """Print a row as soon as it is measured: most of them are of use where all take too long."""
    race, source = sys.argv[1], Path(sys.argv[2]).resolve()
    print(hardware(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if race == "drawings":
            _race([str(source), "--folds", "10"], folder)
        else:
            small = Path(folder) / "mnist"
            _part_of(source, small)
            _race([str(small), "--folds", "0"], folder)


def _race(source: list[str], folder: str) -> None:
    arguments = ["run", *source, *COMMON]
    print(f"\n    {said(arguments)} --approach NAME\n")
    print("| approach | pictures | accuracy | 95 % interval | loss | seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    for number, name in enumerate([*THEIRS, *OURS]):
        out = Path(folder, f"{Path(source[0]).name}-{number}")
        measured = run_bakeoff([*arguments, "--approach", name], out)
        (one,) = measured.results.approaches
        scores = one.test or one.out_of_fold
        assert scores is not None, "there are folds, or a test part"
        interval = "–".join(f"{end:.1%}" for end in scores.interval)
        print(
            f"| {one.title} | {scores.pictures} | {scores.accuracy:.2%} | {interval} "
            f"| {scores.loss:.4f} | {measured.seconds:.0f} |",
            flush=True,
        )


def _part_of(mnist: Path, folder: Path) -> None:
    """The test part as it is, and the beginning of the training part."""
    folder.mkdir()
    for path in mnist.glob("*.gz"):
        data = bytearray(gzip.decompress(path.read_bytes()))
        if path.name.startswith("train"):
            head, each = (16, 28 * 28) if "images" in path.name else (8, 1)
            data[4:8] = TRAINED.to_bytes(4, "big")
            data = data[: head + TRAINED * each]
        (folder / path.stem).write_bytes(data)


if __name__ == "__main__":
    main()
