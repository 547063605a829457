"""The only training loop, for any network and any source of batches.

The inner validation slice chooses the epoch; pictures that are scored never get here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.errors import BakeoffError
from bakeoff.training.compute import Compute
from bakeoff.training.optimize import Descent, OptimizerName
from bakeoff.training.ranges import AtLeastZero, Count, Positive, Share
from bakeoff.training.sources import Source, in_batches

__all__ = ["Budget", "Epoch", "Fitted", "Training", "fit", "logits_of"]

Budget = Literal["quick", "standard", "thorough"]

SCORE_BATCH = 512
SMOOTHING = 0.1
# Not below 1/2: at lower temperatures every epoch without mistakes looks perfect, however narrow
# its margins.
TEMPERATURES = [2 ** (step / 4) for step in range(-4, 9)]
# Epochs at 350 pictures, and the power of the number of pictures by which they decrease.
PACE: dict[Budget, tuple[int, float]] = {
    "quick": (24, 0.4),
    "standard": (60, 0.31),
    "thorough": (150, 0.31),
}


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train. `resolve` replaces None by a value that fits the number of pictures.

    Attributes
    ----------
    epochs : passes over the training pictures.
    batch_size : pictures per step.
    learning_rate : the peak of the one-cycle schedule (Smith and Topin, 2018).
    weight_decay : decoupled L2 (Loshchilov and Hutter, 2019), on matrices and filters only.
    optimizer : "adamw" or "muon"; see `Descent`. None: Muon for CNN and ViT behind a stem of
        wavelets or with more than 3 000 pictures, where it measured better, else AdamW.
    label_smoothing : share of the target that is spread over all classes. None: 0.1, but 0 for a
        ViT on pixels.
    augment : strength of augmentation; 0 is none. None: 1, or 0.5 in a quick run, which is too
        short to learn from stronger changes.
    background : share of training drawings shown on another background, such as ruled paper in
        uneven light; see `draw_on_background`. None: half of them where the pictures show
        paper, else none.
    mirror : flip half of the pictures left to right. None: photos only.
    patience : stop after this many epochs without a better validation loss. None: never.
    balance : how much a picture of a rare class counts in training: 0, all pictures the same; 1,
        all classes the same; in between, a power of the class's share. None: what measured best
        for the approach (benchmarks/balance.txt) where a class has five times the pictures of
        another, unless accuracy or costs rank the approaches; else 0.
    """

    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Positive = 2e-3
    weight_decay: AtLeastZero = 0.05
    optimizer: OptimizerName | None = None
    label_smoothing: Share | None = None
    augment: AtLeastZero | None = None
    background: Share | None = None
    mirror: bool | None = None
    patience: Count | None = None
    balance: AtLeastZero | None = None

    def resolve(self, pictures: int, budget: Budget = "standard") -> Training:
        """Fill in epochs, batch size, optimizer and label smoothing for `pictures` pictures.

        Small sets need more epochs of smaller batches: a standard run has 60 epochs of batches of
        32 at 350 pictures, 12 of 256 at 60 000, and a power law in between.
        """
        pictures = max(pictures, 2)
        most, fall = PACE[budget]
        epochs = round(most * (350 / pictures) ** fall)
        batch_size = 2 ** round(torch.tensor(pictures / 12).log2().item())
        return replace(
            self,
            epochs=self.epochs or min(max(epochs, 3), 200),
            batch_size=self.batch_size or min(max(batch_size, 8), 256),
            optimizer=self.optimizer or "adamw",
            label_smoothing=SMOOTHING if self.label_smoothing is None else self.label_smoothing,
        )


