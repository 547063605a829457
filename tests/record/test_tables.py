from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.record.tables import table


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_neutralised_ghsa_f8xq(cell: str) -> None:
    (row,) = list(csv.reader(io.StringIO(table([cell], []))))
    assert row == ["'" + cell]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=2
        ),
        max_size=5,
    )
)
def test_a_table_comes_back_and_no_cell_starts_like_a_formula(rows: list[list[str]]) -> None:
    back = list(csv.reader(io.StringIO(table(["a", "b"], rows), newline="")))[1:]
    for row, same in zip(rows, back, strict=True):
        for cell, read in zip(row, same, strict=True):
            assert read in (cell, "'" + cell)
            assert not read.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_numbers_stay_numbers() -> None:
    assert table(["n"], [[-1.5]]) == "n\r\n-1.5\r\n"
