"""Units of work in plain values, as workers receive them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bakeoff.data.split import Fold, Split
from bakeoff.workers.corruptions import CorruptionUnit
from bakeoff.workers.cost import CostUnit
from bakeoff.workers.graph import GraphUnit
from bakeoff.workers.locked_test import LockedTestUnit
from bakeoff.workers.pseudo import PseudoUnit
from bakeoff.workers.units import KINDS, FitUnit, Unit, unit_from_json

ROWS = np.arange(3)
PARTS = Split(
    (Fold("fold 1", ROWS, ROWS, ROWS),), Fold("final", ROWS, ROWS, ROWS), ROWS, None, ROWS, ROWS
)
UNITS: list[Unit] = [
    FitUnit.of("cnn", Fold("../a group", ROWS, ROWS, ROWS)),
    FitUnit("cnn", "trial 3 on fold 1", "fold 1", {"filters": [8, 8], "side": None}, 30, 5, 1.25),
    CorruptionUnit.of("fold 1", ("baseline", "cnn")),
    PseudoUnit.of_fold("cnn", PARTS.folds[0], PARTS),
    PseudoUnit.of_final("cnn", PARTS),
    GraphUnit("cnn", "graph 0123"),
    LockedTestUnit("cnn", "test 0123"),
    CostUnit("cnn", "cost bundle 0123"),
    CostUnit("cnn", "cost model 0123", bundled=False),
]


def test_every_kind_of_unit_is_here() -> None:
    assert {unit.kind for unit in UNITS} == set(KINDS)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_comes_back_from_json(unit: Unit) -> None:
    again = unit_from_json(json.loads(json.dumps(unit.to_json())))
    assert type(again) is type(unit)
    assert again == unit
    assert (again.needs, again.keeps, again.label) == (unit.needs, unit.keeps, unit.label)


def test_units_say_what_they_read_and_what_they_leave() -> None:
    fit, _, corruptions, again, final, graph, *_ = UNITS
    assert (fit.needs, fit.keeps) == ((), (("cnn", "../a group"),))
    assert corruptions.needs == (("baseline", "fold 1"), ("cnn", "fold 1"))
    assert corruptions.keeps == (("baseline", "fold 1 changed"), ("cnn", "fold 1 changed"))
    assert (graph.needs, graph.keeps) == ((("cnn", "final"),), (("cnn", "graph 0123"),))
    assert again.needs == (("cnn", "fold 1"),)
    assert again.keeps == (("cnn", "fold 1 with pseudo labels"),)
    assert final.needs == (("cnn", "fold 1"), ("cnn", "fold 1 with pseudo labels"))
    assert final.keeps == (("cnn", "final"),)
    assert corruptions.approach == "baseline"  # whose worker may stay with it


def test_a_kind_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError, match="of another version"):
        unit_from_json({"kind": "of another version", "approach": "cnn", "name": "x"})
