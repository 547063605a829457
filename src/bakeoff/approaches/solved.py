"""What a fit in one step, such as a ridge, says of itself in the terms of a training loop."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.training.fit import Epoch, Fitted

__all__ = ["as_fitted"]


def as_fitted(
    network: nn.Module,
    fitted: Tensor,
    unseen: Tensor,
    labels: Tensor,
    *,
    rows: Tensor,
    started: float,
    on_epoch: Callable[[Epoch], None],
) -> Fitted:
    """The whole fit as the only epoch; left-out pictures stand for a validation slice.

    Parameters
    ----------
    fitted, unseen : m×K logits of pictures, with them among what was fitted, and without.
    labels : m, their classes.
    rows : m, their rows in the set.
    started : `time.perf_counter()` when the fit began.
    """
    epoch = Epoch(
        number=1,
        of=1,
        learning_rate=0.0,
        train_loss=F.cross_entropy(fitted, labels).item(),
        train_accuracy=(fitted.argmax(1) == labels).double().mean().item(),
        validation_loss=F.cross_entropy(unseen, labels).item(),
        validation_accuracy=(unseen.argmax(1) == labels).double().mean().item(),
        seconds=time.perf_counter() - started,
    )
    on_epoch(epoch)
    return Fitted(network.cpu().eval(), [epoch], 1, rows, unseen)
