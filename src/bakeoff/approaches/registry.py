"""The approaches, by name, without importing one: a serving machine has no torch.

A new approach is one file and one line in `OURS`. Another package adds its own through the entry
point group ``bakeoff.approaches``, whose value is the class.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bakeoff.errors import BakeoffError
from bakeoff.plugins import load_plugin, plugins
from bakeoff.said import say

if TYPE_CHECKING:
    from bakeoff.approaches.approach import Approach

__all__ = ["APPROACHES", "Entry", "entry_of"]


@dataclass(frozen=True)
class Entry:
    """One approach as lists show it.

    Attributes
    ----------
    home : ``module:Class``; None for that of a plug-in.
    title : its name for people.
    about : how it works, in a line.
    """

    name: str
    home: str | None
    title: str
    about: str

    def load(self) -> type[Approach]:
        """Import the class.

        Raises
        ------
        BakeoffError
            It belongs to a plug-in that cannot be imported, or that is not an approach.
        """
        return _load(self)


OURS = (
    Entry(
        "scattering",
        "bakeoff.approaches.scattering:Scatterer",
        "Scattering",
        say("approach.scattering"),
    ),
    Entry(
        "baseline",
        "bakeoff.approaches.baseline:Baseline",
        "Plain baseline",
        say("approach.baseline"),
    ),
    Entry(
        "cnn",
        "bakeoff.approaches.cnn:CNN",
        "CNN from scratch",
        say("approach.cnn"),
    ),
    Entry(
        "vit",
        "bakeoff.approaches.vit:ViT",
        "Vision Transformer from scratch",
        say("approach.vit"),
    ),
    Entry(
        "transfer",
        "bakeoff.approaches.transfer:Transfer",
        "Transfer learning",
        say("approach.transfer"),
    ),
)


PARTS = ("name", "training", "preprocess", "frozen", "build")  # of a subclass of `Approach`


class _Approaches(Mapping[str, Entry]):
    """Ours in their order, then those of other packages."""

    def __getitem__(self, name: str) -> Entry:
        return _entries()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_entries())

    def __len__(self) -> int:
        return len(_entries())

    def __contains__(self, name: object) -> bool:
        return name in _entries()


APPROACHES: Mapping[str, Entry] = _Approaches()


def entry_of(name: str) -> Entry:
    """The approach of this name.

    Raises
    ------
    BakeoffError
        There is none.
    """
    if name not in APPROACHES:
        near = difflib.get_close_matches(name, APPROACHES, n=1)
        suggestion = f"Did you mean {near[0]}? " if near else ""
        raise BakeoffError(
            f"approach {name}", "is not known", f"{suggestion}There are {', '.join(APPROACHES)}"
        )
    return APPROACHES[name]


def _entries() -> dict[str, Entry]:
    added = {
        name: Entry(name, None, name, point.dist.metadata["Summary"] or "" if point.dist else "")
        for name, point in plugins("approaches").items()
    }
    return {entry.name: entry for entry in OURS} | {
        name: entry for name, entry in added.items() if name not in {ours.name for ours in OURS}
    }


@cache
def _load(entry: Entry) -> type[Approach]:
    loaded: Any
    if entry.home is None:
        loaded = load_plugin("approaches", entry.name)
    else:
        module, _, name = entry.home.partition(":")
        loaded = getattr(import_module(module), name)
    # By what it has, since to import `Approach` would close a circle.
    if not (isinstance(loaded, type) and all(hasattr(loaded, part) for part in PARTS)):
        # A network or an estimator, as in a user's own file.
        kinds = import_module("bakeoff.approaches.own_kinds")
        loaded = kinds.approach_of(loaded, entry.name, entry.title)
    approach: type[Approach] = loaded
    if approach.name != entry.name:
        raise BakeoffError(
            f"approach {entry.name}",
            f"its class calls itself {approach.name!r}",
            "Give the entry point and the class the same name",
        )
    return approach
