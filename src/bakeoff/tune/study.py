"""An Optuna study of one approach: which settings to try next, and what came of those tried.

Every trial is enqueued when the study is made, so that several processes on one study take each
exactly once: a waiting trial can be claimed by one of them alone. What a trial found stands in its
user attributes, so that any process can tell the whole story, as can optuna-dashboard.
"""

from __future__ import annotations

import base64
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from bakeoff.errors import BakeoffError
from bakeoff.record.study import Aim, TrialRecord
from bakeoff.tune.space import Space, contains, suggest

__all__ = ["Asked", "Study", "Tried", "storage_of", "value_of"]

BEAT, GRACE = 30, 300  # seconds between signs of life, and until one without is given up
ATTEMPTS = 3  # to open a database
PATIENCE = 60.0  # seconds for another process to finish making the study
MAXIMISED: tuple[Aim, ...] = ("accuracy",)
RUNGS = 2  # of two trials that have come as far, one goes on
FIRST_LOOK = 20  # percent of a trial's work before it can be found hopeless


class Asked(NamedTuple):
    """A trial to be done. `number` 0 are the defaults."""

    trial: optuna.trial.Trial
    number: int
    settings: dict[str, Any]


class Tried(NamedTuple):
    """A finished trial: for each inner held-out picture its loss, and whether it was right."""

    record: TrialRecord
    losses: NDArray[np.float32]
    right: NDArray[np.bool_]


