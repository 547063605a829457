from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.data import table_lines
from bakeoff.data.costs import read_costs
from bakeoff.errors import BakeoffError


@pytest.mark.parametrize(
    "text",
    [
        "truth,answer,cost\ncat,dog,5\ndog,cat,0.5\n",
        "\ufeffCost;Answer;Truth\r\n5;dog;cat\r\n0,5;cat;dog\r\n",
        "truth\tanswer\tcost\tnote\ncat\tdog\t5\twhy\n\ndog\tcat\t0.5\t\n",
    ],
)
def test_reads_costs_as_spreadsheets_save_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_costs(path) == [
        {"truth": "cat", "answer": "dog", "cost": 5.0},
        {"truth": "dog", "answer": "cat", "cost": 0.5},
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("truth,cost\ncat,5\n", "no column answer"),
        ("truth,answer,cost\n", "no costs"),
        ("truth,answer,cost\ncat,dog\n", "2 of 3 cells"),
        ("truth,answer,cost\ncat,dog,-1\n", "is not a cost"),
        ("truth,answer,cost\ncat,dog,inf\n", "is not a cost"),
        ("truth,answer,cost\ncat,dog,high\n", "is not a cost"),
        ("truth,answer,cost\ncat,dog,1\ncat,dog,2\n", "is there twice"),
        ("", "no column truth"),
        (f'truth,answer,cost\ncat,"{"a" * 200_000}",1\n', "line 2: it is not CSV"),
        ("truth,answer,cost\ncat,d\0g,1\n", "is not a text file"),
    ],
)
def test_refuses_what_is_no_table_of_costs(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "costs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BakeoffError, match=problem):
        read_costs(path)


def test_refuses_what_is_not_there_or_huge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BakeoffError, match="cannot be read"):
        read_costs(tmp_path / "absent.csv")
    monkeypatch.setattr(table_lines, "_MAX_BYTES", 10)
    path = tmp_path / "costs.csv"
    path.write_text("truth,answer,cost\ncat,dog,1\n", encoding="utf-8")
    with pytest.raises(BakeoffError, match="is larger than"):
        read_costs(path)
