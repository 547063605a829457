"""The wheel on every Python that bakeoff supports and this machine has.

    python scripts/test_pythons.py [--base] [VERSION ...]

For each Python: an environment of its own, with the wheel alone, which must answer; then with the
extra `train`, which must train and export; then, on the oldest and on the newest, with what the
tests need, the tests of `make test`. `--base` ends after the first. Versions come from
constraints.txt. Each environment takes up to 7 GB and is deleted before the next.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from find_python import interpreter

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
TRAINING = ["run", "digits", "--approach", "scattering", "--approach", "transfer", "--folds", "2"]
TRAINING += ["--budget", "quick", "--no-robustness", "--no-open"]


def main() -> int:
    """Print a line for each Python; the exit code is 0 if none fails."""
    options = [text for text in sys.argv[1:] if text.startswith("-")]
    wanted = [text for text in sys.argv[1:] if not text.startswith("-")] or VERSIONS
    pythons = {version: found for version in wanted if (found := interpreter(version))}
    for version in wanted:
        if version not in pythons:
            print(f"{version}: not on this machine")
    failed = not pythons
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", folder, "."]
        subprocess.run(build, cwd=ROOT, check=True)  # noqa: S603
        (wheel,) = Path(folder).glob("*.whl")
        for version, python in pythons.items():
            ends = version in (min(pythons, key=order), max(pythons, key=order))
            try:
                passed = check(python, wheel, Path(folder, version), "--base" in options, ends)
            except subprocess.CalledProcessError as error:
                failed, passed = True, f"FAILED: {' '.join(map(str, error.cmd))[-200:]}"
            shutil.rmtree(Path(folder, version), ignore_errors=True)
            print(f"{version}: {passed}", flush=True)
    return int(failed)


def order(version: str) -> tuple[int, ...]:
    """3.9 is before 3.11."""
    return tuple(map(int, version.split(".")))


def check(python: str, wheel: Path, folder: Path, base: bool, tests: bool) -> str:
    """What passed on one Python.

    Raises
    ------
    subprocess.CalledProcessError
        Something did not.
    """
    run([python, "-m", "venv", folder])
    own = folder / "bin" / "python"
    install = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--constraint", ROOT / "constraints.txt"]
    run([*install, wheel])
    run([own, "-m", "bakeoff", "--version"], folder)
    run([own, "-c", "import bakeoff.server.app, bakeoff.bundle.panel"], folder)
    if base:
        return "base"
    run([*install, f"{wheel}[train]"])
    run([own, "-m", "bakeoff", *TRAINING, "--out", folder / "run"], folder)
    run([own, "-m", "bakeoff", "verify", folder / "run" / "bundles" / "scattering"], folder)
    if not tests:
        return "base, train"
    run([*install, f"{wheel}[train,parquet,h5,dev]"])
    command = [own, "-m", "pytest", "tests", "--ignore", "tests/page", "--numprocesses", "2"]
    run([*command, "--dist", "worksteal", "--quiet"], ROOT)
    return "base, train, tests"


def run(command: Sequence[str | Path], folder: Path | None = None) -> None:
    """Run it, in a folder where no other bakeoff is."""
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=folder, env=plain, check=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
