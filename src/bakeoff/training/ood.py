"""Out-of-distribution scores: how far a picture lies from the training pictures."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.training.plda import NewClass
from bakeoff.training.sums import Drawn, Moments, OtherSums

__all__ = ["DIRECTIONS", "Blanks", "CosineOOD", "MahalanobisOOD", "NearestOOD", "SketchOOD"]

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


class CosineOOD(nn.Module):
    """N×D features of a pretrained network to N scores: how far their direction is from a class.

    A class is the mean of its features, each of length 1; the score is 1 less the cosine of the
    angle to the nearest one. The length of such features says how much there is to see rather than
    what: without it, distances to neighbours know far more strangers (Sun, Ming, Zhu and Li,
    "Out-of-distribution detection with deep nearest neighbors", 2022). The mean of a class takes
    less room than its pictures, and knew about as many, see `benchmarks/photo_strangers.txt`.
    Divided by what is usual, scores would compare worse between folds of few pictures.

    Parameters
    ----------
    classes, width : K and D.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("prototypes", torch.zeros(classes, width))

    def learn(self, features: Tensor, labels: Tensor) -> CosineOOD:
        """From n×D features with n labels; a class without pictures takes no part."""
        x = F.normalize(features.double(), dim=1)
        counts = torch.bincount(labels, minlength=len(self.get_buffer("prototypes")))
        sums = x.new_zeros(len(counts), x.shape[1]).index_add_(0, labels, x)
        prototypes = F.normalize(sums, dim=1)
        # One without pictures gets that of another, so that it is never the nearer one.
        prototypes = torch.where(counts[:, None] > 0, prototypes, prototypes[labels[0]])
        self.get_buffer("prototypes").copy_(prototypes)
        return self

    def forward(self, features: Tensor) -> Tensor:
        """N×D to N, 0 to 2."""
        cosines = F.normalize(features, dim=1) @ self.get_buffer("prototypes").T
        return 1 - cosines.amax(1)

    @classmethod
    def like(cls, tensors: Mapping[str, Tensor]) -> CosineOOD:
        """One with room for these tensors, by name, such as those of another one."""
        return cls(*tensors["prototypes"].shape)


STEEPNESS = 0.75  # of the scores of drawings: 2.1 times as high for a spread more
NEIGHBOURS = 3
REFERENCES, ROOM = 4_000, 2**20  # at most: training pictures to be near to, and their numbers


