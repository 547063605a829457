"""The events of a run as a stream, for as long as the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi.responses import StreamingResponse

from bakeoff.record.events import Event, RunFailed, RunStopped
from bakeoff.record.folder import RunFolder
from bakeoff.said import Message
from bakeoff.server.jobs import Jobs, log_lines

__all__ = ["EventStream", "stream", "why_not"]

LOOK_EVERY = 0.3  # seconds between looks for new events
QUIET = 15.0  # seconds after which a comment keeps the connection open


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


async def stream(
    run: RunFolder, jobs: Jobs, start: int, ending: Callable[[], bool]
) -> AsyncIterator[str]:
    """Server-sent events from the `start`th on, until the run is no longer at work.

    A run that ended early ends the stream with "run stopped", which is in no file and has no
    number. The stream also ends where the server is `ending`, which would else wait for it.
    """
    offset, place, quiet = 0, 0, 0.0
    while not ending():
        # Asked before the events, so that none comes between the last of them and the end.
        status = await asyncio.to_thread(jobs.status, run)
        fresh, offset = await asyncio.to_thread(run.events_from, offset)
        for event in fresh:
            if place >= start:
                yield _line(event, place)
            place += 1
        if status != "running":
            if status != "finished":
                why, why_said = why_not(run)
                yield _line(RunStopped(status=status, why=why, why_said=why_said))
            return
        quiet = 0.0 if fresh else quiet + LOOK_EVERY
        if quiet >= QUIET:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY)


def why_not(run: RunFolder) -> tuple[str | None, Message | None]:
    """Why a run failed: what it said last, and its message; None if it said nothing."""
    last = run.last_event()
    failed = last if isinstance(last, RunFailed) else None
    said = next((line for line in reversed(log_lines(run, 50) or []) if line), None)
    words = said.removeprefix("bakeoff: ") if said else failed.why if failed else None
    return words, failed.why_said if failed and failed.why == words else None


def _line(event: Event, place: int | None = None) -> str:
    number = "" if place is None else f"id: {place}\n"
    return f"{number}event: {event.event}\ndata: {event.model_dump_json()}\n\n"
