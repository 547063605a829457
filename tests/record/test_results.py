import json

import pytest
from pydantic import ValidationError

from bakeoff.record.folder import RunFolder
from bakeoff.record.results import SCHEMA_VERSION, Results


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
