"""A set of 100 to 1: what ranks the approaches, and what is said of the rare class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff import Classifier
from bakeoff.approaches.registry import APPROACHES
from bakeoff.approaches.trainer import balanced
from bakeoff.bundle.bundle import load
from bakeoff.data.validate import validate
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import ClassScore
from bakeoff.record.config import ConfusionCost, RunConfig
from bakeoff.run.bake import bake
from bakeoff.scoring.compared import cost_matrix
from bakeoff.training.fit import Training

from ..strokes import strokes
from .plans import planned

SMALL = {"scattering": {"side": 16, "scales": 2, "orientations": 2, "grid": 2}}


def test_a_set_of_a_hundred_to_one(tmp_path: Path) -> None:
    whole = strokes(410, classes=2)
    common, rare = (np.flatnonzero(whole.labels == label) for label in (0, 1))
    dataset = validate(whole.take(np.concatenate([common[:200], rare[:2]])))
    costs = (ConfusionCost(truth="dash", answer="bar", cost=100),)
    run = bake(
        dataset,
        tmp_path / "run",
        approaches=("scattering",),
        settings=SMALL,
        budget="quick",
        threads=1,
        robustness=False,
        folds=2,
        test=0,
        metric="balanced_accuracy",
        cost=costs,
    )
    results = run.results()
    (one,) = results.approaches
    headline, scores = results.headline, one.out_of_fold
    assert headline is not None
    assert scores is not None
    assert (headline.name, headline.guess, headline.guessing) == ("balanced_accuracy", "bar", 0.5)
    rare_score: ClassScore = scores.per_class[1]
    assert (rare_score.pictures, rare_score.too_few) == (2, True)
    low, high = scores.metric_intervals["balanced_accuracy"]
    assert low < scores.metrics["balanced_accuracy"] <= high
    assert high - low > 0.2  # two pictures of a class say little, whatever the other 200 say
    assert scores.metrics["cost"] >= 0
    assert results.verdict is not None
    said = " ".join(sentence.text for sentence in results.verdict.sentences)
    assert "Too few pictures to score: dash (2)." in said
    assert "Balanced accuracy ranks the approaches" in said
    bundle = load(run.bundle("scattering"), threads=1)
    assert bundle.manifest.trust is not None
    assert len(bundle.manifest.trust.least_by_class or ()) == 2
    assert bundle.cost is not None
    assert bundle.cost.tolist() == [[0, 1], [100, 0]]
    for answer in bundle.predict(list(strokes(6, classes=2, seed=3).pictures)):
        of_bar = dict(answer.ranking)["bar"]
        # Answering bar costs 100 if it is a dash, answering dash 1 if it is a bar.
        assert answer.cheapest == ("bar" if of_bar > 100 / 101 else "dash")


@pytest.mark.parametrize(("rare", "weighed"), [(8, 1.0), (9, 0.0)])
def test_classes_count_alike_where_one_has_five_times_the_pictures(
    rare: int, weighed: float
) -> None:
    whole = strokes(100, classes=2)
    common, few = (np.flatnonzero(whole.labels == label) for label in (0, 1))
    rows = np.concatenate([common[:40], few[:rare]])
    pictures, labels = whole.pictures.take(rows), whole.labels[rows]

    def probabilities(**settings: object) -> bytes:
        given = SMALL["scattering"] | settings
        fixed: dict[str, Any] = {"validation_share": 0, "random_state": 0, "threads": 1}
        model = Classifier("scattering", settings=given, **fixed)
        return model.fit(pictures, labels).predict_proba(whole.pictures).tobytes()

    assert probabilities() == probabilities(balance=weighed)
    assert probabilities() != probabilities(balance=1 - weighed)


@pytest.mark.parametrize(
    ("asked", "evens"),
    [
        ({}, True),
        ({"metric": "balanced_accuracy"}, True),
        ({"metric": "macro_f1"}, True),
        ({"metric": "accuracy"}, False),
        ({"cost": (ConfusionCost(truth="dash", answer="bar", cost=100),)}, False),
    ],
)
def test_classes_count_alike_only_where_the_headline_counts_them_alike(
    asked: dict[str, Any], evens: bool
) -> None:
    task = planned(strokes(classes=2), **asked).data.task
    assert task.evens is evens
    entry = APPROACHES["scattering"].load()
    assert entry().balance(task, [50, 10]) == float(evens)
    assert entry(training=Training(balance=0.5)).balance(task, [50, 10]) == 0.5


def test_costs_name_classes_of_the_set() -> None:
    config = RunConfig.asked(source="x", cost=[{"truth": "a", "answer": "b", "cost": 5}])
    assert cost_matrix(config, ["a", "b"]).tolist() == [[0, 5], [1, 0]]  # type: ignore[union-attr]
    assert cost_matrix(RunConfig.asked(source="x"), ["a", "b"]) is None
    with pytest.raises(BakeoffError, match="no class a"):
        cost_matrix(config, ["c", "b"])


def test_cost_as_a_metric_needs_costs() -> None:
    with pytest.raises(BakeoffError, match="no costs were given"):
        RunConfig.parse(source="x", metric="cost")


@pytest.mark.parametrize(("power", "ratio"), [(1.0, 100), (0.5, 10)])
def test_weights_make_up_for_rare_classes(power: float, ratio: float) -> None:
    labels = np.repeat([0, 1], [200, 2])
    train = np.arange(202)
    weights = balanced(None, labels, train, power)
    assert weights is not None
    assert weights[-1] / weights[0] == pytest.approx(ratio)
    given = np.linspace(1, 2, 202).astype(np.float32)
    assert balanced(given, labels, train, power) == pytest.approx(weights * given)
    assert balanced(given, labels, train, 0) is given
