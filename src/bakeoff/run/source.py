"""The pictures of a run, read again."""

from __future__ import annotations

import os
from collections.abc import Callable

from bakeoff.data.corrections import correct_validated, corrected
from bakeoff.data.dataset import Dataset
from bakeoff.data.new_labels import joined
from bakeoff.data.read import read, read_as_found
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig

__all__ = ["read_again", "read_first", "read_with_unlabelled", "unchanged"]


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
        return _corrected(source, config)
    return read(
        config.source,
        group=config.group,
        label=config.label,
        unlabelled=config.unlabelled,
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
    return _unchanged(_corrected(dataset, config), config)


def read_with_unlabelled(
    config: RunConfig, on_decoded: Callable[[int, int], None] | None = None
) -> Dataset:
    """The pictures of a run as they are now, with its labels, and those without a label too.

    Raises
    ------
    BakeoffError
        They cannot be read, or a correction does not fit them any more.
    """
    found = read_as_found(
        config.source,
        group=config.group,
        label=config.label,
        progress=on_decoded,
        need_labels=False,
    )
    if config.unlabelled is not None:
        found = joined(found, read_as_found(config.unlabelled, need_labels=False))
    return corrected(found, config.corrections)


def _corrected(dataset: Dataset, config: RunConfig) -> Dataset:
    """A dataset that is read already, with the further pictures that have got a label."""
    more = None
    if config.unlabelled is not None:
        more = read_as_found(config.unlabelled, need_labels=False)
    return correct_validated(dataset, config.corrections, more)


def _unchanged(dataset: Dataset, config: RunConfig) -> Dataset:
    if dataset.fingerprint() != config.fingerprint:
        raise BakeoffError(
            config.source,
            "its pictures or labels have changed since the run began",
            "Bring them back, or start a new run",
        )
    return dataset
