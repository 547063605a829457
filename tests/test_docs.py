"""What is written about the code agrees with the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from types import ModuleType

import typer

from bakeoff.cli import app

from .scripts import script

ROOT = Path(__file__).resolve().parents[1]


def _write_docs() -> ModuleType:
    return script("write_docs")


def test_the_command_line_reference_is_current() -> None:
    committed = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert committed == _write_docs().cli_reference(), "run `make docs` and commit docs/cli.md"


def test_the_schema_of_results_is_current() -> None:
    committed = (ROOT / "docs" / "results.schema.json").read_text(encoding="utf-8")
    assert committed == _write_docs().results_schema(), "run `make docs` and commit docs/"


def test_the_schema_of_studies_is_current() -> None:
    committed = (ROOT / "docs" / "study.schema.json").read_text(encoding="utf-8")
    assert committed == _write_docs().study_schema(), "run `make docs` and commit docs/"


def test_the_schema_of_bundles_is_current() -> None:
    committed = (ROOT / "docs" / "bundle.schema.json").read_text(encoding="utf-8")
    assert committed == _write_docs().bundle_schema(), "run `make docs` and commit docs/"


def test_the_description_of_the_api_is_current() -> None:
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert committed == _write_docs().openapi(), "run `make docs` and commit docs/ and web/"


def test_the_commands_about_labelling_are_understood() -> None:
    """Their options are those of the command line; tests/next runs the loop itself."""
    text = (ROOT / "docs" / "label-next.md").read_text(encoding="utf-8")
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    assert len(lines) == 5
    for line in lines:
        program, name, *arguments = shlex.split(line)
        assert program == "bakeoff"
        commands.commands[name].make_context(name, arguments)


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 140
