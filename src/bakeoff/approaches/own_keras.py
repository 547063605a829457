"""A Keras model as a network of ours: its backend must be torch, so that it is a torch module."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.errors import BakeoffError

__all__ = ["KerasBody", "is_keras", "seeded"]

LEAST = 1e-7  # probability whose logarithm is the lowest logit


def is_keras(model: Any) -> bool:
    """Whether it is a Keras model, on any backend; Keras need not be installed to know."""
    return any(
        kind.__module__.startswith("keras.") and kind.__name__ == "Model"
        for kind in type(model).__mro__
    )


@contextmanager
def seeded() -> Iterator[None]:
    """Let Keras draw its first weights from torch's seed: it seeds itself from Python's."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is Keras's
    random.seed(torch.initial_seed())
    np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


class KerasBody(nn.Module):
    """N×C×S×S pictures to the N×K logits of a Keras model.

    A model that ends in softmax gives the logarithm of its probabilities. A compiled model is
    trained by its own `fit`, another by our loop.
    """

    def __init__(self, model: Any, channels: int, size: int) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise BakeoffError(
                "a Keras model",
                "does not run on torch",
                "Set the environment variable KERAS_BACKEND to torch",
            )
        import keras

        self.last = keras.config.image_data_format() == "channels_last"
        self.model: Any = model
        with torch.no_grad():
            self.model(self._arranged(torch.zeros(1, channels, size, size)), training=False)
        layers = getattr(model, "layers", None) or [None]
        self.shares = getattr(layers[-1], "activation", None) is keras.activations.softmax
        # Keras registers each variable under two names, with numbers that count all models of a
        # process: they are stored once, in their order.
        self.register_state_dict_post_hook(_by_place)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_by_name)  # type: ignore[no-untyped-call]
        if model.compiled:
            self.fit = self._fit

    def forward(self, x: Tensor) -> Tensor:
        answers: Tensor = self.model(self._arranged(x), training=self.training)
        return answers.clamp(min=LEAST).log() if self.shares else answers

    def _arranged(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1) if self.last else x

    def _fit(
        self,
        pictures: Tensor,
        labels: Tensor,
        epochs: int,
        batch_size: int,
        validation: tuple[Tensor, Tensor] | None = None,
    ) -> None:
        data = None if validation is None else (self._arranged(validation[0]), validation[1])
        with seeded():
            self.model.fit(
                self._arranged(pictures),
                labels,
                epochs=epochs,
                batch_size=batch_size,
                validation_data=data,
                verbose=0,
            )


def _names(module: nn.Module, prefix: str) -> dict[str, str]:
    """All names of parameters, and the one that each is stored under: by its place."""
    places: dict[int, str] = {}
    named = module.named_parameters(remove_duplicate=False)
    return {
        f"{prefix}{name}": places.setdefault(id(variable), f"{prefix}variable_{len(places)}")
        for name, variable in named
    }


def _by_place(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name, place in _names(module, prefix).items():
        state[place] = state.pop(name)


def _by_name(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    names = _names(module, prefix)
    values = {place: state.pop(place) for place in {*names.values()} if place in state}
    state.update({name: values[place] for name, place in names.items() if place in values})
