"""What can be trained here, listed without torch, which a serving machine may lack."""

from __future__ import annotations

import importlib.util

from pydantic import BaseModel

from bakeoff.approaches.registry import APPROACHES
from bakeoff.data.catalog import NAMED, at_hand
from bakeoff.record.config import DEFAULT_APPROACHES, Budget
from bakeoff.said import say
from bakeoff.server.sets.store import Sets

__all__ = ["Choices", "choices_of", "trainable"]

BUDGETS: dict[Budget, str] = {
    "quick": say("budget.quick"),
    "standard": say("budget.standard"),
    "thorough": say("budget.thorough"),
}


class ApproachChoice(BaseModel):
    """A way to build a model; `about` says in a line how it works.

    `default` approaches take part unless others are chosen.
    """

    name: str
    title: str
    about: str
    default: bool


class BudgetChoice(BaseModel):
    """How long to train."""

    name: Budget
    about: str


class SetChoice(BaseModel):
    """A set to train on. `home` is one that is kept here. Where it is not `ready`, `hint` says
    what is missing.
    """

    name: str
    about: str
    home: bool
    ready: bool
    hint: str | None = None


class Choices(BaseModel):
    """What can be chosen for a training, and whether one is `possible`; if not, `reason` says why
    and what to do. `running` is the run that trains at this moment.
    """

    possible: bool
    reason: str | None
    running: str | None
    approaches: list[ApproachChoice]
    budgets: list[BudgetChoice]
    sets: list[SetChoice]


def choices_of(sets: Sets, *, reason: str | None, running: str | None) -> Choices:
    """All that can be chosen; `reason` is why nothing can be trained, if so."""
    return Choices(
        possible=reason is None,
        reason=reason,
        running=running,
        approaches=_approaches(),
        budgets=[BudgetChoice(name=name, about=about) for name, about in BUDGETS.items()],
        sets=[*_kept(sets), *_known()],
    )


def trainable() -> str | None:
    """Why nothing can be trained on this machine, with a hint; None if it can."""
    if importlib.util.find_spec("torch") is None:
        return "training needs more packages. Install them: pip install 'bakeoff[train]'."
    return None


def _kept(sets: Sets) -> list[SetChoice]:
    return [
        SetChoice(
            name=one.name,
            about=one.description,
            home=True,
            ready=one.missing is None,
            hint=one.missing,
        )
        for one in sets.summaries()
    ]


def _known() -> list[SetChoice]:
    return [
        SetChoice(
            name=name,
            about=known.about,
            home=False,
            ready=(ready := at_hand(name)),
            hint=None if ready else f"Bring it here first: bakeoff fetch {name}",
        )
        for name, known in NAMED.items()
    ]


def _approaches() -> list[ApproachChoice]:
    return [
        ApproachChoice(
            name=entry.name,
            title=entry.title,
            about=entry.about,
            default=entry.name in DEFAULT_APPROACHES,
        )
        for entry in APPROACHES.values()
    ]
