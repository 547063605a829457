"""Types of settings with their ranges, which `bakeoff.approaches.settings` checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["AtLeastZero", "Count", "Positive", "Share", "Side"]

Count = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=4)]  # pixels; a smaller picture leaves nothing to pool
Share = Annotated[float, Field(ge=0, lt=1)]
AtLeastZero = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
