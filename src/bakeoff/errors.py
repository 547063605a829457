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
    subject : what it is about: a file, a column, a setting.
    problem : what is wrong with it, without a full stop.
    hint : what the user can do about it, without a full stop.
    """

    def __init__(self, subject: str, problem: str, hint: str) -> None:
        super().__init__(f"{subject}: {problem}. {hint}.")
        self.subject = subject
        self.problem = problem
        self.hint = hint


class InputError(BakeoffError, ValueError):
    """Bad data handed over in Python; a `ValueError` too, as scikit-learn's callers expect."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One picture (or file) that was not used, and why. The run goes on without it."""

    subject: str
    problem: str
    hint: str

    @classmethod
    def because(cls, error: BakeoffError) -> LeftOut:
        """The record of a refusal."""
        return cls(error.subject, error.problem, error.hint)

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}. {self.hint}."
