from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.evaluation.compare import TOO_CLOSE, compare, equal_within, mcnemar
from bakeoff.evaluation.headline import (
    Headline,
    best_constant,
    cheapest,
    headline_for,
    randomisation_p,
)
from bakeoff.evaluation.intervals import (
    Sampling,
    balanced_interval,
    cost_interval,
    macro_f1_interval,
)
from bakeoff.evaluation.metrics import balanced_accuracy, macro_f1
from bakeoff.evaluation.ranking import choose_by, compare_by, headline_record
from bakeoff.evaluation.scores import score

Numbers = NDArray[np.int64]
CLASSES = ("common", "rare")


def one_hot(answers: Numbers, classes: int) -> NDArray[np.float64]:
    return np.eye(classes)[answers]


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ([100, 100], "accuracy"),
        ([100, 21], "accuracy"),
        ([100, 20], "balanced_accuracy"),  # five times: uneven
        ([500, 5], "balanced_accuracy"),
        ([100, 0, 50], "accuracy"),  # a class that is not scored does not count
        ([0, 0], "accuracy"),
    ],
)
def test_one_rule_chooses_the_headline(counts: list[int], name: str) -> None:
    assert headline_for(counts).name == name


def test_the_headline_can_be_asked_for() -> None:
    assert headline_for([500, 5], "accuracy").name == "accuracy"
    assert headline_for([9, 9], "macro_f1").name == "macro_f1"
    assert headline_for([9, 9], "auto", 1 - np.eye(2)).name == "cost"
    assert headline_for([9, 9], "accuracy", 1 - np.eye(2)).name == "accuracy"


def test_headlines_agree_with_the_table_of_metrics() -> None:
    rng = np.random.default_rng(1)
    labels, answers = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    labels[labels == 3] = 2  # a class that is answered and never right
    shares = one_hot(answers, 5)
    got = headline_for([9] * 5, "balanced_accuracy").of(labels, answers)
    assert got == pytest.approx(balanced_accuracy(shares, labels))
    got = headline_for([9] * 5, "macro_f1").of(labels, answers)
    assert got == pytest.approx(macro_f1(shares, labels))
    assert headline_for([9] * 5).of(labels, answers) == pytest.approx((answers == labels).mean())


def uneven(rare_right: int, common_right: int = 200) -> tuple[Numbers, Numbers]:
    """Labels and answers of 200 common pictures and 2 rare ones: 100 to 1."""
    labels = np.repeat([0, 1], [200, 2])
    answers = labels.copy()
    answers[200 : 202 - rare_right] = 0
    answers[: 200 - common_right] = 1
    return labels, answers


def test_always_answering_the_common_class_is_guessing() -> None:
    labels, lazy = uneven(rare_right=0)
    scores = {"lazy": score(one_hot(lazy, 2), labels, CLASSES)}
    assert scores["lazy"].accuracy == pytest.approx(200 / 202)
    headline = headline_for([200, 2])
    record = headline_record(headline, labels, CLASSES, asked=False)
    assert (record.name, record.guess, record.guessing) == ("balanced_accuracy", "common", 0.5)
    assert choose_by(record, scores, []) is None


def of_many(metric: str) -> tuple[str | None, str]:
    """Who wins between a model that is blind to a rare class and one that is not: 1 000 to 10."""
    labels = np.repeat([0, 1], [1000, 10])
    blind = np.zeros(1010, dtype=np.int64)
    seeing = labels.copy()
    seeing[:40] = 1  # at the price of 40 false alarms
    answers = {"blind": blind, "seeing": seeing}
    headline = headline_for([1000, 10], metric)  # type: ignore[arg-type]
    record = headline_record(headline, labels, CLASSES, asked=True)
    scores = {name: score(one_hot(each, 2), labels, CLASSES) for name, each in answers.items()}
    pairs = compare_by(headline, labels, answers)
    return choose_by(record, scores, pairs), pairs[0].verdict


def test_the_metric_decides_the_winner_of_an_uneven_set() -> None:
    winner, verdict = of_many("balanced_accuracy")
    assert (winner, verdict) == ("seeing", "b")
    _, verdict = of_many("accuracy")
    assert verdict == "a"  # 990 right against 970


def test_costs_decide_answers_and_winner() -> None:
    cost = np.array([[0.0, 1.0], [100.0, 0.0]])  # to miss the rare class costs a hundred times
    shares = np.array([[0.995, 0.005], [0.98, 0.02], [0.2, 0.8]])
    assert cheapest(shares, cost).tolist() == [0, 1, 1]
    labels = np.array([0, 1, 1])
    scores = score(shares, labels, CLASSES, cost=cost)
    assert scores.accuracy == pytest.approx(2 / 3)  # of the most probable class
    assert scores.metrics["cost"] == 0  # of the cheapest answers
    headline = headline_for([1, 2], "auto", cost)
    label, figure = best_constant(headline, labels, 2)
    assert label == 1
    assert figure == pytest.approx(1 / 3)
    record = headline_record(headline, labels, CLASSES, asked=False)
    assert not record.higher_is_better
    assert headline.of(labels, np.array([0, 0, 1])) == pytest.approx(100 / 3)


def test_randomisation_of_accuracy_is_mcnemars_test() -> None:
    labels = np.zeros(60, dtype=np.int64)
    a, b = labels.copy(), labels.copy()
    a[:3], b[3:17] = 1, 1  # 14 that only a has right, 3 that only b has
    _, _, exact = mcnemar(a == labels, b == labels)
    assert randomisation_p(headline_for([60, 60]), labels, a, b) == pytest.approx(exact, abs=0.005)
    assert randomisation_p(headline_for([60, 60]), labels, a, a) == 1


