"""The pictures of a run, read once more."""

from __future__ import annotations

from collections.abc import Callable

from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import Request

__all__ = ["read_again", "unchanged"]


def read_again(request: Request, on_decoded: Callable[[int, int], None] | None = None) -> Dataset:
    """What `request` names.

    Raises
    ------
    BakeoffError
        It cannot be read, or is not what the run saw.
    """
    return unchanged(read(request.source, group=request.group, progress=on_decoded), request)


def unchanged(dataset: Dataset, request: Request) -> Dataset:
    """The same dataset, if a run saw just this.

    Raises
    ------
    BakeoffError
        It did not.
    """
    if dataset.fingerprint() != request.fingerprint:
        raise BakeoffError(
            request.source,
            "its pictures or labels have changed since the run began",
            "Bring them back, or start a new run",
        )
    return dataset
