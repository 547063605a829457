"""Write the parts of docs/ that the code says better itself: cli.md, three schemas, the API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bakeoff.bundle.manifest import Manifest
from bakeoff.record.results import Results
from bakeoff.record.study import StudyResults
from bakeoff.server.app import create_app
from bakeoff.server.guard import LOOPBACK
from bakeoff.server.limits import Bounds
from bakeoff.server.models import Models
from bakeoff.server.runs import Runs

DOCS = Path(__file__).resolve().parents[1] / "docs"


def cli_reference() -> str:
    """Markdown for every command, by Typer, from the commands themselves."""
    command = [sys.executable, "-m", "typer", "bakeoff.cli", "utils", "docs", "--name", "bakeoff"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def results_schema() -> str:
    """JSON Schema of results.json."""
    return json.dumps(Results.model_json_schema(), indent=2) + "\n"


def study_schema() -> str:
    """JSON Schema of study.json."""
    return json.dumps(StudyResults.model_json_schema(), indent=2) + "\n"


def bundle_schema() -> str:
    """JSON Schema of bundle.json."""
    return json.dumps(Manifest.model_json_schema(), indent=2) + "\n"


def openapi() -> str:
    """OpenAPI of the server, from which the page's types are made."""
    bounds = Bounds()
    models = Models({}, waiting=bounds.waiting, cores=1)
    application = create_app(models, Runs([]), bounds=bounds, hosts=LOOPBACK)
    return json.dumps(application.openapi(), indent=1) + "\n"


if __name__ == "__main__":
    (DOCS / "cli.md").write_text(cli_reference(), encoding="utf-8")
    (DOCS / "results.schema.json").write_text(results_schema(), encoding="utf-8")
    (DOCS / "study.schema.json").write_text(study_schema(), encoding="utf-8")
    (DOCS / "openapi.json").write_text(openapi(), encoding="utf-8")
    (DOCS / "bundle.schema.json").write_text(bundle_schema(), encoding="utf-8")
