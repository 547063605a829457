"""The files for servers say what the command line understands, and agree with each other."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from typer.main import get_command

from bakeoff.cli import app
from bakeoff.server.limits import OPEN

from .scripts import script as load

ROOT = Path(__file__).parents[1]
PORT = "8471"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """What does the steps of the Containerfile."""
    return load("try_containerfile")


def understood(words: list[str]) -> None:
    """Refuse a `bakeoff serve` with an option that does not exist or lacks its value."""
    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    serve.make_context("serve", list(words), resilient_parsing=False)


def test_the_containerfile_starts_a_server_as_nobody(script: ModuleType) -> None:
    steps = script.steps((ROOT / "Containerfile").read_text())
    by_name = dict(steps)  # the last of each
    command = json.loads(by_name["ENTRYPOINT"]) + json.loads(by_name["CMD"])
    assert command[:2] == ["bakeoff", "serve"]
    understood(command[2:])
    assert int(by_name["USER"]) > 0
    assert by_name["EXPOSE"] == PORT
    health = re.search(rf"http://127\.0\.0\.1:{PORT}(/\w+)", by_name["HEALTHCHECK"])
    assert health is not None
    assert health[1] in OPEN
    copied = {word for name, text in steps if name == "COPY" for word in shlex.split(text)[:-1]}
    allowed = (ROOT / ".containerignore").read_text()
    for name in copied - {"--from=build", "/opt/bakeoff"}:
        assert (ROOT / name).exists()
        assert f"!{name}\n" in allowed


def test_the_unit_and_compose_start_a_server(tmp_path: Path) -> None:
    unit = (ROOT / "deploy/bakeoff.service").read_text()
    start = re.search(r"^ExecStart=/opt/bakeoff/bin/bakeoff serve (.*)$", unit, re.MULTILINE)
    assert start is not None
    understood([str(tmp_path) if word[0] == "/" else word for word in shlex.split(start[1])])
    for line in (
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "MemoryMax=900M",
    ):
        assert line in unit
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["bakeoff"]
    understood([str(word).replace("${PUBLIC_HOST}", "a.example") for word in compose["command"]])
    assert compose["read_only"] is True
    assert compose["cap_drop"] == ["ALL"]
    assert (ROOT / "deploy" / compose["build"]["context"] / "Containerfile").is_file()
    for proxy in ("Caddyfile", "nginx.conf"):
        assert f"127.0.0.1:{PORT}" in (ROOT / "deploy" / proxy).read_text()


def test_systemd_accepts_the_unit_and_calls_it_safe(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    text = (ROOT / "deploy/bakeoff.service").read_text()
    unit = tmp_path / "bakeoff.service"
    unit.write_text(text.replace("/opt/bakeoff/bin/bakeoff", "/bin/true"))  # what is not installed

    def answered(*words: str) -> str:
        done = subprocess.run(
            [program, *words, str(unit)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert answered("verify").strip() == ""
    level = re.search(
        r"exposure level for bakeoff.service: ([\d.]+)", answered("security", "--offline=true")
    )
    assert level is not None
    assert float(level[1]) <= 2  # of 10; the usual unit has 9.6


def test_the_space_starts_a_server() -> None:
    text = (ROOT / "deploy/space/Dockerfile").read_text()
    start = re.search(r"^CMD exec bakeoff serve (.*)$", text, re.MULTILINE)
    assert start is not None
    words = shlex.split(start[1].replace("$SPACE_HOST", "a.hf.space"))
    understood([word for word in words if not word.startswith("/models")])
    port = words[words.index("--port") + 1]
    header = yaml.safe_load((ROOT / "deploy/space/space.md").read_text().split("---")[1])
    assert header["app_port"] == int(port)
    assert f"EXPOSE {port}" in text
    static = yaml.safe_load((ROOT / "deploy/space/static.md").read_text().split("---")[1])
    assert static["sdk"] == "static"


def test_the_script_copies_what_an_engine_copies(script: ModuleType, tmp_path: Path) -> None:
    assert script.steps("# a\nFROM b AS c\nRUN d \\\n e\n") == [
        ("FROM", "b AS c"),
        ("RUN", "d   e"),
    ]
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "again").hardlink_to(tmp_path / "file")
    assert script.size_mb(tmp_path) == pytest.approx(5e-6)
