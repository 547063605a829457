"""Two processes on one study in a real PostgreSQL, started here on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..shared import free_port
from .test_search import no_trial_lost_or_doubled, together

NEWEST = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)

pytestmark = [
    pytest.mark.skipif(
        NEWEST is None and "CI" not in os.environ, reason="PostgreSQL is not installed"
    ),
]


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database, of a server that ends with the test."""
    assert NEWEST is not None
    # PostgreSQL refuses to be run by root, so root runs it as the user that Debian made for it.
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    path = Path(tempfile.mkdtemp(prefix="bakeoff-pg-"))
    if os.geteuid() == 0:
        shutil.chown(path, user)
    become = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    port = free_port()

    def run(program: str, *options: str) -> None:
        command = [*become, str(NEWEST / program), "-D", str(path / "data"), *options]
        subprocess.run(command, check=True, cwd=path, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--no-sync", "-U", "bakeoff")
    settings = f"-p {port} -h 127.0.0.1 -k {path} -c fsync=off"
    run("pg_ctl", "-w", "-o", settings, "-l", str(path / "log"), "start")
    try:
        yield f"postgresql+psycopg://bakeoff@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(path)


@pytest.mark.parametrize("trials", [3, pytest.param(8, marks=pytest.mark.long)])
def test_no_trial_is_lost_or_doubled(tmp_path: Path, database: str, trials: int) -> None:
    no_trial_lost_or_doubled(together(tmp_path, database, trials), database, trials)
