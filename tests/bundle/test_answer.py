from __future__ import annotations

import numpy as np
import pytest

from bakeoff.bundle.answer import answer_of
from bakeoff.evaluation.records import Trust

CLASSES = ["ant", "bee", "cat", "dog", "eel", "fox"]
TRUST = Trust(
    error_rate=0.01,
    least_probability=0.1,
    refusal_rate=0.01,
    max_ood_score=2.0,
    measured=None,
)


@pytest.mark.parametrize(
    ("probabilities", "ood_score", "verdict", "words"),
    [
        ([0.01, 0.95, 0.04, 0, 0, 0], 1.0, "sure", "sure"),
        ([0.01, 0.55, 0.44, 0, 0, 0], 1.0, "between", "between bee and cat"),
        ([0.2, 0.5, 0.3, 0, 0, 0], 2.0, "between", "between bee, cat and ant"),
        ([0.2, 0.2, 0.15, 0.15, 0.15, 0.15], 1.0, "between", "between ant, bee, cat and dog …"),
        ([0.01, 0.95, 0.04, 0, 0, 0], 2.1, "none of these", "none of these"),
    ],
)
def test_verdicts(probabilities: list[float], ood_score: float, verdict: str, words: str) -> None:
    answer = answer_of("x.png", np.array(probabilities), ood_score, CLASSES, TRUST)
    assert answer.verdict == verdict
    assert answer.words == words
    assert answer.label == answer.possible[0] == answer.ranking[0][0]
    assert answer.probability == max(probabilities)
    assert [label for label, _ in sorted(answer.ranking)] == CLASSES


def test_the_likeliest_is_possible_however_unlikely() -> None:
    flat = answer_of("x.png", np.full(50, 0.02), 0.5, [str(one) for one in range(50)], TRUST)
    assert flat.possible == ("0",)


def test_without_thresholds_every_answer_stands() -> None:
    assert answer_of("x.png", np.array([0.5, 0.5]), 99.0, ["a", "b"], None).verdict == "sure"
