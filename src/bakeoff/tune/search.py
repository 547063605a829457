"""The story of a search: split, try settings on inner folds, pick, and ask pictures no trial saw.

The outer pictures are the first fold of the run that `bakeoff run` would make, and the locked test
stays locked: neither is so much as handed to a worker until the search is over.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from bakeoff.approaches import APPROACHES
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import find_duplicates
from bakeoff.data.split import Fold, Split, split
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Event, now
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.record.old_names import read_search
from bakeoff.record.study import (
    Aim,
    Search,
    StudyProtocol,
    StudyResults,
    TrialRecord,
)
from bakeoff.record.studyfolder import StudyFolder
from bakeoff.record.whole import write_file
from bakeoff.report.study import write_study_report
from bakeoff.run.bake import config_of
from bakeoff.run.protocol import keeps_groups, parts_of, together_of
from bakeoff.run.source import read_again, read_first
from bakeoff.run.summary import machine_summary
from bakeoff.training.compute import Compute
from bakeoff.tune.recommendation import Outer, choose, front_of, with_outer
from bakeoff.tune.space import Space, spaces
from bakeoff.tune.study import Study, storage_of
from bakeoff.tune.trials import Trials, judged_unit
from bakeoff.version import __version__
from bakeoff.workers.crew import Executor, Workers, threads_for
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import executor_for
from bakeoff.workers.units import FitUnit
from bakeoff.workers.work import UnitQueue

__all__ = ["Heard", "Sought", "resume_tune", "tune"]

MANY = 2000  # inner pictures, from which on one inner fold tells enough
ASKED = "tune.json"

Heard = Callable[[str, Mapping[str, Any]], None]


class Sought(BaseModel):
    """What was asked of a search."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: RunConfig
    trials: int = 25
    seconds: float | None = None
    aims: tuple[Aim, ...] = ("loss",)
    inner: int | None = None
    spaces: dict[str, Space] = {}
    storage: str | None = None
    study: str = ""


def tune(
    source: str | os.PathLike[str] | Dataset,
    out: str | os.PathLike[str],
    *,
    approaches: Sequence[str] = ("cnn",),
    trials: int = 25,
    seconds: float | None = None,
    aims: Sequence[Aim] = ("loss",),
    space: Path | None = None,
    inner: int | None = None,
    storage: str | None = None,
    study: str | None = None,
    workers: str = "auto",
    hear: Heard = lambda *_: None,
    on_decoded: Callable[[int, int], None] | None = None,
    **asked: Any,
) -> StudyResults:
    """Search the settings of approaches and leave a study at `out`.

    Parameters
    ----------
    source, on_decoded : see `bake`.
    out : a folder; made, and refused if it holds anything.
    approaches : whose settings are searched, each in trials of its own.
    trials : for each approach, the first being its defaults.
    seconds : after which no trial is begun.
    aims : what is sought, the first above all: loss, accuracy, latency or size.
    space : a TOML file that says what to try, see `spaces`.
    inner : folds that each trial is scored on; None: 3, or 1 from 2 000 pictures on.
    storage : URL of a database where others can take part; None: a file at `out`.
    study : name of the study in that database; who takes the same takes part in it.
    workers : see `bake`.
    hear : called with what happens: ("trial", {...}), ("outer", {...}) and the like.
    asked : further things, as of `bake`: seed, budget, group, threads, …

    Raises
    ------
    BakeoffError
        As from `bake`, or the space or the storage is not to be used.
    """
    crew = Workers.parse(workers)
    path = Path(out)
    known = spaces(tuple(approaches), space)
    RunFolder.check_free(path)
    config = config_of(source, approaches=tuple(approaches), robustness=False, **asked)
    dataset = read_first(config, source, on_decoded)
    compute = Compute.choose(config.device, config.threads, config.precision)
    config = config.model_copy(
        update={
            "fingerprint": dataset.fingerprint(),
            "threads": config.threads or threads_for(trials, compute.device),
            "keep_groups": keeps_groups(dataset, config),
        }
    )
    sought = Sought(
        config=config,
        trials=trials,
        seconds=seconds,
        aims=tuple(aims),
        inner=inner,
        spaces=known,
        storage=storage,
        study=study or path.name,
    )
    story = _Story.of(sought, dataset, path)
    path.mkdir(parents=True, exist_ok=True)
    write_file(path / ASKED, sought.model_dump_json(indent=2).encode())
    with RunLock(path):
        return story.tell(crew, hear)


