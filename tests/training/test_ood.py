from __future__ import annotations

import numpy as np
import pytest
import torch

from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.training.ood import (
    DIRECTIONS,
    PENALTY,
    STEEPNESS,
    Blanks,
    CosineOOD,
    MahalanobisOOD,
    NearestOOD,
    SketchOOD,
    _left_out,
)
from bakeoff.training.sums import Drawn, OtherSums


def clouds(count: int, width: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes apart, each spread ten times as wide along the first direction."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.eye(3, width) * 30
    spread = torch.ones(width)
    spread[0] = 10
    return centres[labels] + torch.randn(count, width, generator=generator) * spread, labels


@pytest.mark.parametrize("width", [5, 40, DIRECTIONS + 30])
def test_training_pictures_score_about_1(width: int) -> None:
    ood = MahalanobisOOD(3, width).learn(*clouds(900, width))
    again, _ = clouds(900, width, seed=1)
    assert ood(again).mean().item() == pytest.approx(1, abs=0.2)


def test_rare_directions_count_more() -> None:
    ood = MahalanobisOOD(3, 8).learn(*clouds(900, 8))
    off = torch.eye(3, 8)[:1] * 30
    wide, narrow = off.clone(), off.clone()
    wide[0, 0] += 15
    narrow[0, 5] += 15
    assert ood(narrow).item() > 4 * ood(wide).item()


def test_fewer_pictures_than_dimensions() -> None:
    x, labels = clouds(12, 300)
    ood = MahalanobisOOD(3, 300).learn(x, labels)
    assert ood(clouds(30, 300, seed=1)[0]).isfinite().all()
    assert ood(torch.full((1, 300), 50.0)).item() > ood(x).max().item()


def test_pictures_that_are_all_the_same_leave_finite_distances() -> None:
    ood = MahalanobisOOD(2, 4).learn(torch.ones(6, 4), torch.tensor([0, 0, 0, 1, 1, 1]))
    assert ood(torch.zeros(2, 4)).isfinite().all()


def test_a_class_without_pictures_is_never_nearest() -> None:
    x, labels = clouds(300, 6)
    seen = labels < 2
    ood = MahalanobisOOD(3, 6).learn(x[seen], labels[seen])
    assert ood(torch.zeros(1, 6)).item() < 100
    assert ood(torch.full((1, 6), 1e3)).item() > 10


@pytest.mark.parametrize(
    ("count", "width"), [(9, 5), (300, 40), (30, 200), (200, 300), (70, 70), (12, 300), (3, 9)]
)
def test_distances_follow_from_the_covariance(count: int, width: int) -> None:
    x, labels = clouds(count, width)
    ood = MahalanobisOOD(3, width).learn(x, labels)
    y = x.double().numpy()
    means = np.stack([y[labels == label].mean(0) for label in range(3)])
    variances, vectors = np.linalg.eigh(np.cov(y - means[labels], rowvar=False, bias=True))
    others = variances[:-DIRECTIONS]
    variances[: len(others)] = others.mean() if len(others) else 0
    variances = np.maximum(
        variances,
        1e-9 + 1e-4 * np.trace(np.cov(y - means[labels], rowvar=False, bias=True)) / width,
    )
    probe = clouds(20, width, seed=1)[0]
    away = (probe.double().numpy()[:, None] - means) @ vectors
    expected = np.sqrt((away**2 / variances).sum(-1).min(1) / width)
    assert ood(probe).numpy() == pytest.approx(expected, rel=2e-3)  # float32 squares


@pytest.mark.parametrize(
    ("blank_of_class", "expected"),
    [((0, 0, 0), NOTHING_DRAWN), ((2, 1, 0), NOTHING_DRAWN), ((0, 6, 0), 1.5), ((0, 0, 5), 1.5)],
)
def test_blank_pictures_are_no_answer_unless_a_class_is_blank(
    blank_of_class: tuple[int, int, int], expected: float
) -> None:
    labels = torch.arange(30) % 3
    place = torch.arange(30) // 3  # 0 to 9 within its class
    blank = place < torch.tensor(blank_of_class)[labels]
    blanks = Blanks().learn(blank, labels)
    scores = blanks(torch.tensor([1.5, 1.5, 1e30]), torch.tensor([True, False, False]))
    assert scores.tolist()[:2] == [expected, 1.5]
    assert scores[2].item() < NOTHING_DRAWN


def directions(count: int, first: int, *, seed: int = 0) -> torch.Tensor:
    """Features around one of 12 directions each, from number `first` on, three in turn."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(12, 40, generator=torch.Generator().manual_seed(7)).relu()
    return (
        centres[first + torch.arange(count) % 3]
        + 0.3 * torch.randn(count, 40, generator=generator).relu()
    )


def learned(known: Drawn, pens: Drawn, others: Drawn) -> SketchOOD:
    """From features that are themselves values in which classes differ."""
    return SketchOOD.learn(known, pens, OtherSums(others), 3, torch.eye(40))


def sketch_ood(per_class: int = 40, kinds: int = 6) -> SketchOOD:
    rows = torch.arange(3 * per_class)
    known = Drawn(directions(len(rows), 0), rows % 3, rows)
    pens = Drawn(directions(len(rows), 0, seed=1), rows % 3, rows)
    others = torch.cat([directions(60, 3), directions(60, 6)])
    every = torch.arange(120)
    labels = 7 * ((every % 3 + 3 * (every // 60)) % kinds)
    return learned(known, pens, Drawn(others, labels, torch.full_like(labels, -1)))


@pytest.mark.parametrize("kinds", [1, 2, 6])
def test_others_and_what_is_like_neither_score_higher_than_the_known(kinds: int) -> None:
    ood = sketch_ood(kinds=kinds)
    again = ood(directions(90, 0, seed=2))
    assert again.median().item() == pytest.approx(1, abs=0.3)
    for first in (3, 9):  # others of the kind that was learned from, and of no kind
        assert ood(directions(90, first, seed=3)).min().item() > again.max().item()


@pytest.mark.parametrize("per_class", [1, 2, 5])
def test_a_few_pictures_suffice(per_class: int) -> None:
    ood = sketch_ood(per_class)
    scores = ood(torch.cat([directions(30, 0, seed=2), torch.zeros(1, 40)]))
    assert scores.isfinite().all()
    assert (scores > 0).all()


@pytest.mark.parametrize("per_class", [2, 40])
def test_the_margin_is_that_of_a_ridge_over_all_drawings(per_class: int) -> None:
    rows = torch.arange(3 * per_class)
    known = Drawn(directions(len(rows), 0), rows % 3, rows)
    pens = Drawn(directions(6, 0, seed=1), torch.arange(6) % 3, torch.arange(6))
    others = Drawn(directions(60, 3), 5 + torch.arange(60) % 3, torch.full((60,), -1))
    ood = learned(known, pens, others)
    ours = len(rows) + 6
    x = torch.cat([known.features, pens.features, others.features]).double().numpy()
    share = np.repeat([0.5 / ours, 0.5 / 60], [ours, 60])
    classes = torch.cat([known.labels, pens.labels, others.labels - 2]).numpy()
    targets = np.eye(6)[classes]
    usual = share @ targets
    mean = share @ x
    deviation = np.sqrt(share @ (x - mean) ** 2)
    scale = deviation + 0.1 * deviation.mean()
    z = (x - mean) / scale
    products = (z * share[:, None]).T @ z
    ridge = products + PENALTY * products.diagonal().mean() * np.eye(40)
    weights = np.linalg.solve(ridge, (z * share[:, None]).T @ (targets - usual))
    probe = directions(30, 2, seed=4)
    predicted = (probe.double().numpy() - mean) / scale @ weights + usual
    margin = np.sqrt((predicted[:, 3:].clip(min=0) ** 2).sum(1)) - predicted[:, :3].max(1)
    assert ood.margin(probe).numpy() == pytest.approx(margin, abs=2e-3)  # halves hold the others'


def test_a_drawing_is_left_out_with_whichever_pen_drew_it() -> None:
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(20, 6)), rng.normal(size=(20, 2))
    known = np.array([3, 4, 6, 7, 9, 10, 12, 14, 15, 18])
    # One was drawn once, one three times, one never; number 5 is not among the known.
    pens = np.array([4, 6, 18, 6, 9, 5, 18, 6, 3, 10])
    ridge = x.T @ x + 0.5 * np.eye(6)
    across = np.linalg.solve(np.linalg.cholesky(ridge), x.T).T
    wrong = targets - x @ np.linalg.solve(ridge, x.T @ targets)
    found = _left_out(*map(torch.from_numpy, (across, wrong, known, pens)))
    for place, number in enumerate(known):
        rest = np.concatenate([known, pens]) != number
        again = x[rest].T @ x[rest] + 0.5 * np.eye(6)
        weights = np.linalg.solve(again, x[rest].T @ targets[rest])
        assert found[place].numpy() == pytest.approx(targets[place] - x[place] @ weights)


def test_it_is_loaded_from_its_tensors() -> None:
    ood = sketch_ood()
    same = SketchOOD.like(ood.state_dict())
    same.load_state_dict(ood.state_dict())
    x = directions(9, 4)
    assert torch.equal(same(x), ood(x))


def directed(count: int, width: int, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three classes that differ in direction; the lengths of features say nothing."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    towards = 3 * torch.eye(3, width)[labels] + 0.2 * torch.rand(count, width, generator=generator)
    return towards * torch.rand(count, 1, generator=generator).add(0.2), labels


@pytest.mark.parametrize("count", [6, 30, 900])
def test_photos_of_other_things_score_higher(count: int) -> None:
    ood = CosineOOD(3, 50).learn(*directed(count, 50))
    again, _ = directed(300, 50, seed=1)
    assert ood(again.roll(10, dims=1)).min().item() > 2 * ood(again).max().item()
    assert torch.allclose(ood(again), ood(again * 7), atol=1e-5)


def test_the_cosine_score_is_the_angle_to_the_nearest_class() -> None:
    x, labels = directed(30, 8)
    ood = CosineOOD(3, 8).learn(x, labels)
    unit = (x / x.norm(dim=1, keepdim=True)).numpy()
    means = np.stack([unit[labels.numpy() == label].mean(0) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    probe = directed(20, 8, seed=1)[0] + 0.3
    ends = probe / probe.norm(dim=1, keepdim=True)
    cosines = (ends.numpy() @ means.T).max(1)
    np.testing.assert_allclose(ood(probe).numpy(), 1 - cosines, atol=1e-6)


def test_a_class_without_photos_and_a_photo_without_features_leave_finite_scores() -> None:
    x, labels = directed(9, 6)
    seen = labels < 2
    ood = CosineOOD(3, 6).learn(x[seen], labels[seen])
    assert ood(x[~seen]).min().item() > ood(x[seen]).max().item()
    assert ood(torch.zeros(1, 6)).isfinite().all()
    alone = CosineOOD(3, 6).learn(x[:3], labels[:3])
    assert alone(x).isfinite().all()
    same = CosineOOD.like(ood.state_dict())
    same.load_state_dict(ood.state_dict())
    assert torch.equal(same(x), ood(x))


# -- nearest neighbours ------------------------------------------------------------------------


def test_the_nearest_of_the_set_say_how_strange_a_direction_is() -> None:
    x, _ = clouds(600, 8)
    near = NearestOOD.learn(x[:400], x[400:])
    again, _ = clouds(300, 8, seed=1)
    assert near(again).median().item() == pytest.approx(1, abs=0.1)
    assert near(again).quantile(0.97).item() == pytest.approx(np.exp(STEEPNESS), rel=0.5)
    assert near(-again).min().item() > near(again).quantile(0.97).item()
    torch.testing.assert_close(near(5 * again), near(again), rtol=1e-3, atol=0)  # no length


def test_the_mean_of_three_cosines_is_the_distance() -> None:
    x, _ = clouds(90, 5)
    near = NearestOOD.learn(x, x)
    y = torch.nn.functional.normalize(x, dim=1).half().double().numpy()
    q = np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    cosines = np.sort(y @ (q / np.linalg.norm(q)))[-3:]
    found = near.distance(torch.tensor(q)[None].float()).item()
    assert found == pytest.approx(1 - cosines.mean(), abs=1e-6)


def test_equal_embeddings_leave_finite_scores() -> None:
    near = NearestOOD.learn(torch.ones(9, 4), torch.ones(6, 4))
    assert near(torch.tensor([[1.0, 1, 1, 1], [-1, 1, 1, 1], [0, 0, 0, 0]])).isfinite().all()


def test_references_of_wide_embeddings_are_fewer_or_none() -> None:
    assert NearestOOD.room(64) == 4_000
    assert NearestOOD.room(512) == 2_048
    assert NearestOOD.room(2_170) == 0


def test_one_with_room_for_references_takes_them() -> None:
    x, _ = clouds(60, 8)
    near = NearestOOD.learn(x[:40], x[40:])
    same = NearestOOD.like(near.state_dict())
    same.load_state_dict(near.state_dict())
    assert torch.equal(same(x), near(x))
