"""A network of the user's as an approach: trained by our loop, or by its own `fit`."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.own_keras import KerasBody, is_keras, seeded
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Epoch, Fitted, logits_of
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sources import Source

__all__ = ["OwnNetwork", "Scaling", "accepted", "called", "epoch_of", "identity_head"]

Scaling = Literal["unit", "symmetric", "bytes", "imagenet"]
OFFERED = ("classes", "channels", "size")
# Mean and deviation of red, green and blue that the input of each scaling has in 0…1.
SCALES: dict[Scaling, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "unit": ((0.0,) * 3, (1.0,) * 3),
    "symmetric": ((0.5,) * 3, (0.5,) * 3),
    "bytes": ((0.0,) * 3, (1 / 255,) * 3),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


@dataclass(frozen=True, kw_only=True)
class OwnNetwork(Approach):
    """A class or function that makes a network from `classes`, `channels` and `size`.

    Attributes
    ----------
    scaling : what the network's input looks like: 0…1 ("unit"), -1…1 ("symmetric"), 0…255
        ("bytes"), or as networks for ImageNet expect it.
    colour : three channels, also for drawings; off: one. None: as the pictures are.
    """

    factory: ClassVar[Callable[..., Any]]
    own_title: ClassVar[str] = ""
    input_settings: ClassVar[tuple[str, ...]] = ("side", "colour")

    scaling: Scaling = "unit"
    colour: bool | None = None

    @property
    def title(self) -> str:
        return self.own_title or self.name

    @property
    def _prepares(self) -> Callable[..., Tensor] | None:
        """The network's own preprocessing, which becomes part of the graph."""
        prepare: Callable[..., Tensor] | None = getattr(type(self).factory, "preprocess", None)
        return prepare

    def preprocess(self, task: Task) -> Preprocess:
        channels = task.channels if self.colour is None else 3 if self.colour else 1
        if self._prepares is not None:
            return OwnPreprocess(self._prepares, task, self._side(task), channels)
        return Preprocess(mode=task.mode, size=self._side(task), channels=channels)

    def eye(self, task: Task) -> nn.Module | None:
        """Ours knows drawings as ours are prepared."""
        return super().eye(task) if self._prepares is None else None

    def build(self, task: Task) -> Network:
        preprocess = self.preprocess(task)
        channels = 3 if self.colour else preprocess.channels
        with seeded():
            module = self.make(classes=task.classes, channels=channels, size=preprocess.size)
            if is_keras(module):
                module = KerasBody(module, channels, preprocess.size)
        if not isinstance(module, nn.Module):
            raise BakeoffError(
                f"approach {self.name}",
                f"{self.title} made a {type(module).__name__}, not a torch.nn.Module",
                "Let it return the network",
            )
        head = identity_head(task.classes)
        if type(module).forward is nn.Sequential.forward and not hasattr(module, "fit"):
            *layers, last = module.children()
            if isinstance(last, nn.Linear) and last.out_features == task.classes:
                module, head = nn.Sequential(*layers), last  # its features are the embedding
        return Network(Scaled(module, self.scaling, channels), head)

    def make(self, **offered: Any) -> Any:
        """Call the user's class or function with what it takes of `OFFERED`."""
        return called(self.name, self.title, type(self).factory, **offered)

    def fits_itself(self, network: Network) -> bool:
        module = network.body.network if isinstance(network.body, Scaled) else network.body
        return callable(getattr(module, "fit", None))

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Train by our loop, unless the network has a `fit` of its own."""
        assert isinstance(network.body, Scaled), "`build` makes one"
        if not self.fits_itself(network):
            return super().fit(network, source, labels, **how)
        module: Any = network.body.network
        started = time.perf_counter()
        train, validation, training = how["train"], how["validation"], how["training"]
        device = how["compute"].device
        body = network.body

        def show(rows: Tensor) -> Tensor:
            return body.scaled(source.plain(rows.to(device)).cpu())

        offered = {
            "epochs": how["stop_after"] or training.epochs,
            "batch_size": training.batch_size,
            "learning_rate": training.learning_rate,
            "weight_decay": training.weight_decay,
            "seed": how["seed"],
        }
        if len(validation):
            offered["validation"] = (show(validation), labels[validation])
        torch.manual_seed(how["seed"])
        network.train()
        module.fit(show(train), labels[train], **accepted(module.fit, offered))
        network = how["compute"].place(network.requires_grad_(requires_grad=False)).eval()
        answers = logits_of(network, source, train, how["compute"])
        unseen = logits_of(network, source, validation, how["compute"]) if len(validation) else None
        epoch = epoch_of(answers, labels[train], unseen, labels[validation], started)
        how["on_epoch"](epoch)
        return Fitted(network.cpu().eval(), [epoch], 1, validation, unseen)


def epoch_of(
    fitted: Tensor, labels: Tensor, unseen: Tensor | None, answers: Tensor, started: float
) -> Epoch:
    """A fit that is not ours as one epoch.

    Parameters
    ----------
    fitted, labels : logits and classes of the pictures that were fitted.
    unseen, answers : those of the validation rows; None without any.
    started : `time.perf_counter()` when the fit began.
    """
    return Epoch(
        number=1,
        of=1,
        learning_rate=0.0,
        train_loss=F.cross_entropy(fitted, labels).item(),
        train_accuracy=(fitted.argmax(1) == labels).double().mean().item(),
        validation_loss=None if unseen is None else F.cross_entropy(unseen, answers).item(),
        validation_accuracy=None
        if unseen is None
        else (unseen.argmax(1) == answers).double().mean().item(),
        seconds=time.perf_counter() - started,
    )


class Scaled(nn.Module):
    """A user's network behind its declared input: N×C×S×S in 0…1 to what the network returns."""

    def __init__(self, network: nn.Module, scaling: Scaling, channels: int) -> None:
        super().__init__()
        self.network = network
        self.channels = channels
        mean, deviation = (torch.tensor(values)[:, None, None] for values in SCALES[scaling])
        if channels == 1:
            mean, deviation = mean.mean(0, keepdim=True), deviation.mean(0, keepdim=True)
        self.plain = scaling == "unit"
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("deviation", deviation, persistent=False)

    def scaled(self, x: Tensor) -> Tensor:
        """The network's input."""
        if x.shape[1] < self.channels:
            x = x.expand(-1, self.channels, -1, -1)
        return x if self.plain else (x - self.get_buffer("mean")) / self.get_buffer("deviation")

    def forward(self, x: Tensor) -> Tensor:
        embeddings: Tensor = self.network(self.scaled(x))
        return embeddings


