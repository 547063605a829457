"""Is a drawing of a known class or of one never seen? From what drawings of other classes show."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bakeoff.training.sums import Drawn, OtherSums, Spread, places, spread_of

__all__ = ["NewClass"]

SHRINKAGE = 0.3  # added to the variance within classes in each direction, over its mean
LEAST = 1e-3  # variance between classes, over that within them
NEVER = 1e6  # cost of a class without pictures


class NewClass(nn.Module):
    """N×E features to N log ratios: how much likelier is a new class than the likeliest known one?

    Probabilistic linear discriminant analysis (Ioffe, 2006; Prince and Elder, "Probabilistic linear
    discriminant analysis for inferences about identity", 2007): a class is a normal distribution
    around a mean of its own, all have one covariance, and the means are normal too. Drawings of
    hundreds of other classes give the covariances, so they say how far a class that was never seen
    lies from others, in which directions, and how little a few drawings say of their class.

    Parameters
    ----------
    classes, width, directions : K, E, and in how many directions D classes differ.
    """

    def __init__(self, classes: int, width: int, directions: int) -> None:
        super().__init__()
        self.register_buffer("directions", torch.zeros(width, directions, dtype=torch.half))
        self.register_buffer("origin", torch.zeros(directions))
        self.register_buffer("precision", torch.ones(directions, classes))
        self.register_buffer("towards", torch.zeros(directions, classes))
        self.register_buffer("cost", torch.zeros(classes))
        self.register_buffer("new", torch.ones(directions))  # precision of a class never seen

    def learn(self, known: Drawn, pens: Drawn, others: OtherSums, projection: Tensor) -> Tensor:
        """Fit it in closed form; the n ratios of the known drawings, each left out.

        Parameters
        ----------
        known, pens : drawings of the K classes, and some of them with other pens.
        others : drawings of other things.
        projection : E×P, from features to values in which hundreds of classes differ.
        """
        ours = Drawn(*(torch.cat(pair) for pair in zip(known, pens, strict=True)))
        own = spread_of(ours.features @ projection, *places(ours.labels))
        count = len(self.get_buffer("origin"))
        directions, between = _geometry(others.spread(projection), own, count)
        self.get_buffer("directions").copy_(projection.double() @ directions)
        rounded = self.get_buffer("directions").float()
        # The mean of the classes' means.
        self.get_buffer("origin").copy_(others.centre.float() @ rounded)
        self.get_buffer("new").copy_(1 / (1 + between))
        x = ours.features @ rounded - self.get_buffer("origin")
        classes = len(self.get_buffer("cost"))
        sums = torch.zeros(classes, count).index_add_(0, ours.labels, x)
        pictures = torch.bincount(ours.labels, minlength=classes).float()
        drawings = torch.bincount(known.labels, minlength=classes).float()
        precision, means, cost = self._classes(sums, pictures, drawings)
        self.get_buffer("precision").copy_(precision.T)
        self.get_buffer("towards").copy_((means * precision).T)
        self.get_buffer("cost").copy_(torch.where(drawings > 0, cost, NEVER))
        return self._left_out(known, ours.rows, x, (sums, pictures, drawings))

    def _left_out(
        self, known: Drawn, rows: Tensor, x: Tensor, of_class: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """The ratios of n known drawings, each without itself, with whichever pen.

        Parameters
        ----------
        rows, x : of all drawings with all pens, the known ones first, and their values, m×D.
        of_class : sums, pictures and drawings of the K classes, see `_classes`.
        """
        y, every = known.labels, torch.arange(len(known.labels))
        place, pictures = places(rows)
        of_row = torch.zeros(len(pictures), x.shape[1]).index_add_(0, place, x)
        own = place[: len(y)]
        taken = (of_row[own], pictures[own], torch.ones(len(y)))
        precision, means, cost = self._classes(
            *(of[y] - part for of, part in zip(of_class, taken, strict=True))
        )
        x = x[: len(y)]
        costs = self._costs(x)
        costs[every, y] = (precision * x * (x - 2 * means)).sum(1) + cost
        return self._ratio(x, costs)

    def _classes(
        self, sums: Tensor, pictures: Tensor, drawings: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Precisions and means of k classes, k×D, and k costs, from sums of D values.

        A drawing with another pen says little more about its class, so drawings count alone.
        """
        between = 1 / self.get_buffer("new") - 1
        left = 1 / (1 + drawings[:, None] * between)  # the share of what is not known
        means = (1 - left) * sums / pictures.clamp(min=1)[:, None]
        precision = 1 / (1 + between * left)
        cost = (means.square() * precision - (precision / self.get_buffer("new")).log()).sum(1)
        return precision, means, cost

    def forward(self, features: Tensor) -> Tensor:
        """N×E to N."""
        x = features @ self.get_buffer("directions").float() - self.get_buffer("origin")
        return self._ratio(x, self._costs(x))

    def _costs(self, x: Tensor) -> Tensor:
        """N×D to N×K: twice the negative log likelihoods, but for a constant."""
        near = x.square() @ self.get_buffer("precision") - 2 * x @ self.get_buffer("towards")
        costs: Tensor = near + self.get_buffer("cost")
        return costs

    def _ratio(self, x: Tensor, costs: Tensor) -> Tensor:
        ratio: Tensor = (costs.amin(1) - x.square() @ self.get_buffer("new")) / 2
        return ratio


def _geometry(others: Spread, ours: Spread, count: int) -> tuple[Tensor, Tensor]:
    """P×D directions in which the variance within classes is 1, and the D variances between them.

    Both kinds of drawings say what varies within classes, the others what varies between them.
    """
    means, counts, scatter = others
    free = sum(float(part.counts.sum()) - len(part.counts) for part in (others, ours))
    within = (scatter + ours.scatter) / max(free, 1)
    apart = means - means.mean(0)
    # The means of a few drawings also differ by chance.
    between = apart.T @ apart / len(means) - within * (1 / counts).mean()
    mean = within.diagonal().mean().clamp(min=1e-9)
    root = torch.linalg.cholesky(within + SHRINKAGE * mean * torch.eye(len(within)).double())
    half = torch.linalg.solve_triangular(root, between, upper=False)
    half = torch.linalg.solve_triangular(root, half.T, upper=False)
    variances, vectors = torch.linalg.eigh((half + half.T) / 2)
    directions = torch.linalg.solve_triangular(root.T, vectors, upper=True)
    return directions[:, -count:], variances[-count:].clamp(min=LEAST)
