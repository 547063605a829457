"""What is said of changes that were stood, and of those that were not."""

import numpy as np
import pytest

from bakeoff.evaluation.corruptions import CHANGES, STRENGTHS
from bakeoff.evaluation.robustness import robustness_of

SOME = CHANGES[:4]  # shift, turn, scale, thinner strokes


def test_the_three_that_cost_most_are_named_the_worst_first() -> None:
    right = np.full((4, STRENGTHS), 90)
    right[1] = [90, 80, 60, 50, 40]
    right[3] = [80, 70, 70, 70, 60]
    found = robustness_of("cnn", SOME, right, 0.94, 100)
    assert found.pictures == 100
    assert found.clean == 0.94
    assert found.mean == pytest.approx(right.mean() / 100)
    assert found.weakest == ["turn", "thinner strokes", "shift"]
    assert [one.name for one in found.corruptions] == [one.name for one in SOME]
    assert found.corruptions[1].accuracy == [0.9, 0.8, 0.6, 0.5, 0.4]
    assert found.corruptions[1].strengths == ["3°", "6°", "9°", "12°", "15°"]
    assert found.corruptions[1].words == "turned"
    assert found.words == (
        "Of 4 changes, cnn stands turn worst: 64.0 % over five strengths and 40.0 % at the "
        "strongest, against 94.0 % on clean pictures; then thinner strokes (70.0 %) and shift "
        "(90.0 %)."
    )


def test_little_is_said_to_be_little() -> None:
    right = np.full((4, STRENGTHS), 93)
    words = robustness_of("cnn", SOME, right, 0.94, 100).words
    assert words == (
        "cnn stands all 4 changes: over five strengths none costs it more than 2 points of the "
        "94.0 % on clean pictures."
    )
