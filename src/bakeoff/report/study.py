"""A study as the page shows it, and as one HTML file."""

from __future__ import annotations

import shlex
from pathlib import Path

from pydantic import BaseModel

from bakeoff.record.study import StudyResults
from bakeoff.record.studyfolder import SETTINGS, StudyFolder, StudyState
from bakeoff.report.page import write_page

__all__ = ["StudyView", "study_view_of", "write_study_report"]


class StudyView(BaseModel):
    """All that a page needs to show a study.

    `settings` is the text of settings.toml, and `command` trains with them; both are None as long
    as there is no such file. `resume` goes on with a search that was interrupted.
    """

    state: StudyState
    settings: str | None
    command: str | None
    resume: str | None
    study: StudyResults


def study_view_of(folder: StudyFolder) -> StudyView:
    """Gather the view of a study, finished or not.

    Raises
    ------
    BakeoffError
        Its study.json is lost, damaged or of another version.
    """
    study = folder.results()
    path = folder.path / SETTINGS
    found = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    use = ["bakeoff", "run", study.source, "--settings", str(path)]
    again = ["bakeoff", "tune", "--resume", str(folder.path)]
    state = folder.state(study)
    return StudyView(
        state=state,
        settings=found,
        command=None if found is None else shlex.join(use),
        resume=shlex.join(again) if state == "interrupted" else None,
        study=study,
    )


def write_study_report(folder: Path) -> Path:
    """Write report.html of a study, which needs no server and no network.

    Parameters
    ----------
    folder : the study's; as it is named here it is named in the report's command.

    Raises
    ------
    BakeoffError
        It is no study, or a damaged one, or this bakeoff was installed without its page.
    """
    path = folder / "report.html"
    write_page(path, "study", study_view_of(StudyFolder.open(folder)))
    return path
