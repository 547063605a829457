"""Every knob of the CNN is reachable and does what it says."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from bakeoff.approaches import CNN
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Budget

from .tasks import kinds, logits
from .tasks import task as any_task

task = partial(any_task, pictures=60_000)  # too many for wavelets


def convolutions(cnn: CNN, side: int = 28, channels: int = 1) -> list[tuple[int, int, int]]:
    """In, out and kernel size of each convolutional layer."""
    network = cnn.build(task(side=side, channels=channels, mode="photo"))
    return [
        (part.in_channels, part.out_channels, part.kernel_size[0])
        for part in network.modules()
        if isinstance(part, nn.Conv2d)
    ]


def test_filters_are_the_number_and_widths_of_layers() -> None:
    assert convolutions(CNN(filters=(4, 6, 5))) == [(1, 4, 3), (4, 6, 3), (6, 5, 3)]
    assert convolutions(CNN(filters=(7,)), channels=3) == [(3, 7, 3)]


def test_a_quick_cnn_is_half_as_wide() -> None:
    def widths(cnn: CNN, budget: Budget) -> list[int]:
        network = cnn.build(replace(task(), budget=budget))
        return [part.out_channels for part in network.modules() if isinstance(part, nn.Conv2d)]

    assert [2 * width for width in widths(CNN(), "quick")] == widths(CNN(), "standard")
    assert widths(CNN(filters=(4, 6)), "quick") == [4, 6]


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_kernel_size_leaves_the_side_alone(size: int) -> None:
    cnn = CNN(filters=(4, 4), kernel_size=size, pool_after=())
    assert {kernel for _, _, kernel in convolutions(cnn)} == {size}
    features = cnn.build(task()).body[:-2](torch.rand(2, 1, 28, 28))  # type: ignore[index]
    assert features.shape == (2, 4, 28, 28)


@pytest.mark.parametrize(
    ("settings", "pools"),
    [
        (CNN(filters=(4,) * 5), 3),
        (CNN(filters=(4,) * 4, pool_after=(2,)), 1),
        (CNN(filters=(4,) * 4, pool_after=(1, 2, 3, 4)), 3),  # 28, 14, 7, 3: no 4 to halve
        (CNN(filters=(4,) * 4, pool_after=()), 0),
    ],
)
def test_pool_after_says_where_to_halve(settings: CNN, pools: int) -> None:
    network = settings.build(task())
    assert len(kinds(network, nn.MaxPool2d)) == pools
    assert logits(settings, task()).shape == (2, 3)


def test_pool_after_counts_layers_from_one() -> None:
    body = CNN(filters=(4, 4), pool_after=(2,)).build(task()).body
    names = [type(part).__name__ for part in body]  # type: ignore[attr-defined]
    assert names.index("MaxPool2d") > [i for i, name in enumerate(names) if name == "Conv2d"][1]


def test_pooling_is_max_or_average() -> None:
    most, mean = CNN(filters=(4,)), CNN(filters=(4,), pooling="average")
    assert kinds(most.build(task()), nn.MaxPool2d)
    assert not kinds(mean.build(task()), nn.MaxPool2d)
    assert not torch.allclose(logits(most, task()), logits(mean, task()))


def test_dense_are_hidden_layers_of_the_head() -> None:
    def widths(cnn: CNN) -> list[int]:
        return [
            part.out_features for part in cnn.build(task()).modules() if isinstance(part, nn.Linear)
        ]

    assert widths(CNN()) == [3]
    assert widths(CNN(dense=(20, 10))) == [20, 10, 3]


def test_batch_norm_comes_after_each_conv_or_not_at_all() -> None:
    with_norm = CNN().build(task())
    without = CNN(batch_norm=False).build(task())
    assert len(kinds(with_norm, nn.BatchNorm2d)) == 5
    assert not kinds(without, nn.BatchNorm2d)
    assert {conv.bias is None for conv in kinds(with_norm, nn.Conv2d)} == {True}
    assert {conv.bias is None for conv in kinds(without, nn.Conv2d)} == {False}


def test_dropout_comes_before_each_dense_layer_in_training_only() -> None:
    network = CNN(filters=(4,), dense=(9,), dropout=0.5).build(task())
    assert [vars(part)["p"] for part in kinds(network, nn.Dropout)] == [0.5, 0.5]
    x = torch.rand(4, 1, 28, 28)
    assert not torch.equal(network.train()(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


@pytest.mark.parametrize("side", [1, 7, 16, 17, 28, 33, 64, 65])
@pytest.mark.parametrize("given", [True, False])
def test_every_side_works(side: int, given: bool) -> None:
    cnn = CNN(filters=(4, 4, 4, 4, 4), side=max(side, 4) if given else None)
    size = cnn.preprocess(task(side=side)).size
    assert size == max(side, 4) if given else 16 <= size <= 64
    assert logits(cnn, task(side=side, classes=7)).shape == (2, 7)


def test_the_head_knows_roughly_where() -> None:
    cnn = CNN(filters=(8, 8))
    torch.manual_seed(0)
    network = cnn.build(task()).eval()
    x = torch.zeros(2, 1, 28, 28)
    x[0, :, 4:8, 4:8] = 1
    x[1, :, 20:24, 20:24] = 1
    here, there = network(x)
    assert not torch.allclose(here, there, atol=1e-3)


@pytest.mark.parametrize("cnn", [CNN(filters=()), CNN(kernel_size=4), CNN(kernel_size=0)])
def test_invalid_cnns_are_refused(cnn: CNN) -> None:
    with pytest.raises(BakeoffError, match="at least one layer of filters and an odd kernel size"):
        cnn.build(task())
