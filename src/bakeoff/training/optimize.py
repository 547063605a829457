"""The optimizers of the training loop, along one schedule of the learning rate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

__all__ = ["Descent", "Muon", "OptimizerName", "orthogonal"]

OptimizerName = Literal["muon", "adamw"]

WARM_UP = 0.15  # share of the steps in which the one-cycle learning rate rises
# Of the quintic that raises all singular values towards 1 (Jordan et al., 2024).
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
LIKE_ADAMW = 0.2  # root mean square of an update of AdamW, over the learning rate


class Descent:
    """Steps of a network's parameters down the gradient; one-cycle (Smith and Topin, 2018).

    Muon takes the matrices and filters inside the network. All else has AdamW (Loshchilov and
    Hutter, 2019): biases and norms, embeddings of places, and the head, whose rows are classes.

    Parameters
    ----------
    network : parameters with the attribute ``rate_scale`` are trained at that multiple of the
        learning rate.
    optimizer : "adamw" leaves everything to AdamW.
    learning_rate : at its peak.
    weight_decay : decoupled, on matrices and filters only.
    steps : how many there will be.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: OptimizerName,
        *,
        learning_rate: float,
        weight_decay: float,
        steps: int,
    ) -> None:
        groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
        head = {id(parameter) for parameter in _head(network)}
        for parameter in network.parameters():
            if parameter.requires_grad:
                inner = parameter.ndim in (2, 4) and id(parameter) not in head
                decay = weight_decay if parameter.ndim > 1 else 0.0
                rate = learning_rate * getattr(parameter, "rate_scale", 1.0)
                key = (inner and optimizer == "muon", rate, decay)
                groups.setdefault(key, []).append(parameter)
        self.optimizers: list[torch.optim.Optimizer] = []
        self.schedules = []
        for by_muon in (True, False):
            chosen: list[dict[str, Any]] = [
                {"params": parameters, "lr": rate, "weight_decay": decay}
                for (muon, rate, decay), parameters in groups.items()
                if muon == by_muon
            ]
            if not chosen:
                continue
            one: torch.optim.Optimizer = (
                Muon(chosen) if by_muon else _AdamW(chosen, betas=(0.9, 0.98), fused=True)
            )
            self.optimizers.append(one)
            self.schedules.append(
                torch.optim.lr_scheduler.OneCycleLR(
                    one,
                    max_lr=[group["lr"] for group in chosen],
                    total_steps=steps + 1,
                    pct_start=WARM_UP,
                    final_div_factor=1e3,
                    cycle_momentum=False,
                )
            )

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, schedule in zip(self.optimizers, self.schedules, strict=True):
            optimizer.step()
            schedule.step()

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        return float(self.schedules[-1].get_last_lr()[0])


def _head(network: nn.Module) -> Iterable[nn.Parameter]:
    head = getattr(network, "head", None)
    return head.parameters() if isinstance(head, nn.Module) else ()


class _Light(torch.optim.Optimizer):
    """torch's own, but training does not import torch's compiler, which takes each worker 2 s.

    The wrappers removed here import it only to keep it away from what they wrap.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class Muon(_Light):
    """Momentum whose update has equal singular values, for matrices and filters.

    Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with the scale
    of Liu et al., "Muon is scalable for LLM training" (2025), at which the learning rates of AdamW
    serve. torch's own takes matrices only.
    """

    def __init__(self, groups: list[dict[str, Any]], *, momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": 1e-3, "weight_decay": 0.0, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step; there is no closure."""
        assert closure is None, "no closure is supported"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["mean"] = torch.zeros_like(parameter)
                mean = state["mean"].mul_(group["momentum"]).add_(parameter.grad)
                ahead = parameter.grad.add(mean, alpha=group["momentum"]).flatten(1)
                update = orthogonal(ahead).view_as(parameter)
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                scale = LIKE_ADAMW * math.sqrt(max(ahead.shape))
                parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix whose singular values are all 1, R×C to R×C, by Newton and Schulz.

    The iterations are on the smaller product of the matrix with itself, which takes half of the
    multiplications.
    """
    x = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / x.norm().clamp(min=1e-12)
    product = x @ x.T
    change = identity = torch.eye(len(x), dtype=x.dtype, device=x.device)
    first, third, fifth = QUINTIC
    for left in reversed(range(ITERATIONS)):
        by = first * identity + product @ (third * identity + fifth * product)
        change = by @ change
        if left:
            product = by @ product @ by
    flat: Tensor = change @ x
    return flat if matrix.shape[0] <= matrix.shape[1] else flat.T


class _AdamW(_Light, torch.optim.AdamW):
    """torch's own, with a step that imports no compiler either."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))
