"""Out-of-distribution scores: how far a picture lies from the training pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.evaluation.records import NOTHING_DRAWN

__all__ = ["DIRECTIONS", "Blanks", "MahalanobisOOD"]

DIRECTIONS = 64  # at most: principal directions whose variances are kept one by one


class Blanks(nn.Module):
    """Gives blank pictures the score `NOTHING_DRAWN`, unless a class consists of them.

    A model without `learn`, such as that of a run from before, scores them like any picture.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("known", torch.ones(()))

    def learn(self, blank: Tensor, labels: Tensor) -> Blanks:
        """From n truth values and n labels: are most pictures of a class blank?"""
        classes = set(labels[blank].tolist())
        known = any(blank[labels == label].float().mean() >= 0.5 for label in classes)
        self.get_buffer("known").fill_(float(known))
        return self

    def forward(self, scores: Tensor, blank: Tensor) -> Tensor:
        """N scores to the same."""
        nothing = blank & (self.get_buffer("known") < 0.5)
        return torch.where(nothing, NOTHING_DRAWN, scores.clamp(max=NOTHING_DRAWN / 2))


class MahalanobisOOD(nn.Module):
    """N×E embeddings to N scores: the Mahalanobis distance to the nearest class, per dimension.

    Lee et al., "A simple unified framework for detecting out-of-distribution samples" (2018):
    each class is a normal distribution with its own mean, and all share one covariance. The
    covariance has a few principal directions and the same variance in all others, as in
    probabilistic PCA (Tipping and Bishop, 1999), so that fewer pictures than dimensions suffice.

    Parameters
    ----------
    classes : number of classes, K.
    width : dimensions of an embedding, E.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        count = min(DIRECTIONS, width)
        self.register_buffer("means", torch.zeros(classes, width))
        self.register_buffer("directions", torch.zeros(width, count))
        self.register_buffer("spreads", torch.ones(count))
        self.register_buffer("rest", torch.ones(()))

    def learn(self, embeddings: Tensor, labels: Tensor) -> MahalanobisOOD:
        """Estimate means and covariance from n×E embeddings with n labels.

        A class without pictures gets a mean so far away that it is never the nearest.
        """
        x = embeddings.double()
        means = torch.full_like(self.get_buffer("means"), 1e6).double()
        for label in set(labels.tolist()):
            means[label] = x[labels == label].mean(0)
        apart = x - means[labels]
        count = self.get_buffer("spreads").shape[0]
        variances, vectors = _principal(apart / len(x) ** 0.5, count)
        # The mean variance of the other directions; never zero.
        total = apart.square().sum() / len(x)
        others = (total - variances.sum()).clamp(min=0) / max(x.shape[1] - count, 1)
        rest = others.clamp(min=1e-9 + 1e-4 * total / x.shape[1])
        self.get_buffer("means").copy_(means)
        self.get_buffer("directions").copy_(vectors)
        self.get_buffer("spreads").copy_(variances.clamp(min=rest).sqrt())
        self.get_buffer("rest").copy_(rest.sqrt())
        return self

    def forward(self, embeddings: Tensor) -> Tensor:
        """N×E to N; about 1 for pictures like the training pictures."""
        x, means = self._white(embeddings), self._white(self.get_buffer("means"))
        squares = x.square().sum(1, keepdim=True) + means.square().sum(1) - 2 * x @ means.T
        nearest: Tensor = squares.amin(1).clamp(min=0)
        return (nearest / embeddings.shape[1]).sqrt()

    def _white(self, x: Tensor) -> Tensor:
        """Coordinates in which the shared covariance is the identity."""
        directions = self.get_buffer("directions")
        along = x @ directions
        across = x - along @ directions.T
        return torch.cat([along / self.get_buffer("spreads"), across / self.get_buffer("rest")], 1)


def _principal(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest variances of n×E, in ascending order, and their directions, E×count.

    From the smaller of the two products of x with itself: 36 embeddings of 1 280 dimensions take
    2 ms instead of 350 ms. Directions without variance are 0.
    """
    if len(x) >= x.shape[1]:
        variances, vectors = torch.linalg.eigh(x.T @ x)
        return variances[-count:].clamp(min=0), vectors[:, -count:]
    variances, vectors = torch.linalg.eigh(x @ x.T)
    variances, vectors = variances[-count:], vectors[:, -count:]
    real = variances > 1e-12 * variances[-1]
    missing = count - len(variances)
    found = x.T @ vectors / variances.clamp(min=1e-300).sqrt()
    directions = torch.where(real, found, 0.0)
    return F.pad(variances.clamp(min=0), (missing, 0)), F.pad(directions, (missing, 0))
