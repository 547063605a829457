"""Duplicates in a dataset: exact copies, near copies, and rotated ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bakeoff.data.duplicates.exact import find_exact
from bakeoff.data.duplicates.near import find_near
from bakeoff.data.duplicates.rotated import find_rotated
from bakeoff.data.pictures import Pictures

__all__ = ["DuplicateGroup", "find_duplicates", "together"]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """The rows of two or more copies of one picture.

    `exact` if every pixel agrees; `turned` if some agree only after rotating, moving or scaling.
    """

    indices: tuple[int, ...]
    exact: bool
    turned: bool = False


def find_duplicates(pictures: Pictures) -> list[DuplicateGroup]:
    """Exact copies, and near ones: saved again, a little brighter or flatter, rotated or moved.

    Near copies are those of `find_near`, among them mirrored photos, and then those of
    `find_rotated`: drawings that were turned up to some 15°, moved or scaled by a tenth.

    Digits of two people must not pass for one picture. Drawings that were mirrored and copies cut
    off by the frame are therefore not found, nor rotated copies of photos, of plain strokes, and of
    pictures smaller than some 14 pixels; of pictures smaller than some 50 pixels not all scaled
    copies are found. Empty pictures are compared exactly only.

    Costs 16 s and 260 MB for 60 000 grey pictures of 28×28.

    Parameters
    ----------
    pictures : N pictures.

    Returns
    -------
    list of DuplicateGroup
        In the order of their first pictures; no picture is in two groups.
    """
    if not len(pictures):
        return []
    exact = together(len(pictures), find_exact(pictures))
    saved = _linked(pictures, exact, partial(find_near, mirrored=pictures.looks == "photos"))
    every = _linked(pictures, saved, find_rotated)
    order = np.argsort(every, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(every[order])) + 1)
    return [
        DuplicateGroup(
            tuple(rows.tolist()),
            exact=len(np.unique(exact[rows])) == 1,
            turned=len(np.unique(saved[rows])) > 1,
        )
        for rows in sorted(members, key=lambda rows: int(rows[0]) if len(rows) else 0)
        if len(rows) > 1
    ]


def _linked(
    pictures: Pictures,
    ids: NDArray[np.int64],
    find: Callable[[Pictures], NDArray[np.int64]],
) -> NDArray[np.int64]:
    """Ids of N pictures, joined where `find` pairs the first pictures of two ids."""
    _, first = np.unique(ids, return_index=True)
    pairs = first[find(pictures.take(first))]
    return together(len(pictures), pairs.tolist(), extra_ids=ids)


def together(
    count: int,
    groups: Iterable[Sequence[int]],
    extra_ids: NDArray[np.integer] | None = None,
) -> NDArray[np.int64]:
    """One id per picture, the same for all pictures that are linked, directly or not.

    If a and b are duplicates and b and c are of one writer, then a, b and c
    share an id, and `split` keeps them in one part.

    Parameters
    ----------
    count : N, pictures in all.
    groups : rows that belong together, such as those of each `DuplicateGroup`.
    extra_ids : N, further ids (a writer's, a style's) whose members belong together.

    Returns
    -------
    NDArray
        N ids, counted from 0 in the order of the first picture of each.
    """
    pairs = [(rows[0], row) for rows in groups for row in rows[1:]]
    links = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    if extra_ids is not None:
        _, first, inverse = np.unique(extra_ids, return_index=True, return_inverse=True)
        links = np.concatenate([links, np.stack([first[inverse], np.arange(count)], axis=1)])
    graph = coo_array((np.ones(len(links), dtype=bool), tuple(links.T)), shape=(count, count))
    if count == 0:
        return np.empty(0, dtype=np.int64)
    ids: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return ids.astype(np.int64)
