"""Who is held out by whom: what stays together, the locked test, the folds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.dataset import Dataset
from bakeoff.data.duplicates.find import DuplicateGroup, together
from bakeoff.data.grouping import why_mixed
from bakeoff.data.split import Split, split, unscored_split
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig, RunOptions

__all__ = ["about_groups", "keeps_groups", "parts_of", "together_of"]

USUAL_FOLDS = RunOptions.model_fields["folds"].default
VALIDATION = 5000  # pictures are enough to choose an epoch by, however large the set


def keeps_groups(dataset: Dataset, config: RunConfig) -> bool:
    """Whether groups share a part: as asked, or else where that can be done."""
    if config.keep_groups is not None:
        return config.keep_groups
    if dataset.groups is None or config.leave_one_group_out:
        return False
    return _why_mixed(dataset, config) is None


def _why_mixed(dataset: Dataset, config: RunConfig) -> str | None:
    """Why groups cannot be kept together; None if they can, or if there are none."""
    if dataset.groups is None:
        return None
    return why_mixed(
        dataset.labels, dataset.classes, dataset.groups, config.folds, dataset.official_test
    )


def together_of(
    dataset: Dataset, duplicates: list[DuplicateGroup], config: RunConfig
) -> NDArray[np.int64]:
    """N ids; what shares one stays in one part."""
    wants_groups = config.keep_groups or config.leave_one_group_out
    if wants_groups and dataset.groups is None:
        raise BakeoffError(
            dataset.name,
            "has no groups to keep together or leave out",
            "Define them with --group, such as --group '^[a-z]+' on the file name",
        )
    return together(
        len(dataset),
        [one.indices for one in duplicates],
        extra_ids=dataset.groups if config.keep_groups else None,
    )


def parts_of(dataset: Dataset, ids: NDArray[np.int64], config: RunConfig) -> Split:
    """The locked test, the folds and the final fit.

    As many folds as are usual, or as many as the largest class has pictures. Of a set in which no
    class has two, nothing can be scored.
    """
    folds, leave_out = config.folds, None
    if folds == USUAL_FOLDS and not config.leave_one_group_out:
        training = dataset.labels
        if dataset.official_test is not None and config.test != 0:
            training = training[~dataset.official_test]
        most = int(np.bincount(training[training >= 0], minlength=1).max())
        if most < 2 and dataset.official_test is None:
            return unscored_split(dataset.labels, ids)
        folds = 0 if most < 2 else min(folds, most)
    if config.leave_one_group_out:
        assert dataset.groups is not None
        leave_out = (dataset.groups, dataset.group_names)
    return split(
        dataset.labels,
        folds=folds,
        seed=config.seed,
        official_test=dataset.official_test,
        test_share=config.test,
        together=ids,
        leave_out=leave_out,
        validation_share=min(0.15, VALIDATION / max(1, len(dataset))),
    )


def about_groups(dataset: Dataset, config: RunConfig) -> str | None:
    """What became of the groups in the folds, in words; None where there are none."""
    if dataset.groups is None or config.leave_one_group_out:
        return None
    if config.keep_groups:
        return "groups are kept together"
    return f"groups are mixed: {_why_mixed(dataset, config) or 'as was asked'}"
