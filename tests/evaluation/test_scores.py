from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.errors import BakeoffError
from bakeoff.evaluation.metrics import losses
from bakeoff.evaluation.scores import score

CLASSES = ("anchor", "balloon", "spiral")
# Two anchors (one taken for a balloon), two balloons, no spirals.
PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.9, 0.0], [0.2, 0.7, 0.1]], dtype=np.float32
)
LABELS = np.array([0, 0, 1, 1])


def test_the_scores_of_a_small_example() -> None:
    scores = score(PROBABILITIES, LABELS, CLASSES)
    assert (scores.pictures, scores.correct, scores.accuracy) == (4, 3, 0.75)
    assert scores.loss == pytest.approx(-np.log([0.8, 0.3, 0.9, 0.7]).mean(), rel=1e-6)
    assert scores.confusion == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert scores.per_group == []
    anchor, balloon, _ = scores.per_class
    assert (anchor.name, anchor.pictures, anchor.accuracy, anchor.precision) == (
        "anchor",
        2,
        0.5,
        1.0,
    )
    assert anchor.f1 == pytest.approx(2 / 3)
    assert balloon.accuracy == 1.0
    assert balloon.precision == pytest.approx(2 / 3)
    assert balloon.f1 == pytest.approx(0.8)


def test_a_class_without_pictures() -> None:
    spiral = score(PROBABILITIES, LABELS, CLASSES).per_class[2]
    assert (spiral.pictures, spiral.accuracy, spiral.precision, spiral.f1) == (0, 0.0, 0.0, 0.0)
    assert spiral.interval == (0.0, 1.0)


def test_groups_are_scored_separately() -> None:
    groups = np.array([0, 2, 2, 0])
    pencil, stamp = score(
        PROBABILITIES, LABELS, CLASSES, groups, ("pencil", "tablet", "stamp")
    ).per_group
    assert (pencil.name, pencil.pictures, pencil.accuracy) == ("pencil", 2, 1.0)
    assert (stamp.name, stamp.pictures, stamp.accuracy) == ("stamp", 2, 0.5)
    assert stamp.loss == pytest.approx(-(math.log(0.3) + math.log(0.9)) / 2, rel=1e-6)


def test_a_confident_mistake_costs_at_most_16_nats() -> None:
    certain = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    cost = losses(certain, np.array([0, 1]))
    assert cost.tolist() == [0.0, pytest.approx(-math.log(1e-7))]
    assert not np.signbit(cost[0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 5))
def test_totals_agree_with_each_other(seed: int, pictures: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(count), pictures).astype(np.float32)
    labels = rng.integers(0, count, pictures)
    groups = rng.integers(0, 3, pictures)
    classes = [str(index) for index in range(count)]
    scores = score(probabilities, labels, classes, groups, "abc")
    confusion = np.array(scores.confusion)
    assert confusion.sum() == scores.pictures == pictures
    assert np.trace(confusion) == scores.correct == (probabilities.argmax(1) == labels).sum()
    assert [one.pictures for one in scores.per_class] == confusion.sum(axis=1).tolist()
    assert sum(one.pictures for one in scores.per_group) == pictures
    assert sum(part.pictures for part in scores.reliability) == pictures
    weighted = sum(one.loss * one.pictures for one in scores.per_group) / pictures
    assert weighted == pytest.approx(scores.loss)
    assert 0 <= scores.calibration_error <= 1


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        (np.ones((3, 2)), np.zeros(3, int), "shape"),
        (np.ones((2, 3)), np.zeros(3, int), "shape"),
        (np.ones((2, 3)), np.zeros((2, 1), int), "shape"),
        (np.ones((0, 3)), np.zeros(0, int), "no pictures"),
        (np.ones((2, 3)), np.array([0, 3]), "outside the 3 classes"),
        (np.ones((2, 3)), np.array([-1, 0]), "outside the 3 classes"),
    ],
)
def test_shapes_and_labels_are_checked(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        score(probabilities, labels, CLASSES)


@pytest.mark.parametrize("groups", [np.array([0, 0, 0]), np.array([0, 1, 0, 0]), np.full(4, -1)])
def test_groups_are_checked(groups: NDArray[np.int64]) -> None:
    with pytest.raises(ValueError, match="groups"):
        score(PROBABILITIES, LABELS, CLASSES, groups, ("only",))


def test_diverged_training_is_refused() -> None:
    broken = PROBABILITIES.copy()
    broken[1, 1] = np.nan
    with pytest.raises(BakeoffError, match=r"1 of 4 pictures .* Lower the learning rate"):
        score(broken, LABELS, CLASSES)