@contextmanager
def storage_of(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """Where a study is kept: a file of SQLite, or any database that SQLAlchemy reaches.

    Raises
    ------
    BakeoffError
        It can not be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = None
    for attempt in range(ATTEMPTS):
        try:
            with _experiments():
                storage = optuna.storages.RDBStorage(
                    url,
                    heartbeat_interval=BEAT,
                    grace_period=GRACE,
                    heartbeat_stale_trial_callback=_enqueue_again,
                )
            break
        except Exception as error:  # each database has errors of its own
            # Of two that come to an empty database at once, one finds its tables half made.
            if attempt < ATTEMPTS - 1:
                time.sleep(1)
                continue
            raise BakeoffError(
                f"storage {url.split('@')[-1]}",
                f"it can not be opened ({str(error).splitlines()[0]})",
                "See that the database runs, and that its driver is installed: for PostgreSQL "
                "postgresql+psycopg://USER@HOST/NAME and pip install 'psycopg[binary]'",
            ) from None
    assert storage is not None
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


class Study:
    """One approach's study in a storage that others may use too.

    Parameters
    ----------
    name : of the study; the same name in the same storage is the same study.
    aims : what is sought, the first above all.
    wanted : trials in all.
    seed : of the sampler.
    alone : no other process works on it, so that whatever still runs there was interrupted.
    """

    def __init__(
        self,
        storage: optuna.storages.RDBStorage,
        name: str,
        space: Space,
        aims: Sequence[Aim],
        wanted: int,
        seed: int,
        *,
        alone: bool,
    ) -> None:
        self.space = space
        self.aims = tuple(aims)
        self._storage = storage
        self._last_beat = 0.0
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        directions = [up if aim in MAXIMISED else down for aim in aims]
        pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        if len(aims) == 1:  # of several aims none can be judged before the end
            pruner = optuna.pruners.SuccessiveHalvingPruner(
                min_resource=FIRST_LOOK, reduction_factor=RUNGS
            )
        told: dict[str, Any] = {"sampler": _sampler(seed), "pruner": pruner, "storage": storage}
        try:
            self._study = optuna.create_study(study_name=name, directions=directions, **told)
        except optuna.exceptions.DuplicatedStudyError:
            self._study = optuna.load_study(study_name=name, **told)
            self._wait()
            # What is drawn by lot must not be drawn again, by this process or by another.
            begun = len(self._study.get_trials(deepcopy=False)) - self.waiting()
            self._study.sampler = _sampler(seed + begun + (0 if alone else os.getpid()))
            if alone:
                self._give_up_what_was_interrupted()
        else:
            defaults = {setting: one.default for setting, one in space.items()}
            for number in range(wanted):
                params = defaults if number == 0 and contains(space) else {}
                self._study.enqueue_trial(params, user_attrs={"number": number})
            self._study.set_user_attr("ready", True)

    def _wait(self) -> None:
        """Until whoever makes the study has enqueued all of its trials."""
        until = time.monotonic() + PATIENCE
        while not self._study.user_attrs.get("ready"):
            if time.monotonic() > until:
                raise BakeoffError(
                    f"study {self._study.study_name}",
                    "whoever made it ended before it was whole",
                    "Delete it (optuna delete-study), or take another --study",
                )
            time.sleep(0.2)

    def _give_up_what_was_interrupted(self) -> None:
        for one in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(one.number, state=TrialState.FAIL)
            _enqueue_again(self._study, one)

    def waiting(self) -> int:
        """Trials that nobody has claimed."""
        with _experiments():
            optuna.storages.fail_stale_trials(self._study)
        return len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def others_at_work(self) -> bool:
        """Whether trials are under way; to be asked when no own ones are."""
        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def ask(self) -> Asked | None:
        """Claim a trial; None where others have claimed all."""
        if not self.waiting():
            return None
        with _experiments():
            trial = self._study.ask()
        number = trial.user_attrs.get("number")
        if number is None:  # another process was quicker, and Optuna made up one more
            self._study.tell(trial, state=TrialState.FAIL)
            return None
        settings = suggest(trial, self.space)
        return Asked(trial, number, {} if number == 0 else settings)

    def beat(self, asked: Sequence[Asked]) -> None:
        """Say that some trials are still worked on."""
        if time.monotonic() - self._last_beat > BEAT / 2:
            self._last_beat = time.monotonic()
            for one in asked:
                self._storage.record_heartbeat(one.trial._trial_id)

    def hopeless(self, asked: Asked, value: float, percent: int) -> bool:
        """Note how a trial does so far, and whether to leave it off."""
        if len(self.aims) > 1:
            return False
        # The aim may be accuracy, but what is reported is a loss: it tells more, and earlier.
        asked.trial.report(-value if self.aims[0] in MAXIMISED else value, percent)
        return asked.number != 0 and asked.trial.should_prune()

    def tell(
        self,
        asked: Asked,
        record: TrialRecord,
        losses: NDArray[np.floating[Any]] | None = None,
        right: NDArray[np.bool_] | None = None,
    ) -> None:
        """Note what came of a trial."""
        trial = asked.trial
        trial.set_user_attr("record", record.model_dump(mode="json"))
        if losses is not None and right is not None:
            trial.set_user_attr("losses", _text(losses.astype(np.float16)))
            trial.set_user_attr("right", _text(np.packbits(right)))
            trial.set_user_attr("pictures", len(right))
        outside = asked.number == 0 and not contains(self.space)
        if record.state == "failed" or outside:
            self._study.tell(trial, state=TrialState.FAIL)
        elif record.state == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, [value_of(record, aim) for aim in self.aims])

    def tried(self) -> list[Tried]:
        """Every trial that has begun, by number; one that was begun again only as it is now."""
        newest: dict[int, Tried] = {}
        for one in self._study.get_trials(deepcopy=False):
            number = one.user_attrs.get("number")
            if number is None or one.state == TrialState.WAITING:
                continue
            if "record" in one.user_attrs:
                newest[number] = _tried(one)
            elif one.state == TrialState.RUNNING:
                settings = {} if number == 0 else dict(one.params)
                record = TrialRecord(number=number, state="running", settings=settings)
                newest[number] = Tried(record, np.empty(0, np.float32), np.empty(0, np.bool_))
        return [newest[number] for number in sorted(newest)]

    def importance(self) -> dict[str, float] | None:
        """Share of what varied in the first aim that each setting explains; None: too few tell."""
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        first = lambda trial: trial.values[0]
        if len(done) < 4 or len({first(one) for one in done}) < 2:
            return None
        evaluator = FanovaImportanceEvaluator(seed=0)
        return dict(
            optuna.importance.get_param_importances(self._study, evaluator=evaluator, target=first)
        )


def _sampler(seed: int) -> optuna.samplers.BaseSampler:
    with _experiments():
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


@contextmanager
def _experiments() -> Iterator[None]:
    """Without warnings of what Optuna has had for years, and of heartbeats that `beat` sees to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="Heartbeat of storage")
        yield


def value_of(record: TrialRecord, aim: Aim) -> float:
    """What a finished trial reached of an aim."""
    value = {
        "loss": record.loss,
        "accuracy": record.accuracy,
        "latency": record.latency_ms,
        "size": record.bytes,
    }[aim]
    assert value is not None, "only of finished trials"
    return float(value)


def _enqueue_again(study: optuna.Study, trial: FrozenTrial) -> None:
    """Have a trial whose process is gone done by another."""
    study.enqueue_trial(trial.params, user_attrs={"number": trial.user_attrs.get("number")})


def _tried(trial: FrozenTrial) -> Tried:
    told = trial.user_attrs
    right = np.empty(0, np.bool_)
    losses = np.empty(0, np.float32)
    if "losses" in told:
        losses = np.frombuffer(base64.b64decode(told["losses"]), np.float16).astype(np.float32)
        bits = np.frombuffer(base64.b64decode(told["right"]), np.uint8)
        right = np.unpackbits(bits, count=told["pictures"]).astype(np.bool_)
    return Tried(TrialRecord.model_validate(told["record"]), losses, right)


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()
