"""Train several kinds of picture classifier on your labelled pictures; learn which to trust.

>>> import bakeoff
>>> run = bakeoff.bake("digits", "runs/digits")  # doctest: +SKIP
>>> run.results().winner  # doctest: +SKIP
>>> bakeoff.load("runs/digits/bundles/cnn").predict("seven.png")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bakeoff.version import __version__

if TYPE_CHECKING:
    from bakeoff.bundle.panel import load as load
    from bakeoff.classifier import Classifier as Classifier
    from bakeoff.data.read import read as read
    from bakeoff.run.bake import bake as bake
    from bakeoff.run.bake import resume as resume

__all__ = ["Classifier", "__version__", "bake", "load", "read", "resume"]

_HOMES = {
    "Classifier": "bakeoff.classifier",
    "bake": "bakeoff.run.bake",
    "load": "bakeoff.bundle.panel",
    "read": "bakeoff.data.read",
    "resume": "bakeoff.run.bake",
}


def __getattr__(name: str) -> object:
    # `import bakeoff` is quick, and works where torch is not installed.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bakeoff' has no attribute {name!r}")
