"""What to label first, where nothing has a label yet: by the looks alone, with torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from bakeoff.approaches.approach import Task
from bakeoff.approaches.transfer import Transfer
from bakeoff.data.pictures import Pictures
from bakeoff.next.of_run import Waiting
from bakeoff.next.ranking import Candidate, cold_ranking

__all__ = ["looks_of", "rank_cold"]

BATCH = 32  # pictures


def rank_cold(
    waiting: Waiting, take: int, *, on_done: Callable[[int, int], None] = lambda _done, _of: None
) -> list[Candidate]:
    """What to label first; see `cold_ranking`. It needs no trained model.

    Parameters
    ----------
    take : how many to choose.
    on_done : called with the pictures looked at, and all of them.
    """
    pictures, labelled = waiting.pictures, waiting.labelled
    both = waiting.dataset.pictures
    if not len(labelled):
        features = looks_of(both, on_done)
        return cold_ranking(features, features[:0], take)
    task = Task.of(both, 2)
    features = looks_of(pictures, on_done, task)
    return cold_ranking(features, looks_of(labelled, task=task), take)


def looks_of(
    pictures: Pictures,
    on_done: Callable[[int, int], None] = lambda _done, _of: None,
    task: Task | None = None,
) -> NDArray[np.float32]:
    """The features of pictures, N×E, of the pretrained network that transfer learning uses.

    Parameters
    ----------
    task : of a set that they belong to; None if they are the set.
    """
    task = task or Task.of(pictures, 2)
    approach = Transfer()
    preprocess = approach.preprocess(task).eval()
    network = approach.frozen(task)
    assert network is not None, "the backbone is frozen by default"
    network.eval()
    features: NDArray[np.float32] | None = None
    done = 0
    with torch.inference_mode():
        for rows, pixels in pictures.batches(BATCH):
            seen = network(preprocess(torch.from_numpy(pixels))).float().numpy()
            if features is None:
                features = np.empty((len(pictures), seen.shape[1]), dtype=np.float32)
            features[rows] = seen
            done += len(rows)
            on_done(done, len(pictures))
    assert features is not None, "there are pictures"
    return features
