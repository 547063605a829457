"""An Optuna study of one approach: which settings to try next, and the trials so far.

Every trial is enqueued when the study is created, so that several processes can share a study: a
waiting trial can be claimed only once. The results of a trial are in its user attributes, where
every process and optuna-dashboard can read them.
"""

from __future__ import annotations

import base64
import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from bakeoff.errors import BakeoffError
from bakeoff.record.study import Aim, TrialRecord
from bakeoff.tune.space import Space, contains, suggest

__all__ = ["Claim", "Outcome", "Study", "refuse_other_search", "storage_of", "value_of"]

BEAT, GRACE = 30, 300  # seconds between heartbeats, and without one until a trial is given up
ATTEMPTS = 3  # to open a database
PATIENCE = 60.0  # seconds for another process to finish creating the study
MAXIMISED: tuple[Aim, ...] = ("accuracy",)
IDENTITY = "identity"  # the user attribute with what decides the meaning of a trial
READY = "ready"  # the user attribute of a study whose trials are all enqueued
RUNGS = 2  # one of two trials goes on at every rung of successive halving
LONGEST_VALUE = 40  # characters of an option in a refusal
FIRST_LOOK = 20  # percent of a trial's work before it may be pruned


class Claim(NamedTuple):
    """A claimed trial. Number 0 has the default settings."""

    trial: optuna.trial.Trial
    number: int
    settings: dict[str, Any]


class Outcome(NamedTuple):
    """A trial's record; if finished, the loss on each inner picture, and whether it is right."""

    record: TrialRecord
    losses: NDArray[np.float32]
    right: NDArray[np.bool_]


def _delete_unready(storage: optuna.storages.RDBStorage, name: str) -> None:
    """Delete a study whose creation was interrupted: nothing was tried in it."""
    with suppress(KeyError):
        if not optuna.load_study(study_name=name, storage=storage).user_attrs.get(READY):
            optuna.delete_study(study_name=name, storage=storage)


def refuse_other_search(
    storage: optuna.storages.RDBStorage, name: str, identity: Mapping[str, Any]
) -> None:
    """Refuse to join a study of another search, before anything is written; see `Study`.

    Raises
    ------
    BakeoffError
        There is a study of that name with another identity.
    """
    with suppress(KeyError):  # there is none yet
        _refuse_unless_same(optuna.load_study(study_name=name, storage=storage), identity)


def _refuse_unless_same(study: optuna.Study, identity: Mapping[str, Any]) -> None:
    stored = study.user_attrs.get(IDENTITY)
    if stored is None:  # made by a former version, or about to be made
        return
    for part in {**identity, **stored}:
        old, new = stored.get(part), identity.get(part)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            keys = (key for key in {**old, **new} if old.get(key) != new.get(key))
            if (key := next(keys, None)) is None:
                continue
            part, old, new = f"{part} of {key}", old.get(key), new.get(key)
        if old != new:
            texts = [json.dumps(value) for value in (old, new)]
            short = max(map(len, texts)) <= LONGEST_VALUE
            difference = f"is {texts[0]} there, not {texts[1]}" if short else "differs"
            raise BakeoffError(
                f"study {study.study_name}",
                f"belongs to another search: the {part} {difference}",
                "Use another --study, or the options and pictures that it was started with",
            )