def resume_tune(
    out: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    workers: str = "auto",
    hear: Heard = lambda *_: None,
    on_decoded: Callable[[int, int], None] | None = None,
) -> StudyResults:
    """Go on with an interrupted search; a finished one has its report written anew.

    Parameters
    ----------
    dataset : the same pictures again, for a search that was not started from a path.

    Raises
    ------
    BakeoffError
        There is no search at `out`, or its pictures have changed since.
    """
    path = Path(out)
    try:
        sought = Sought.model_validate(read_search((path / ASKED).read_bytes()))
    except (OSError, ValueError):
        raise BakeoffError(
            str(path), f"is no search: it holds no {ASKED} that fits", "Name what bakeoff tune left"
        ) from None
    with RunLock(path):
        dataset = dataset or read_again(sought.config, on_decoded)
        return _Story.of(sought, dataset, path).tell(Workers.parse(workers), hear)


@dataclass(frozen=True, eq=False)
class _Story:
    """All that is settled before anything is tried."""

    sought: Sought
    dataset: Dataset
    path: Path
    parts: Split
    inner: TrainingData
    compute: Compute

    @classmethod
    def of(cls, sought: Sought, dataset: Dataset, path: Path) -> _Story:
        config = sought.config
        compute = Compute.choose(config.device, config.threads, config.precision)
        ids = together_of(dataset, find_duplicates(dataset.pictures), config)
        parts = parts_of(dataset, ids, config)
        if not parts.folds:
            raise BakeoffError("--folds 0", "leaves no outer pictures", "Ask for 2 folds or more")
        rows = np.sort(np.concatenate([parts.folds[0].train, parts.folds[0].validation]))
        folds = _inner_folds(dataset, rows, ids, sought)
        data = TrainingData.of(config, dataset, rows, folds, compute)
        return cls(sought, dataset, path, parts, data, compute)

    def tell(self, workers: Workers, hear: Heard) -> StudyResults:
        """Search, pick, and ask the outer pictures."""
        sought = self.sought
        self.compute.apply()
        url = sought.storage or f"sqlite:///{self.path / 'study.db'}"
        with storage_of(url) as storage:
            return self._search_all(storage, workers, hear)

    def _search_all(
        self, storage: optuna.storages.RDBStorage, workers: Workers, hear: Heard
    ) -> StudyResults:
        sought, config = self.sought, self.sought.config
        studies = {
            name: Study(
                storage,
                f"{sought.study}/{name}",
                sought.spaces[name],
                sought.aims,
                sought.trials,
                config.seed,
                alone=sought.storage is None,
            )
            for name in config.names
        }
        started = self._created()

        def keep(
            finished: str | None = None, outer: Mapping[str, Outer] | None = None
        ) -> StudyResults:
            results = self._results(studies, started, finished, outer)
            StudyFolder(self.path).write(results)
            return results

        hear("search", {"description": self.dataset.description, "results": keep()})

        def on_trial(approach: str, record: TrialRecord) -> None:
            keep()
            hear("trial", {"approach": approach, "record": record, "wanted": sought.trials})

        folder = RunFolder(self.path)
        until = None if sought.seconds is None else time.monotonic() + sought.seconds
        trials = Trials(
            studies,
            self.inner,
            folder,
            until=until,
            on_trial=on_trial,
            on_epoch=lambda *done: hear("epoch", dict(zip(EPOCH, done, strict=True))),
        )
        left = trials.left()
        workers = workers.settled(left, float("inf") if left > 1 else 0.0, self.compute)

        def tell(event: Event) -> None:
            hear(event.event, event.model_dump())

        with executor_for(workers, self.inner, folder, tell) as crew:
            crew.do(trials)
            while any(study.others_at_work() for study in studies.values()):
                time.sleep(1)  # those may end without a word, and leave a trial to be done again
                crew.do(trials)
        # The search is over; only now are the outer pictures handed to anybody.
        fold = replace(self.parts.folds[0], name="outer")
        data = TrainingData.of(
            config,
            self.dataset,
            np.sort(np.concatenate([self.inner.rows, fold.held_out])),
            {"outer": fold},
            self.compute,
        )
        hear("outer", {"pictures": len(fold.held_out)})
        with executor_for(Workers("local", 1), data, folder, tell) as crew:
            outer = {
                name: scores
                for name, study in studies.items()
                if (scores := self._outer(name, study, data, folder, crew))
            }
        results = keep(now(), outer)
        write_study_report(self.path)
        hear("finished", {"results": results})
        return results

    def _outer(
        self, name: str, study: Study, data: TrainingData, folder: RunFolder, crew: Executor
    ) -> Outer | None:
        """How the defaults, the best and the pick do on the outer pictures, trained anew."""
        tried = study.tried()
        chosen = choose(tried, self.sought.aims)
        if chosen is None:
            return None
        settings = {one.record.number: one.record.settings for one in tried}
        wanted = {
            "defaults": {},
            "best": settings[chosen.best],
            "recommendation": settings[chosen.recommendation],
        }
        units = {
            what: FitUnit(name, f"outer {json.dumps(some, sort_keys=True)}", "outer", some)
            for what, some in wanted.items()
        }
        crew.do(UnitQueue({unit.name: unit for unit in units.values()}.values(), folder))
        return {
            what: judged_unit(folder, data, name, unit.name)[1:]  # type: ignore[misc]
            for what, unit in units.items()
        }

    def _created(self) -> str:
        """When the search began, were it long ago."""
        try:
            return StudyFolder(self.path).results().created
        except BakeoffError:
            return now()

    def _results(
        self,
        studies: Mapping[str, Study],
        created: str,
        finished: str | None,
        outer: Mapping[str, Outer] | None,
    ) -> StudyResults:
        sought, dataset = self.sought, self.dataset
        return StudyResults(
            bakeoff_version=__version__,
            created=created,
            finished=finished,
            source=sought.config.source,
            name=dataset.name,
            description=dataset.description,
            pictures=len(dataset),
            classes=list(dataset.classes),
            protocol=StudyProtocol(
                aims=list(sought.aims),
                seed=sought.config.seed,
                budget=sought.config.budget,
                inner_folds=len(self.inner.folds),
                inner_pictures=len(self.inner.rows),
                outer_pictures=len(self.parts.folds[0].held_out),
                test_pictures=len(self.parts.test),
                storage="sqlite" if sought.storage is None else sought.storage.split(":")[0],
            ),
            machine=machine_summary(self.compute),
            searches=[
                self._search(name, study, None if outer is None else outer.get(name))
                for name, study in studies.items()
            ],
        )

    def _search(self, name: str, study: Study, outer: Outer | None) -> Search:
        tried = study.tried()
        front = front_of(tried, self.sought.aims)
        chosen = choose(tried, self.sought.aims) if outer else None
        by_number = {one.record.number: one for one in tried}
        records = {
            one.record.number: one.record.model_copy(update={"front": one.record.number in front})
            for one in tried
        }
        return Search(
            name=name,
            title=APPROACHES[name].title,
            wanted=self.sought.trials,
            space=self.sought.spaces[name],
            trials=list(records.values()),
            importance=study.importance() if outer else None,
            recommendation=with_outer(chosen, by_number[chosen.best], outer) if chosen else None,
        )


EPOCH = ("approach", "trial", "percent")


def _inner_folds(
    dataset: Dataset, rows: NDArray[np.int64], ids: NDArray[np.int64], sought: Sought
) -> dict[str, Fold]:
    """Folds of the inner pictures: each trial learns from some, and is scored on the others."""
    labels = np.full_like(dataset.labels, UNLABELLED)
    labels[rows] = dataset.labels[rows]
    inner = sought.inner or (1 if len(rows) >= MANY else 3)
    parts = split(
        labels,
        folds=5 if inner == 1 else inner,
        seed=sought.config.seed,
        test_share=0,
        together=ids,
    )
    return {
        f"inner-{number}": replace(fold, name=f"inner-{number}")
        for number, fold in enumerate(parts.folds[:inner], start=1)
    }
