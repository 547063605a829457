"""Transfer learning: a backbone that knows drawings or photos already, with a small new head."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.solved import as_fitted
from bakeoff.errors import BakeoffError
from bakeoff.said import say
from bakeoff.training.augment import Augment
from bakeoff.training.backbone import OFFLINE, PACKAGED, Backbone, features_of, side_of
from bakeoff.training.correct import correct
from bakeoff.training.fit import Fitted, Training
from bakeoff.training.folding import fold_norms, round_to_half
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.ranges import Count, Share
from bakeoff.training.ridge import ridge
from bakeoff.training.sketch import FEATURES, SKETCH_WEIGHTS, load_sketch
from bakeoff.training.sources import FeatureSource, Source, in_batches

__all__ = ["SKETCH_WEIGHTS", "Transfer"]

AUTO = "auto"
SKETCH = "sketch"
# The network was made for 28 pixels. Of larger drawings more is seen at 48: of faint stamps, a
# style that no model was trained on, 89 % are right instead of 73 % (benchmarks/sketch.txt).
SKETCH_SIDES = {"small": 28, "large": 48}
SMALL = 32  # pixels; drawings up to this side have nothing more to show
LARGE = 128  # pixels; photos of this longer side or more are shown in the size of pretraining
# Of 0, 200, 1 000 and no end: five photos of each class of clothing 67.6, 68.9, 69.4, 69.5 % right
# on average over classes, all 919 83.9, 84.4, 84.7, 84.2 %; ants and bees 96.2, 96.3, 96.5, 96.5 %.
COMMON = 1_000
AT_ONCE = 4_096  # features of so many pictures in double precision, rather than of a large set
BACKBONE_RATE = 0.05  # of the head's learning rate, when the backbone is fine-tuned


@dataclass(frozen=True, kw_only=True)
class Transfer(Approach):
    """A pretrained backbone with a new head.

    Attributes
    ----------
    backbone : "sketch", trained by this project on Quick, Draw! (CC BY 4.0) without the classes of
        the bundled doodles; or any timm model name. "auto": "sketch" for ink, and for photos
        tf_efficientnet_lite2 (Apache-2.0). Its weights come with a Python package, and so may those
        of tf_efficientnet_lite0, which answers twice as fast, and lite1. Those of other timm
        models come from timm's hub or its cache. "local-dir:FOLDER" is a model as the hub stores
        it.
    weights : a file or folder with the weights of a timm model, for a machine without network.
    fine_tune : train the backbone too, at a low learning rate. Off: its features are computed
        once and shared by all folds, which is a hundred times cheaper.
    dense : widths of hidden layers of the head; empty for a linear head, which is solved in closed
        form unless the backbone is trained too.
    dropout : share of features dropped in training by epochs.

    A linear head on frozen features is a ridge on the picture and its views, corrected by a small
    logistic regression on what it predicts for pictures left out. It needs no inner slice. On
    Lite0's features it had 99.2 % of 431 drawings and 91.2 % of the doodles right, where 60 epochs
    had 98.1 and 90.3 %. For photos see benchmarks/photos.txt.
    """

    name: ClassVar[str] = "transfer"
    views: ClassVar[int] = 7
    uneven_balance: ClassVar[float] = 1.0
    input_settings: ClassVar[tuple[str, ...]] = (
        "side",
        "backbone",
        "weights",
        "fine_tune",
        "validates",
    )

    # A low rate, strong decay and mild augmentation are best by a little: 99.0 % of the drawings,
    # where other choices have 98.4 and 98.8 % (benchmarks/photos.txt).
    training: Training = Training(learning_rate=1e-3, weight_decay=1.0)
    backbone: str = AUTO
    weights: str = ""
    fine_tune: bool = False
    dense: tuple[Count, ...] = ()
    dropout: Share = 0.2

    @property
    def validates(self) -> bool:
        """A ridge chooses its strength and the temperature by leaving pictures out."""
        return self.fine_tune or bool(self.dense)

    def preprocess(self, task: Task) -> Preprocess:
        if self.network(task) == SKETCH:
            side = self.side or SKETCH_SIDES["small" if task.side <= SMALL else "large"]
            return Preprocess(mode=task.mode, size=side, channels=1)
        side = self.side or (64 if task.side < 16 else 96 if task.side <= 32 else 160)
        if task.mode == "photo" and not self.side and task.side >= LARGE:
            side = side_of(self.network(task))
        return Preprocess(mode=task.mode, size=side, channels=3, fit="crop")

    def augment(self, task: Task) -> Augment:
        """None for photos whose head is solved, unless a setting asks for it.

        Three random crops of each photo, half of them mirrored, took four times as long, and the
        ridge then had 94.7 % of the ants and bees right instead of 95.7 %.
        """
        strength = self.training.augment
        if strength is None:
            strength = 0.0 if task.mode == "photo" and not self.validates else 0.5
        return replace(super().augment(task), strength=strength)

    def network(self, task: Task) -> str:
        """The name of the backbone for this task."""
        if self.backbone != AUTO:
            return self.backbone
        return SKETCH if task.mode == "ink" else OFFLINE

    def frozen(self, task: Task) -> nn.Module | None:
        if self.fine_tune:
            return None
        backbone, preprocess = self._backbone(task), self.preprocess(task)
        fold_norms(backbone, (1, preprocess.channels, preprocess.size, preprocess.size))
        if self.network(task) == SKETCH:
            round_to_half(backbone)  # as the eye is
        return backbone

    def frozen_is_eye(self, task: Task) -> bool:
        knows = task.mode == "photo" or self.network(task) == SKETCH
        return knows and not self.fine_tune

    def pretrained(self, task: Task) -> str:
        name = self.network(task)
        if self.weights:
            return say("pretrained.file", network=name, file=Path(self.weights).name)
        if name == SKETCH:
            return say("pretrained.sketch")
        if name in PACKAGED:
            return say("pretrained.packaged", network=f"EfficientNet-Lite{name[-1]}")
        return say("pretrained.hub", network=name)

    def _backbone(self, task: Task) -> nn.Module:
        name, ink = self.network(task), task.mode == "ink"
        if name == SKETCH:
            if self.weights:
                problem, hint = "needs a timm model", "Name it with transfer.backbone"
                raise BakeoffError(f"transfer.weights={self.weights}", problem, hint)
            return Sketch(ink=ink)
        return Backbone(name, side=self.preprocess(task).size, ink=ink, weights=self.weights)

    def build(self, task: Task) -> Network:
        name = self.network(task)
        side = self.preprocess(task).size
        width = FEATURES if name == SKETCH else features_of(name, side)
        # Features that hardly vary on these pictures are rounding noise; the epsilon keeps them
        # small. It gains 0.6 points on the bundled digits, 0.2 on the drawings.
        layers: list[nn.Module] = [nn.BatchNorm1d(width, affine=False, eps=1e-2)]
        for hidden in self.dense:
            layers += [nn.Dropout(self.dropout), nn.Linear(width, hidden), nn.ReLU()]
            width = hidden
        layers.append(nn.Dropout(self.dropout))
        head = nn.Linear(width, task.classes)
        if not self.fine_tune:
            return Network(nn.Sequential(*layers), head)
        backbone = self._backbone(task)
        for parameter in backbone.parameters():
            parameter.rate_scale = BACKBONE_RATE  # type: ignore[attr-defined]
        return Network(nn.Sequential(backbone, *layers), head)

    def schedule(self, pictures: int, task: Task) -> Training:
        training = super().schedule(pictures, task)
        return training if self.validates else replace(training, epochs=1)

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Solve a linear head on frozen features; train all others by epochs."""
        if self.validates:
            return super().fit(network, source, labels, **how)
        assert isinstance(source, FeatureSource), "the backbone is frozen"
        assert isinstance(network.body, nn.Sequential), "`build` makes one"
        started = time.perf_counter()
        train, weights = how["train"], how["weights"]
        views = source.features[:, train].cpu()
        _standardise(network.body[0], views[0])
        with torch.inference_mode():
            for view in views:
                for rows in in_batches(torch.arange(len(view)), AT_ONCE):
                    view[rows] = network.body[0].eval()(view[rows].float()).half()
        solved = ridge(
            views if len(views) > 1 else views[0],
            labels[train],
            network.head.out_features,
            weights=None if weights is None else weights[train],
        )
        answers = labels[train[solved.rows]]
        correction = correct(solved.left_out, answers)
        with torch.no_grad():
            network.head.weight.copy_((solved.weights @ correction.matrix).T)
            network.head.bias.copy_(solved.bias @ correction.matrix + correction.bias)
            fitted = network.head(views[0, solved.rows].float())
        return as_fitted(
            network,
            fitted,
            correction.unseen,
            answers,
            rows=train[solved.rows],
            started=started,
            on_epoch=how["on_epoch"],
        )


