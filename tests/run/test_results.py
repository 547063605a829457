import importlib.util
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from bakeoff.run.folder import RunFolder
from bakeoff.run.results import SCHEMA_VERSION, Results

ROOT = Path(__file__).parents[2]


def test_the_schema_in_the_docs_is_that_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location(
        "write_schema", ROOT / "scripts" / "write_schema.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = (ROOT / "docs" / "results.schema.json").read_text(encoding="utf-8")
    assert written == script.schema(), (
        "docs/results.schema.json is out of date; write it anew: python scripts/write_schema.py"
    )


def test_results_survive_json(finished: RunFolder) -> None:
    results = finished.results()
    assert results.schema_version == SCHEMA_VERSION
    assert Results.model_validate_json(results.model_dump_json()) == results


def test_an_unknown_field_is_refused(finished: RunFolder) -> None:
    raw = json.loads((finished.path / "results.json").read_text())
    raw["dataset"]["colour"] = "blue"
    with pytest.raises(ValidationError, match="colour"):
        Results.model_validate(raw)


def test_every_figure_is_a_number(finished: RunFolder) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"results.json holds {constant}")

    json.loads((finished.path / "results.json").read_text(), parse_constant=refuse)
