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


def test_results_and_runs_show_themselves_in_a_few_lines(finished: RunFolder) -> None:
    results = finished.results()
    shown = repr(results)
    assert str(results) == shown
    assert len(shown.splitlines()) == len(results.approaches) + 2
    best = max(results.approaches, key=lambda one: (one.out_of_fold or one.test).accuracy)  # type: ignore[union-attr]
    assert best.title in shown.splitlines()[1]
    assert results.winner.why in shown
    assert repr(finished) == f"RunFolder({str(finished.path)!r}): finished"
    assert repr(RunFolder(finished.path / "none")).endswith("not finished")


def test_notebooks_show_a_leaderboard(finished: RunFolder) -> None:
    results = finished.results()
    named = results.dataset.model_copy(update={"name": "<b>mine</b>"})
    page = results.model_copy(update={"dataset": named})._repr_html_()
    assert page.count("<tr") == len(results.approaches) + 1
    assert "&lt;b&gt;mine" in page
    assert "95 % interval" in page
