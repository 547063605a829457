"""The logistic regression on what a ridge left out: it repairs, is honest, and can do nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.training.correct import CLASSES, SCALE, correct


def predictions(
    counts: tuple[int, ...], noise: float = 0.2, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """m×K predictions that are 1 for the class and 0 for others, but for the noise."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    generator = torch.Generator().manual_seed(seed)
    targets = F.one_hot(labels, len(counts)).float()
    return targets + noise * torch.randn(targets.shape, generator=generator), labels


def balanced(logits: Tensor, labels: Tensor) -> float:
    right = (logits.argmax(1) == labels).double()
    return float(np.mean([right[labels == label].mean().item() for label in range(3)]))


def test_a_class_with_few_pictures_is_named_again() -> None:
    x, labels = predictions((300, 300, 30))
    x[:, 2] *= 0.1  # as a ridge predicts it: towards its share of all pictures
    fitted = correct(x, labels)
    other, answers = predictions((300, 300, 300), seed=1)
    other[:, 2] *= 0.1
    assert balanced(other @ fitted.matrix + fitted.bias, answers) > balanced(other, answers) + 0.03


def test_unseen_is_unseen() -> None:
    x, labels = predictions((40, 40), noise=1.0)
    fitted = correct(x, labels)
    assert fitted.unseen.shape == x.shape
    seen = F.cross_entropy(x @ fitted.matrix + fitted.bias, labels)
    assert F.cross_entropy(fitted.unseen, labels) > seen
    # A picture whose label is another changes the answers to others, and not to itself.
    changed = labels.clone()
    changed[3] = 1
    again = correct(x, changed).unseen
    assert torch.allclose(again[3], fitted.unseen[3], atol=0.2)


def test_nothing_changes_where_there_is_nothing_to_repair() -> None:
    fitted = correct(*predictions((50, 50, 50), noise=0.2))
    assert torch.equal(fitted.matrix, SCALE * torch.eye(3))
    assert not fitted.bias.any()


@pytest.mark.parametrize("counts", [(1, 1), (1, 2, 5), (2,) * (CLASSES + 1), (0, 3, 3)])
def test_a_handful_and_many_classes(counts: tuple[int, ...]) -> None:
    fitted = correct(*predictions(counts))
    for part in (fitted.matrix, fitted.bias, fitted.unseen):
        assert torch.isfinite(part).all()


def test_perfect_predictions_have_a_bounded_scale() -> None:
    fitted = correct(*predictions((20, 20), noise=0.0))
    assert SCALE <= fitted.matrix[0, 0] <= 3 * SCALE
