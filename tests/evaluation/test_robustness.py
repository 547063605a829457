"""Robustness in numbers and words: what costs accuracy, and what does not."""

import numpy as np
import pytest

from bakeoff.evaluation.corruptions import CORRUPTIONS, STRENGTHS
from bakeoff.evaluation.robustness import robustness_of
from bakeoff.said import Message

FOUR = CORRUPTIONS[:4]  # shift, turn, scale, thinner strokes


def test_the_three_costliest_corruptions_are_named() -> None:
    right = np.full((4, STRENGTHS), 90)
    right[1] = [90, 80, 60, 50, 40]
    right[3] = [80, 70, 70, 70, 60]
    result = robustness_of("cnn", FOUR, right, 0.94, 100)
    assert result.pictures == 100
    assert result.clean == 0.94
    assert result.mean == pytest.approx(right.mean() / 100)
    assert result.weakest == ["turn", "thinner strokes", "shift"]
    assert [outcome.name for outcome in result.corruptions] == [each.name for each in FOUR]
    assert result.corruptions[1].accuracy == [0.9, 0.8, 0.6, 0.5, 0.4]
    assert result.corruptions[1].strengths == ["3°", "6°", "9°", "12°", "15°"]
    assert result.corruptions[1].words == "rotated"
    assert result.words == (
        "Of 4 corruptions, “rotated” costs cnn most: it gets 64.0 % right on average over five "
        "strengths and 40.0 % at the strongest, against 94.0 % on clean pictures; then “drawn with "
        "thinner strokes” (70.0 %) and “shifted” (90.0 %)."
    )
    degrees = [Message("strength.degrees", {"n": n}) for n in (3, 6, 9, 12, 15)]
    assert result.corruptions[1].strengths_said == degrees


def test_an_approach_that_loses_little_is_robust() -> None:
    right = np.full((4, STRENGTHS), 93)
    words = robustness_of("cnn", FOUR, right, 0.94, 100).words
    assert words == (
        "cnn is robust to all 4 corruptions: on average over five strengths none costs more than "
        "2 points of the 94.0 % that it gets right on clean pictures."
    )
