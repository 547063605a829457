"""A study as the page shows it, and as a single HTML file."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bakeoff.record.study import StudyResults
from bakeoff.record.studyfolder import SETTINGS, StudyFolder, StudyState
from bakeoff.report.page import write_page

__all__ = ["StudyView", "study_view_of", "write_study_report"]


class StudyView(BaseModel):
    """Everything that the page needs to show a study."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    state: StudyState
    settings: str | None
    """The text of settings.toml; null until that file exists."""
    command: str | None
    """The command that trains with these settings; null until they exist."""
    resume: str | None
    """The command that continues an interrupted search."""
    study: StudyResults


def study_view_of(folder: StudyFolder) -> StudyView:
    """Gather the view of a study, finished or not.

    Raises
    ------
    BakeoffError
        Its study.json is missing, damaged or of another version.
    """
    study = folder.results()
    path = folder.path / SETTINGS
    settings = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    use = ["bakeoff", "run", study.source, "--settings", str(path)]
    resume = ["bakeoff", "tune", "--resume", str(folder.path)]
    state = folder.state(study)
    return StudyView(
        state=state,
        settings=settings,
        command=None if settings is None else shlex.join(use),
        resume=shlex.join(resume) if state == "interrupted" else None,
        study=study,
    )


def write_study_report(folder: Path) -> Path:
    """Write report.html of a study, which needs no server and no network.

    Parameters
    ----------
    folder : of the study; the commands in the report use this path.

    Raises
    ------
    BakeoffError
        There is no study, it is damaged, or this installation has no page.
    """
    path = folder / "report.html"
    write_page(path, "study", study_view_of(StudyFolder.open(folder)))
    return path
