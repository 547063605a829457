"""One budget of memory for all requests: bodies that arrive, and pictures that are decoded."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from PIL import Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bakeoff.data.decode import FORMATS, is_picture, pillow_is_quiet
from bakeoff.heap import bound_kept_memory
from bakeoff.said import say
from bakeoff.server.limits import MB, SETS, Bounds, Problem

__all__ = ["Decoding", "Held", "KeepInMemory", "Memory", "cost_of"]

PATIENCE = 10.0  # seconds that a request waits for memory
SMALL = 65_536  # bytes of a body that need not wait
LARGE = 10_000_000  # bytes that a request took, which may leave holes in the heap
SPARE = 40_000_000  # bytes that may be kept after one
COPIES = 2  # of a body: the parts that arrive, and all of it
# Bytes of memory, measured while the largest inputs are decoded.
PER_PIXEL = 12  # a PNG with alpha: loaded, laid on white, averaged
PER_KEPT = 512 * 512 * 3  # the largest picture that decoding leaves
PER_BYTE_OF_TEXT = 16
PER_BYTE_OF_LINE = 60  # fields of the longest line are texts of their own
HEAD = 65_536  # bytes of a file in a zip, in which the size of the picture is found
# Of the memory for decoding, a fifth is for requests that need a 25th at most: they never wait
# for large ones. Two seconds of a picture of 25 megapixels were two seconds of everybody's.
SMALL_SHARE, SMALL_REQUEST = 5, 25


class Memory:
    """Bytes to share; requests that find too few wait in line.

    Parameters
    ----------
    size : bytes in all. A request that asks for more gets all of it, alone.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> int:
        """Wait for bytes, at most all there are, and return how many it got.

        Raises
        ------
        Problem
            503: there were too few for `PATIENCE` seconds.
        """
        size = min(size, self.size)
        if not self._line and size <= self.free:
            self.free -= size
            return size
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((size, turn))
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.free += size  # it was given at the last moment
            else:
                with suppress(ValueError):  # `_admit` has met it meanwhile, and passed it over
                    self._line.remove((size, turn))
            self._admit()
            if not isinstance(error, TimeoutError):
                raise
            raise Problem(
                503,
                say("error.noMemory"),
                {"Retry-After": "5"},
            ) from None
        return size

    def give(self, size: int) -> None:
        """Give bytes back to those who wait."""
        self.free += size
        self._admit()

    def _admit(self) -> None:
        while self._line and self._line[0][0] <= self.free:
            size, turn = self._line.popleft()
            if not turn.done():
                self.free -= size
                turn.set_result(None)


class Decoding:
    """The memory for decoding, `size` bytes: a part for small requests, and the rest."""

    def __init__(self, size: int) -> None:
        self.small = Memory(size // SMALL_SHARE)
        self.large = Memory(size - self.small.size)
        self.small_request = size // SMALL_REQUEST

    def part(self, size: int) -> Memory:
        """The part for a request that needs `size` bytes."""
        return self.small if size <= self.small_request else self.large


class Held:
    """What one request holds of the memory for decoding."""

    def __init__(self, decoding: Decoding) -> None:
        self.decoding = decoding
        self.memory = decoding.small
        self.size = self.taken = 0

    async def take(self, size: int) -> None:
        """Wait for memory before decoding; see `Memory.take`. To be called once."""
        self.memory = self.decoding.part(size)
        self.size = self.taken = await self.memory.take(size)

    def keep(self, size: int) -> None:
        """Give back all but `size` bytes, which are held until the request is answered."""
        kept = min(size, self.size)
        self.memory.give(self.size - kept)
        self.size = kept


class KeepInMemory:
    """Middleware that lets a body arrive when there is memory for it.

    Bodies and decoding have one half each of the whole: a body that is there never waits for one
    that is still to arrive. `pictures_of` finds the `Held` of its request in the scope.
    """

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds
        self.bodies = Memory(bounds.memory_mb * MB // 2)
        self.decoding = Decoding(bounds.memory_mb * MB // 2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        held, body = Held(self.decoding), 0

        async def admitted() -> Message:
            nonlocal body
            if body == 0:
                expected = self._expected(scope)
                if expected > SMALL:
                    body = await self.bodies.take(expected * COPIES)
            return await receive()

        scope["bakeoff.held"] = held
        try:
            await self.app(scope, admitted, send)
        finally:
            large = body + held.taken > LARGE
            held.keep(0)
            self.bodies.give(body)
            if large:
                asyncio.get_running_loop().run_in_executor(None, bound_kept_memory, SPARE)

    def _expected(self, scope: Scope) -> int:
        """How large the body will be: as declared, if it is not compressed, or else at most."""
        if scope["path"] == SETS:
            return 0  # it goes to disk as it arrives
        headers = dict(scope["headers"])
        if b"content-encoding" not in headers and b"transfer-encoding" not in headers:
            return int(headers.get(b"content-length", b"0"))
        return self.bounds.body_mb * MB


def cost_of(files: Sequence[tuple[str, bytes]], bounds: Bounds) -> int:
    """Bytes of memory that it takes, at most, to decode files one after another.

    From their headers, so that a small file of a large picture counts as what it is.
    """
    largest = kept = 0
    with pillow_is_quiet():
        for _, data in files:
            work, left = _cost(data, bounds)
            largest, kept = max(largest, work), kept + left
    return largest + min(kept, bounds.unpacked_mb * MB)


def _cost(data: bytes, bounds: Bounds) -> tuple[int, int]:
    """Bytes while one file is decoded, and of what is left of it."""
    if is_picture(data):
        return _cost_of_picture(data, bounds)
    if data.startswith(b"PK\x03\x04"):
        return _cost_of_zip(data, bounds)
    line = min(len(data), bounds.inputs.table.max_line_bytes)
    return len(data) * PER_BYTE_OF_TEXT + line * PER_BYTE_OF_LINE, len(data)


def _cost_of_picture(head: bytes, bounds: Bounds, *, whole: bool = True) -> tuple[int, int]:
    """Of a picture of which this is the `whole` file, or its beginning."""
    most = bounds.picture_megapixels * MB
    try:
        with Image.open(io.BytesIO(head), formats=FORMATS) as image:
            pixels = image.width * image.height
    except Exception:  # damaged, as decoding will say, or its size comes later
        pixels = 0 if whole else most
    pixels = 0 if pixels > most else pixels  # which is refused undecoded
    return pixels * PER_PIXEL, min(pixels * 3, PER_KEPT)


def _cost_of_zip(data: bytes, bounds: Bounds) -> tuple[int, int]:
    """Of a zip, whose files are decoded one after another."""
    largest = kept = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist()[: bounds.members]:
                with archive.open(member) as file:
                    head = file.read(HEAD)
                size = min(member.file_size, bounds.body_mb * MB)
                if is_picture(head):
                    work, left = _cost_of_picture(head, bounds, whole=len(head) < HEAD)
                    largest, kept = max(largest, work + size), kept + left
                else:
                    largest = max(largest, size)
    except Exception:  # damaged, encrypted: what can be read of it may be as large as is allowed
        return bounds.picture_megapixels * MB * PER_PIXEL, bounds.unpacked_mb * MB
    return largest, kept
