"""The pictures of a run, read once more."""

from __future__ import annotations

import os
from collections.abc import Callable

from bakeoff.data.corrections import corrected_alone
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import Request

__all__ = ["read_again", "read_first", "unchanged"]


def read_again(request: Request, on_decoded: Callable[[int, int], None] | None = None) -> Dataset:
    """What `request` names, with the corrections that it holds.

    Raises
    ------
    BakeoffError
        It cannot be read, or is not what the run saw.
    """
    return _unchanged(read_first(request, request.source, on_decoded), request)


def read_first(
    request: Request,
    source: str | os.PathLike[str] | Dataset,
    on_decoded: Callable[[int, int], None] | None = None,
) -> Dataset:
    """The pictures of a new run.

    Raises
    ------
    BakeoffError
        They cannot be read, or a correction does not fit them.
    """
    if isinstance(source, Dataset):
        return corrected_alone(source, request.corrections)
    return read(
        request.source,
        group=request.group,
        corrections=request.corrections,
        progress=on_decoded,
    )


def unchanged(dataset: Dataset, request: Request) -> Dataset:
    """The dataset that a run was given, with its corrections, if the run saw just this.

    Raises
    ------
    BakeoffError
        It did not.
    """
    return _unchanged(corrected_alone(dataset, request.corrections), request)


def _unchanged(dataset: Dataset, request: Request) -> Dataset:
    if dataset.fingerprint() != request.fingerprint:
        raise BakeoffError(
            request.source,
            "its pictures or labels have changed since the run began",
            "Bring them back, or start a new run",
        )
    return dataset
