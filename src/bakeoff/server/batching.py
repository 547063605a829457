"""Requests for one model, gathered into batches while it is busy."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

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
    """Some pictures of one shape that wait for their turn.

    `seen` asks what the model sees of them, instead of what it says.
    """

    pixels: NDArray[np.uint8]
    seen: bool = False
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    done: asyncio.Future[tuple[NDArray[Any], ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()

    def goes_with(self, other: _Wait) -> bool:
        """Whether both can be answered in one batch."""
        return self.seen == other.seen and self.pixels.shape[1:] == other.pixels.shape[1:]


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
        with self._counted(len(pictures)):
            if len(pictures) == 1:
                probabilities, ood_score, embeddings = await self._line_up(_Wait(pictures[0][None]))
                return probabilities, ood_score, embeddings
            outputs: list[NDArray[np.float32]] = []
            largest = int(pictures.shapes.prod(axis=1).max())
            size = min(BATCH_PICTURES, max(1, BATCH_PIXELS // largest))
            for rows, pixels in pictures.batches(size):
                some = await self._line_up(_Wait(pixels))
                outputs = outputs or [
                    np.empty((len(pictures), *one.shape[1:]), one.dtype) for one in some
                ]
                for output, one in zip(outputs, some, strict=True):
                    output[rows] = one
        probabilities, ood_score, embeddings = outputs
        return probabilities, ood_score, embeddings

    async def seen(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An H×W×C picture as S×S×C, as the model sees it; see `Bundle.seen`.

        Raises
        ------
        Problem
            503: too many pictures are in line.
        """
        with self._counted(1):
            (pictures,) = await self._line_up(_Wait(picture[None], seen=True))
        shown: NDArray[np.uint8] = pictures[0]
        return shown

    @contextmanager
    def _counted(self, pictures: int) -> Iterator[None]:
        """So many are in line for the length of a ``with`` block, if there is room."""
        if self.waiting + pictures > max(self._most, pictures):
            raise Problem(
                503,
                f"{self.waiting} pictures are in line already. Try again in a second.",
                {"Retry-After": "1"},
            )
        self.waiting += pictures
        try:
            yield
        finally:
            self.waiting -= pictures

    async def _line_up(self, wait: _Wait) -> tuple[NDArray[Any], ...]:
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
                bundle = self.bundle
                outputs = (bundle.seen(pixels),) if batch[0].seen else bundle.run(pixels)
            except Exception as error:  # told to those who asked; the next are served
                batch[0].loop.call_soon_threadsafe(_fail, batch, error)
                continue
            batch[0].loop.call_soon_threadsafe(_tell, batch, outputs)

    def _next(self) -> list[_Wait]:
        """The first in line, and others that go with it as far as they fit."""
        first = self._line.popleft()
        batch, room = (
            [first],
            min(BATCH_PICTURES, BATCH_PIXELS // first.pixels[0].size) - len(first.pixels),
        )
        for other in list(self._line):
            if other.goes_with(first) and len(other.pixels) <= room:
                self._line.remove(other)
                batch.append(other)
                room -= len(other.pixels)
        return batch


def _tell(batch: list[_Wait], outputs: tuple[NDArray[Any], ...]) -> None:
    start = 0
    for one in batch:
        end = start + len(one.pixels)
        if not one.done.done():  # whoever asked may have gone away
            one.done.set_result(tuple(output[start:end] for output in outputs))
        start = end


def _fail(batch: list[_Wait], error: Exception) -> None:
    for one in batch:
        if not one.done.done():
            one.done.set_exception(error)
