"""The pictures of a run, read again."""

from __future__ import annotations

import os
from collections.abc import Callable

from bakeoff.data.corrections import correct_validated
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig

__all__ = ["read_again", "read_first", "unchanged"]


def read_again(config: RunConfig, on_decoded: Callable[[int, int], None] | None = None) -> Dataset:
    """What `config` names, with the corrections that it holds.

    Raises
    ------
    BakeoffError
        It cannot be read, or is not what the run saw.
    """
    return _unchanged(read_first(config, config.source, on_decoded), config)


def read_first(
    config: RunConfig,
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
        return correct_validated(source, config.corrections)
    return read(
        config.source,
        group=config.group,
        label=config.label,
        corrections=config.corrections,
        progress=on_decoded,
    )


def unchanged(dataset: Dataset, config: RunConfig) -> Dataset:
    """The dataset that a run was given, with its corrections, if the run saw just this.

    Raises
    ------
    BakeoffError
        It did not.
    """
    return _unchanged(correct_validated(dataset, config.corrections), config)


def _unchanged(dataset: Dataset, config: RunConfig) -> Dataset:
    if dataset.fingerprint() != config.fingerprint:
        raise BakeoffError(
            config.source,
            "its pictures or labels have changed since the run began",
            "Bring them back, or start a new run",
        )
    return dataset
