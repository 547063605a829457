"""The served models: each has a queue and is reloaded when its bundle changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.bundle import Bundle, Explanation, Outcome, load
from bakeoff.bundle.drift import Drift
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.occlusion import covered
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.said import say
from bakeoff.server.batching import Batcher
from bakeoff.server.drift import Watch
from bakeoff.server.limits import Problem
from bakeoff.server.together import Together

__all__ = ["BundleQueue", "FailedModel", "ModelResult", "Models", "Outcomes"]

MAX_LOADED = 16  # models in memory
HOW_TO_LOAD = "POST /api/runs/RUN/models serves the models of a run; GET /api/runs lists the runs"
CHECK_EVERY = 1.0  # seconds between checks for replaced bundles

log = logging.getLogger("bakeoff.server")

T = TypeVar("T")
BundleQueue: TypeAlias = Batcher[Bundle]


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's answers, and the milliseconds that they took, time in the queue included.

    `together`: all models of the request answered in one graph, whose time each of them has.
    `drifted`: its drift alarm was raised, by these pictures or by earlier ones.
    """

    model: str
    answers: Answers
    milliseconds: float
    together: bool = False
    drifted: bool = False


@dataclass(frozen=True, slots=True)
class FailedModel:
    """A model that gave no answer, and why."""

    model: str
    problem: str


@dataclass(frozen=True, slots=True)
class Outcomes(Generic[T]):
    """What each model gave, by name, and those that failed."""

    results: dict[str, T]
    failed: list[FailedModel]


