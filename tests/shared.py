"""What is costly to make, made once for all processes of pytest-xdist."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first process to ask for it fills; it is only to be read.

    Parameters
    ----------
    factory : pytest's maker of temporary folders.
    name : of the folder; the same for all processes.
    make : called with the path, which is not there yet.
    """
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = factory.getbasetemp() if alone else factory.getbasetemp().parent
    path, done = base / name / "run", base / name / "done"
    path.parent.mkdir(exist_ok=True)
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            make(path)
            done.touch()
    return path
