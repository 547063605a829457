"""A run whose page is open from its first second: this process serves, another one trains.

Nothing here imports torch, which takes seconds: the page is up before the training is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bakeoff.cli.common import console, has_display, show
from bakeoff.cli.serve import Server, serve_until_stopped

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bakeoff.record.config import RunConfig
    from bakeoff.record.folder import RunFolder
    from bakeoff.server.jobs import Jobs

__all__ = ["bake_on_page"]

LOOK_EVERY = 0.2  # seconds between looks for new events
KEY_INTERRUPT = 130


Outcome = Callable[["RunFolder"], None]


def bake_on_page(
    config: RunConfig | None, folder: Path, workers: str, print_outcome: Outcome
) -> None:
    """Start or resume a run and serve it from the first second on, until Ctrl-C.

    A run that is still training then is stopped and can be resumed. Without a terminal, where
    nobody would press Ctrl-C, the server ends with the run.

    Parameters
    ----------
    config : what is asked of a new run; None to resume the one in `folder`.
    workers : which train; see `bakeoff.bake`.
    print_outcome : called with the run when it is finished.
    """
    training = _Training(config, folder.resolve(), workers, print_outcome)
    home = folder.resolve().parents[1] if folder.resolve().parent.name == "runs" else Path()
    with suppress(KeyboardInterrupt):  # uvicorn has ended by then
        training.start()  # first: it takes seconds to import torch, and the server to start
        serve_until_stopped([], home=home, open_page=has_display(), beside=training.show)
    training.end(folder)


class _Training:
    """The process that trains, as the terminal follows it."""

    def __init__(
        self, config: RunConfig | None, path: Path, workers: str, print_outcome: Outcome
    ) -> None:
        self.config = config
        self.path = path
        self.workers = workers
        self.print_outcome = print_outcome
        self._jobs: Jobs | None = None
        self._run: RunFolder | None = None
        self._offset = 0  # of the events that are new
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed = False

    def start(self) -> None:
        """Start it."""
        from bakeoff.record.folder import RunFolder
        from bakeoff.server.jobs import Jobs

        self._jobs, self._run = Jobs(), RunFolder(self.path)
        resumed = self.config is None
        self._offset = self._run.events_from(0)[1] if resumed else 0
        self._jobs.start(self.path, self.config, self.workers)

    def show(self, application: FastAPI, server: Server) -> str:
        """Show how it goes on, here and on a server; return the place of its page there."""
        from urllib.parse import quote

        assert self._jobs is not None, "start it first"
        application.state.jobs = self._jobs
        name: str = application.state.runs.add(self.path)
        follow = lambda: self._follow(server, self._offset)
        self._thread = threading.Thread(target=follow, daemon=True)
        self._thread.start()
        return f"#/try/{quote(name, safe='')}"

    def _follow(self, server: Server, offset: int) -> None:
        """Show the events of the run as they come, and how it ends."""
        from bakeoff.screen import RunScreen

        assert self._jobs is not None
        assert self._run is not None
        shown = False
        screen = RunScreen(console)
        try:
            while not self._ending.wait(LOOK_EVERY):
                status = self._jobs.status(self._run)  # before the events, so that none is missed
                events, offset = self._run.events_from(offset)
                for event in events:
                    if not shown:
                        shown = True
                        screen.__enter__()
                    screen(event)
                if status != "running":
                    break
        finally:
            if shown:
                screen.__exit__(None, None, None)
        if not self._ending.is_set():
            self._ended(server, status)

    def _ended(self, server: Server, status: str) -> None:
        assert self._run is not None
        if status == "finished":
            self.print_outcome(self._run)
            show(self._run.path / "report.html", wanted=False)
        else:
            from bakeoff.server.events import why_not

            self._failed = True
            why, _ = why_not(self._run)
            console.print(f"bakeoff: {why or 'the run ended early'}", markup=False)
        if self._failed or not console.is_terminal:
            server.should_exit = True

    def end(self, folder: Path) -> None:
        """Stop what still trains, and say how to go on.

        Raises
        ------
        typer.Exit
            The run is not finished.
        """
        self._ending.set()
        if self._jobs is None or self._run is None:
            return
        if self._thread is not None:
            self._thread.join()
        if self._failed:
            raise typer.Exit(2)
        if self._jobs.status(self._run) == "running":
            asyncio.run(self._jobs.cancel(self._run))
            if (folder / "run.json").is_file():
                words = f"Stopped. Continue with: bakeoff run --resume {folder}"
                console.print(words, markup=False, soft_wrap=True)
            raise typer.Exit(KEY_INTERRUPT)
