"""The error that users are meant to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakeoff.said import Message, Said, say

__all__ = ["BakeoffError", "InputError", "LeftOut", "UnknownFormatError"]


class BakeoffError(Exception):
    """An error that the user can fix: it names the subject, the problem, and a hint.

    The command line prints the three parts and exits with code 2. Any other exception that escapes
    is a bug in bakeoff and keeps its traceback.

    Parameters
    ----------
    subject : a file, a column, a setting.
    problem : what is wrong with the subject, without a full stop.
    hint : what the user can do, without a full stop.
    """

    def __init__(self, subject: str, problem: str, hint: str) -> None:
        super().__init__(f"{subject}: {problem}. {hint}.")
        self.subject = subject
        self.problem = problem
        self.hint = hint

    @property
    def whole(self) -> str:
        """The error in one line, with its message if its problem or hint has one."""
        if not (isinstance(self.problem, Said) or isinstance(self.hint, Said)):
            return str(self)
        return say("error.parts", subject=self.subject, problem=self.problem, hint=self.hint)


class UnknownFormatError(BakeoffError):
    """Something that no reader fits.

    Parameters
    ----------
    subject, problem, hint : of `BakeoffError`; the hint names the commonest formats.
    formats : what else can be read: the words for it, with their article, by the reader's name.
    """

    def __init__(self, subject: str, problem: str, hint: str, formats: Mapping[str, str]) -> None:
        super().__init__(subject, problem, hint)
        self.formats = dict(formats)

    def __str__(self) -> str:
        return f"{super().__str__()} Other formats: {', '.join(self.formats.values())}."


class InputError(BakeoffError, ValueError):
    """Invalid data passed from Python; also a `ValueError`, as callers of scikit-learn expect."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A picture or file that was not used, and why. The run continues without it.

    `said` is the problem and the hint for other languages, where they have a message.
    """

    subject: str
    problem: str
    hint: str
    said: Message | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.problem, Said) or isinstance(self.hint, Said):
            said = say("file.leftOut", problem=self.problem, hint=self.hint)
            object.__setattr__(self, "said", said.message)
            object.__setattr__(self, "problem", str(self.problem))
            object.__setattr__(self, "hint", str(self.hint))

    @classmethod
    def because(cls, error: BakeoffError) -> LeftOut:
        """The record of an error."""
        return cls(error.subject, error.problem, error.hint)

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}. {self.hint}."