def _standardise(norm: nn.Module, features: Tensor) -> None:
    """Let the norm at the foot of a head take the mean and deviation of these n×D features.

    The deviations of few pictures are mostly chance: variances are drawn towards their mean, as if
    `COMMON` further pictures had that.
    """
    assert isinstance(norm, nn.BatchNorm1d), "`build` makes one"
    mean, square = torch.zeros(2, features.shape[1], dtype=torch.double)
    for rows in in_batches(torch.arange(len(features)), AT_ONCE):
        part = features[rows].double()
        mean += part.sum(0) / len(features)
        square += part.square().sum(0) / len(features)
    norm.get_buffer("running_mean").copy_(mean)
    variance = (square - mean.square()).clamp(min=0)
    pictures = len(features)
    shrunk = (pictures * variance + COMMON * variance.mean()) / (pictures + COMMON)
    norm.get_buffer("running_var").copy_(shrunk)


class Sketch(nn.Module):
    """N×1×S×S in 0…1 to N×D features of the network that was trained on drawings."""

    def __init__(self, *, ink: bool) -> None:
        super().__init__()
        self.ink = ink
        self.network = load_sketch(SKETCH_WEIGHTS)

    def forward(self, x: Tensor) -> Tensor:
        # It knows bright strokes on black.
        features: Tensor = self.network(x if self.ink else 1 - x)
        return features
