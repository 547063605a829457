"""The story of a search: split, try settings on inner folds, recommend, score on unseen pictures.

The outer pictures are the first fold of the run that `bakeoff run` would make, and the test stays
locked: no worker gets either before the search is over.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from pydantic import Field

from bakeoff.approaches import APPROACHES
from bakeoff.approaches.own import own_name
from bakeoff.approaches.registry import entry_of
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import find_duplicates
from bakeoff.data.split import Fold, split
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Event, now
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock
from bakeoff.record.old_names import read_search
from bakeoff.record.study import (
    Aim,
    Search,
    SearchOptions,
    StudyProtocol,
    StudyResults,
    TrialRecord,
)
from bakeoff.record.studyfolder import StudyFolder
from bakeoff.record.whole import read_file, write_file
from bakeoff.report.study import write_study_report
from bakeoff.run.bake import config_of
from bakeoff.run.protocol import keeps_groups, parts_of, together_of
from bakeoff.run.source import read_again, read_first
from bakeoff.run.summary import machine_summary
from bakeoff.training.compute import Compute
from bakeoff.tune.recommendation import Outer, choose, front_of, with_outer
from bakeoff.tune.space import Space, spaces
from bakeoff.tune.study import Study, refuse_other_search, storage_of
from bakeoff.tune.trials import Trials, scored_unit
from bakeoff.version import __version__
from bakeoff.workers.crew import Executor, Workers, threads_for
from bakeoff.workers.data import TrainingData
from bakeoff.workers.pool import executor_for
from bakeoff.workers.units import FitUnit
from bakeoff.workers.work import UnitQueue

__all__ = ["SearchConfig", "SearchListener", "resume_tune", "tune"]

MANY = 2000  # inner pictures from which on one inner fold is precise enough
CONFIG = "tune.json"
# Options of a run that decide neither the pictures of a trial nor what its numbers mean; the
# approaches are studies of their own, and corrections are part of the fingerprint.
NOT_OF_A_TRIAL = {
    "approaches",
    "bundles",
    "corrections",
    "curve",
    "device",
    "fingerprint",
    "neighbours",
    "precision",
    "pseudo_label",
    "robustness",
    "schema_version",
    "source",
    "threads",
    "unlabelled",
    "unlabelled_fingerprint",
}

SearchListener = Callable[[str, Mapping[str, Any]], None]
Studies = dict[str, Study]


class SearchConfig(SearchOptions):
    """The configuration of a search, as tune.json keeps it; see `tune`."""

    config: RunConfig
    spaces: dict[str, Space] = Field(default_factory=dict)
    storage: str | None = None
    study: str = ""

    def identity(self, name: str, inner: int) -> dict[str, Any]:
        """What decides the meaning of a trial of the approach `name`, scored on `inner` folds."""
        return {
            "set of pictures": self.config.fingerprint,
            "space": {
                setting: domain.model_dump(mode="json")
                for setting, domain in self.spaces[name].items()
            },
            "setting": self.config.approach(name).model_dump(mode="json")["settings"],
            "aim": list(self.aims),
            "number of trials": self.trials,
            "number of inner folds": inner,
            **{
                f"option {option}": value
                for option, value in self.config.model_dump(
                    mode="json", exclude=NOT_OF_A_TRIAL
                ).items()
            },
        }


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
    on_event: SearchListener = lambda *_: None,
    on_decoded: Callable[[int, int], None] | None = None,
    **options: Any,
) -> StudyResults:
    """Search the settings of approaches and write a study to `out`.

    Parameters
    ----------
    source, workers, on_decoded : see `bake`.
    out : a folder; created, and refused if it is not empty.
    approaches : whose settings to search, each in its own trials.
    trials : for each approach; the first has the default settings.
    seconds : after which no trial starts.
    aims : what to optimise, the most important first: loss, accuracy, latency or size.
    space : a TOML file with the values to try, see `spaces`.
    inner : folds that score a trial; None: 3, or 1 from 2 000 pictures on.
    storage : URL of a database that processes can share; None: a file in `out`.
    study : name of the study in the database; processes with the same name share it.
    on_event : called with the name and the details of each event, such as "trial".
    options : options of `bake`: seed, budget, group, threads, …

    Raises
    ------
    BakeoffError
        As from `bake`, or the space or the storage cannot be used.
    """
    crew, path = Workers.parse(workers), Path(out)
    on_event = options.pop("hear", on_event)  # its former name, for one more release
    for name in approaches:
        _check_searchable(name)
    search_spaces = spaces(tuple(approaches), space)
    RunFolder.check_free(path)
    config = config_of(source, approaches=tuple(approaches), robustness=False, **options)
    dataset = read_first(config, source, on_decoded)
    search_config = SearchConfig(
        config=_settled(config, dataset, trials),
        trials=trials,
        seconds=seconds,
        aims=tuple(aims),
        inner=inner,
        spaces=search_spaces,
        storage=storage,
        study=study or path.name,
    )
    search = _Search(search_config, dataset, path, on_event)
    return search.begin(crew)


def _check_searchable(approach: str) -> None:
    """Raise a `BakeoffError` unless `approach` is a registered one, whose values are known."""
    if own_name(approach):
        raise BakeoffError(
            f"approach {approach}",
            "is an own model, and a search knows no values to try for one",
            "Try values one by one: bakeoff run SET --approach FILE --set NAME.SETTING=VALUE",
        )
    entry_of(approach)


def resume_tune(
    out: str | os.PathLike[str],
    *,
    dataset: Dataset | None = None,
    workers: str = "auto",
    on_event: SearchListener = lambda *_: None,
    on_decoded: Callable[[int, int], None] | None = None,
) -> StudyResults:
    """Continue an interrupted search; for a finished one, write the report again.

    Parameters
    ----------
    dataset : the same pictures again, if the search was not started from a path.

    Raises
    ------
    BakeoffError
        There is no search at `out`, its pictures have changed since, or another recipe prepared
        them; see `RunConfig`.
    """
    path = Path(out)
    try:
        config = SearchConfig.model_validate(
            read_search(read_file(path / CONFIG), str(path / CONFIG))
        )
    except (OSError, ValueError):
        raise BakeoffError(
            str(path),
            f"is not a search: it has no valid {CONFIG}",
            "Name the folder of a search",
        ) from None
    config.config.check_recipe(path)
    with RunLock(path):
        dataset = dataset or read_again(config.config, on_decoded)
        return _Search(config, dataset, path, on_event).run(Workers.parse(workers))


def _settled(config: RunConfig, dataset: Dataset, trials: int) -> RunConfig:
    """The configuration with everything that depends on the pictures and the machine."""
    compute = Compute.choose(config.device, config.threads, config.precision)
    return config.model_copy(
        update={
            "fingerprint": dataset.fingerprint(),
            "threads": config.threads or threads_for(trials, compute.device),
            "keep_groups": keeps_groups(dataset, config),
        }
    )


class _Search:
    """A search: `run` is the story, and each step is a method.

    Raises
    ------
    BakeoffError
        The run of these options would have no folds.
    """

    def __init__(
        self, config: SearchConfig, dataset: Dataset, path: Path, on_event: SearchListener
    ) -> None:
        self.config, self.dataset, self.path, self.on_event = config, dataset, path, on_event
        self.folder = RunFolder(path)
        run = config.config
        self.compute = Compute.choose(run.device, run.threads, run.precision)
        ids = together_of(dataset, find_duplicates(dataset.pictures), run)
        self.parts = parts_of(dataset, ids, run)
        if not self.parts.folds:
            raise BakeoffError("--folds 0", "leaves no outer pictures", "Use 2 folds or more")
        first = self.parts.folds[0]
        rows = np.sort(np.concatenate([first.train, first.validation]))
        folds = _inner_folds(dataset, rows, ids, config)
        self.inner = TrainingData.of(run, dataset, rows, folds, self.compute)
        self.started = self._created()

    def begin(self, workers: Workers) -> StudyResults:
        """Keep the configuration, and run."""
        if self.config.storage is not None:  # before there is a folder
            with storage_of(self.config.storage) as storage:
                for name in self.config.config.names:
                    refuse_other_search(storage, self._study_name(name), self._identity(name))
        self.path.mkdir(parents=True, exist_ok=True)
        write_file(self.path / CONFIG, self.config.model_dump_json(indent=2).encode())
        with RunLock(self.path):
            return self.run(workers)

    def run(self, workers: Workers) -> StudyResults:
        """Try settings, recommend some, and score them on the outer pictures."""
        self.compute.apply()
        with storage_of(self.config.storage or f"sqlite:///{self.path / 'study.db'}") as storage:
            studies = self._studies(storage)
            description = self.dataset.description
            self.on_event("search", {"description": description, "results": self._save(studies)})
            self._try_settings(studies, workers)
            outer = self._score_outer(studies)
            results = self._save(studies, now(), outer)
        write_study_report(self.path)
        self.on_event("finished", {"results": results})
        return results

    def _created(self) -> str:
        """When the search was first started."""
        try:
            return StudyFolder(self.path).results().created
        except BakeoffError:
            return now()

    def _study_name(self, approach: str) -> str:
        return f"{self.config.study}/{approach}"

    def _identity(self, approach: str) -> dict[str, Any]:
        return self.config.identity(approach, len(self.inner.folds))

    def _studies(self, storage: optuna.storages.RDBStorage) -> Studies:
        config = self.config
        return {
            name: Study(
                storage,
                self._study_name(name),
                config.spaces[name],
                config.aims,
                config.trials,
                config.config.seed,
                self._identity(name),
                alone=config.storage is None,
            )
            for name in config.config.names
        }

    def _try_settings(self, studies: Studies, workers: Workers) -> None:
        """Do trials until there are none left, including those that other processes drop."""

        def on_trial(approach: str, record: TrialRecord) -> None:
            self._save(studies)
            details = {"approach": approach, "record": record, "wanted": self.config.trials}
            self.on_event("trial", details)

        def on_epoch(approach: str, trial: int, percent: int) -> None:
            self.on_event("epoch", {"approach": approach, "trial": trial, "percent": percent})

        seconds = self.config.seconds
        trials = Trials(
            studies,
            self.inner,
            self.folder,
            until=None if seconds is None else time.monotonic() + seconds,
            on_trial=on_trial,
            on_epoch=on_epoch,
        )
        left = trials.left()
        workers = workers.settled(left, float("inf") if left > 1 else 0.0, self.compute)
        with executor_for(workers, self.inner, self.folder, self._tell) as crew:
            try:
                crew.do(trials)
                while any(study.has_running() for study in studies.values()):
                    time.sleep(1)  # another process may die and leave a trial to be done again
                    crew.do(trials)
            except BaseException:  # Ctrl-C too
                trials.give_back()
                raise

    def _score_outer(self, studies: Studies) -> dict[str, Outer]:
        """Train the chosen settings on all inner pictures and score them on the outer ones."""
        # The search is over; only now does a worker get the outer pictures.
        fold = replace(self.parts.folds[0], name="outer")
        rows = np.sort(np.concatenate([self.inner.rows, fold.held_out]))
        data = TrainingData.of(
            self.config.config, self.dataset, rows, {"outer": fold}, self.compute
        )
        self.on_event("outer", {"pictures": len(fold.held_out)})
        with executor_for(Workers("local", 1), data, self.folder, self._tell) as crew:
            scored = {name: self._outer(name, study, data, crew) for name, study in studies.items()}
        return {name: outer for name, outer in scored.items() if outer}

    def _outer(self, name: str, study: Study, data: TrainingData, crew: Executor) -> Outer | None:
        """The scores of the defaults, the best and the recommended settings; None: no trials."""
        outcomes = study.outcomes()
        chosen = choose(outcomes, self.config.aims)
        if chosen is None:
            return None
        settings = {outcome.record.number: outcome.record.settings for outcome in outcomes}
        choices = {
            "defaults": {},
            "best": settings[chosen.best],
            "recommendation": settings[chosen.recommendation],
        }
        units = {
            choice: FitUnit(name, f"outer {json.dumps(own, sort_keys=True)}", "outer", own)
            for choice, own in choices.items()
        }
        crew.do(UnitQueue({unit.name: unit for unit in units.values()}.values(), self.folder))
        return {
            choice: scored_unit(self.folder, data, name, unit.name)[1:]  # type: ignore[misc]
            for choice, unit in units.items()
        }

    def _tell(self, event: Event) -> None:
        self.on_event(event.event, event.model_dump())

    def _save(
        self,
        studies: Studies,
        finished: str | None = None,
        outer: Mapping[str, Outer] | None = None,
    ) -> StudyResults:
        """Write what is known so far, so that the study can be read while the search runs."""
        config, dataset = self.config, self.dataset
        results = StudyResults(
            bakeoff_version=__version__,
            created=self.started,
            finished=finished,
            source=config.config.source,
            name=dataset.name,
            description=dataset.description,
            pictures=len(dataset),
            classes=list(dataset.classes),
            protocol=self._protocol(),
            machine=machine_summary(self.compute),
            searches=[
                self._search_of(name, study, None if outer is None else outer.get(name))
                for name, study in studies.items()
            ],
        )
        StudyFolder(self.path).write(results)
        return results

    def _protocol(self) -> StudyProtocol:
        config = self.config
        return StudyProtocol(
            aims=list(config.aims),
            seed=config.config.seed,
            budget=config.config.budget,
            inner_folds=len(self.inner.folds),
            inner_pictures=len(self.inner.rows),
            outer_pictures=len(self.parts.folds[0].held_out),
            test_pictures=len(self.parts.test),
            storage="sqlite" if config.storage is None else config.storage.split(":")[0],
        )

    def _search_of(self, name: str, study: Study, outer: Outer | None) -> Search:
        outcomes = study.outcomes()
        front = front_of(outcomes, self.config.aims)
        chosen = choose(outcomes, self.config.aims) if outer else None
        by_number = {outcome.record.number: outcome for outcome in outcomes}
        return Search(
            name=name,
            title=APPROACHES[name].title,
            wanted=self.config.trials,
            space=self.config.spaces[name],
            trials=[
                outcome.record.model_copy(update={"front": number in front})
                for number, outcome in by_number.items()
            ],
            importance=study.importance() if outer else None,
            recommendation=with_outer(chosen, by_number[chosen.best], outer) if chosen else None,
        )


def _inner_folds(
    dataset: Dataset, rows: NDArray[np.int64], ids: NDArray[np.int64], config: SearchConfig
) -> dict[str, Fold]:
    """Folds of the inner pictures, on which each trial is trained and scored."""
    labels = np.full_like(dataset.labels, UNLABELLED)
    labels[rows] = dataset.labels[rows]
    inner = config.inner or (1 if len(rows) >= MANY else 3)
    parts = split(
        labels,
        folds=5 if inner == 1 else inner,
        seed=config.config.seed,
        test_share=0,
        together=ids,
    )
    return {
        f"inner-{number}": replace(fold, name=f"inner-{number}")
        for number, fold in enumerate(parts.folds[:inner], start=1)
    }
