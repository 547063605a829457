"""What confusions cost, from a table: a line for each truth and answer that is not 0 or 1."""

from __future__ import annotations

import math
from pathlib import Path

from bakeoff.data.table_lines import table_lines
from bakeoff.data.words import from_spreadsheet, nfc
from bakeoff.errors import BakeoffError

__all__ = ["COLUMNS", "read_costs"]

COLUMNS = ("truth", "answer", "cost")
HINT = "Write a header truth,answer,cost, then a line such as mushroom,death cap,1"


def read_costs(path: Path) -> list[dict[str, object]]:
    """Read truth, answer and cost from a CSV with these columns, in any order.

    Raises
    ------
    BakeoffError
        The file cannot be read, lacks a column, repeats a pair, or has a cost that is not a number
        from 0 up.
    """
    lines = table_lines(path.expanduser(), HINT)
    header = [cell.strip().lower() for cell in next(lines, (1, []))[1]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise BakeoffError(path.name, f"it has no column {missing[0]}", HINT)
    place = [header.index(name) for name in COLUMNS]
    costs: dict[tuple[str, str], float] = {}
    for number, cells in lines:
        line = f"{path.name} line {number}"
        if len(cells) <= max(place):
            raise BakeoffError(line, f"it has {len(cells)} of {len(header)} cells", HINT)
        truth, answer, figure = (nfc(from_spreadsheet(cells[at].strip())) for at in place)
        if (truth, answer) in costs:
            problem = f"the cost of {answer} for {truth} is there twice"
            raise BakeoffError(line, problem, "Delete one of the lines")
        costs[truth, answer] = _number(line, figure)
    if not costs:
        raise BakeoffError(path.name, "it has no costs", HINT)
    return [
        {"truth": truth, "answer": answer, "cost": cost} for (truth, answer), cost in costs.items()
    ]


def _number(line: str, text: str) -> float:
    try:
        cost = float(text.replace(",", "."))
    except ValueError:
        cost = math.nan
    if not (math.isfinite(cost) and cost >= 0):
        raise BakeoffError(line, f"“{text[:40]}” is not a cost", "Write a number from 0 up")
    return cost
