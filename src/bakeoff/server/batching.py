"""Requests for one model, gathered into batches while it is busy."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.bundle import Bundle, Outcome
from bakeoff.data.pictures import Pictures
from bakeoff.server.limits import Problem

__all__ = ["Batcher"]

BATCH_PICTURES = 64
BATCH_PIXELS = 2_000_000  # some tens of milliseconds: what the next request waits at most


@dataclass(eq=False)
class _Wait:
    """Some pictures of one shape that wait for their turn."""

    pixels: NDArray[np.uint8]
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    done: asyncio.Future[Outcome] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()


class Batcher:
    """One model's line of requests.

    Whoever comes to an idle model is served at once; those who come while it works share the
    next batch. So nobody waits for a batch to fill, and a busy model still runs full ones. A
    large request stands in line anew for each of its batches, so that small ones pass between.

    Parameters
    ----------
    bundle : the model; may be exchanged at any time, and the next batch is by the new one.
    executor : threads that run the models.
    waiting : pictures in line, at most.
    """

    def __init__(self, bundle: Bundle, executor: Executor, *, waiting: int) -> None:
        self.bundle = bundle
        self.executor = executor
        self._most = waiting
        self._line: deque[_Wait] = deque()
        self._working = False
        self._lock = threading.Lock()  # of the two above
        self.waiting = 0

    async def run(self, pictures: Pictures) -> Outcome:
        """N pictures to probabilities, strangenesses and embeddings; see `Bundle.run`.

        Raises
        ------
        Problem
            503: too many pictures are in line.
        """
        if self.waiting + len(pictures) > max(self._most, len(pictures)):
            raise Problem(
                503,
                f"{self.waiting} pictures are in line already. Try again in a second.",
                {"Retry-After": "1"},
            )
        self.waiting += len(pictures)
        try:
            if len(pictures) == 1:
                return await self._line_up(pictures[0][None])
            outputs: list[NDArray[np.float32]] = []
            largest = int(pictures.shapes.prod(axis=1).max())
            size = min(BATCH_PICTURES, max(1, BATCH_PIXELS // largest))
            for rows, pixels in pictures.batches(size):
                some = await self._line_up(pixels)
                outputs = outputs or [
                    np.empty((len(pictures), *one.shape[1:]), one.dtype) for one in some
                ]
                for output, one in zip(outputs, some, strict=True):
                    output[rows] = one
        finally:
            self.waiting -= len(pictures)
        probabilities, strangeness, embeddings = outputs
        return probabilities, strangeness, embeddings

    async def _line_up(self, pixels: NDArray[np.uint8]) -> Outcome:
        wait = _Wait(pixels)
        with self._lock:
            self._line.append(wait)
            starts, self._working = not self._working, True
        if starts:
            self.executor.submit(self._work)
        try:
            return await wait.done
        except asyncio.CancelledError:
            with self._lock, suppress(ValueError):  # its batch may be running
                self._line.remove(wait)
            raise

    def _work(self) -> None:
        """In a thread, until the line is empty: one batch after the other, without a pause."""
        while True:
            with self._lock:
                self._working = bool(self._line)
                if not self._line:
                    return
                batch = self._next()
            try:
                pixels = np.concatenate([one.pixels for one in batch])
                outputs = self.bundle.run(pixels)
            except Exception as error:  # told to those who asked; the next are served
                batch[0].loop.call_soon_threadsafe(_fail, batch, error)
                continue
            batch[0].loop.call_soon_threadsafe(_tell, batch, outputs)

    def _next(self) -> list[_Wait]:
        """The first in line, and others of the same shape as far as they fit."""
        first = self._line.popleft()
        batch, room = (
            [first],
            min(BATCH_PICTURES, BATCH_PIXELS // first.pixels[0].size) - len(first.pixels),
        )
        for other in list(self._line):
            same = other.pixels.shape[1:] == first.pixels.shape[1:]
            if same and len(other.pixels) <= room:
                self._line.remove(other)
                batch.append(other)
                room -= len(other.pixels)
        return batch


def _tell(batch: list[_Wait], outputs: Outcome) -> None:
    start = 0
    for one in batch:
        end = start + len(one.pixels)
        if not one.done.done():  # whoever asked may have gone away
            probabilities, strangeness, embeddings = (output[start:end] for output in outputs)
            one.done.set_result((probabilities, strangeness, embeddings))
        start = end


def _fail(batch: list[_Wait], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)
