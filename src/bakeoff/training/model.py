"""A trained approach as one module: raw pixels in, calibrated probabilities out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures
from bakeoff.training.compute import Compute
from bakeoff.training.prepare import Prepare
from bakeoff.training.sources import batch_of

__all__ = ["Model", "Network"]


class Network(nn.Module):
    """What an approach trains: a body that describes a picture, and a linear head that names it.

    Parameters
    ----------
    body : prepared pixels or frozen features to N×E, the embedding.
    head : N×E to N×K logits.
    """

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x))
        return logits


class Model(nn.Module):
    """Prepare, the frozen part if there is one, the trained part, and the temperature.

    What is scored is this module from raw pixels, so what is exported is what was measured.
    """

    def __init__(
        self,
        prepare: Prepare,
        frozen: nn.Module | None,
        network: Network,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.prepare = prepare
        self.frozen = frozen or nn.Identity()
        self.network = network
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×K probabilities."""
        return torch.softmax(self.logits(pixels) / self.get_buffer("temperature"), dim=1)

    def logits(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×K logits, before the temperature."""
        answer: Tensor = self.network.head(self.embedding(pixels))
        return answer

    def embedding(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×E: what the head goes by."""
        described: Tensor = self.network.body(self.frozen(self.prepare(pixels)))
        return described

    def logits_of(self, pictures: Pictures, compute: Compute) -> NDArray[np.float32]:
        """N×K logits in float32, for pictures of any sizes."""
        compute.place(self).eval()
        answers: NDArray[np.float32] | None = None
        with torch.inference_mode():
            for rows, pixels in pictures.batches(batch_of(self.prepare.size)):
                some = self.logits(torch.from_numpy(pixels).to(compute.device)).cpu().numpy()
                if answers is None:
                    answers = np.empty((len(pictures), some.shape[1]), dtype=np.float32)
                answers[rows] = some
        assert answers is not None, "there is nothing to predict"
        return answers
