"""Run all tests: those of Python and, beside them, style, types and the tests of the page.

    python scripts/run_tests.py             what must pass before a change lands
    python scripts/run_tests.py --coverage  the same, with the branches of src that it covers
    python scripts/run_tests.py --all       that, and the long tier: accuracy, a Ray cluster, …

Three lanes run side by side: the tests of Python and the tests of the page, in two processes each,
and all other steps, one after another. The tests of the page wait for browsers, so they come first
and the others take what time they leave. The output of the tests of Python is shown as it comes,
that of another step at its end.

Coverage is not measured each time, since it costs much: 1 031 tests of readers took 19.7 s of CPU
without it and 32.9 s with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COVERED = 95  # minimum branch coverage of src in percent

Step = tuple[str, list[str]]


def lanes(*, every: bool, covered: bool) -> tuple[list[Step], ...]:
    """The tests of Python, those of the page, and all else: first what fails at once."""
    tier = ["-m", "long or not long"] if every else []
    cov = ["--cov", "--cov-report="] if covered else []
    npm = [sys.executable, "hatch_build.py", "run"]
    yielding = ["nice", "-n", "5"] if os.name == "posix" else []
    # More processes of one thread than cores: tests wait for servers as much as they compute.
    tests = [str(BIN / "pytest"), "--numprocesses", "2", *tier, *cov]
    python = [*yielding, *tests, "tests", "--ignore", "tests/page"]
    python += ["--dist", "worksteal", "--durations", "40"]
    # A file's tests share a server, so they share a process.
    page = [*tests, "tests/page", "--dist", "loadfile", "--quiet", "--durations", "20"]
    checks = [
        ("style", [str(BIN / "ruff"), "check", "."]),
        ("format", [str(BIN / "ruff"), "format", "--check", "."]),
        ("layers", [str(BIN / "lint-imports")]),
        ("types", [str(BIN / "mypy")]),
        ("the page's types", [*npm, "check"]),
        ("the page's own tests", [*npm, "test"]),
    ]
    return (
        [("tests", python)],
        [("the page in a browser", page)],
        [(name, [*yielding, *command]) for name, command in checks],
    )


def coverage_file(step: str) -> str:
    """Where a step keeps what it covered; the report reads what all of them combined."""
    return ".coverage" if step == "coverage" else f".coverage.{step.replace(' ', '-')}"


def run(step: Step, shown: bool, lock: threading.Lock) -> tuple[str, float, int]:
    """Run one step; show its output while it runs, or at its end."""
    name, command = step
    started = time.monotonic()
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "",  # each process that a test starts would compile bakeoff anew
        "BAKEOFF_CACHE": str(ROOT / ".cache"),  # traced graphs, shared by both lanes
        "COVERAGE_FILE": str(ROOT / coverage_file(name)),
    }
    done = subprocess.run(  # noqa: S603
        command,
        cwd=ROOT,
        env=environment,
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
        check=False,
    )
    seconds = time.monotonic() - started
    with lock:
        if not shown:
            result = "passed" if done.returncode == 0 else "FAILED"
            print(f"\n== {name}: {result} in {seconds:.0f} s", flush=True)
            sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
    return name, seconds, done.returncode


def report_of_coverage() -> list[str]:
    """Combine what the steps covered; the command that reports it and fails where it is too low."""
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=False)  # noqa: S603
    return [*coverage, "report", "--show-missing", "--skip-covered", f"--fail-under={COVERED}"]


def main() -> int:
    """Run all steps; the exit code is 0 if each passed."""
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    lock = threading.Lock()
    results: list[tuple[str, float, int]] = []

    def work(lane: list[Step], *, shown: bool = False) -> None:
        results.extend(run(step, shown, lock) for step in lane)

    every = "--all" in sys.argv[1:]
    covered = every or "--coverage" in sys.argv[1:]
    shown, *others = lanes(every=every, covered=covered)
    beside = [threading.Thread(target=work, args=(lane,)) for lane in others]
    for thread in beside:
        thread.start()
    work(shown, shown=True)
    for thread in beside:
        thread.join()
    if every:  # by itself: it builds the wheel, and with it the page that other steps test
        pythons = [sys.executable, "scripts/test_pythons.py"]
        results.append(run(("other Pythons", pythons), True, lock))
    if covered:
        results.append(run(("coverage", report_of_coverage()), True, lock))
    print()
    for name, seconds, code in results:
        print(f"{'passed' if code == 0 else 'FAILED'}  {seconds:5.0f} s  {name}")
    return int(any(code for _, _, code in results))


if __name__ == "__main__":
    sys.exit(main())
