"""Where pictures are few, CNN and ViT begin with fixed wavelets, and share what these see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bakeoff.approaches import CNN, Approach, Task, ViT
from bakeoff.approaches.settings import configure
from bakeoff.approaches.stem import FEW, ROOM, Quarters
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.read import read
from bakeoff.record.config import Budget
from bakeoff.training.compute import Compute
from bakeoff.training.scattering import Scattering
from bakeoff.training.sources import FeatureSource

from .tasks import logits, task

CPU = Compute("cpu", 1, bf16=False)


@pytest.mark.parametrize("approach", [CNN(), ViT()])
def test_few_pictures_are_seen_by_wavelets_and_many_by_learned_filters(approach: Approach) -> None:
    assert isinstance(approach.frozen(task(pictures=FEW)), Scattering)
    assert approach.frozen(task(pictures=FEW + 1)) is None


def test_a_stem_can_be_asked_for_whatever_the_number_of_pictures() -> None:
    few, many = task(pictures=60), task(pictures=60_000)
    assert CNN(stem="pixels").frozen(few) is None
    assert ViT(stem="conv").frozen(few) is ViT(stem="patch").frozen(few) is None
    assert ViT(patch=7).frozen(few) is None  # wavelets have no patches
    assert CNN(stem="scattering").frozen(many) is not None
    assert configure("vit", {"stem": "scattering"}).frozen(many) is not None


@pytest.mark.parametrize("approach", [CNN(), ViT(), CNN(filters=(5,)), ViT(embed_dim=2)])
@pytest.mark.parametrize(("mode", "channels"), [("ink", 1), ("photo", 1), ("photo", 3)])
@pytest.mark.parametrize("side", [8, 28, 300])
def test_a_network_on_wavelets_answers(
    approach: Approach, mode: str, channels: int, side: int
) -> None:
    of = task(mode="ink" if mode == "ink" else "photo", channels=channels, side=side, classes=4)
    assert logits(approach, of).shape == (2, 4)
    assert approach.preprocess(of).size == (48 if side <= 32 else 64)
    assert replace(approach, side=20).preprocess(of).size == 20
    assert logits(replace(approach, side=20), of).shape == (2, 4)


def test_layers_after_the_wavelets_are_those_of_the_settings() -> None:
    of = task()
    wavelets = CNN().frozen(of)
    assert wavelets is not None
    network = CNN(filters=(5, 7), kernel_size=5).build(of)
    found = {name: tuple(each.shape) for name, each in network.named_parameters() if each.ndim == 4}
    assert list(found.values()) == [(5, wavelets.paths, 1, 1), (5, 5, 5, 5), (7, 5, 5, 5)]
    tokens = dict(ViT(embed_dim=32).build(of).named_parameters())["body.places"]
    assert tokens.shape == (1, 16, 32)


def test_quarters_know_where() -> None:
    x = torch.zeros(1, 2, 4, 4)
    x[0, 1, 3, 0] = 8  # bottom left
    assert Quarters(4)(x).tolist() == [[0, 0, 0, 0, 0, 0, 2, 0]]


def test_views_are_fewer_where_there_is_less_time_or_more_to_keep() -> None:
    def views(pictures: int, **of: object) -> int:
        return CNN().most_views(replace(task(pictures=pictures), **of))  # type: ignore[arg-type]

    assert views(300, budget="quick") == views(300) // 2 == 8
    assert 1 <= views(FEW) < 8
    for pictures in (100, 800, FEW):
        of = task(pictures=pictures)
        wavelets = CNN().frozen(of)
        assert wavelets is not None
        assert (1 + CNN().most_views(of)) * pictures * wavelets.width <= ROOM
    assert CNN(stem="scattering").most_views(task(pictures=60_000)) == 0


def test_label_smoothing_and_optimizer_follow_the_stem_unless_they_are_given() -> None:
    def settings(approach: Approach, pictures: int) -> tuple[object, object]:
        training = approach.schedule(pictures, task(pictures=pictures))
        return training.optimizer, training.label_smoothing

    assert settings(CNN(), 800) == settings(ViT(), 800) == ("muon", 0.1)
    assert settings(CNN(), 60_000) == ("muon", 0.1)
    assert settings(ViT(), 60_000) == ("muon", 0.0)
    assert settings(CNN(stem="pixels"), 800) == ("adamw", 0.1)
    assert settings(ViT(stem="conv"), 800) == ("adamw", 0.0)
    told = {"optimizer": "adamw", "label_smoothing": 0.05}
    assert settings(configure("vit", told), 800) == ("adamw", 0.05)
    assert settings(configure("vit", told | {"optimizer": "muon"}), 60_000) == ("muon", 0.05)


@pytest.mark.parametrize("name", ["cnn", "vit"])
def test_many_pictures_are_seen_in_fewer_epochs_of_small_batches(name: str) -> None:
    def steps(pictures: int, budget: Budget, **told: object) -> tuple[int | None, int | None]:
        of = replace(task(pictures=pictures), budget=budget)
        training = configure(name, told).schedule(pictures, of)
        return training.epochs, training.batch_size

    assert steps(5_000, "quick") == (5, 64)
    assert steps(60_000, "quick") == steps(1_000_000, "quick") == (1, 32)
    assert steps(60_000, "standard") == (8, 64)
    assert steps(60_000, "standard", optimizer="adamw") == (12, 256)
    assert steps(60_000, "quick", epochs=3) == (3, 64)
    assert steps(60_000, "quick", batch_size=100) == (1, 100)
    # On wavelets, all epochs are needed.
    assert steps(800, "quick") == (17, 64)


def test_approaches_on_wavelets_make_the_same_features_of_the_same_views() -> None:
    dataset = read("doodles").take(np.arange(0, 1000, 40))
    of = Task.of(dataset.pictures, len(dataset.classes), budget="quick")
    trainers = {
        name: Trainer(configure(name, {}), of, dataset.pictures, dataset.labels, CPU, seed=5)
        for name in ("cnn", "vit")
    }
    one, other = (trainer.source for trainer in trainers.values())
    assert isinstance(one, FeatureSource)
    assert isinstance(other, FeatureSource)
    assert one.features.shape[0] == 9
    assert torch.equal(one.features, other.features)
    keys = {trainer.approach.input_key(of) for trainer in trainers.values()}
    assert len(keys) == 1
    trainers["vit"].share(trainers["cnn"])
    assert trainers["vit"].source is one


def test_a_cnn_on_wavelets_learns_from_few_drawings() -> None:
    dataset = read("doodles").take(np.arange(0, 1000, 5))
    of = Task.of(dataset.pictures, len(dataset.classes), budget="quick")
    train, rest = np.arange(0, 200, 2), np.arange(1, 200, 2)
    right = {}
    for stem in ("scattering", "pixels"):
        approach = configure("cnn", {"stem": stem})
        trainer = Trainer(approach, of, dataset.pictures, dataset.labels, CPU, seed=1)
        trained = trainer.fit("fold 1", train=train, validation=train[:0])
        answers = trained.model.logits_of(dataset.pictures.take(rest), CPU).argmax(1)
        right[stem] = (answers == dataset.labels[rest]).mean()
    assert right["scattering"] > right["pixels"]
    assert right["scattering"] >= 0.85
