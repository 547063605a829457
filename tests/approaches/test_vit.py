"""Every knob of the Vision Transformer is reachable and does what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bakeoff.approaches import ViT
from bakeoff.errors import BakeoffError

from .tasks import kinds, logits, task


def shapes(vit: ViT, side: int = 32) -> dict[str, tuple[int, ...]]:
    """Of every weight, by its name."""
    network = vit.build(task(side=side, pictures=60_000)).body
    return {name: tuple(weight.shape) for name, weight in network.state_dict().items()}


def test_patch_and_side_make_the_tokens() -> None:
    for patch, tokens in [(4, 64), (8, 16), (16, 4)]:
        assert shapes(ViT(patch=patch, side=32))["places"] == (1, tokens, 64)
    assert shapes(ViT(), side=32)["places"][1] == 64
    assert shapes(ViT(), side=16)["places"][1] == 16  # no patch is smaller than 4
    assert shapes(ViT(), side=48)["places"][1] == 36
    assert shapes(ViT(), side=500)["places"][1] == 64


@pytest.mark.parametrize("patch", [1, 2, 3, 5, 6, 7, 12])
@pytest.mark.parametrize("stem", ["conv", "patch"])
@pytest.mark.parametrize("side", [8, 27, 33])
def test_every_patch_fits_every_side(patch: int, stem: str, side: int) -> None:
    vit = ViT(patch=patch, stem="conv" if stem == "conv" else "patch", depth=1, side=side)
    size = vit.preprocess(task()).size
    assert size % patch == 0
    assert side <= size < side + patch
    assert logits(vit, task(classes=5)).shape == (2, 5)


def test_the_stem_is_convolutional_or_linear() -> None:
    cut, conv = ViT(patch=8, stem="patch").build(task()), ViT(patch=8).build(task())
    assert len(kinds(cut, nn.Conv2d)) == 1
    # Three that halve, one before the last of them and one after, and one that makes tokens.
    assert len(kinds(conv, nn.Conv2d)) == 6
    assert len(kinds(conv, nn.MaxPool2d)) == 3
    assert not kinds(cut, nn.BatchNorm2d)


def test_embed_dim_is_the_width_of_a_token() -> None:
    found = shapes(ViT(embed_dim=40))
    assert found["places"][-1] == 40
    assert found["blocks.0.attend.1.out.weight"][0] == 40


def test_key_and_value_widths_are_independent() -> None:
    found = shapes(ViT(embed_dim=32, num_heads=2, key_width=5, value_width=7))
    assert found["blocks.0.attend.1.project.weight"] == (2 * (5 + 5 + 7), 32)
    assert found["blocks.0.attend.1.out.weight"] == (32, 2 * 7)
    usual = shapes(ViT(embed_dim=32, num_heads=2))
    assert usual["blocks.0.attend.1.project.weight"] == (3 * 32, 32)


def test_heads_attend_independently() -> None:
    one, four = (logits(ViT(embed_dim=32, num_heads=heads), task()) for heads in (1, 4))
    assert not torch.allclose(one, four)
    odd = shapes(ViT(embed_dim=32, num_heads=3))  # 32 is no multiple of 3
    assert odd["blocks.0.attend.1.out.weight"] == (32, 30)


def test_attention_equals_that_of_torch() -> None:
    torch.manual_seed(0)
    block = kinds(ViT(embed_dim=32, num_heads=4, depth=1).build(task()), nn.Module)
    attention = next(part for part in block if type(part).__name__ == "_Attention")
    x = torch.randn(2, 9, 32)
    query, key, value = (
        part.transpose(1, 2)
        for part in attention.get_submodule("project")(x).view(2, 9, 4, 24).split(8, -1)
    )
    mixed = nn.functional.scaled_dot_product_attention(query, key, value)
    expected = attention.get_submodule("out")(mixed.transpose(1, 2).reshape(2, 9, 32))
    torch.testing.assert_close(attention(x), expected)


def test_depth_is_the_number_of_blocks() -> None:
    for layers in (1, 3):
        network = ViT(depth=layers).build(task())
        blocks = [part for part in network.modules() if type(part).__name__ == "_Block"]
        assert len(blocks) == layers


def test_mlp_ratio_is_the_width_over_embed_dim() -> None:
    assert shapes(ViT(embed_dim=32, mlp_ratio=1.5))["blocks.0.think.1.weight"] == (48, 32)


def test_dropout_works_in_training_only() -> None:
    network = ViT(stem="conv", depth=1, dropout=0.4).build(task())
    assert {vars(part)["p"] for part in kinds(network, nn.Dropout)} == {0.4}
    x = torch.rand(2, 1, 28, 28)
    assert not torch.equal(network.train()(x), network(x))
    assert torch.equal(network.eval()(x), network(x))


def test_position_matters() -> None:
    torch.manual_seed(0)
    network = ViT(patch=4, stem="patch", depth=1).build(task()).eval()
    x = torch.rand(1, 1, 28, 28)
    moved = torch.roll(x, 4, dims=-1)  # the same patches in other places
    assert not torch.allclose(network(x), network(moved), atol=1e-6)


def test_more_heads_than_features_are_refused() -> None:
    with pytest.raises(BakeoffError, match="more heads than features"):
        ViT(embed_dim=2, num_heads=4).build(task())
