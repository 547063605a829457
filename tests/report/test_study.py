"""A search for settings as a single HTML file."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.studyfolder import SETTINGS
from bakeoff.report import write_study_report
from bakeoff.report.study import StudyView

from ..record.made_up_study import make_study
from .conftest import SHELL


def carried(text: str) -> StudyView:
    """The study in a report."""
    (packed,) = re.findall(r'<script type="application/gzip" id="study">([^<]*)</script>', text)
    return StudyView.model_validate_json(gzip.decompress(base64.b64decode(packed)))


@pytest.mark.usefixtures("shell")
def test_the_page_contains_the_study(tmp_path: Path) -> None:
    made = make_study(tmp_path / "drawings")
    path = write_study_report(tmp_path / "drawings")
    assert path == tmp_path / "drawings" / "report.html"
    text = path.read_text(encoding="utf-8")
    before, after = SHELL.split("<!--carried-->")
    assert text.startswith(before)
    assert text.endswith(after)
    view = carried(text)
    assert (view.state, view.study) == ("finished", made)
    assert view.settings == (tmp_path / "drawings" / SETTINGS).read_text()
    assert view.command is not None
    assert view.command.startswith("bakeoff run '/pictures/my drawings' --settings ")
    assert write_study_report(tmp_path / "drawings").read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("shell")
def test_an_interrupted_study_has_a_report(tmp_path: Path) -> None:
    make_study(tmp_path / "drawings", done=2)
    view = carried(write_study_report(tmp_path / "drawings").read_text(encoding="utf-8"))
    assert (view.state, view.settings, view.command) == ("interrupted", None, None)
    assert view.resume == f"bakeoff tune --resume {tmp_path / 'drawings'}"


@pytest.mark.usefixtures("shell")
def test_names_stay_data(tmp_path: Path) -> None:
    make_study(tmp_path / "drawings", name="</script><script>alert(1)</script>")
    text = write_study_report(tmp_path / "drawings").read_text(encoding="utf-8")
    assert "alert" not in text


@pytest.mark.usefixtures("shell")
def test_a_folder_without_a_study_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="is not a study"):
        write_study_report(tmp_path)


def test_without_the_page_it_says_how_to_build_it(tmp_path: Path, shell: Path) -> None:
    make_study(tmp_path / "drawings")
    shell.unlink()
    with pytest.raises(BakeoffError, match="Build it with"):
        write_study_report(tmp_path / "drawings")
    assert not (tmp_path / "drawings" / "report.html").exists()
