"""A study on disk: the plain files that a search of settings wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bakeoff.errors import BakeoffError
from bakeoff.record.lock import holder
from bakeoff.record.old_names import read_json
from bakeoff.record.study import STUDY_SCHEMA_VERSION, Search, StudyResults, TrialRecord
from bakeoff.record.tables import table
from bakeoff.record.whole import read_file, write_file

__all__ = ["SETTINGS", "STUDY", "TRIALS", "StudyFolder", "StudyState"]

STUDY, SETTINGS, TRIALS = "study.json", "settings.toml", "trials.csv"

StudyState = Literal["in progress", "interrupted", "finished"]


@dataclass(frozen=True)
class StudyFolder:
    """A folder that `bakeoff tune` wrote, or is writing.

    Attributes
    ----------
    path : holds study.json and trials.csv; when the search is finished settings.toml too.
    """

    path: Path

    @classmethod
    def open(cls, path: Path) -> StudyFolder:
        """An existing study.

        Raises
        ------
        BakeoffError
            There is none at `path`.
        """
        if not (path / STUDY).is_file():
            raise BakeoffError(
                str(path), f"is not a study: it holds no {STUDY}", "Name the folder of a search"
            )
        return cls(path)

    def results(self) -> StudyResults:
        """The results so far.

        Raises
        ------
        BakeoffError
            study.json is lost, damaged or of another version.
        """
        path = self.path / STUDY
        try:
            return StudyResults.model_validate(read_json(read_file(path), str(path)))
        except OSError as error:
            raise BakeoffError(
                str(path), f"cannot be read ({error.strerror})", "Search again with bakeoff tune"
            ) from None
        except ValueError as error:
            misfit = (
                f"{error.error_count()} fields" if isinstance(error, ValidationError) else "no JSON"
            )
            raise BakeoffError(
                str(path),
                f"does not fit version {STUDY_SCHEMA_VERSION} ({misfit})",
                "Search again with bakeoff tune",
            ) from None

    def write(self, results: StudyResults) -> None:
        """study.json and trials.csv, and at the end settings.toml; each whole or not at all."""
        files = {TRIALS: _table(results), STUDY: results.model_dump_json(indent=1)}
        if results.finished is not None:
            files = {SETTINGS: _settings(results)} | files
        for name, text in files.items():
            write_file(self.path / name, text.encode())

    def state(self, results: StudyResults) -> StudyState:
        """The status of the search; an interrupted one is neither finished nor running."""
        if results.finished is not None:
            return "finished"
        return "interrupted" if holder(self.path) is None else "in progress"


def _table(results: StudyResults) -> str:
    settings = list(dict.fromkeys(setting for one in results.searches for setting in one.space))
    told = ("number", "state", "accuracy", "loss", "parameters", "bytes", "latency_ms", "seconds")
    return table(
        ["approach", *told, *settings],
        (
            [
                search.name,
                *(getattr(trial, name) for name in told),
                *(_setting(search, trial, setting) for setting in settings),
            ]
            for search in results.searches
            for trial in search.trials
        ),
    )


def _setting(search: Search, trial: TrialRecord, setting: str) -> object:
    if setting not in search.space:
        return ""
    return trial.settings.get(setting, search.space[setting].default)


def _settings(results: StudyResults) -> str:
    """What `bakeoff run --settings` takes; every value of JSON is one of TOML."""
    lines = [f"# Found by bakeoff tune on {results.name}."]
    for search in results.searches:
        lines += ["", f"[{search.name}]"]
        if search.recommendation is None:
            lines.append("# The search is running.")
            continue
        lines += [f"# {search.recommendation.why}"]
        picked = next(one for one in search.trials if one.number == search.recommendation.trial)
        lines += [f"{setting} = {json.dumps(value)}" for setting, value in picked.settings.items()]
    return "\n".join([*lines, ""])
