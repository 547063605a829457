"""The likelihood of a new class, beside scipy's, and with drawings left out one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from bakeoff.training.plda import NewClass
from bakeoff.training.sums import Drawn, OtherSums

WIDTH = 6
OTHERS = 200  # classes


def drawings(kinds: int, each: int, *, seed: int, first: int = 0) -> Drawn:
    """Classes whose means differ most along the first direction, drawings along the last."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(kinds, WIDTH, generator=generator) * torch.linspace(4, 1, WIDTH)
    noise = torch.randn(kinds, each, WIDTH, generator=generator) * torch.linspace(0.5, 2, WIDTH)
    labels = torch.arange(kinds).repeat_interleave(each)
    return Drawn((means[:, None] + noise).flatten(0, 1), labels, first + torch.arange(kinds * each))


def no_pens(known: Drawn) -> Drawn:
    return Drawn(known.features[:0], known.labels[:0], known.rows[:0])


def fitted(known: Drawn, pens: Drawn | None = None) -> tuple[NewClass, torch.Tensor]:
    others = OtherSums(drawings(OTHERS, 8, seed=1))
    ratio = NewClass(int(known.labels.max()) + 1, WIDTH, WIDTH)
    left_out = ratio.learn(known, pens or no_pens(known), others, torch.eye(WIDTH))
    return ratio, left_out


@pytest.mark.parametrize("each", [1, 3, 40])
def test_it_is_the_log_ratio_of_two_normal_distributions(each: int) -> None:
    known = drawings(3, each, seed=2)
    ratio, _ = fitted(known)
    asked = drawings(5, 4, seed=3).features
    directions = ratio.get_buffer("directions").double().numpy()
    between = 1 / ratio.get_buffer("new").double().numpy() - 1
    origin = ratio.get_buffer("origin").double().numpy()

    def place(x: torch.Tensor) -> np.ndarray:
        values: np.ndarray = x.double().numpy() @ directions - origin
        return values

    new = multivariate_normal(np.zeros(WIDTH), np.diag(1 + between)).logpdf(place(asked))
    likely = []
    for label in range(3):
        values = place(known.features[known.labels == label])
        gain = each * between / (each * between + 1)
        spread = 1 + between / (each * between + 1)
        one = multivariate_normal(gain * values.mean(0), np.diag(spread))
        likely.append(one.logpdf(place(asked)))
    assert ratio(asked).numpy() == pytest.approx(new - np.max(likely, 0), rel=1e-3, abs=1e-3)


def test_directions_whiten_what_varies_within_classes() -> None:
    ratio, _ = fitted(drawings(3, 300, seed=2))
    known = drawings(40, 50, seed=9)
    values = known.features @ ratio.get_buffer("directions").float()
    apart = values - values.view(40, 50, -1).mean(1).repeat_interleave(50, 0)
    covariance = apart.T @ apart / (40 * 49)
    largest = covariance.diagonal()
    assert largest.min() > 0.3  # below 1, as variances are made larger
    assert largest.max() < 1.1
    assert (covariance - torch.diag(largest)).abs().max() < 0.1
    spread = 1 / ratio.get_buffer("new") - 1
    assert spread.max() > 10 * spread.min()


@pytest.mark.parametrize("penned", [False, True])
def test_known_drawings_are_scored_as_if_they_were_left_out(penned: bool) -> None:
    known = drawings(3, 6, seed=2)
    pens = known._replace(features=known.features + 0.3) if penned else no_pens(known)
    ratio, left_out = fitted(known, pens)
    # The same directions, and classes without one drawing.
    for row in (0, 7, 17):
        rest, rest_pens = (
            Drawn(*(part[each.rows != row] for part in each)) for each in (known, pens)
        )
        other = NewClass(3, WIDTH, WIDTH)
        other.learn(rest, rest_pens, OtherSums(drawings(OTHERS, 8, seed=1)), torch.eye(WIDTH))
        score = other(known.features[row : row + 1]).item()
        assert left_out[row].item() == pytest.approx(score, rel=0.05, abs=0.1)
        inside = ratio(known.features[row : row + 1]).item()
        assert inside < left_out[row].item()


def test_a_class_of_one_drawing_is_a_new_class_without_it() -> None:
    _, left_out = fitted(drawings(1, 1, seed=2))
    assert left_out.item() == pytest.approx(0, abs=1e-4)


def test_a_class_without_drawings_is_never_likely() -> None:
    known = drawings(3, 20, seed=2)
    some = Drawn(*(part[known.labels != 1] for part in known))
    ratio, left_out = fitted(some)
    assert ratio(known.features[known.labels == 1]).median() > 5
    assert left_out.median() < 0
