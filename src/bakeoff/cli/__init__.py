"""The command line; each file defines some commands."""

from bakeoff.cli import train, read, check, curve, tune, use, serve  # isort: skip
from bakeoff.cli.common import app, main

__all__ = ["app", "check", "curve", "main", "read", "serve", "train", "tune", "use"]
