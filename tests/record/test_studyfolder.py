"""A study on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.lock import RunLock
from bakeoff.record.studyfolder import STUDY, StudyFolder

from .made_up_study import make_study


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = make_study(tmp_path / "drawings")
    assert StudyFolder.open(tmp_path / "drawings").results() == made


def test_a_search_is_in_progress_as_long_as_somebody_works_on_it(tmp_path: Path) -> None:
    going, over = StudyFolder(tmp_path / "going"), StudyFolder(tmp_path / "over")
    make_study(going.path, done=3)
    make_study(over.path)
    assert going.state(going.results()) == "interrupted"
    with RunLock(going.path), RunLock(over.path):
        assert going.state(going.results()) == "in progress"
        assert over.state(over.results()) == "finished"
    assert going.state(going.results()) == "interrupted"


def test_what_is_no_study_is_told(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"is not a study: it holds no study\.json"):
        StudyFolder.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"), [("{", "does not fit version 2"), (None, "cannot be read")]
)
def test_a_damaged_study_is_told_with_the_mend(
    tmp_path: Path, text: str | None, words: str
) -> None:
    make_study(tmp_path / "drawings")
    path = tmp_path / "drawings" / STUDY
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(BakeoffError, match=words) as refused:
        StudyFolder(tmp_path / "drawings").results()
    assert "bakeoff tune" in refused.value.hint
