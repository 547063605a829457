"""Fold each batch normalisation of a frozen network into the convolution before it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["fold_norms", "round_to_half"]

CLOSE = 1e-4  # of the largest feature; folding alone moves features by about 1e-6 of it


def fold_norms(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Fold the norms of a network, then in eval mode, into the convolutions that they follow.

    In a frozen network such a norm scales and shifts each channel, which the weights can do
    (Jacob et al., *Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-
    Only Inference*, 2018, section 3.2).

    What follows what is seen on an example. Where the features change by more than rounding, as
    where something else takes what a convolution gives, too, nothing is folded.

    Parameters
    ----------
    network : changed in place; never to be trained again.
    shape : of a batch that it takes.
    """
    network.eval()
    example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before = network(example)
    replaced: dict[str, nn.Module] = {}
    for convolution, norm in _followed(network, example):
        folded = fuse_conv_bn_eval(_module(network, convolution), _module(network, norm))
        rest = _rest(_module(network, norm))
        for name, new in ((convolution, folded), (norm, rest)):
            replaced.setdefault(name, network.get_submodule(name))
            network.set_submodule(name, new.requires_grad_(requires_grad=False))
    with torch.inference_mode():
        change = (network(example) - before).abs().max()
    if not change <= CLOSE * before.abs().max():
        for name, old in replaced.items():
            network.set_submodule(name, old)


def round_to_half(network: nn.Module) -> None:
    """Round the weights of a frozen network, in place, to numbers that half precision holds.

    Its graph then stores them in two bytes each, and answers the same.
    """
    for tensor in network.parameters():
        tensor.data = tensor.data.half().float()


def _followed(network: nn.Module, example: Tensor) -> list[tuple[str, str]]:
    """The names of convolutions whose output is the input of a norm; each of them runs once."""
    made: dict[int, tuple[str, Any]] = {}
    pairs: list[tuple[str, str]] = []
    runs: list[str] = []

    def after(name: str) -> Any:
        def hook(_module: nn.Module, _given: Any, output: Tensor) -> None:
            runs.append(name)
            made[id(output)] = (name, output)  # holds the tensor, so that no other gets its id

        return hook

    def ahead(name: str) -> Any:
        def hook(_module: nn.Module, given: tuple[Tensor, ...]) -> None:
            runs.append(name)
            if id(given[0]) in made:
                pairs.append((made[id(given[0])][0], name))

        return hook

    with ExitStack() as hooks, torch.inference_mode():
        for name, module in network.named_modules():
            if isinstance(module, nn.Conv2d):
                hooks.enter_context(module.register_forward_hook(after(name)))
            elif _is_norm(module):
                hooks.enter_context(module.register_forward_pre_hook(ahead(name)))
        network(example)
    return [pair for pair in pairs if all(runs.count(name) == 1 for name in pair)]


def _is_norm(module: nn.Module) -> bool:
    """A batch norm, or timm's with an activation."""
    return (
        isinstance(module, nn.BatchNorm2d)
        and module.running_mean is not None
        and (type(module) is nn.BatchNorm2d or type(module).__name__ == "BatchNormAct2d")
    )


def _rest(norm: nn.Module) -> nn.Module:
    """What a norm does but normalise."""
    return nn.Identity() if type(norm) is nn.BatchNorm2d else norm.get_submodule("act")


def _module(network: nn.Module, name: str) -> Any:
    return network.get_submodule(name)
