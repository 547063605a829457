"""Tasks and pictures for the tests of approaches."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from bakeoff.approaches import Approach, Task


def task(
    *,
    side: int = 28,
    channels: int = 1,
    mode: Literal["ink", "photo"] = "ink",
    classes: int = 3,
    pictures: int = 60,
) -> Task:
    return Task(classes=classes, pictures=pictures, side=side, channels=channels, mode=mode)


def prepared(approach: Approach, of: Task, count: int = 2) -> Tensor:
    """Noise of the shape that the approach's `preprocess` makes."""
    preprocess = approach.preprocess(of)
    generator = torch.Generator().manual_seed(0)
    return torch.rand(
        count, preprocess.channels, preprocess.size, preprocess.size, generator=generator
    )


def logits(approach: Approach, of: Task, count: int = 2) -> Tensor:
    """What an untrained network says of noise, N×K."""
    torch.manual_seed(0)
    network = approach.build(of).eval()
    frozen = approach.frozen(of) or nn.Identity()
    with torch.inference_mode():
        answer: Tensor = network(frozen.eval()(prepared(approach, of, count)))
    return answer


def kinds(network: nn.Module, *wanted: type[nn.Module]) -> list[nn.Module]:
    """The parts of a network of some kinds, in order."""
    return [part for part in network.modules() if isinstance(part, wanted)]
