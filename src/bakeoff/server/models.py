"""The models that are served: each with its line, exchanged when its bundle is."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.bundle import Bundle, Explanation, load
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.occlusion import covered
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.server.batching import Batcher
from bakeoff.server.limits import Problem

__all__ = ["Models", "Timed"]

MOST_LOADED = 16  # models in memory
NONE_SERVED = "POST /api/runs/RUN/models serves those of a run; GET /api/runs lists the runs"
LOOK_EVERY = 1.0  # seconds between looks at bundles that may have been replaced

log = logging.getLogger("bakeoff.server")

Said = TypeVar("Said")

Timed = tuple[Answers, float]
"""What one model answered, and the milliseconds from its turn to ask until then."""


class Models(Mapping[str, Batcher]):
    """Bundles by name, each with its own line of requests and a thread of its own.

    Those that were there from the start stay; of those loaded later the one that was asked the
    longest ago goes when there are too many.

    Parameters
    ----------
    paths : name to bundle, as `panel.name_bundles` gives them.
    waiting : pictures in line for one model, at most.
    cores : threads for all models together.
    """

    def __init__(self, paths: Mapping[str, Path], *, waiting: int, cores: int) -> None:
        self.paths = {name: path.resolve() for name, path in paths.items()}
        self._asked: dict[str, None] = {}  # those loaded later, the longest ago first
        self._waiting = waiting
        self._cores = cores
        self._loading = asyncio.Lock()
        self._lines = {name: self._line_of(path, len(paths)) for name, path in self.paths.items()}

    def __getitem__(self, name: str) -> Batcher:
        return self._lines[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, name: str) -> Batcher:
        """The model of that name.

        Raises
        ------
        Problem
            404: there is none.
        """
        if name not in self._lines:
            served = f"Those served are {', '.join(self)}" if self else NONE_SERVED
            raise Problem(404, f"There is no model {name[:100]!r}. {served}.")
        if name in self._asked:
            self._asked[name] = self._asked.pop(name)  # now the last of them to go
        return self._lines[name]

    async def load(self, run: str, paths: Sequence[Path]) -> list[str]:
        """Serve the bundles of a run, as RUN/BUNDLE where they are not served already.

        Returns
        -------
        Their names, in the order of `paths`.

        Raises
        ------
        BakeoffError
            One cannot be loaded.
        """
        names = []
        async with self._loading:
            for path in paths[:MOST_LOADED]:
                name = next((n for n, known in self.paths.items() if known == path.resolve()), None)
                if name is None:
                    name = f"{run}/{path.name}"
                    line = await asyncio.to_thread(self._line_of, path, len(paths))
                    self.paths[name], self._lines[name] = path.resolve(), line
                    self._asked[name] = None
                self.line(name)
                names.append(name)
        for name in list(self._asked)[: max(0, len(self) - MOST_LOADED)]:
            self._forget(name)
        return [name for name in names if name in self]

    def forget_run(self, path: Path) -> None:
        """Serve no bundle of the run at `path` any longer."""
        for name, bundle in list(self.paths.items()):
            if bundle.is_relative_to(path):
                self._forget(name)

    def close(self) -> None:
        """Let the threads go when they are done."""
        for line in self._lines.values():
            line.executor.shutdown()

    def _forget(self, name: str) -> None:
        # Whoever is asking it holds its line; the thread ends when the last has let go of it.
        del self._lines[name], self.paths[name]
        self._asked.pop(name, None)

    def _line_of(self, path: Path, beside: int) -> Batcher:
        """A model with a thread of its own, so that a busy one never keeps another waiting."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        return Batcher(self._loaded(path, beside), executor, waiting=self._waiting)

    async def ask(self, names: list[str] | None, inputs: Inputs) -> dict[str, Timed]:
        """What each of some models says of the same pictures, side by side."""
        return await self._each(names, lambda line: _ask(line, inputs))

    async def explain(
        self, names: list[str] | None, picture: NDArray[np.uint8], neighbours: int
    ) -> dict[str, Explanation]:
        """Why each of some models answers so, of an H×W×C picture."""
        copies = Pictures.from_array(covered(picture))

        async def explained(line: Batcher) -> Explanation:
            bundle = line.bundle
            probabilities, _, embeddings = await line.run(copies)
            return bundle.explanation(picture, probabilities, embeddings[0], neighbours)

        return await self._each(names, explained)

    async def seen(
        self, names: list[str] | None, picture: NDArray[np.uint8]
    ) -> dict[str, NDArray[np.uint8]]:
        """What each of some models sees of an H×W×C picture, as S×S×C."""
        return await self._each(names, lambda line: line.seen(picture))

    async def _each(
        self, names: list[str] | None, ask: Callable[[Batcher], Coroutine[Any, Any, Said]]
    ) -> dict[str, Said]:
        """All at once, or those named; where one refuses, the others are not troubled further."""
        names = list(dict.fromkeys(names or self))
        if not names:
            raise Problem(409, f"There is no model yet. {NONE_SERVED}.")
        lines = [self.line(name) for name in names]
        if len(lines) == 1:
            return {names[0]: await ask(lines[0])}
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(ask(line)) for line in lines]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return {name: task.result() for name, task in zip(names, asked, strict=True)}

    async def watch(self) -> None:
        """Look for ever whether a bundle was replaced, and serve the new one from then on.

        What is asked while it loads is answered by the old one; a new one that cannot be
        loaded is told in the log, and the old one stays.
        """
        seen = {name: _stamp(path) for name, path in self.paths.items()}
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for name, path in list(self.paths.items()):
                stamp = _stamp(path)
                if stamp == seen.setdefault(name, stamp) or stamp is None:
                    continue
                seen[name] = stamp
                await self._replace(name, path)

    async def _replace(self, name: str, path: Path) -> None:
        try:
            bundle = await asyncio.to_thread(self._loaded, path, len(self))
        except BakeoffError as error:
            log.warning("the new %s is not served: %s", name, error)
            return
        if name in self._lines:  # it may have been let go of meanwhile
            self._lines[name].bundle = bundle
        log.info("the new %s is served", name)

    def _loaded(self, path: Path, beside: int) -> Bundle:
        bundle = load(path, threads=max(1, self._cores // beside))
        bundle.verify()  # the first run is slow: it allocates
        return bundle


async def _ask(line: Batcher, inputs: Inputs) -> Timed:
    started = time.perf_counter()
    probabilities, ood_score, _ = await line.run(inputs.pictures)
    bundle = line.bundle
    answers = [
        answer_of(name, given, float(strange), bundle.classes, bundle.manifest.trust)
        for name, given, strange in zip(inputs.names, probabilities, ood_score, strict=True)
    ]
    return Answers(answers, inputs.left_out), (time.perf_counter() - started) * 1e3


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when a bundle is replaced; None while it is away."""
    file = path / "bundle.json" if path.is_dir() else path
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
