"""What other packages add to bakeoff, through Python's entry points.

A package lists what it adds in its own ``pyproject.toml``, under ``bakeoff.approaches``,
``bakeoff.readers``, ``bakeoff.exporters`` or ``bakeoff.issue_finders``. Nothing is imported before
somebody needs it.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from bakeoff.errors import BakeoffError

__all__ = ["Kind", "load_plugin", "plugins"]

Kind = Literal["approaches", "readers", "exporters", "issue_finders"]


def plugins(kind: Kind) -> dict[str, EntryPoint]:
    """What the installed packages add of a kind, by name, not yet imported."""
    return _plugins(kind, tuple(sys.path))


@cache
def _plugins(kind: Kind, _path: tuple[str, ...]) -> dict[str, EntryPoint]:
    # Scanning all installed packages takes 20 ms, and a run of four approaches asks 130 times.
    return {point.name: point for point in entry_points(group=f"bakeoff.{kind}")}


def load_plugin(kind: Kind, name: str) -> Any:
    """Import what a package adds.

    Raises
    ------
    BakeoffError
        No package adds it, or importing it fails.
    """
    point = plugins(kind).get(name)
    if point is None:
        raise BakeoffError(
            f"{name}", f"no installed package adds it to bakeoff.{kind}", "Check the name"
        )
    try:
        return point.load()
    except Exception as error:  # it is other people's code
        raise BakeoffError(
            f"plug-in {name} ({point.value})",
            f"cannot be imported ({type(error).__name__}: {error})",
            "Update or uninstall the package that adds it",
        ) from error
