"""Train several kinds of picture classifier on your labelled pictures; learn which to trust."""

from bakeoff.version import __version__

__all__ = ["__version__"]
