"""Transfer learning: a backbone that knows drawings or photos already, with a small new head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.errors import BakeoffError
from bakeoff.training.backbone import OFFLINE, Backbone, features_of
from bakeoff.training.fit import Training
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.ranges import Count, Share
from bakeoff.training.sketch import FEATURES, load_sketch

__all__ = ["SKETCH_WEIGHTS", "Transfer"]

AUTO = "auto"
SKETCH = "sketch"
SKETCH_WEIGHTS = Path(__file__).parent / "weights" / "sketch.safetensors"
SKETCH_SIDE = 28
FROM = {
    SKETCH: "Its features are those of a network that bakeoff trained on 327 classes of Google's "
    "Quick, Draw! data (CC BY 4.0). Scores on drawings from that data may be too good: "
    "the network may have been trained on the same drawings.",
    OFFLINE: "Its features are those of EfficientNet-Lite0 (Apache-2.0), trained on ImageNet.",
}
BACKBONE_RATE = 0.05  # of the head's learning rate, when the backbone is fine-tuned


@dataclass(frozen=True, kw_only=True)
class Transfer(Approach):
    """A pretrained backbone with a new head.

    Attributes
    ----------
    backbone : "sketch", trained by this project on Quick, Draw! (CC BY 4.0) without the classes of
        the bundled doodles; or any timm model name. "auto": "sketch" for ink, and for photos
        tf_efficientnet_lite0 (Apache-2.0), whose weights come with a Python package. Those of
        other timm models come from timm's hub or its cache. "local-dir:FOLDER" is a model as the
        hub stores it.
    weights : a file or folder with the weights of a timm model, for a machine without network.
    fine_tune : train the backbone too, at a low learning rate. Off: its features are computed
        once and shared by all folds, which is a hundred times cheaper.
    dense : widths of hidden layers of the head; empty for a linear head.
    dropout : share of features dropped in training.
    """

    name: ClassVar[str] = "transfer"
    views: ClassVar[int] = 7
    input_settings: ClassVar[tuple[str, ...]] = ("side", "backbone", "weights", "fine_tune")

    # A low rate, strong decay and mild augmentation are best by a little: 99.0 % of the drawings,
    # where other choices have 98.4 and 98.8 % (benchmarks/transfer_head.txt).
    training: Training = Training(learning_rate=1e-3, weight_decay=1.0, augment=0.5)
    backbone: str = AUTO
    weights: str = ""
    fine_tune: bool = False
    dense: tuple[Count, ...] = ()
    dropout: Share = 0.2

    def preprocess(self, task: Task) -> Preprocess:
        if self.network(task) == SKETCH:
            return Preprocess(mode=task.mode, size=self.side or SKETCH_SIDE, channels=1)
        side = self.side or (64 if task.side < 16 else 96 if task.side <= 32 else 160)
        return Preprocess(mode=task.mode, size=side, channels=3)

    def network(self, task: Task) -> str:
        """The name of the backbone for this task."""
        if self.backbone != AUTO:
            return self.backbone
        return SKETCH if task.mode == "ink" else OFFLINE

    def frozen(self, task: Task) -> nn.Module | None:
        return None if self.fine_tune else self._backbone(task)

    def pretrained(self, task: Task) -> str:
        name = self.network(task)
        if self.weights:
            return (
                f"Its features are those of {name} with the weights in {Path(self.weights).name}."
            )
        return FROM.get(name) or f"Its features are those of {name} with the weights of timm's hub."

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
