"""Events as a run would log them, with only what a test says of them."""

from __future__ import annotations

from typing import Any

from bakeoff.record.events import EpochEnded, RunStarted

__all__ = ["epoch_ended", "run_started"]


def run_started(**fields: Any) -> RunStarted:
    """A run of a CNN and a ViT on two folds that begins."""
    made: dict[str, Any] = {
        "event": "run started",
        "path": "runs/one",
        "pid": 1,
        "approaches": ["cnn", "vit"],
        "description": "class folders, 60 pictures",
        "pictures": 60,
        "classes": 3,
        "folds": ["fold 1", "fold 2"],
    }
    return RunStarted(**made | fields)


def epoch_ended(number: int, of: int = 10, **fields: Any) -> EpochEnded:
    """An epoch of the CNN on fold 1."""
    made: dict[str, Any] = {
        "approach": "cnn",
        "fold": "fold 1",
        "learning_rate": 0.001,
        "train_loss": 0.5,
        "train_accuracy": 0.5,
        "validation_loss": 0.25,
        "validation_accuracy": 0.75,
        "seconds": 2.0,
    }
    return EpochEnded(number=number, of=of, **made | fields)