class NearestOOD(nn.Module):
    """N×E embeddings to N scores: how far their direction is from those of pictures of the set.

    Sun, Ming, Zhu and Li, "Out-of-distribution detection with deep nearest neighbors" (2022): 1
    less the mean cosine to the `NEIGHBOURS` nearest of some training pictures. A network that
    learned from many pictures of a class knows strangers that the eye does not, such as letters
    among digits. The score is on the scale of that of `SketchOOD`.

    Parameters
    ----------
    references, width : M, how many training pictures are kept, and E.
    """

    def __init__(self, references: int, width: int) -> None:
        super().__init__()
        self.register_buffer("references", torch.zeros(references, width, dtype=torch.half))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    @staticmethod
    def room(width: int) -> int:
        """How many references are kept of this width: 0 where too few would fit."""
        most = min(REFERENCES, ROOM // width)
        return most if most >= REFERENCES // 4 else 0

    @classmethod
    def learn(cls, references: Tensor, others: Tensor) -> NearestOOD:
        """From M×E embeddings to be near to, and n×E of other pictures of the set.

        Those of others should not have been learned from: what a network learned is nearer.
        """
        score = cls(*references.shape)
        score.get_buffer("references").copy_(F.normalize(references.float(), dim=1))
        distances = score.distance(others.float())
        middle, high = distances.quantile(0.5), distances.quantile(0.97)
        score.get_buffer("centre").copy_(middle)
        score.get_buffer("spread").copy_((high - middle).clamp(min=1e-6))
        return score

    def forward(self, embeddings: Tensor) -> Tensor:
        """N×E to N; about 1 for pictures like those of the set."""
        distances = self.distance(embeddings)
        spreads = (distances - self.get_buffer("centre")) / self.get_buffer("spread")
        return torch.exp(STEEPNESS * spreads.clamp(-10.0, 10.0))

    def distance(self, embeddings: Tensor) -> Tensor:
        """N×E to N, 0 to 2."""
        cosines = F.normalize(embeddings, dim=1) @ self.get_buffer("references").float().T
        return 1 - cosines.topk(NEIGHBOURS, dim=1).values.mean(1)

    @classmethod
    def like(cls, tensors: Mapping[str, Tensor]) -> NearestOOD:
        """One with room for these tensors, by name, such as those of another one."""
        return cls(*tensors["references"].shape)


PENALTY = 0.03  # of the ridge, over the mean variance of a feature
# Weight of the margin, which knows more strangers than the ratio, but fewer pens; and of how many
# drawings a class it has half of that, since a ridge knows a class of few drawings less well.
MARGIN, HALF = 45.0, 10
VARIED = 128  # at most: directions in which classes differ; more made no difference
LEAST_SPREAD = 5.0  # each left out, drawings that are alone in their class do not differ


class SketchOOD(nn.Module):
    """N×E features of the eye to N scores: how likely a class never seen, and how much like others.

    The sum of two scores: how much likelier a new class is than the likeliest known one, see
    `NewClass`; and by how much a ridge that also predicts the classes of bundled drawings of other
    things (Hendrycks, Mazeika and Dietterich, "Deep anomaly detection with outlier exposure", 2019)
    predicts these, all together, rather than the likeliest known class. Both know the page's pens.
    `benchmarks/none_of_these.txt` compares both with others.

    Parameters
    ----------
    classes, others, width : K, how many classes of other drawings there are, and E.
    directions : in how many directions classes differ.
    """

    def __init__(self, classes: int, others: int, width: int, directions: int) -> None:
        super().__init__()
        # None of these numbers is part of the graph, so that one trace serves all sets.
        self.ratio = NewClass(classes, width, directions)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("weights", torch.zeros(width, classes))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("other_weights", torch.zeros(width, others, dtype=torch.half))
        self.register_buffer("other_bias", torch.zeros(others))
        self.register_buffer("weight", torch.zeros(()))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    @classmethod
    def learn(
        cls, known: Drawn, pens: Drawn, others: OtherSums, classes: int, projection: Tensor
    ) -> SketchOOD:
        """Fit it in closed form.

        Parameters
        ----------
        known, pens : training pictures, and some of them drawn with the page's pens.
        others : other drawings.
        projection : E×P, from features to values in which hundreds of classes differ.
        """
        width, named = projection.shape
        score = cls(classes, len(others.counts), width, min(VARIED, named))
        margins = score._fit(known, pens, others.moments)
        each = len(known.labels) / len(set(known.labels.tolist()))
        score.get_buffer("weight").fill_(MARGIN * each / (each + HALF))
        ratios = score.ratio.learn(known, pens, others, projection)
        scores = ratios + score.get_buffer("weight") * margins
        middle, high = scores.quantile(0.5), scores.quantile(0.97)
        score.get_buffer("centre").copy_(middle)
        score.get_buffer("spread").copy_((high - middle).clamp(min=LEAST_SPREAD))
        return score

    def _fit(self, known: Drawn, pens: Drawn, others: Moments) -> Tensor:
        """The ridge, and its margins for the known drawings, each left out with whichever pen.

        Those of the known classes, with all pens, weigh as much as the others.
        """
        classes = len(self.get_buffer("bias"))
        features, labels = (torch.cat(pair) for pair in zip(known[:2], pens[:2], strict=True))
        ours = Moments.of(features, labels, classes)
        apart = (ours.mean - others.mean) / 2
        mean = others.mean + apart
        covariance = (ours.covariance.double() + others.covariance) / 2 + apart.outer(apart)
        deviation = covariance.diagonal().clamp(min=0).sqrt()
        scale = deviation + 0.1 * deviation.mean() + 1e-9
        products = covariance / scale.outer(scale)
        usual = torch.cat([ours.shares, others.shares]) / 2
        towards = torch.cat([ours.sums_from(mean), others.sums_from(mean)]) / (2 * scale)
        penalty = PENALTY * products.diagonal().mean()
        root = torch.linalg.cholesky(products + penalty * torch.eye(len(products)).double())
        weights = torch.cholesky_solve(towards.T, root)
        self.get_buffer("mean").copy_(mean)
        own, other = (weights / scale[:, None]).tensor_split([classes], dim=1)
        self.get_buffer("weights").copy_(own)
        self.get_buffer("other_weights").copy_(other)
        self.get_buffer("bias").copy_(usual[:classes])
        self.get_buffer("other_bias").copy_(usual[classes:])
        x = ((features - mean) / scale).float()  # single precision halves the time of the products
        across = torch.linalg.solve_triangular(root.float(), x.T, upper=False).T.double()
        wrong = F.one_hot(labels, len(usual)) - (x @ weights.float() + usual)
        unlike = _left_out(across / (2 * len(features)) ** 0.5, wrong, known.rows, pens.rows)
        left_out = F.one_hot(known.labels, len(usual)) - unlike
        return _margin(*left_out.tensor_split([classes], dim=1)).float()

    def forward(self, features: Tensor) -> Tensor:
        """N×E to N; about 1 for pictures like the training pictures."""
        scores = self.ratio(features) + self.get_buffer("weight") * self.margin(features)
        spreads = (scores - self.get_buffer("centre")) / self.get_buffer("spread")
        return torch.exp(STEEPNESS * spreads.clamp(-10.0, 10.0))

    def margin(self, features: Tensor) -> Tensor:
        """N×E to N: how far other things are ahead of the likeliest known class."""
        x = features - self.get_buffer("mean")
        known = x @ self.get_buffer("weights") + self.get_buffer("bias")
        others = x @ self.get_buffer("other_weights").float() + self.get_buffer("other_bias")
        return _margin(known, others)

    @classmethod
    def like(cls, tensors: Mapping[str, Tensor]) -> SketchOOD:
        """One with room for these tensors, by name, such as those of another one."""
        width, classes = tensors["weights"].shape
        others, directions = len(tensors["other_bias"]), len(tensors["ratio.origin"])
        return cls(classes, others, width, directions)


def _left_out(across: Tensor, wrong: Tensor, known: Tensor, pens: Tensor) -> Tensor:
    """By how much a ridge is wrong about n known drawings, each left out with all its pens.

    Closed form: what is left of the block of rows that are left out, divided by the identity less
    its part of the hat matrix.

    Parameters
    ----------
    across, wrong : of n known and m penned drawings, values whose products are the hat matrix, and
        the residuals of the ridge.
    known, pens : n ascending and m numbers; the same for the same drawing.
    """
    count = len(known)
    leverage = across[:count].square().sum(1, keepdim=True)
    unlike = wrong[:count] / (1 - leverage).clamp(min=1e-3)
    again = torch.isin(pens, known).nonzero()[:, 0]
    if not len(again):
        return unlike
    drawings, place, looks = torch.unique(pens[again], return_inverse=True, return_counts=True)
    # The rows of each drawing that also has pens, itself first; -1: it has fewer pens than others.
    rows = torch.full((len(drawings), 1 + int(looks.max())), -1)
    rows[:, 0] = torch.searchsorted(known, drawings)
    order = place.argsort(stable=True)
    turn = torch.arange(len(again)) - (looks.cumsum(0) - looks)[place[order]]
    rows[place[order], 1 + turn] = count + again[order]
    present = (rows >= 0)[..., None]
    block, residual = (torch.where(present, of[rows], 0.0) for of in (across, wrong))
    without = torch.eye(rows.shape[1]).double() * (1 + 1e-9) - block @ block.mT
    unlike[rows[:, 0]] = torch.linalg.solve(without, residual)[:, 0]
    return unlike


def _margin(known: Tensor, others: Tensor) -> Tensor:
    """N×K and N×M predictions to N: those of other things over the likeliest known class."""
    margin: Tensor = others.relu().square().sum(1).sqrt() - known.amax(1)
    return margin
