from __future__ import annotations

import numpy as np
import pytest

from bakeoff.evaluation.mistakes import confused_pairs, mistakes

CLASSES = ("anchor", "balloon", "spiral")


def test_mistakes_are_ranked_by_loss_and_name_their_rows() -> None:
    probabilities = np.array(
        [[0.4, 0.6, 0.0], [0.9, 0.1, 0.0], [0.05, 0.05, 0.9], [0.5, 0.1, 0.4]], dtype=np.float32
    )
    labels = np.array([0, 0, 1, 2])
    names = [f"picture{row}.png" for row in range(10)]
    found = mistakes(probabilities, labels, CLASSES, names, np.array([7, 1, 9, 2]))
    assert [(one.index, one.name) for one in found] == [
        (9, "picture9.png"),
        (2, "picture2.png"),
        (7, "picture7.png"),
    ]
    worst = found[0]
    assert (worst.truth, worst.answer) == ("balloon", "spiral")
    assert worst.probability == pytest.approx(0.9)
    assert worst.truth_probability == pytest.approx(0.05)
    assert worst.loss == pytest.approx(-np.log(0.05), rel=1e-6)


def test_equal_losses_are_sorted_by_row() -> None:
    probabilities = np.tile(np.array([[0.0, 1.0, 0.0]]), (3, 1))
    found = mistakes(probabilities, np.zeros(3, int), CLASSES, "abcdef", np.array([5, 0, 3]))
    assert [one.index for one in found] == [0, 3, 5]


def test_no_mistakes() -> None:
    assert mistakes(np.eye(3), np.arange(3), CLASSES, "abc", np.arange(3)) == []


def test_pairs_are_sorted_by_count_then_share() -> None:
    confusion = [[5, 2, 0], [2, 16, 2], [3, 0, 7]]
    pairs = confused_pairs(confusion, CLASSES, most=3)
    assert [(pair.truth, pair.answer, pair.count) for pair in pairs] == [
        ("spiral", "anchor", 3),
        ("anchor", "balloon", 2),
        ("balloon", "anchor", 2),
    ]
    assert [pair.share for pair in pairs] == pytest.approx([0.3, 2 / 7, 0.1])
    assert confusion[0][0] == 5


def test_no_confusion_no_pairs() -> None:
    assert confused_pairs(np.diag([3, 0, 2]), CLASSES) == []
