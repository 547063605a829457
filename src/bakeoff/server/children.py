"""Short commands of bakeoff in a process of their own, which ends when the client leaves."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence

from fastapi import Request

from bakeoff.said import say
from bakeoff.server.jobs import plain_environment
from bakeoff.server.limits import Problem

__all__ = ["said_by"]

SECONDS = 120
LOOK_EVERY = 0.2  # seconds between looks whether the client is still there
COMMAND = (sys.executable, "-P", "-m", "bakeoff")  # -P: no module from the working folder


async def said_by(request: Request, arguments: Sequence[str], given: str, late: str) -> str:
    """What `bakeoff ARGUMENTS` prints.

    Parameters
    ----------
    given : its standard input.
    late : what to advise where it takes more than two minutes.

    Raises
    ------
    Problem
        400: it refuses. 503: it took too long, and was ended.
    """
    process = subprocess.Popen(  # noqa: S603 - no shell, and checked
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        text=True,
    )
    said = asyncio.create_task(asyncio.to_thread(process.communicate, given))
    try:
        for _ in range(round(SECONDS / LOOK_EVERY)):
            await asyncio.wait([said], timeout=LOOK_EVERY)
            if said.done() or await request.is_disconnected():
                break
        slow = not said.done()
    finally:
        if process.poll() is None:
            process.kill()
        out, error = await said
    if slow:
        raise Problem(503, say("error.late", n=int(SECONDS), late=late))
    if process.returncode:
        words = next(_lines_back(error), "it ended without a word.")
        raise Problem(400, words.removeprefix("bakeoff: "))
    return out


def _lines_back(text: str) -> Iterator[str]:
    return (line.strip() for line in reversed(text.splitlines()) if line.strip())
