"""What to do with one picture. Apart from `corrections`, as a command's options need no NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Action", "Correction"]

Action: TypeAlias = Literal["relabel", "leave out", "keep"]


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do with one picture.

    Attributes
    ----------
    action : give it the label `proposed`, leave it out, or keep it as it is.
    name : the picture's, as in `Dataset.names`.
    label : its present class; empty if that need not be checked.
    proposed : the class it should have.
    why : the reason in words, for the person who decides.
    quality : of its present label, from 0 (certainly an error) to 1; None if not measured.
    line : in the file of corrections; 0 if it came from no file.
    """

    action: Action
    name: str
    label: str = ""
    proposed: str = ""
    why: str = ""
    quality: float | None = None
    line: int = 0

    @property
    def where(self) -> str:
        """Its name in errors."""
        return f"corrections line {self.line} ({self.name})" if self.line else self.name
