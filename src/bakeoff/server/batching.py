"""Requests for one model, collected into batches while it is busy."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.bundle import Bundle, Outcome
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.said import say
from bakeoff.server.limits import Problem

__all__ = ["Batcher"]

BATCH_PICTURES = 64
BATCH_PIXELS = 2_000_000  # tens of milliseconds: the longest time that the next request waits

log = logging.getLogger("bakeoff.server")

Arrays = tuple[NDArray[Any], ...]


class Model(Protocol):
    """What a queue is of: a bundle, or several in one."""

    def run(self, pixels: NDArray[np.uint8]) -> Arrays:
        """What it gives for N×H×W×C pixels: arrays with a row for each picture."""
        ...

    def stop(self) -> None:
        """End what runs at this moment, from another thread."""
        ...


M = TypeVar("M", bound=Model)


def _run(model: Model, pixels: NDArray[np.uint8]) -> Arrays:
    return model.run(pixels)


def _see(model: Bundle, pixels: NDArray[np.uint8]) -> Arrays:
    return (model.seen(pixels),)


@dataclass(eq=False)
class _Waiting:
    """Pictures of one shape that wait in the queue, and what is to be done with them."""

    pixels: NDArray[np.uint8]
    work: Callable[[Any, NDArray[np.uint8]], Arrays] = _run
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    done: asyncio.Future[Arrays] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()

    def fits_with(self, other: _Waiting) -> bool:
        """Whether both can share a batch."""
        return self.work is other.work and self.pixels.shape[1:] == other.pixels.shape[1:]


class Batcher(Generic[M]):
    """The queue of requests for one model.

    An idle model answers a request at once; requests that arrive while it is busy share the next
    batch. So no request waits for a batch to fill, and a busy model still runs full batches. A
    large request joins the queue again for each of its batches, so that small ones can run in
    between.

    Parameters
    ----------
    bundle : the model; it may be replaced at any time and takes effect with the next batch.
    executor : threads that run the model.
    waiting : the maximum number of pictures in the queue.
    """

    def __init__(self, bundle: M, executor: Executor, *, waiting: int) -> None:
        self.bundle = self._running = bundle
        self.executor = executor
        self._max_waiting = waiting
        self._queue: deque[_Waiting] = deque()
        self._working = False
        self._lock = threading.Lock()  # protects the two above
        self._since: float | None = None  # when the batch that runs began
        self.waiting = 0

    async def outputs(self, picture: NDArray[np.uint8]) -> Arrays:
        """What the model gives for an H×W×C picture: arrays of one row.

        Raises
        ------
        Problem
            503: the queue is full. 500: the model gives no answer.
        """
        with self._counted(1):
            return await self._answered(_Waiting(picture[None]))

    async def run(self: Batcher[Bundle], pictures: Pictures) -> Outcome:
        """The `Outcome` for N pictures; see `Bundle.run`.

        Raises
        ------
        Problem
            503: the queue is full. 500: the model gives no answer.
        """
        if len(pictures) == 1:
            probabilities, ood_scores, embeddings = await self.outputs(pictures[0])
            return probabilities, ood_scores, embeddings
        with self._counted(len(pictures)):
            outputs: list[NDArray[np.float32]] = []
            largest = int(pictures.shapes.prod(axis=1).max())
            size = min(BATCH_PICTURES, max(1, BATCH_PIXELS // largest))
            for rows, pixels in pictures.batches(size):
                batch = await self._answered(_Waiting(pixels))
                outputs = outputs or [
                    np.empty((len(pictures), *part.shape[1:]), part.dtype) for part in batch
                ]
                for output, part in zip(outputs, batch, strict=True):
                    output[rows] = part
        probabilities, ood_scores, embeddings = outputs
        return probabilities, ood_scores, embeddings

    async def seen(self: Batcher[Bundle], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The network's input, S×S×C, for an H×W×C picture; see `Bundle.seen`.

        Raises
        ------
        Problem
            503: the queue is full.
        """
        with self._counted(1):
            (pictures,) = await self._answered(_Waiting(picture[None], _see))
        shown: NDArray[np.uint8] = pictures[0]
        return shown

    def stop_after(self, seconds: float) -> None:
        """End the batch that runs, if it began so long ago; its requests fail."""
        if self._since is not None and time.monotonic() - self._since > seconds:
            self._running.stop()

    @contextmanager
    def _counted(self, pictures: int) -> Iterator[None]:
        """Count pictures as waiting within a ``with`` block, if the queue has room for them."""
        if self.waiting + pictures > max(self._max_waiting, pictures):
            raise Problem(
                503,
                say("error.queue", n=self.waiting),
                {"Retry-After": "1"},
            )
        self.waiting += pictures
        try:
            yield
        finally:
            self.waiting -= pictures

    async def _answered(self, wait: _Waiting) -> Arrays:
        with self._lock:
            self._queue.append(wait)
            starts, self._working = not self._working, True
        if starts:
            self.executor.submit(self._work)
        try:
            return await wait.done
        except asyncio.CancelledError:
            with self._lock, suppress(ValueError):  # its batch may be running
                self._queue.remove(wait)
            raise

    def _work(self) -> None:
        """Run batches, in a thread, until the queue is empty."""
        while True:
            with self._lock:
                self._working = bool(self._queue)
                if not self._queue:
                    return
                batch = self._next()
            try:
                pixels = np.concatenate([waiting.pixels for waiting in batch])
                bundle = self._running = self.bundle
                self._since = time.monotonic()
                outputs = batch[0].work(bundle, pixels)
            except Exception as error:  # reported to the requests in this batch only
                self._since = None
                batch[0].loop.call_soon_threadsafe(_fail, batch, error)
                continue
            self._since = None
            batch[0].loop.call_soon_threadsafe(_succeed, batch, outputs)

    def _next(self) -> list[_Waiting]:
        """The first request in the queue, and others that fit into its batch."""
        first = self._queue.popleft()
        batch, room = (
            [first],
            min(BATCH_PICTURES, BATCH_PIXELS // first.pixels[0].size) - len(first.pixels),
        )
        for other in list(self._queue):
            if other.fits_with(first) and len(other.pixels) <= room:
                self._queue.remove(other)
                batch.append(other)
                room -= len(other.pixels)
        return batch


def _succeed(batch: list[_Waiting], outputs: Arrays) -> None:
    start = 0
    for waiting in batch:
        end = start + len(waiting.pixels)
        if not waiting.done.done():  # the client may have disconnected
            waiting.done.set_result(tuple(output[start:end] for output in outputs))
        start = end


def _fail(batch: list[_Waiting], error: Exception) -> None:
    if isinstance(error, BakeoffError):  # a stranger's graph, or one that was stopped
        log.warning("a model gives no answer: %s", error)
        error = Problem(500, str(error))
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
