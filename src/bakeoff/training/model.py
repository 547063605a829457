"""A trained approach as one module: raw pixels in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.pictures import Pictures
from bakeoff.training.compute import Compute
from bakeoff.training.ood import Blanks, MahalanobisOOD
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sources import LOOK_PIXELS, batch_of

__all__ = ["Features", "Look", "Model", "Network"]


class Network(nn.Module):
    """The trained part of an approach: a body that embeds a picture, and a linear head.

    `ood` scores how far an embedding lies from those of the training pictures; it is fitted in one
    step once body and head are trained. Where it scores what an eye sees instead, there may be
    `near`, which scores the embedding; the higher score counts. `blanks` knows whether a class
    consists of blank pictures.

    Parameters
    ----------
    body : preprocessed pixels or frozen features to N×E embeddings.
    head : N×E to N×K logits.
    """

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.ood: nn.Module = MahalanobisOOD(head.out_features, head.in_features)
        self.near: nn.Module | None = None
        self.blanks = Blanks()

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x))
        return logits

    def embed_and_score(
        self, x: Tensor, blank: Tensor, seen: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """N×E embeddings and N OOD scores.

        Parameters
        ----------
        x : as for `forward`.
        blank : N truth values: nothing is drawn.
        seen : N×D features of the eye; None: the OOD score is that of the embedding alone.
        """
        embeddings: Tensor = self.body(x)
        scores: Tensor = self.ood(embeddings if seen is None else seen)
        if self.near is not None:
            scores = torch.maximum(scores, self.near(embeddings))
        return embeddings, self.blanks(scores, blank)


class Features(NamedTuple):
    """What the trained part takes of some pictures, and their rows."""

    rows: NDArray[np.int64]
    features: Tensor


class Look(NamedTuple):
    """What a model's fixed parts make of some pictures: those of any fit of an approach.

    Attributes
    ----------
    rows : n, of the pictures.
    features : n×…, what the trained part takes.
    seen : n×D features of the eye, or None.
    blank : n truth values: nothing is drawn.
    """

    rows: NDArray[np.int64]
    features: Tensor
    seen: Tensor | None
    blank: Tensor


class Model(nn.Module):
    """Preprocess, the frozen part if there is one, the trained part, and the temperature.

    This module is scored from raw pixels and is exported whole, so the exported model is the one
    that was measured. The OOD score is that of the embedding, or of the features of an `eye`, which
    may be the frozen part.
    """

    def __init__(
        self,
        preprocess: Preprocess,
        frozen: nn.Module | None,
        network: Network,
        temperature: float = 1.0,
        eye: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.frozen = frozen or nn.Identity()
        self.eye_is_frozen = eye is not None and eye is frozen
        self.eye = None if self.eye_is_frozen else eye
        self.network = network
        self.register_buffer("temperature", torch.tensor(float(temperature)))

    def forward(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×K probabilities."""
        return torch.softmax(self.logits(pixels) / self.get_buffer("temperature"), dim=1)

    def logits(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×K logits, before the temperature."""
        logits: Tensor = self.network.head(self.embedding(pixels))
        return logits

    def embed_and_score(self, preprocessed: Tensor, blank: Tensor) -> tuple[Tensor, Tensor]:
        """N×E embeddings and N OOD scores; `blank` says of each picture: nothing is drawn."""
        features = self.frozen(preprocessed)
        seen = self._seen(preprocessed, features)
        return self.network.embed_and_score(features, blank, seen)

    def _seen(self, preprocessed: Tensor, features: Tensor) -> Tensor | None:
        """N×D features of the eye, if there is one."""
        if self.eye_is_frozen:
            return features
        return None if self.eye is None else self.eye(preprocessed)

    def embedding(self, pixels: Tensor) -> Tensor:
        """N×H×W×C uint8 to N×E, the input of the head."""
        return self.embed(self.preprocess(pixels))

    def embed(self, preprocessed: Tensor) -> Tensor:
        """N×C×S×S preprocessed pictures to N×E embeddings."""
        embeddings: Tensor = self.network.body(self.frozen(preprocessed))
        return embeddings

    def logits_of(self, pictures: Pictures, compute: Compute) -> NDArray[np.float32]:
        """N×K logits in float32, for pictures of any sizes."""
        return self.logits_of_features(self.features_of(pictures, compute), compute)

    def features_of(self, pictures: Pictures, compute: Compute) -> Iterator[Features]:
        """What the trained part takes of N pictures of any sizes, in batches."""
        compute.place(self).eval()
        with torch.inference_mode():
            for rows, x, _ in self._prepared(pictures, compute):
                yield Features(rows, self.frozen(x))

    def logits_of_features(
        self, features: Iterable[Features], compute: Compute
    ) -> NDArray[np.float32]:
        """N×K logits in float32, from `features_of` this model or one with the same fixed parts."""
        network = compute.place(self).eval().network
        order = [np.empty(0, dtype=np.int64)]
        logits = [np.empty((0, network.head.out_features), dtype=np.float32)]
        with torch.inference_mode():
            for part in features:
                order.append(part.rows)
                logits.append(network(part.features).cpu().numpy())
        return np.concatenate(logits)[np.argsort(np.concatenate(order))]

    def _prepared(
        self, pictures: Pictures, compute: Compute
    ) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
        """Rows, their preprocessed pictures, and whether each is blank, in full batches.

        Photos of as many shapes as pictures would else be embedded one by one, which takes twice
        the time.
        """
        size = batch_of(self.preprocess.size, LOOK_PIXELS)
        waiting: list[tuple[NDArray[np.int64], Tensor, Tensor]] = []
        for rows, pixels in pictures.batches(size):
            x, blank = self.preprocess.with_blank(torch.from_numpy(pixels).to(compute.device))
            waiting.append((rows, x, blank))
            if sum(len(rows) for rows, _, _ in waiting) >= size:
                rows, x, blank = _together(waiting)
                yield rows[:size], x[:size], blank[:size]
                waiting = [(rows[size:], x[size:], blank[size:])] if len(rows) > size else []
        if waiting:
            yield _together(waiting)

    def looks(self, pictures: Pictures, compute: Compute) -> Iterator[Look]:
        """What no fit changes of N pictures of any sizes, in batches, for `judge_looks`."""
        compute.place(self).eval()
        with torch.inference_mode():
            for rows, x, blank in self._prepared(pictures, compute):
                features = self.frozen(x)
                yield Look(rows, features, self._seen(x, features), blank)

    def judge_looks(
        self, looks: Iterable[Look], compute: Compute
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """N×K logits and N OOD scores in float32, for N pictures that were looked at."""
        network = compute.place(self).eval().network
        order, logits, ood_scores = [], [], []
        with torch.inference_mode():
            for look in looks:
                embeddings, scores = network.embed_and_score(look.features, look.blank, look.seen)
                order.append(look.rows)
                logits.append(network.head(embeddings).cpu().numpy())
                ood_scores.append(scores.cpu().numpy())
        if not order:
            width = network.head.out_features
            return np.empty((0, width), dtype=np.float32), np.empty(0, dtype=np.float32)
        places = np.argsort(np.concatenate(order))
        return np.concatenate(logits)[places], np.concatenate(ood_scores)[places]

    def judge(
        self, pictures: Pictures, compute: Compute
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """N×K logits and N OOD scores in float32, for pictures of any sizes."""
        return self.judge_looks(self.looks(pictures, compute), compute)


def _together(
    parts: list[tuple[NDArray[np.int64], Tensor, Tensor]],
) -> tuple[NDArray[np.int64], Tensor, Tensor]:
    if len(parts) == 1:
        return parts[0]
    rows, prepared, blank = zip(*parts, strict=True)
    return np.concatenate(rows), torch.cat(prepared), torch.cat(blank)
