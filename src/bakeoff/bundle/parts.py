"""A model in the parts that are traced one by one, since models have most of them in common."""

from __future__ import annotations

import onnx
import torch
from torch import Tensor, nn

from bakeoff.bundle.graph import INPUT, OUTPUTS, PREPARED
from bakeoff.errors import BakeoffError
from bakeoff.training.graph_body import GraphBody
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

__all__ = ["Exported", "Part"]

# Values between the parts.
BLANK, FEATURES, SEEN, GIVEN = "blank", "features", "seen", "given"


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

    def graph(self) -> onnx.ModelProto | None:
        """The graph of what need not be traced, with the names of this part."""
        return None


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


class _Given(Part):
    """What is in front of a body that is a graph already, to its logits."""

    def __init__(self, model: Model, body: GraphBody, features: str) -> None:
        super().__init__("given", model, (), takes=(features,), gives=(GIVEN,))
        self.body = body

    def forward(self, features: Tensor) -> tuple[Tensor]:
        return (self.body(features),)

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def graph(self) -> onnx.ModelProto:
        if self.body.without_graph:
            raise BakeoffError(
                "the model",
                self.body.without_graph,
                "It gets all scores, but no bundle",
            )
        model = onnx.load_model_from_string(self.body.bytes)
        names = {model.graph.input[0].name: self.takes[0], model.graph.output[0].name: GIVEN}
        for number, node in enumerate(model.graph.node):
            node.name = f"{self.name}/{node.op_type}_{number}"
            for values in (node.input, node.output):
                values[:] = [each and names.get(each, f"{self.name}.{each}") for each in values]
        for tensor in model.graph.initializer:
            tensor.name = f"{self.name}.{tensor.name}"
        for value in (*model.graph.input, *model.graph.output):
            value.name = names[value.name]
        del model.graph.value_info[:]
        return model


class _Answering(Part):
    """What the frozen part and the eye made of a picture to `OUTPUTS`."""

    def __init__(self, model: Model, features: str) -> None:
        seen = (SEEN,) if model.eye is not None else ()
        if features == GIVEN and model.eye_is_frozen:
            seen = (FEATURES,)
        takes = (features, BLANK, *seen)
        super().__init__("answer", model, ("network",), takes=takes, gives=OUTPUTS)
        if features == GIVEN:
            self.model.add_module("network", _without_body(model.network))
        self.model.register_buffer("temperature", model.get_buffer("temperature"))
        self.eye_is_frozen = model.eye_is_frozen and features != GIVEN

    def forward(
        self, features: Tensor, blank: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        network = self.model.get_submodule("network")
        assert isinstance(network, Network), "`Model` has one"
        seen = features if self.eye_is_frozen else seen
        embedding, ood_score = network.embed_and_score(features, blank, seen)
        logits = network.head(embedding) / self.model.get_buffer("temperature")
        return torch.softmax(logits, dim=1), ood_score, embedding


class _Passing(nn.Module):
    """The embedding as it is, times one: the exporter loses an output that is an input."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("one", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.get_buffer("one")


def _without_body(network: Network) -> Network:
    """The rest of a network, for embeddings."""
    rest = Network(_Passing(), network.head)
    rest.ood, rest.near, rest.blanks = network.ood, network.near, network.blanks
    return rest


class Exported:
    """N×H×W×C uint8 to probabilities, OOD scores, embeddings, and the network's input."""

    def __init__(self, model: Model) -> None:
        frozen = not isinstance(model.frozen, nn.Identity)
        parts: list[Part] = [_Preparing(model)]
        parts += [_Looking(model, "frozen", FEATURES)] if frozen else []
        parts += [_Looking(model, "eye", SEEN)] if model.eye is not None else []
        features = FEATURES if frozen else PREPARED
        if isinstance(model.network.body, GraphBody):
            parts += [_Given(model, model.network.body, features)]
            features = GIVEN
        parts += [_Answering(model, features)]
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