@contextmanager
def storage_of(url: str) -> Iterator[optuna.storages.RDBStorage]:
    """The storage of studies: a SQLite file, or any database that SQLAlchemy supports.

    Raises
    ------
    BakeoffError
        It cannot be opened.
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
            # Another process may be creating the tables of an empty database at this moment.
            if attempt < ATTEMPTS - 1:
                time.sleep(1)
                continue
            raise BakeoffError(
                f"storage {url.split('@')[-1]}",
                f"cannot be opened ({str(error).splitlines()[0]})",
                "Check that the database runs and that its driver is installed: for PostgreSQL "
                "postgresql+psycopg://USER@HOST/NAME and pip install 'psycopg[binary]'",
            ) from None
    assert storage is not None
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


class Study:
    """One approach's study in a storage that other processes may share.

    Parameters
    ----------
    name : of the study; the same name in the same storage is the same study.
    aims : what to optimise, the most important first.
    wanted : the number of trials.
    seed : of the sampler.
    identity : what decides the meaning of a trial, in JSON's types; processes share the study only
        if they agree on it.
    alone : whether no other process uses the study, so that its creation, and trials still running
        there, were interrupted.

    Raises
    ------
    BakeoffError
        Another process ended while it created the study, or created it for another search.
    """

    def __init__(
        self,
        storage: optuna.storages.RDBStorage,
        name: str,
        space: Space,
        aims: Sequence[Aim],
        wanted: int,
        seed: int,
        identity: Mapping[str, Any],
        *,
        alone: bool,
    ) -> None:
        self.space = space
        self.aims = tuple(aims)
        self._storage = storage
        self._seed = seed
        self._last_beat = 0.0
        up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        directions = [up if aim in MAXIMISED else down for aim in aims]
        pruner: optuna.pruners.BasePruner = optuna.pruners.NopPruner()
        if len(aims) == 1:  # Optuna prunes by one aim only
            pruner = optuna.pruners.SuccessiveHalvingPruner(
                min_resource=FIRST_LOOK, reduction_factor=RUNGS
            )
        options: dict[str, Any] = {
            "sampler": _sampler(seed, 0),
            "pruner": pruner,
            "storage": storage,
        }
        if alone:
            _delete_unready(storage, name)
        try:
            self._study = optuna.create_study(study_name=name, directions=directions, **options)
        except optuna.exceptions.DuplicatedStudyError:
            self._study = optuna.load_study(study_name=name, **options)
            self._wait()
            _refuse_unless_same(self._study, identity)
            if alone:
                self._enqueue_interrupted()
        else:
            self._study.set_user_attr(IDENTITY, dict(identity))
            defaults = {setting: domain.default for setting, domain in space.items()}
            for number in range(wanted):
                params = defaults if number == 0 and contains(space) else {}
                self._study.enqueue_trial(params, user_attrs={"number": number})
            self._study.set_user_attr(READY, True)

    def _wait(self) -> None:
        """Wait until the process that creates the study has enqueued all of its trials."""
        until = time.monotonic() + PATIENCE
        while not self._study.user_attrs.get(READY):
            if time.monotonic() > until:
                raise BakeoffError(
                    f"study {self._study.study_name}",
                    "the process that created it ended before it had enqueued the trials",
                    "Delete it (optuna delete-study), or use another --study",
                )
            time.sleep(0.2)

    def _enqueue_interrupted(self) -> None:
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)
            _enqueue_again(self._study, trial)

    def waiting(self) -> int:
        """How many trials no process has claimed."""
        with _experiments():
            optuna.storages.fail_stale_trials(self._study)
        return len(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def has_running(self) -> bool:
        """Whether trials are running; call it when this process runs none."""
        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def ask(self) -> Claim | None:
        """Claim a trial; None if all are claimed."""
        if not self.waiting():
            return None
        with _experiments():
            trial = self._study.ask()
        number = trial.user_attrs.get("number")
        if number is None:  # another process claimed the last trial, and Optuna created one more
            self._study.tell(trial, state=TrialState.FAIL)
            return None
        # Random settings depend on the number alone: whichever process claims the trial, and after
        # whatever interruption, they are the same.
        self._study.sampler = _sampler(self._seed, number)
        try:
            settings = suggest(trial, self.space)
        except BaseException:
            self.give_back(Claim(trial, number, {}))
            raise
        return Claim(trial, number, {} if number == 0 else settings)

    def give_back(self, claim: Claim) -> None:
        """Give up a claimed trial, so that another process, or a later one, can claim it."""
        self._study.tell(claim.trial, state=TrialState.FAIL)
        _enqueue_again(self._study, claim.trial)

    def heartbeat(self, requests: Sequence[Claim]) -> None:
        """Record a heartbeat for running trials."""
        if time.monotonic() - self._last_beat > BEAT / 2:
            self._last_beat = time.monotonic()
            for request in requests:
                self._storage.record_heartbeat(request.trial._trial_id)

    def should_prune(self, claim: Claim, value: float, percent: int) -> bool:
        """Report a trial's loss so far, and decide whether to prune it."""
        if len(self.aims) > 1:
            return False
        # Even if the aim is accuracy the loss is reported: it is more informative, and earlier.
        claim.trial.report(-value if self.aims[0] in MAXIMISED else value, percent)
        return claim.number != 0 and claim.trial.should_prune()

    def tell(
        self,
        claim: Claim,
        record: TrialRecord,
        losses: NDArray[np.floating[Any]] | None = None,
        right: NDArray[np.bool_] | None = None,
    ) -> None:
        """Store the outcome of a trial."""
        trial = claim.trial
        if losses is not None and right is not None:
            trial.set_user_attr("losses", _text(losses.astype(np.float16)))
            trial.set_user_attr("right", _text(np.packbits(right)))
            trial.set_user_attr("pictures", len(right))
        # Last: other processes read a trial's answers once it has a record.
        trial.set_user_attr("record", record.model_dump(mode="json"))
        outside = claim.number == 0 and not contains(self.space)
        if record.state == "failed" or outside:
            self._study.tell(trial, state=TrialState.FAIL)
        elif record.state == "pruned":
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, [value_of(record, aim) for aim in self.aims])

    def outcomes(self) -> list[Outcome]:
        """Every started trial by number; of a restarted trial, the latest attempt."""
        newest: dict[int, Outcome] = {}
        for one in self._study.get_trials(deepcopy=False):
            number = one.user_attrs.get("number")
            if number is None or one.state == TrialState.WAITING:
                continue
            if "record" in one.user_attrs:
                newest[number] = _outcome(one)
            elif one.state == TrialState.RUNNING:
                settings = {} if number == 0 else dict(one.params)
                record = TrialRecord(number=number, state="running", settings=settings)
                newest[number] = Outcome(record, np.empty(0, np.float32), np.empty(0, np.bool_))
        return [newest[number] for number in sorted(newest)]

    def importance(self) -> dict[str, float] | None:
        """Each setting's share of the variance of the first aim (fANOVA); None: too few trials."""
        done = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        first = lambda trial: trial.values[0]
        if len(done) < 4 or len({first(trial) for trial in done}) < 2:
            return None
        evaluator = FanovaImportanceEvaluator(seed=0)
        return dict(
            optuna.importance.get_param_importances(self._study, evaluator=evaluator, target=first)
        )


