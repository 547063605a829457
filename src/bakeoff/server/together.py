"""Small pictures, such as drawings, answered by all models of a run in one graph."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bakeoff.bundle.bundle import GRAPH, Bundle, read_bundle
from bakeoff.bundle.joint import Joint, joined
from bakeoff.bundle.outcome import Outcome, checked_outcome
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.server.batching import Batcher
from bakeoff.server.limits import Problem

__all__ = ["Together"]

SMALL_SIDE = 256  # pixels: larger pictures take long enough that models rather work side by side
MOST = 3  # graphs in memory

log = logging.getLogger("bakeoff.server")

Key = frozenset[int]  # the identities of bundles, which live as long as the entry


class Together:
    """Joint graphs of models that were loaded together, each with a queue and a thread.

    Parameters
    ----------
    waiting : the maximum number of pictures in a queue.
    """

    def __init__(self, *, waiting: int) -> None:
        self._waiting = waiting
        self._queues: dict[Key, tuple[Batcher[Joint], dict[str, Bundle]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def prepare(self, bundles: Mapping[str, Bundle], paths: Mapping[str, Path]) -> None:
        """Begin to join the graphs of some models, in a thread, if that pays and is not done."""
        if len(bundles) > 1 and _key(bundles) not in self._queues:
            task = asyncio.create_task(self._prepare(dict(bundles), dict(paths)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _prepare(self, bundles: dict[str, Bundle], paths: dict[str, Path]) -> None:
        try:
            joint = await asyncio.to_thread(_join, bundles, paths)
        except Exception as error:  # each model alone still answers
            log.info("models cannot be run together: %r", error)
            return
        if joint is None:
            return
        executor = ThreadPoolExecutor(1, thread_name_prefix="together")
        self._queues[_key(bundles)] = Batcher(joint, executor, waiting=self._waiting), bundles
        for key in list(self._queues)[:-MOST]:
            del self._queues[key]

    async def outcomes(
        self, bundles: Mapping[str, Bundle], pictures: Pictures
    ) -> dict[str, Outcome | Problem] | None:
        """What each model gives for one small picture; None if there is no joint graph for them.

        Raises
        ------
        Problem
            503: the queue is full.
        """
        queue, joined_bundles = self._queues.get(_key(bundles), (None, bundles))
        if queue is None or len(pictures) != 1 or pictures.shapes[0][:2].max() > SMALL_SIDE:
            return None
        try:
            outputs = await queue.outputs(pictures[0])
        except Problem as problem:
            if problem.status == 503:
                raise
            self._queues.pop(_key(bundles), None)  # one model may be at fault for all
            return None
        each = queue.bundle.of_each(outputs)
        return {
            name: _checked(name, bundle, part)
            for (name, bundle), part in zip(joined_bundles.items(), each, strict=True)
        }

    def stop_after(self, seconds: float) -> None:
        """End what runs, if it began so long ago."""
        for queue, _ in list(self._queues.values()):
            queue.stop_after(seconds)

    def close(self) -> None:
        """Wait for all threads to finish."""
        for task in self._tasks:
            task.cancel()
        for queue, _ in self._queues.values():
            queue.executor.shutdown()


def _key(bundles: Mapping[str, Bundle]) -> Key:
    return frozenset(map(id, bundles.values()))


def _join(bundles: Mapping[str, Bundle], paths: Mapping[str, Path]) -> Joint | None:
    """The joint graph; None if it does not pay, or if a file is not that of its model any more."""
    graphs = []
    for name, bundle in bundles.items():
        manifest, files = read_bundle(paths[name])
        if manifest.files[GRAPH] != bundle.manifest.files[GRAPH]:
            return None
        graphs.append(files[GRAPH])
    whole = joined(graphs)
    return None if whole is None else Joint(whole, len(graphs))


def _checked(name: str, bundle: Bundle, outputs: tuple[object, ...]) -> Outcome | Problem:
    embedding = bundle.manifest.embedding
    try:
        return checked_outcome(name, outputs, 1, len(bundle.classes), embedding)  # type: ignore[arg-type]
    except BakeoffError as error:
        log.warning("a model gives no answer: %s", error)
        return Problem(500, str(error))
