"""The command line. Each of its files brings some commands."""

from bakeoff.cli import train, use
from bakeoff.cli.common import app, main

__all__ = ["app", "main", "train", "use"]