@pytest.mark.parametrize("metric", ["balanced_accuracy", "macro_f1"])
def test_equal_models_seldom_differ_significantly(metric: str) -> None:
    rng = np.random.default_rng(2)
    headline: Headline = headline_for([40, 8], metric)  # type: ignore[arg-type]
    labels = np.repeat([0, 1], [40, 8])

    def flip() -> NDArray[np.int64]:
        return np.where(rng.random(48) < 0.3, 1 - labels, labels)

    small = sum(randomisation_p(headline, labels, flip(), flip()) <= 0.05 for _ in range(60))
    assert small <= 8  # 3 are expected; more than 8 has a chance of 0.4 %


def test_intervals_of_uneven_classes_are_honest_where_all_is_right() -> None:
    labels = np.repeat([0, 1], [300, 3])
    right = np.ones(303, dtype=bool)
    low, high = balanced_interval(right, labels, Sampling())
    # Wilson's lower ends are 300 / (300 + z²) and 3 / (3 + z²), z² = 3.8415.
    expected = 1 - np.hypot(3.8415 / 303.8415, 3.8415 / 6.8415) / 2
    assert low == pytest.approx(expected, abs=1e-4)
    assert high == 1
    low, high = macro_f1_interval(labels, labels, Sampling())
    assert low < 0.8
    assert high == 1


def test_intervals_contain_the_truth() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [120, 30, 8])
    chance = np.array([[0.9, 0.07, 0.03], [0.2, 0.7, 0.1], [0.3, 0.1, 0.6]])
    answers = np.concatenate(
        [rng.choice(3, (400, n), p=chance[k]) for k, n in enumerate((120, 30, 8))], axis=1
    )
    balanced = [balanced_interval(each == labels, labels, Sampling()) for each in answers]
    truth = np.trace(chance) / 3
    inside = np.mean([low <= truth <= high for low, high in balanced])
    assert 0.93 <= inside <= 0.99
    f1 = [macro_f1_interval(each, labels, Sampling()) for each in answers]
    expected = np.array([120, 30, 8])[:, None] * chance
    truth = np.mean(2 * expected.diagonal() / (expected.sum(0) + expected.sum(1)))
    inside = np.mean([low <= truth <= high for low, high in f1])
    assert inside >= 0.93


COST = np.array([[0.0, 1, 5], [1, 0, 1], [20, 2, 0]])


def test_a_dear_mistake_that_was_not_seen_counts() -> None:
    labels = np.repeat([0, 1, 2], [100, 30, 10])
    low, high = cost_interval(labels, labels, COST, Sampling())
    assert low == 0
    # The exact upper ends are 1 − 0.025^(1 / n); the classes have 100, 30 and 10 of 140.
    counts = np.array([100, 30, 10])
    ends = (1 - 0.025 ** (1 / counts)) * counts / 140
    expected = np.linalg.norm([ends[0] * 1, ends[0] * 5, ends[1], ends[2] * 20, ends[2] * 2])
    assert high == pytest.approx(expected, rel=1e-4)
    same, dearer = (cost_interval(labels, labels, COST + more, Sampling()) for more in (0, 3))
    assert dearer == pytest.approx((same[0] + 3, same[1] + 3))  # what every answer costs is sure


def test_intervals_of_costs_contain_the_truth() -> None:
    rng = np.random.default_rng(3)
    counts = np.array([120, 30, 8])
    labels = np.repeat([0, 1, 2], counts)
    chance = np.array([[0.95, 0.04, 0.01], [0.1, 0.85, 0.05], [0.05, 0.15, 0.8]])
    drawn = [rng.choice(3, (400, n), p=chance[k]) for k, n in enumerate(counts)]
    found = [cost_interval(one, labels, COST, Sampling()) for one in np.concatenate(drawn, axis=1)]
    truth = float((counts[:, None] * chance * COST).sum() / counts.sum())
    assert np.mean([low <= truth <= high for low, high in found]) >= 0.94  # a bootstrap: 0.74
    spread = np.std([COST[labels, one].mean() for one in np.concatenate(drawn, axis=1)])
    assert np.mean([high - low for low, high in found]) < 2 * 3.92 * spread


def test_a_class_of_few_pictures_is_marked() -> None:
    labels = np.repeat([0, 1, 2], [20, 4, 5])
    scores = score(one_hot(labels, 4), labels, ["a", "b", "c", "none"])
    assert [one.too_few for one in scores.per_class] == [False, True, False, False]


def test_equality_has_a_margin() -> None:
    # Without a picture that separates them, Tango's upper end is z² / (n + z²), z = 1.6449.
    assert equal_within(0, 0, 1000) == pytest.approx(2.70554 / 1002.70554, rel=1e-3)
    assert equal_within(3, 9, 500) == equal_within(9, 3, 500)
    assert equal_within(9, 3, 500) > 6 / 500
    assert equal_within(0, 0, 0) == 1


@pytest.mark.parametrize(("pictures", "said"), [(1000, True), (100, False)])
def test_equality_is_said_where_it_is_shown(pictures: int, said: bool) -> None:
    right = np.ones(pictures, dtype=bool)
    other = right.copy()
    other[:1] = False
    pair = compare("cnn", "vit", right, other)
    assert pair.verdict == TOO_CLOSE
    assert ("differ by less than 1 point (95 %)" in pair.words) is said


def test_equality_is_seldom_claimed_at_the_margin() -> None:
    rng = np.random.default_rng(4)
    pictures, margin = 1500, 0.01
    # a is right and b wrong for 2 %, the other way round for 1 %: one point apart exactly.
    counts = rng.multinomial(pictures, [0.02, 0.01, 0.97], 600)
    claimed = np.mean([equal_within(a, b, pictures) <= margin for a, b, _ in counts])
    assert claimed <= 0.08
