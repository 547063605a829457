"""Scattering: what it makes of a task, and that it needs no picture it is not given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bakeoff.approaches import Scatterer, Task
from bakeoff.approaches.trainer import Trained, Trainer
from bakeoff.data.pictures import Pictures
from bakeoff.evaluation.calibration import fit_temperature
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Training
from bakeoff.training.sources import FeatureSource

from ..strokes import strokes
from .tasks import logits, task

CPU = Compute("cpu", 1, False)
SMALL = Scatterer(side=16, scales=2, orientations=4, grid=3)
NONE = np.empty(0, dtype=np.int64)


def trainer(approach: Scatterer = SMALL, **changes: Any) -> Trainer:
    dataset = strokes()
    of = replace(Task.of(dataset.pictures, 3), **changes)
    return Trainer(approach, of, dataset.pictures, dataset.labels, CPU, seed=0)


def fitted(count: int = 45, **how: Any) -> Trained:
    return trainer().fit("fold 1", train=np.arange(count), validation=NONE, **how)


@pytest.mark.parametrize(
    ("side", "pictures", "expected"),
    [(8, 500, 48), (28, 500, 48), (32, 500, 48), (33, 500, 64), (900, 500, 64), (28, 60_000, 32)],
)
def test_the_side_follows_the_pictures(side: int, pictures: int, expected: int) -> None:
    of = replace(task(side=side), pictures=pictures)
    assert Scatterer().preprocess(of).size == expected
    assert Scatterer(side=20).preprocess(of).size == 20


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("own", [{}, {"scales": 3, "orientations": 4, "grid": 2}])
def test_any_setting_and_colour(channels: int, own: dict[str, Any]) -> None:
    of = task(side=28, channels=channels, mode="photo", classes=4)
    assert logits(Scatterer(**own), of).shape == (2, 4)


def test_many_pictures_have_fewer_features() -> None:
    few, many = (Scatterer().frozen(replace(task(), pictures=n)).width for n in (10_000, 10_001))
    assert (few, many) == (3856, 2032)


def test_views_are_on_other_paper_or_warped_or_not_made() -> None:
    plain, paper = task(side=28), replace(task(side=160), paper=True)
    quick = replace(plain, budget="quick")
    for of, background, strength in [(plain, 0, 1), (paper, 1, 0), (quick, 0, 0)]:
        assert (Scatterer().background(of), Scatterer().augment(of).strength) == (
            background,
            strength,
        )
    in_a_hurry = replace(paper, budget="quick")
    assert Scatterer().background(in_a_hurry) == 1  # an unseen paper is worth the time
    none = Scatterer(nuisance=0)
    assert (none.background(paper), none.augment(plain).strength) == (0, 0)
    asked = Scatterer(training=Training(augment=0.7))
    assert asked.augment(quick).strength == 0.7


def test_strokes_are_learned_in_one_step() -> None:
    trained = fitted()
    (epoch,) = trained.fitted.curve
    assert (epoch.number, epoch.of, trained.fitted.best_epoch) == (1, 1, 1)
    assert epoch.validation_accuracy is not None
    assert epoch.validation_accuracy > 0.9
    dataset = strokes()
    rest = np.arange(45, 60)
    answers = trained.model.logits_of(dataset.pictures.take(rest), CPU)
    assert (answers.argmax(1) == dataset.labels[rest]).mean() > 0.9


def test_rows_that_are_not_given_do_not_matter() -> None:
    # Whatever the held-out pictures and their labels are, a fold's model is the same.
    dataset = strokes()
    pictures = [dataset.pictures[row] for row in range(45)]
    pictures += [255 - picture for picture in pictures[:15]]
    labels = np.concatenate([dataset.labels[:45], np.full(15, 2)])
    of = Task.of(dataset.pictures, 3)
    other = Trainer(SMALL, of, Pictures.from_array(np.stack(pictures)), labels, CPU, seed=0)
    usual = fitted()
    unusual = other.fit("fold 1", train=np.arange(45), validation=NONE)
    assert usual.temperature == pytest.approx(unusual.temperature, abs=1e-3)
    rest = dataset.pictures.take(np.arange(45, 60))
    np.testing.assert_allclose(
        usual.model.logits_of(rest, CPU), unusual.model.logits_of(rest, CPU), atol=1e-2
    )


def test_the_temperature_comes_from_rows_left_out() -> None:
    trained = fitted()
    left_out = trained.fitted.unseen_logits
    assert left_out is not None
    assert trained.fitted.unseen.tolist() == list(range(45))
    labels = strokes().labels[:45]
    assert trained.temperature == fit_temperature(left_out.numpy(), labels)
    assert fitted(temperature=0.4).temperature == 0.4
    # The answers to pictures that it learned from are too sure to set a temperature.
    seen = trained.model.logits_of(strokes().pictures.take(np.arange(45)), CPU)
    assert np.abs(seen - left_out.numpy()).max() > 0.5


def test_validation_rows_are_not_learned_from() -> None:
    with_some = trainer().fit("final", train=np.arange(40), validation=np.arange(40, 45))
    without = trainer().fit("final", train=np.arange(40), validation=NONE)
    for one, two in zip(
        with_some.model.state_dict().values(), without.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two)


def test_weighted_pictures_count_more() -> None:
    weights = np.ones(60, dtype=np.float32)
    equal, same = fitted(), fitted(weights=weights * 3)
    weights[strokes().labels == 0] = 1e-6
    rest = strokes().pictures.take(np.arange(45, 60))
    answers = [
        trained.model.logits_of(rest, CPU) for trained in (equal, same, fitted(weights=weights))
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-3)
    assert [bool((answer.argmax(1) == 0).any()) for answer in answers] == [True, True, False]


def test_all_folds_use_one_product_of_all_features() -> None:
    one = trainer(replace(SMALL, nuisance=0.0))
    assert isinstance(one.source, FeatureSource)
    assert "gram" not in vars(one.source)
    one.fit("fold 1", train=np.arange(40), validation=NONE)
    gram = one.source.gram
    one.fit("fold 2", train=np.arange(20, 60), validation=NONE)
    assert one.source.gram is gram
    assert gram.shape == (60, 60)


def test_features_are_exact_even_where_training_is_not() -> None:
    exact, rough = (
        Trainer(SMALL, one.task, one.pictures, one.labels, compute, seed=0).source
        for one in (trainer(),)
        for compute in (CPU, Compute("cpu", 1, True))
    )
    assert isinstance(exact, FeatureSource)
    assert isinstance(rough, FeatureSource)
    assert torch.equal(exact.features, rough.features)


def test_every_view_has_another_background() -> None:
    one = trainer(paper=True)
    assert isinstance(one.source, FeatureSource)
    plain, *views = one.source.features
    assert len(views) == 4
    for number, view in enumerate(views):
        assert not torch.equal(view, plain)
        assert all(not torch.equal(view, other) for other in views[:number])
