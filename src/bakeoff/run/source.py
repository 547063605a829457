"""The pictures of a run, read again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bakeoff.data.corrections import correct_validated, corrected
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.new_labels import joined, unlabelled_rows
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read, read_as_found
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.said import say

__all__ = [
    "fingerprint_of_pictures",
    "pictures_without_label",
    "read_again",
    "read_first",
    "read_with_unlabelled",
    "unchanged",
]

MOST = 5_000  # pictures for pseudo labels: a second training on these takes long enough


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
            say("failed.changed"),
            say("failed.bringBack"),
        )
    return dataset


def pictures_without_label(config: RunConfig, dataset: Dataset) -> Pictures:
    """The pictures for pseudo labels; none where these are not asked for.

    Those of the further source, or else those that wait beside the pictures of the run. None of
    them is a copy of a picture with a label, which may be held out or in the locked test, nor of
    another one.

    Raises
    ------
    BakeoffError
        There are none, or not those that the run began with.
    """
    if not config.pseudo_label:
        return Pictures.none()
    more = _beside(config, dataset)
    rows = np.array(unlabelled_rows(more), dtype=np.int64)
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST, replace=False))
    labelled = dataset.take(np.flatnonzero(dataset.labels != UNLABELLED)).pictures
    both = labelled.with_more(more.pictures.take(rows))
    ids = together(len(both), [one.indices for one in find_duplicates(both)])
    _, first = np.unique(ids, return_index=True)
    found = both.take(first[first >= len(labelled)])
    if not len(found):
        raise BakeoffError(
            "pseudo labels",
            say("failed.noneUnlabelled"),
            say("failed.addUnlabelled"),
        )
    if config.unlabelled_fingerprint not in ("", fingerprint_of_pictures(found)):
        raise BakeoffError(
            config.unlabelled or config.source,
            say("failed.changedUnlabelled"),
            say("failed.bringBack"),
        )
    return found


def _beside(config: RunConfig, dataset: Dataset) -> Dataset:
    """The further source of a run, or else its own with the pictures that have no label.

    A dataset that was given in memory has none of these any more.
    """
    if config.unlabelled is not None:
        return read_as_found(config.unlabelled, need_labels=False)
    return read_with_unlabelled(config) if Path(config.source).is_absolute() else dataset


def fingerprint_of_pictures(pictures: Pictures) -> str:
    """SHA-256 over pixels and sizes, in hex; "" for no pictures."""
    if not len(pictures):
        return ""
    digest = hashlib.sha256(np.ascontiguousarray(pictures.shapes).tobytes())
    for picture in pictures:
        digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()
