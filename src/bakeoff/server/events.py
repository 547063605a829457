"""The events of a run as a stream, for as long as the run goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from bakeoff.record.folder import RunFolder
from bakeoff.server.jobs import Jobs, log_lines

__all__ = ["stream", "why_not"]

LOOK_EVERY = 0.3  # seconds between looks for new events
QUIET = 15.0  # seconds after which a line without meaning keeps the connection open


async def stream(
    run: RunFolder, jobs: Jobs, start: int, ending: Callable[[], bool]
) -> AsyncIterator[str]:
    """Server-sent events from the `start`th on, until the run is no longer at work.

    One that ended early ends with "run stopped", which is in no file and has no number. Without a
    word it ends where the server is `ending`, which would else wait for it.
    """
    offset, place, quiet = 0, 0, 0.0
    while not ending():
        # Asked before the events, so that none comes between the last of them and the end.
        status = await asyncio.to_thread(jobs.status, run)
        fresh, offset = await asyncio.to_thread(run.events_from, offset)
        for event in fresh:
            if place >= start:
                yield _told(event, place)
            place += 1
        if status != "running":
            if status != "finished":
                yield _told({"event": "run stopped", "status": status, "why": why_not(run)})
            return
        quiet = 0.0 if fresh else quiet + LOOK_EVERY
        if quiet >= QUIET:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY)


def why_not(run: RunFolder) -> str | None:
    """Why a run failed: what it said last; None if it said nothing."""
    said = next((line for line in reversed(log_lines(run, 50) or []) if line), None)
    if said is None:
        why = (run.last_event() or {}).get("why")
        said = why if isinstance(why, str) else None
    return said.removeprefix("bakeoff: ") if said else None


def _told(event: dict[str, Any], place: int | None = None) -> str:
    number = "" if place is None else f"id: {place}\n"
    return f"{number}event: {event['event']}\ndata: {json.dumps(event)}\n\n"
