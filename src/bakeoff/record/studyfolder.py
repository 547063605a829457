"""A study on disk: what a search of settings left, in plain files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from bakeoff.errors import BakeoffError
from bakeoff.record.lock import holder
from bakeoff.record.study import STUDY_SCHEMA_VERSION, StudyResults

__all__ = ["SETTINGS", "STUDY", "TRIALS", "StudyFolder", "StudyState"]

STUDY, SETTINGS, TRIALS = "study.json", "settings.toml", "trials.csv"

StudyState = Literal["in progress", "interrupted", "finished"]


@dataclass(frozen=True)
class StudyFolder:
    """A folder that `bakeoff tune` left, or is at work in.

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
                str(path), f"is no study: it holds no {STUDY}", "Name the folder that a search left"
            )
        return cls(path)

    def results(self) -> StudyResults:
        """What was tried and found, up to now.

        Raises
        ------
        BakeoffError
            study.json is lost, damaged or of another version.
        """
        path = self.path / STUDY
        try:
            return StudyResults.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BakeoffError(
                str(path), f"cannot be read ({error.strerror})", "Search anew with bakeoff tune"
            ) from None
        except ValidationError as error:
            raise BakeoffError(
                str(path),
                f"does not fit version {STUDY_SCHEMA_VERSION} ({error.error_count()} fields)",
                "Search anew with bakeoff tune",
            ) from None

    def state(self, results: StudyResults) -> StudyState:
        """How the search stands: an interrupted one is neither finished nor at work."""
        if results.finished is not None:
            return "finished"
        return "interrupted" if holder(self.path) is None else "in progress"
