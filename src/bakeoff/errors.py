"""The one kind of error that a person is meant to read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BakeoffError", "InputError", "LeftOut"]


class BakeoffError(Exception):
    """Something the user can mend: it names the thing, what is wrong, and the mend.

    The command line prints it as one sentence and leaves with exit code 2.
    Anything else that escapes is a bug of ours and keeps its traceback.

    Parameters
    ----------
    thing : what it is about: a file, a column, a setting.
    wrong : what is wrong with it, without a full stop.
    mend : what the user can do about it, without a full stop.
    """

    def __init__(self, thing: str, wrong: str, mend: str) -> None:
        super().__init__(f"{thing}: {wrong}. {mend}.")
        self.thing = thing
        self.wrong = wrong
        self.mend = mend


class InputError(BakeoffError, ValueError):
    """Bad data handed over in Python; a `ValueError` too, as scikit-learn's callers expect."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One picture (or file) that was not used, and why. The run goes on without it."""

    thing: str
    wrong: str
    mend: str

    @classmethod
    def because(cls, error: BakeoffError) -> LeftOut:
        """The record of a refusal."""
        return cls(error.thing, error.wrong, error.mend)

    def __str__(self) -> str:
        return f"{self.thing}: {self.wrong}. {self.mend}."
