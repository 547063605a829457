"""The command line. Each of its files brings some commands."""

from bakeoff.cli import train, check, curve, tune, use, serve  # isort: skip
from bakeoff.cli.common import app, main

__all__ = ["app", "check", "curve", "main", "serve", "train", "tune", "use"]
