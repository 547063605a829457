"""The base install: its size, and the times to import it, of its help, and to a first answer.

    python benchmarks/base_install.py BUNDLE PICTURE > benchmarks/base_install.txt

Installs this checkout without extras into a fresh environment, with the versions of
`constraints.txt`, and loads the bundle there. Times are medians of seven fresh processes; that of
`import bakeoff` excludes the start of Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measure import hardware

ROOT = Path(__file__).resolve().parents[1]
ASK = "import sys, bakeoff; print(bakeoff.load(sys.argv[1]).predict(sys.argv[2])[0].words)"
TURNS = 7


def main() -> None:
    """Print sizes and times."""
    bundle, picture = (str(Path(one).resolve()) for one in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = f"{folder}/bin/python"
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraints = str(ROOT / "constraints.txt")
        subprocess.run([*install, "--constraint", constraints, str(ROOT)], check=True)
        packages = next(Path(folder).glob("lib/*/site-packages"))
        own = [one for one in packages.iterdir() if not one.name.startswith(("pip", "setuptools"))]
        size = sum(file.stat().st_size for one in own for file in [one, *one.rglob("*")])
        has_torch = (packages / "torch").exists()
        start = _seconds([python, "-c", "pass"])
        loaded = _seconds([python, "-c", "import bakeoff"]) - start
        helped = _seconds([f"{folder}/bin/bakeoff", "--help"])
        first = _seconds([python, "-c", ASK, bundle, picture])
        verified = subprocess.run(
            [f"{folder}/bin/bakeoff", "verify", bundle], capture_output=True, text=True, check=True
        )
    print(f"{hardware()}; medians of {TURNS}\n")
    print(f"installed: {size / 1e6:.0f} MB, {'with' if has_torch else 'without'} torch")
    print(f"import bakeoff: {loaded:.2f} s")
    print(f"bakeoff --help: {helped:.2f} s")
    print(f"a fresh process to its first answer, in total: {first:.2f} s")
    print(f"bakeoff verify: {verified.stdout.strip()}")


def _seconds(command: list[str]) -> float:
    times = []
    for _ in range(TURNS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return median(times)


if __name__ == "__main__":
    main()
