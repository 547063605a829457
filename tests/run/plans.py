"""What a run settles before it trains."""

from __future__ import annotations

from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.run import bake

from ..strokes import QUICKLY


def planned(dataset: Dataset, **asked: Any) -> bake._Plan:
    """The plan of a quick run: its config, its folds and its copies."""
    return bake.Plan.of(bake._config(dataset, **QUICKLY | asked), dataset, None)
