"""The command line. Each of its files brings some commands."""

from bakeoff.cli import train, curve, use, serve  # isort: skip
from bakeoff.cli.common import app, main

__all__ = ["app", "curve", "main", "serve", "train", "use"]
