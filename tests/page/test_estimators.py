"""Estimators of scikit-learn as a static page: the browser answers as Python does."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from bakeoff.bundle.panel import SideBySide, load
from bakeoff.bundle.web import export_web
from bakeoff.data.image import to_png
from bakeoff.run.bake import bake

from ..strokes import strokes
from .conftest import choose, hosted

MODELS = """
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import *
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

linear = LinearSVC()  # skl2onnx notes a wrong width of its scores, for which browsers refuse it
boosted = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)
parts = [("machine", CalibratedClassifierCV(SVC(), cv=2, ensemble=False)), ("boosted", boosted)]
both = VotingClassifier(parts, voting="soft", flatten_transform=False)
machine = make_pipeline(StandardScaler(), SVC(C=3))
forest = RandomForestClassifier(10)
extra = ExtraTreesClassifier(10)
gradient = GradientBoostingClassifier(n_estimators=5)
ada = AdaBoostClassifier(n_estimators=5)
logistic = make_pipeline(StandardScaler(), LogisticRegression())
network = MLPClassifier((8,), max_iter=300)
naive = GaussianNB(var_smoothing=0.1)
quadratic = QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.5)
stacked = StackingClassifier(parts, LogisticRegression(), cv=2)
bagged = BaggingClassifier(n_estimators=3)
calibrated = CalibratedClassifierCV(LinearSVC(), cv=2)
rest = OneVsRestClassifier(SVC())
for model in [each for each in vars().values() if hasattr(each, "get_params")]:
    if not isinstance(model, type):
        model.bakeoff = {"size": 8}
"""
EVERY = tuple(re.findall(r"^(\w+) = (?!\[)", MODELS, re.MULTILINE))


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize(
    "names", [("linear", "both"), pytest.param(EVERY, marks=pytest.mark.long)], ids=["few", "all"]
)
def test_estimators_answer_in_the_browser_as_in_python(
    page: Page, tmp_path: Path, names: tuple[str, ...]
) -> None:
    file = tmp_path / "models.py"
    file.write_text(MODELS)
    run = bake(
        strokes(40, classes=2),
        tmp_path / "run",
        approaches=[f"{file}:{name}" for name in names],
        folds=2,
        threads=1,
        robustness=False,
        workers="local:1",
    )
    drawn = strokes(8, classes=2, seed=1)
    files = [tmp_path / f"{number}.png" for number in range(8)]
    for path, pixels in zip(files, drawn.pictures, strict=True):
        path.write_bytes(to_png(np.asarray(pixels)))
    expected = load([run.path]).predict(files)
    assert isinstance(expected, SideBySide)
    export_web([run.path], tmp_path / "site")
    with hosted(tmp_path / "site") as address:
        page.goto(address)
        expect(page.get_by_role("article")).to_have_count(len(names), timeout=60_000)
        choose(page, *files)
        expect(page.locator(".cell")).to_have_count(len(files))
        with page.expect_download() as download:
            page.get_by_role("button", name="Download CSV").click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rows) == len(names) * len(files)
    for row in rows:
        answer = expected[row["model"]][int(row["picture"].partition(".")[0])]
        assert row["class 1"] == answer.label, row
        assert row["verdict"] == answer.words, row
        assert float(row["probability 1"]) == pytest.approx(answer.probability, abs=1e-4), row
