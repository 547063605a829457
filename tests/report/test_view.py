from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.report.view import MAX_LOSS, NOTHING, Sheets, View, view_of

from .made_up_run import KINDS, make_run

NO_SHEETS = Sheets(tile=1, urls=[], rows=None)


def numbers(text: str) -> NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), "<u2").astype(np.int64)


@pytest.fixture(scope="module")
def view(usual: RunFolder) -> View:
    return view_of(usual, NO_SHEETS)


def test_the_columns_agree_with_the_figures(usual: RunFolder, view: View) -> None:
    labels, parts = numbers(view.pictures.labels), numbers(view.pictures.parts)
    test = parts == view.pictures.part_names.index("test")
    for approach in usual.results().approaches:
        answer = numbers(view.predictions[approach.name].answer)
        for rows, scores in ((~test, approach.out_of_fold), (test, approach.test)):
            assert scores is not None
            counted = np.zeros_like(scores.confusion)
            np.add.at(counted, (labels[rows], answer[rows]), 1)
            assert counted.tolist() == scores.confusion


def test_the_mistakes_are_in_the_columns(usual: RunFolder, view: View) -> None:
    for approach, lean in zip(usual.results().approaches, view.results.approaches, strict=True):
        assert lean.mistakes == []
        said = view.predictions[approach.name]
        confidence, loss = numbers(said.confidence), numbers(said.loss)
        assert approach.mistakes
        for one in approach.mistakes:
            assert confidence[one.index] / 65535 == pytest.approx(one.probability, abs=1e-5)
            assert loss[one.index] / 1000 == pytest.approx(one.loss, abs=1e-3)


def test_training_pictures_without_a_fold_have_no_answer(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", kinds=KINDS[1:2], pictures=60, folds=0, test=20)
    view = view_of(run, NO_SHEETS)
    answer = numbers(view.predictions["cnn"].answer)
    assert (answer[:40] == NOTHING).all()
    assert (answer[40:] < 10).all()
    assert {view.pictures.part_names[n] for n in numbers(view.pictures.parts)} == {
        "training",
        "test",
    }
    assert view.pictures.groups is None


def test_a_huge_loss_still_fits_its_column(
    usual: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[str, NDArray[Any]] = usual.probabilities()
    impossible = known["cnn_test"].copy()
    impossible[:] = np.eye(10)[0]
    monkeypatch.setattr(usual, "probabilities", lambda **_: known | {"cnn_test": impossible})
    loss = numbers(view_of(usual, NO_SHEETS).predictions["cnn"].loss)
    assert loss.max() == 1000 * MAX_LOSS


def test_groups_are_there_where_the_dataset_has_some(usual: RunFolder, view: View) -> None:
    assert view.pictures.groups is not None
    assert numbers(view.pictures.groups).tolist() == usual.picture_index().groups


def test_a_run_without_results_has_no_view(tmp_path: Path, usual: RunFolder) -> None:
    unfinished = RunFolder.create(tmp_path / "run", usual.config)
    with pytest.raises(BakeoffError, match="not finished"):
        view_of(unfinished, NO_SHEETS)
