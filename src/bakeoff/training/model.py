"""A trained approach as one module: raw pixels in, calibrated probabilities out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures
from bakeoff.training.compute import Compute
from bakeoff.training.ood import MahalanobisOOD
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sources import batch_of

__all__ = ["Model", "Network"]


class Network(nn.Module):
    """What an approach trains: a body that describes a picture, and a linear head that names it.

    Beside them is `ood`, which tells by the description how strange the picture is; it
    learns in one step when the other two are trained.

    Parameters
    ----------
    body : prepared pixels or frozen features to N×E, the embedding.
    head : N×E to N×K logits.
    """

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.ood = MahalanobisOOD(head.out_features, head.in_features)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x))
        return logits


class Model(nn.Module):
    """Preprocess, the frozen part if there is one, the trained part, and the temperature.

    What is scored is this module from raw pixels, so what is exported is what was measured.
    """

    def __init__(
        self,
        preprocess: Preprocess,
        frozen: nn.Module | None,
        network: Network,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.preprocess = preprocess
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
        return self.describe(self.preprocess(pixels))

    def describe(self, prepared: Tensor) -> Tensor:
        """What `Preprocess` made of N pictures, N×C×S×S, to N×E."""
        described: Tensor = self.network.body(self.frozen(prepared))
        return described

    def logits_of(self, pictures: Pictures, compute: Compute) -> NDArray[np.float32]:
        """N×K logits in float32, for pictures of any sizes."""
        return self.judge(pictures, compute)[0]

    def judge(
        self, pictures: Pictures, compute: Compute
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """N×K logits and N strangenesses in float32, for pictures of any sizes."""
        compute.place(self).eval()
        width = self.network.head.out_features
        logits = np.empty((len(pictures), width), dtype=np.float32)
        ood_score = np.empty(len(pictures), dtype=np.float32)
        with torch.inference_mode():
            for rows, pixels in pictures.batches(batch_of(self.preprocess.size)):
                described = self.embedding(torch.from_numpy(pixels).to(compute.device))
                logits[rows] = self.network.head(described).cpu().numpy()
                ood_score[rows] = self.network.ood(described).cpu().numpy()
        return logits, ood_score