def _sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """The sampler for a trial of this number."""
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    with _experiments():
        return optuna.samplers.TPESampler(seed=own, multivariate=True, constant_liar=True)


@contextmanager
def _experiments() -> Iterator[None]:
    """Silence warnings about experimental features and about heartbeats, which `Study` records."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", message="Heartbeat of storage")
        yield


def value_of(record: TrialRecord, aim: Aim) -> float:
    """A finished trial's value of an aim."""
    value = {
        "loss": record.loss,
        "accuracy": record.accuracy,
        "latency": record.latency_ms,
        "size": record.bytes,
    }[aim]
    assert value is not None, "only finished trials have values"
    return float(value)


def _enqueue_again(study: optuna.Study, trial: FrozenTrial | optuna.trial.Trial) -> None:
    """Enqueue again a trial whose process is gone."""
    study.enqueue_trial(trial.params, user_attrs={"number": trial.user_attrs.get("number")})


def _outcome(trial: FrozenTrial) -> Outcome:
    stored = trial.user_attrs
    right = np.empty(0, np.bool_)
    losses = np.empty(0, np.float32)
    if "losses" in stored:
        losses = np.frombuffer(base64.b64decode(stored["losses"]), np.float16).astype(np.float32)
        bits = np.frombuffer(base64.b64decode(stored["right"]), np.uint8)
        right = np.unpackbits(bits, count=stored["pictures"]).astype(np.bool_)
    return Outcome(TrialRecord.model_validate(stored["record"]), losses, right)


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()
