"""The command line; each file defines some commands."""

from bakeoff.cli import train, read, check, label, curve, tune, use, serve, publish  # isort: skip
from bakeoff.cli.common import app, main

__all__ = [
    "app",
    "check",
    "curve",
    "label",
    "main",
    "publish",
    "read",
    "serve",
    "train",
    "tune",
    "use",
]