@dataclass(frozen=True)
class Epoch:
    """One epoch; losses in nats, accuracies as shares. `of` is how many are planned.

    The validation loss is taken at its best temperature, since a temperature is fitted at the end
    in any case: otherwise label smoothing makes early, unsure epochs look best.
    """

    number: int
    of: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """The trained network, with the weights of `best_epoch`, on the CPU and in eval mode.

    `unseen_logits` are n×K logits of the rows `unseen`, by weights that were not trained on them:
    of the inner validation slice (None without one), or in closed form of rows left out in turn.
    """

    network: nn.Module
    curve: list[Epoch]
    best_epoch: int
    unseen: Tensor
    unseen_logits: Tensor | None


def fit(
    network: nn.Module,
    source: Source,
    labels: Tensor,
    *,
    train: Tensor,
    validation: Tensor,
    training: Training,
    compute: Compute,
    seed: int,
    stop_after: int | None = None,
    weights: Tensor | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Fitted:
    """Train `network` and keep the last epoch whose validation loss is not clearly worse.

    Parameters
    ----------
    network : inputs of `source` to N×K logits. Parameters with the attribute ``rate_scale`` are
        trained at that multiple of the learning rate.
    labels : N class indices, int64.
    train, validation : rows to train on, and rows to choose the epoch by. With an empty
        `validation` the last epoch is kept.
    training : resolved settings.
    seed : of dropout and of the order of pictures.
    stop_after : end after this epoch of the same schedule, the best epoch of the folds.
    weights : N, of the loss of each picture in training, at any scale; None: all the same.
    on_epoch : called after every epoch.

    Raises
    ------
    BakeoffError
        The loss is not a finite number: the learning rate is too high.
    """
    assert training.epochs is not None, "resolve the training settings first"
    torch.manual_seed(seed)  # dropout
    network = compute.place(network)
    labels, train = labels.to(compute.device), train.to(compute.device)
    steps = _Steps(network, source, labels, train, training, compute, seed, weights)
    kept = _Kept(network.state_dict())
    curve: list[Epoch] = []
    epochs = min(stop_after or training.epochs, training.epochs)
    for number in range(1, epochs + 1):
        started = time.perf_counter()
        train_loss, train_accuracy, learning_rate = steps.epoch(number)
        losses, right = _judge(network, source, labels, validation, compute)
        kept.consider(number, network, losses)
        curve.append(
            Epoch(
                number=number,
                of=epochs,
                learning_rate=learning_rate,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                validation_loss=losses.mean().item() if len(losses) else None,
                validation_accuracy=right.mean().item() if len(losses) else None,
                seconds=time.perf_counter() - started,
            )
        )
        on_epoch(curve[-1])
        if training.patience and number - kept.lowest_epoch >= training.patience:
            break
    network.load_state_dict(kept.weights)
    unseen = logits_of(network, source, validation, compute) if len(validation) else None
    return Fitted(network.cpu().eval(), curve, kept.epoch, validation, unseen)


class _Steps:
    """The optimisation of a network: one epoch of steps at a time, along one schedule."""

    def __init__(
        self,
        network: nn.Module,
        source: Source,
        labels: Tensor,
        train: Tensor,
        training: Training,
        compute: Compute,
        seed: int,
        weights: Tensor | None,
    ) -> None:
        assert training.epochs is not None, "resolve the training settings first"
        assert training.batch_size is not None, "resolve the training settings first"
        assert training.optimizer is not None, "resolve the training settings first"
        assert training.label_smoothing is not None, "resolve the training settings first"
        self.network, self.source, self.labels = network, source, labels
        self.training, self.compute = training, compute
        self.smoothing = training.label_smoothing
        self.generator = torch.Generator().manual_seed(seed)
        self.weights = None
        if weights is not None:  # their mean is 1, so that the learning rate keeps its meaning
            weights = weights.to(compute.device)
            self.weights = weights / weights[train].mean()
        # Batch norm needs two pictures in a batch, even if they are the same.
        self.train = train.repeat(2) if len(train) == 1 else train
        pictures = len(self.train)
        self.batches = max(1, min(round(pictures / training.batch_size), pictures // 2))
        self.descent = Descent(
            network,
            training.optimizer,
            learning_rate=training.learning_rate,
            weight_decay=training.weight_decay,
            steps=self.batches * training.epochs,
        )

    def epoch(self, number: int) -> tuple[float, float, float]:
        """One pass over the training pictures: mean loss, accuracy, and the last learning rate."""
        self.network.train()
        device = self.compute.device
        loss_sum, correct = torch.zeros((), device=device), torch.zeros((), device=device)
        order = torch.randperm(len(self.train), generator=self.generator).to(device)
        for rows in self.train[order].tensor_split(self.batches):
            x, y = self.source.train(rows, self.generator), self.labels[rows]
            logits = self._step(x, y, None if self.weights is None else self.weights[rows])
            loss_sum += F.cross_entropy(logits, y, reduction="sum")
            correct += (logits.argmax(1) == y).sum()
        if not loss_sum.isfinite():
            raise BakeoffError(
                f"learning_rate={self.training.learning_rate}",
                f"the loss is not a finite number in epoch {number}",
                "Use a smaller learning rate, such as --set learning_rate=0.001",
            )
        pictures, rate = len(self.train), self.descent.learning_rate
        return loss_sum.item() / pictures, correct.item() / pictures, rate

    def _step(self, x: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
        """One step of the optimizer on a batch; its logits before that, N×K float32."""
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        with self.compute.autocast():
            logits = self.network(x)
        logits = logits.float()
        smoothing = self.smoothing
        if weights is None:
            loss = F.cross_entropy(logits, y, label_smoothing=smoothing)
        else:
            losses = F.cross_entropy(logits, y, label_smoothing=smoothing, reduction="none")
            loss = (losses * weights).mean()
        self.descent.step(loss)
        detached: Tensor = logits.detach()
        return detached


def logits_of(network: nn.Module, source: Source, rows: Tensor, compute: Compute) -> Tensor:
    """len(rows)×K float32 logits on the CPU, without augmentation or dropout."""
    network.eval()
    with torch.inference_mode():
        return torch.cat(
            [
                network(source.plain(batch)).float().cpu()
                for batch in in_batches(rows.to(compute.device), SCORE_BATCH)
            ]
        )


def _judge(
    network: nn.Module, source: Source, labels: Tensor, rows: Tensor, compute: Compute
) -> tuple[Tensor, Tensor]:
    """The loss of every picture at the best common temperature, and whether it was right."""
    if not len(rows):
        return torch.empty(0), torch.empty(0)
    with compute.autocast():
        logits = logits_of(network, source, rows, compute)
    y = labels[rows].cpu()
    losses = [F.cross_entropy(logits / t, y, reduction="none") for t in TEMPERATURES]
    return min(losses, key=lambda loss: loss.mean().item()), (logits.argmax(1) == y).float()


@dataclass
class _Kept:
    """The weights of the last epoch whose validation loss is not clearly worse than the lowest.

    Clearly worse is more than two standard errors of the paired difference. The epoch with the
    lowest loss itself is chosen by noise on a few dozen pictures, and the weights settle as the
    schedule ends: on stamps, a style that it had not been trained on, a CNN had 86 % right at the
    lowest loss and 100 % at the last epoch.
    """

    weights: dict[str, Tensor]
    epoch: int = 0
    lowest: Tensor | None = None
    lowest_epoch: int = 0

    def consider(self, number: int, network: nn.Module, losses: Tensor) -> None:
        """Keep the weights of this epoch unless they are clearly worse than the best so far."""
        if not len(losses):
            self.epoch = self.lowest_epoch = number
            return
        if self.lowest is None or losses.mean() < self.lowest.mean():
            self.lowest, self.lowest_epoch = losses, number
        more = losses - self.lowest
        error = more.std(correction=0) / math.sqrt(len(more))
        if more.mean() <= 2 * error:
            self.weights, self.epoch = deepcopy(network.state_dict()), number