class OwnPreprocess(Preprocess):
    """Preprocessing that came with a network: N×H×W×C uint8 and `size` to N×C×S×S in 0…1."""

    def __init__(
        self, prepare: Callable[..., Tensor], task: Task, size: int, channels: int
    ) -> None:
        super().__init__(mode=task.mode, size=size, channels=channels)
        self.channels = channels
        self.prepare = prepare

    def forward(self, pixels: Tensor) -> Tensor:
        return self.prepare(pixels, self.size)


def identity_head(classes: int) -> nn.Linear:
    """A head that passes logits on, and is not trained."""
    head = nn.Linear(classes, classes)
    with torch.no_grad():
        head.weight.copy_(torch.eye(classes))
        head.bias.zero_()
    return head.requires_grad_(requires_grad=False)


def accepted(function: Callable[..., Any], offered: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `offered` that a function has parameters for."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(offered)
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in offered.items() if name in names}


def called(name: str, title: str, factory: Callable[..., Any], **offered: Any) -> Any:
    """What a user's class or function makes of those of `OFFERED` that it takes.

    Raises
    ------
    BakeoffError
        It fails.
    """
    try:
        return factory(**accepted(factory, offered))
    except BakeoffError:
        raise
    except Exception as error:  # it is other people's code
        asked = ", ".join(f"{key}={value}" for key, value in offered.items())
        raise BakeoffError(
            f"approach {name}",
            f"{title} cannot be made for {asked} ({type(error).__name__}: {error})",
            f"It is called with those of {', '.join(OFFERED)} that it takes",
        ) from error
