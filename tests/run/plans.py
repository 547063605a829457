"""What a run would do with a dataset, settled without training anything."""

from __future__ import annotations

from typing import Any

from bakeoff.data.dataset import Dataset
from bakeoff.run.bake import config_of
from bakeoff.run.plan import Plan

from ..strokes import QUICKLY

__all__ = ["planned"]


def planned(dataset: Dataset, **options: Any) -> Plan:
    """The plan of a quick run with these options."""
    return Plan.of(config_of(dataset, **QUICKLY | options), dataset)
