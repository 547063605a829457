"""A model in the parts that are traced one by one, since models have most of them in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

__all__ = ["Exported", "Part"]

BLANK, FEATURES, SEEN = "blank", "features", "seen"  # values between the parts


class Part(nn.Module):
    """Some modules of a model, which make named values of other named values.

    The modules are under `model`, so that they and their weights have the names that they have in
    the whole.

    Parameters
    ----------
    name : of the part.
    modules : names of the model's modules that it holds.
    takes, gives : names of the values that `forward` takes and returns.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        modules: tuple[str, ...],
        *,
        takes: tuple[str, ...],
        gives: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.name, self.takes, self.gives = name, takes, gives
        self.model = nn.Module()
        for module in modules:
            self.model.add_module(module, getattr(model, module))

    def tensors(self) -> dict[str, Tensor]:
        """What training may have changed, by the names that the exporter gives it."""
        return {**dict(self.named_parameters()), **dict(self.named_buffers())}


class _Preparing(Part):
    """N×H×W×C uint8 to the network's input, and whether nothing is drawn."""

    def __init__(self, model: Model) -> None:
        super().__init__("prepare", model, ("preprocess",), takes=(INPUT,), gives=(PREPARED, BLANK))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        preprocess = self.model.get_submodule("preprocess")
        assert isinstance(preprocess, Preprocess), "`Model` has one"
        return preprocess.with_blank(pixels)


class _Looking(Part):
    """The network's input to the features of the frozen part, or of the eye."""

    def __init__(self, model: Model, module: str, gives: str) -> None:
        super().__init__(module, model, (module,), takes=(PREPARED,), gives=(gives,))

    def forward(self, prepared: Tensor) -> tuple[Tensor]:
        return (self.model.get_submodule(self.name)(prepared),)


class _Answering(Part):
    """What the frozen part and the eye made of a picture to `OUTPUTS`."""

    def __init__(self, model: Model, features: str) -> None:
        seen = (SEEN,) if model.eye is not None else ()
        takes = (features, BLANK, *seen)
        super().__init__("answer", model, ("network",), takes=takes, gives=OUTPUTS)
        self.model.register_buffer("temperature", model.get_buffer("temperature"))
        self.eye_is_frozen = model.eye_is_frozen

    def forward(
        self, features: Tensor, blank: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        network = self.model.get_submodule("network")
        assert isinstance(network, Network), "`Model` has one"
        seen = features if self.eye_is_frozen else seen
        embedding, ood_score = network.embed_and_score(features, blank, seen)
        logits = network.head(embedding) / self.model.get_buffer("temperature")
        return torch.softmax(logits, dim=1), ood_score, embedding


class Exported:
    """N×H×W×C uint8 to probabilities, OOD scores, embeddings, and the network's input."""

    def __init__(self, model: Model) -> None:
        frozen = not isinstance(model.frozen, nn.Identity)
        parts: list[Part] = [_Preparing(model)]
        parts += [_Looking(model, "frozen", FEATURES)] if frozen else []
        parts += [_Looking(model, "eye", SEEN)] if model.eye is not None else []
        parts += [_Answering(model, FEATURES if frozen else PREPARED)]
        self.parts = [part.eval() for part in parts]

    def __call__(self, pixels: Tensor) -> tuple[Tensor, ...]:
        values = self.values(pixels)
        return tuple(values[name] for name in (*OUTPUTS, PREPARED))

    def values(self, pixels: Tensor) -> dict[str, Tensor]:
        """All that the parts take and give, by name."""
        values = {INPUT: pixels}
        for part in self.parts:
            given = part(*(values[name] for name in part.takes))
            values.update(zip(part.gives, given, strict=True))
        return values
