"""The examples that need packages of their own, each started in its own environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from .shared import free_port

EXAMPLES = Path(__file__).parents[1] / "examples"
ENVIRONMENTS = Path(__file__).parents[1] / ".venv-examples"  # made by `make examples`
MODULES = Path(__file__).parents[1] / "web" / "node_modules"
PACKAGES = {"django": "django"}  # examples whose packages are in the extra `dev`


def tract_library() -> Path | None:
    """The library in the package tract, which C and Rust can link."""
    spec = find_spec("tract")
    folders = spec.submodule_search_locations if spec else None
    return next(iter(Path(folders[0]).glob("tract.*.so")), None) if folders else None


LIBRARY = tract_library()
# What runs or compiles the programs that name a picture; None where something is missing.
LANGUAGES = {
    "mjs": shutil.which("node") if (MODULES / "onnxruntime-web").is_dir() else None,
    "c": shutil.which("cc") if LIBRARY else None,
    "rs": shutil.which("rustc") if LIBRARY else None,
}


def compiled(language: str, folder: Path) -> list[str]:
    """The command that names a picture, with what it needs in an existing folder."""
    tool = LANGUAGES[language]
    assert tool is not None, f"nothing runs .{language} here"
    source = shutil.copy(EXAMPLES / "name_picture" / f"name_picture.{language}", folder)
    if language == "mjs":
        (folder / "node_modules").symlink_to(MODULES)
        return [tool, str(source)]
    assert LIBRARY is not None
    program = folder / "name_picture"
    linked = [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}"]
    if language == "rs":
        linked = [f"-Clink-arg={each}" for each in linked]
    subprocess.run([tool, str(source), "-o", str(program), *linked], check=True, cwd=folder)
    return [str(program)]


def python_of(example: str) -> str:
    """The interpreter that has an example's packages; without one, the test is skipped."""
    python = ENVIRONMENTS / example / "bin" / "python"
    if python.exists():
        return str(python)
    if example in PACKAGES and find_spec(PACKAGES[example]):
        return sys.executable
    assert "BAKEOFF_EXAMPLES" not in os.environ, f"make environments makes {python}"
    pytest.skip(f"needs the packages of examples/{example}; run `make environments`")


def command_of(example: str, run: Path, port: int) -> list[str]:
    """How its README starts an example, with a port of its own."""
    python, script = python_of(example), str(EXAMPLES / example / "app.py")
    if example == "streamlit":
        options = ["--server.port", str(port)]
        return [python, "-m", "streamlit", "run", script, *options, "--", str(run)]
    return [python, script, str(run)]


@contextmanager
def started(example: str, run: Path, log: Path) -> Iterator[str]:
    """The address of an example that serves a page over a run, until the block ends."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PORT": str(port), "OMP_NUM_THREADS": "1", "NO_PROXY": "*"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command_of(example, run.resolve(), port),
            cwd=EXAMPLES / example,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())
