"""The approaches: one file each, listed in `registry`; importing this package needs no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bakeoff.approaches.registry import APPROACHES, Entry

if TYPE_CHECKING:
    from bakeoff.approaches.approach import Approach as Approach
    from bakeoff.approaches.approach import Task as Task
    from bakeoff.approaches.baseline import Baseline as Baseline
    from bakeoff.approaches.cnn import CNN as CNN
    from bakeoff.approaches.scattering import Scatterer as Scatterer
    from bakeoff.approaches.transfer import Transfer as Transfer
    from bakeoff.approaches.vit import ViT as ViT

__all__ = [
    "APPROACHES",
    "CNN",
    "Approach",
    "Baseline",
    "Entry",
    "Scatterer",
    "Task",
    "Transfer",
    "ViT",
]

_HOMES = {
    "Approach": "bakeoff.approaches.approach",
    "Baseline": "bakeoff.approaches.baseline",
    "CNN": "bakeoff.approaches.cnn",
    "Scatterer": "bakeoff.approaches.scattering",
    "Task": "bakeoff.approaches.approach",
    "Transfer": "bakeoff.approaches.transfer",
    "ViT": "bakeoff.approaches.vit",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'bakeoff.approaches' has no attribute {name!r}")