class Models(Mapping[str, BundleQueue]):
    """Bundles by name, each with a queue of requests and a thread of its own.

    The models given at the start stay. Of those loaded later, the least recently used one is
    unloaded when there are too many.

    Parameters
    ----------
    paths : bundles by name, from `panel.name_bundles`.
    waiting : the maximum number of pictures in the queue of a model.
    cores : threads for all models together.
    """

    def __init__(self, paths: Mapping[str, Path], *, waiting: int, cores: int) -> None:
        self.paths = {name: path.resolve() for name, path in paths.items()}
        self._loaded_later: dict[str, None] = {}  # least recently used first
        self._waiting = waiting
        self._cores = cores
        self._loading = asyncio.Lock()
        self._watch = Watch()
        self._together = Together(waiting=waiting)
        self._stamps = {name: _stamp(path) for name, path in self.paths.items()}
        self._queues = {name: self._queue_of(path, len(paths)) for name, path in self.paths.items()}

    def __getitem__(self, name: str) -> BundleQueue:
        return self._queues[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._queues)

    def __len__(self) -> int:
        return len(self._queues)

    def queue(self, name: str) -> BundleQueue:
        """The queue of the model of that name.

        Raises
        ------
        Problem
            404: there is no such model.
        """
        if name not in self._queues:
            served = f"The served models are {', '.join(self)}" if self else HOW_TO_LOAD
            raise Problem(404, f"There is no model {name[:100]!r}. {served}.")
        if name in self._loaded_later:
            self._loaded_later[name] = self._loaded_later.pop(name)  # now the most recent
        return self._queues[name]

    async def load(self, run: str, paths: Sequence[Path]) -> list[str]:
        """Serve the bundles of a run, under the name RUN/BUNDLE unless they are served already.

        One that was replaced since is loaded again: a run completes its bundles when it ends.

        Returns
        -------
        Their names, in the order of `paths`.

        Raises
        ------
        BakeoffError
            A bundle cannot be loaded.
        """
        names = []
        async with self._loading:
            for path in paths[:MAX_LOADED]:
                name = next((n for n, known in self.paths.items() if known == path.resolve()), None)
                stamp = _stamp(path)
                if name is None:
                    name = f"{run}/{path.name}"
                    queue = await asyncio.to_thread(self._queue_of, path, len(paths))
                    self.paths[name], self._queues[name] = path.resolve(), queue
                    self._loaded_later[name], self._stamps[name] = None, stamp
                elif stamp not in (None, self._stamps.get(name)):
                    self._stamps[name] = stamp
                    await self._replace(name, path)
                self.queue(name)
                names.append(name)
        for name in list(self._loaded_later)[: max(0, len(self) - MAX_LOADED)]:
            self._forget(name)
        names = [name for name in names if name in self]
        self._together.prepare(self._bundles(names), self.paths)
        return names

    def join(self) -> None:
        """Begin to join the graphs of all models, where that pays."""
        self._together.prepare(self._bundles(list(self)), self.paths)

    def forget_run(self, path: Path) -> None:
        """Unload every bundle of the run at `path`."""
        for name, bundle in list(self.paths.items()):
            if bundle.is_relative_to(path):
                self._forget(name)

    def close(self) -> None:
        """Wait for the threads of all models to finish."""
        for queue in self._queues.values():
            queue.executor.shutdown()
        self._together.close()

    def _forget(self, name: str) -> None:
        # A request in progress still holds the queue; the thread ends when the last one drops it.
        del self._queues[name], self.paths[name]
        self._watch.forget(name)
        for known in (self._loaded_later, self._stamps):
            known.pop(name, None)

    def _queue_of(self, path: Path, count: int) -> BundleQueue:
        """The queue of a model with its own thread, so that a busy model never delays another."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        return Batcher(self._load(path, count), executor, waiting=self._waiting)

    async def predict(
        self, names: Sequence[str] | None, inputs: Inputs, *, watch: bool = True
    ) -> Outcomes[ModelResult]:
        """The results of some models, or of all, for the same pictures.

        `watch`: whether these pictures count for the drift alarm.
        """
        names = self._named(names)
        started, bundles = time.perf_counter(), self._bundles(names)
        together = await self._together.outcomes(bundles, inputs.pictures)
        of_all = _milliseconds_since(started)

        async def predicted(name: str, queue: BundleQueue) -> ModelResult:
            before = queue.bundle
            if together is None:
                since, outcome = time.perf_counter(), await queue.run(inputs.pictures)
                answers = _answers(queue.bundle, inputs, outcome)
                result = ModelResult(name, answers, _milliseconds_since(since))
            else:
                outcome = _unless_problem(together[name])
                answers = _answers(bundles[name], inputs, outcome)
                result = ModelResult(name, answers, of_all, together=True)
            if watch:
                self.observe(name, before, (answer.ood_score for answer in result.answers))
            drift = self.drift(name)
            return replace(result, drifted=drift is not None and drift.alarm)

        return await self._each(names, predicted)

    def drift(self, name: str) -> Drift | None:
        """The drift alarm of a model; None if it has none, or is not served any more."""
        queue = self._queues.get(name)
        if queue is None or not queue.bundle.manifest.held_out_scores:
            return None
        return self._watch.of(name, queue.bundle)

    def observe(self, name: str, bundle: Bundle, scores: Iterable[float]) -> None:
        """Let the drift alarm see OOD scores, unless the bundle was replaced meanwhile."""
        queue = self._queues.get(name)
        if queue is not None and queue.bundle is bundle:
            self._watch.add(name, bundle, scores, len(self))

    async def end_slow(self, seconds: float) -> None:
        """Check forever for answers that take longer, and end them."""
        while True:
            await asyncio.sleep(min(CHECK_EVERY, seconds / 2))
            for queue in self._queues.values():
                queue.stop_after(seconds)
            self._together.stop_after(seconds)

    async def explain(
        self, names: Sequence[str] | None, picture: NDArray[np.uint8], neighbours: int
    ) -> Outcomes[Explanation]:
        """The explanations of some models, or of all, for an H×W×C picture."""
        copies = Pictures.from_array(covered(picture))

        async def explained(_name: str, queue: BundleQueue) -> Explanation:
            bundle = queue.bundle
            probabilities, _, embeddings = await queue.run(copies)
            return bundle.explanation(picture, probabilities, embeddings[0], neighbours)

        return await self._each(names, explained)

    async def seen(
        self, names: Sequence[str] | None, picture: NDArray[np.uint8]
    ) -> Outcomes[NDArray[np.uint8]]:
        """The network inputs, S×S×C, of some models, or of all, for an H×W×C picture."""
        return await self._each(names, lambda _, queue: queue.seen(picture))

    async def _each(
        self,
        names: Sequence[str] | None,
        work: Callable[[str, BundleQueue], Coroutine[Any, Any, T]],
    ) -> Outcomes[T]:
        """Run `work` for all models at once, or for those named.

        Raises
        ------
        Problem
            None of them can answer, and why the first one cannot.
        """
        names = self._named(names)
        queues = [self.queue(name) for name in names]
        working = [_tried(work(name, queue)) for name, queue in zip(names, queues, strict=True)]
        ends = [await working[0]] if len(working) == 1 else await asyncio.gather(*working)
        pairs = list(zip(names, ends, strict=True))
        results = {name: end for name, end in pairs if not isinstance(end, Problem)}
        failed = [(name, end) for name, end in pairs if isinstance(end, Problem)]
        if not results:
            raise failed[0][1]
        return Outcomes(results, [FailedModel(name, problem.detail) for name, problem in failed])

    def _named(self, names: Sequence[str] | None) -> list[str]:
        """Each of the names once, or all names.

        Raises
        ------
        Problem
            There is none.
        """
        found = list(dict.fromkeys(names or self))
        if not found:
            raise Problem(409, say("error.noModelYet", hint=HOW_TO_LOAD))
        return found

    def _bundles(self, names: Sequence[str]) -> dict[str, Bundle]:
        return {name: self.queue(name).bundle for name in names}

    async def watch(self) -> None:
        """Check forever for replaced bundles, and serve the new ones.

        Requests that arrive while a new bundle loads are answered by the old one. If the new one
        cannot be loaded, whatever is odd about it, the log says so and the old one stays.
        """
        while True:
            await asyncio.sleep(CHECK_EVERY)
            for name, path in list(self.paths.items()):
                stamp = _stamp(path)
                if stamp is None or stamp == self._stamps.setdefault(name, stamp):
                    continue
                self._stamps[name] = stamp
                try:
                    await self._replace(name, path)
                except Exception as error:
                    log.exception("the new bundle of %s cannot be loaded: %r", name, error)

    async def _replace(self, name: str, path: Path) -> None:
        try:
            bundle = await asyncio.to_thread(self._load, path, len(self))
        except BakeoffError as error:
            log.warning("the new bundle of %s cannot be loaded: %s", name, error)
            return
        if name in self._queues:  # it may have been unloaded meanwhile
            self._queues[name].bundle = bundle
        log.info("the new bundle of %s is loaded", name)

    def _load(self, path: Path, count: int) -> Bundle:
        """Load one of `count` bundles that share the cores."""
        bundle = load(path, threads=max(1, self._cores // count))
        bundle.verify()  # warms up: the first run allocates memory
        return bundle


def _milliseconds_since(start: float) -> float:
    return (time.perf_counter() - start) * 1e3


async def _tried(work: Coroutine[Any, Any, T]) -> T | Problem:
    """What a model gives, or why it gives nothing."""
    try:
        return await work
    except Problem as problem:
        return problem


def _unless_problem(outcome: Outcome | Problem) -> Outcome:
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def _answers(bundle: Bundle, inputs: Inputs, outcome: Outcome) -> Answers:
    probabilities, ood_scores, _ = outcome
    answers = [
        answer_of(
            name,
            shares,
            float(score),
            bundle.classes,
            bundle.manifest.trust,
            path=path,
            cost=bundle.cost,
        )
        for name, path, shares, score in zip(
            inputs.names, inputs.paths, probabilities, ood_scores, strict=True
        )
    ]
    return Answers(answers, inputs.left_out, inputs.notes)


def _stamp(path: Path) -> tuple[int, int] | None:
    """A value that changes when a bundle is replaced; None while it is missing."""
    file = path / "bundle.json" if path.is_dir() else path
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
