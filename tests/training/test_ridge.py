"""Ridge in closed form, beside scikit-learn and beside leaving out every row for real."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as Reference
from torch import Tensor

from bakeoff.training import ridge as module
from bakeoff.training.ridge import STRENGTHS, Nuisance, ridge

SIZES = [(40, 90), (120, 25)]  # rows and features: fewer rows, and more


def rows(count: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Three classes with means apart, in correlated noise far from the origin."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    mix = torch.randn(width, width, generator=generator) / width**0.5
    x = torch.randn(count, width, generator=generator) @ mix
    x[torch.arange(count), labels] += 1.5
    return x + 3, labels


def length(x: Tensor, weights: Tensor | None = None) -> float:
    """The mean squared length of the centred rows."""
    weights = torch.ones(len(x)) if weights is None else weights
    share = (weights / weights.sum()).double()
    apart = x.double() - share @ x.double()
    return float((share[:, None] * apart.square()).sum())


def reference(
    x: Tensor, labels: Tensor, penalty: float, weights: Tensor | None = None
) -> Reference:
    targets = np.eye(3)[labels]
    return Reference(alpha=penalty).fit(
        x.double().numpy(), targets, None if weights is None else weights.numpy()
    )


@pytest.mark.parametrize(("count", "width"), SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_weights_are_those_of_scikit_learn(count: int, width: int, weighted: bool) -> None:
    x, labels = rows(count, width)
    weights = torch.linspace(0.2, 3, count) if weighted else None
    solved = ridge(x, labels, 3, weights=weights)
    assert solved.strength in STRENGTHS
    scaled = None if weights is None else weights / weights.mean()
    expected = reference(x, labels, solved.strength * length(x, weights), scaled)
    np.testing.assert_allclose(solved.weights.T, expected.coef_, atol=2e-3)
    predicted = (x @ solved.weights + solved.bias).numpy()
    np.testing.assert_allclose(predicted, expected.predict(x.numpy()), atol=2e-3)


@pytest.mark.parametrize(("count", "width"), SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_left_out_is_left_out(count: int, width: int, weighted: bool) -> None:
    x, labels = rows(count, width)
    weights = torch.linspace(0.2, 3, count) if weighted else None
    solved = ridge(x, labels, 3, weights=weights)
    scaled = torch.ones(count) if weights is None else weights / weights.mean()
    assert solved.rows.tolist() == list(range(count))
    for row in (0, 7, count - 1):
        others = torch.arange(count) != row
        penalty = solved.strength * length(x, weights)
        without = reference(x[others], labels[others], penalty, scaled[others])
        expected = without.predict(x[row : row + 1].numpy())[0]
        np.testing.assert_allclose(solved.left_out[row], expected, atol=2e-3)


@pytest.mark.parametrize(("count", "width"), SIZES)
def test_the_strength_is_best_for_rows_left_out(count: int, width: int) -> None:
    x, labels = rows(count, width)
    noise = torch.randint(3, (count,), generator=torch.Generator().manual_seed(1))
    # Where there is nothing to learn, a strong penalty leaves the shares of the classes.
    assert ridge(x, noise, 3).strength > 1
    assert ridge(x, labels, 3).strength < 1
    clear = x + 50 * torch.eye(width)[labels]
    accuracy = (ridge(clear, labels, 3).left_out.argmax(1) == labels).double().mean()
    assert accuracy == 1


def test_known_products_change_nothing() -> None:
    x, labels = rows(40, 90)
    weights = torch.linspace(0.2, 3, 40)
    for some in (None, weights):
        plain, known = (ridge(x, labels, 3, weights=some, gram=gram) for gram in (None, x @ x.T))
        assert plain.strength == known.strength
        torch.testing.assert_close(plain.left_out, known.left_out, atol=1e-3, rtol=0)
        torch.testing.assert_close(plain.weights, known.weights, atol=1e-3, rtol=0)


def test_a_part_of_many_rows_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = rows(120, 25)
    monkeypatch.setattr(module, "STRENGTHS", (0.1,))
    whole = ridge(x, labels, 3)
    monkeypatch.setattr(module, "LEFT_OUT", 50)
    monkeypatch.setattr(module, "AT_ONCE", 32)
    part = ridge(x.half(), labels, 3)
    assert part.rows.tolist() == list(range(0, 120, 3))
    torch.testing.assert_close(part.left_out, whole.left_out[part.rows], atol=0.02, rtol=0)
    torch.testing.assert_close(part.weights, whole.weights, atol=0.02, rtol=0)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_rows(count: int) -> None:
    x, labels = rows(3, 5)
    solved = ridge(x[:count], labels[:count], 3)
    assert torch.isfinite(solved.weights).all()
    assert torch.isfinite(solved.left_out).all()


def views(count: int = 60, width: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    """5×n×D views that differ along one direction, by much; their labels; the direction."""
    x, labels = rows(count, width)
    generator = torch.Generator().manual_seed(2)
    paper = torch.zeros(width)
    paper[5:15] = 10**-0.5
    moved = torch.randn(5, count, 1, generator=generator) * 20 * paper
    return x + moved + 0.1 * torch.randn(5, count, width, generator=generator), labels, paper


def test_what_differs_between_views_is_reduced() -> None:
    seen, _, paper = views()
    nuisance = Nuisance.of(seen, 1.0, seed=0)
    other = torch.zeros(40)
    other[0], other[30] = 0.6, 0.8
    assert nuisance.reduce(paper[None]).norm() < 0.02
    assert nuisance.reduce(other[None]).norm() > 0.6
    gentle = Nuisance.of(seen, 1e-7, seed=0)
    assert gentle.reduce(paper[None]).norm() > 0.9
    again = Nuisance.of(seen, 1.0, seed=0)
    assert torch.equal(again.directions, nuisance.directions)


def test_a_ridge_ignores_the_nuisance() -> None:
    seen, labels, paper = views()
    x = seen.mean(0) + 10 * paper * (labels == 0)[:, None]  # the paper gives one class away
    solved = ridge(x, labels, 3, nuisance=Nuisance.of(seen, 1.0, seed=0))
    plain = ridge(x, labels, 3)
    assert (paper @ solved.weights).abs().max() * 3 < (paper @ plain.weights).abs().max()
    torch.testing.assert_close(
        (x @ solved.weights + solved.bias).mean(0), torch.full((3,), 1 / 3), atol=1e-3, rtol=0
    )


def test_views_without_a_difference_reduce_nothing() -> None:
    x, labels = rows(20, 30)
    nuisance = Nuisance.of(x.expand(3, -1, -1), 0.3, seed=0)
    torch.testing.assert_close(nuisance.reduce(x), x, atol=1e-2, rtol=1e-2)
    assert torch.isfinite(ridge(x, labels, 3, nuisance=nuisance).weights).all()


@pytest.mark.parametrize(("count", "width"), SIZES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_picture_is_left_out_with_all_its_views(count: int, width: int, weighted: bool) -> None:
    x, labels = rows(count, width)
    generator = torch.Generator().manual_seed(5)
    seen = torch.stack([x, *(x + 0.3 * torch.randn(x.shape, generator=generator) for _ in "ab")])
    weights = torch.linspace(0.2, 3, count) if weighted else None
    solved = ridge(seen, labels, 3, weights=weights)
    every = seen.flatten(0, 1)
    scaled = (torch.ones(count) if weights is None else weights / weights.mean()).repeat(3)
    penalty = solved.strength * length(every, scaled)
    expected = reference(every, labels.repeat(3), penalty, scaled)
    np.testing.assert_allclose(solved.weights.T, expected.coef_, atol=2e-3)
    for row in (0, 7, count - 1):
        others = torch.arange(3 * count) % count != row
        without = reference(every[others], labels.repeat(3)[others], penalty, scaled[others])
        answer = without.predict(x[row : row + 1].numpy())[0]
        np.testing.assert_allclose(solved.left_out[row], answer, atol=2e-3)


def test_a_part_of_many_views_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = rows(120, 25)
    monkeypatch.setattr(module, "STRENGTHS", (0.1,))
    whole = ridge(torch.stack([x, x + 0.1]), labels, 3)
    monkeypatch.setattr(module, "LEFT_OUT_VIEWS", 100)
    part = ridge(torch.stack([x, x + 0.1]), labels, 3)
    assert part.rows.tolist() == list(range(0, 120, 3))
    torch.testing.assert_close(part.left_out, whole.left_out[part.rows], atol=1e-4, rtol=0)
    torch.testing.assert_close(part.weights, whole.weights)
