"""Ridge classification in closed form, with its strength chosen by leaving out each picture.

A ridge fitted to all rows says without a second fit what a ridge fitted to all but one row would
have predicted for that row (Allen's PRESS, 1974). So no rows need to be kept aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bakeoff.training.sources import in_batches

__all__ = ["Nuisance", "Ridge", "ridge"]

# Strengths to choose from, in units of the mean squared length of a row.
STRENGTHS = tuple(10 ** (step / 3) for step in range(-12, 5))
# Predictions are near 0 and 1; softmax sees them times such a factor, whichever is best.
SHARPNESS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0)
LEFT_OUT = 5_000  # rows to leave out, evenly spaced: enough to choose by
LEFT_OUT_VIEWS = 8_192  # rows of views to leave out: as float64 of 1 280 features they take 84 MB
AT_ONCE = 4_096  # rows in double precision or as float32, rather than all of a large set
DIRECTIONS = 128  # of nuisance
VIEWS = 2_048  # from which they are estimated


@dataclass(frozen=True)
class Nuisance:
    """Directions in which views of the same picture differ, such as its paper.

    Attributes
    ----------
    directions : D×R, orthonormal.
    kept : R, how much of each is kept.
    """

    directions: Tensor
    kept: Tensor

    @classmethod
    def of(cls, views: Tensor, strength: float, *, seed: int) -> Nuisance:
        """From V×n×D views of n pictures.

        A direction is reduced as by a penalty on its variance between views, `strength` times as
        strong as on the mean variance of all other directions. On 431 drawings it separates unseen
        stamps as well as a ridge on all views, which takes twenty times as long.
        """
        few = views[:, :: -(-views.shape[0] * views.shape[1] // VIEWS)].float()
        apart = (few - few.mean(0)).flatten(0, 1)
        rank = min(apart.shape[1], apart.shape[0] - few.shape[1])
        count = min(DIRECTIONS, rank // 2)
        generator = torch.Generator().manual_seed(seed)
        basis = torch.randn(apart.shape[1], min(count + 16, rank), generator=generator)
        for _ in range(2):  # subspace iteration: Halko, Martinsson and Tropp (2011)
            basis, _ = torch.linalg.qr(apart.T @ (apart @ basis))
        seen = (apart @ basis).double()
        variances, turn = torch.linalg.eigh(seen.T @ seen)
        first = len(variances) - count
        variances, turn = variances[first:].clamp(min=0), turn[:, first:].float()
        others = (apart.square().sum().double() - variances.sum()) / (rank - count)
        # Views that hardly differ tell nothing: what pictures differ in is not to be reduced.
        pictures = (few[0] - few[0].mean(0)).square().sum().double() / rank
        others = others.clamp(min=1e-3 * pictures + 1e-12)
        kept = (1 + strength * (variances / others - 1).clamp(min=0)).rsqrt()
        return cls(basis @ turn, kept.float())

    def reduce(self, x: Tensor) -> Tensor:
        """…×D to the same, with less of the nuisance."""
        return x - (x @ self.directions * (1 - self.kept)) @ self.directions.T


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge: x @ weights + bias is about 1 for the class of x and 0 for others.

    Attributes
    ----------
    weights, bias : D×K and K, float32.
    strength : the penalty on squared weights, in units of the mean squared length of a row.
    rows : m of the n rows, ascending; all, unless there are more than `LEFT_OUT`.
    left_out : m×K, what a ridge fitted to all other rows predicts for each of `rows`; of views,
        what a ridge fitted to all views of all other pictures predicts for the first view.
    """

    weights: Tensor
    bias: Tensor
    strength: float
    rows: Tensor
    left_out: Tensor


def ridge(
    x: Tensor,
    labels: Tensor,
    classes: int,
    *,
    weights: Tensor | None = None,
    gram: Tensor | None = None,
    nuisance: Nuisance | None = None,
) -> Ridge:
    """Regress n rows on one-hot labels, with the strength whose left-out predictions are best.

    Parameters
    ----------
    x : n×D of any float type; a large set stays in it. Or V×n×D, views of n pictures: all are
        fitted, and a picture is left out with all its views.
    labels : n.
    classes : K.
    weights : n, of each row's squared error, at any scale; None: all the same.
    gram : x @ x.T, if it is known.
    nuisance : is reduced in x first; `gram` is then that of the reduced rows.
    """
    views = len(x) if x.ndim == 3 else 1
    rows = _Rows(x.reshape(-1, x.shape[-1]), _repeated(weights, views), nuisance)
    targets = F.one_hot(labels, classes).double().repeat(views, 1)
    mean = rows.share @ targets
    solved: _Dual | _Primal
    if views == 1 and len(rows.x) <= x.shape[-1]:
        solved = _Dual(rows, targets - mean, gram)
    else:
        solved = _Primal(rows, targets - mean, views)
    length = float(solved.spectrum.sum()) / len(rows.x)
    penalties = [strength * max(length, 1e-12) for strength in STRENGTHS]
    answers = [solved.left_out(penalty) + mean for penalty in penalties]
    losses = [_loss(answer, labels[solved.rows]) for answer in answers]
    best = min(range(len(losses)), key=losses.__getitem__)
    found = solved.weights(penalties[best])
    if nuisance is not None:
        found = nuisance.reduce(found.T).T
    return Ridge(
        weights=found,
        bias=(mean - rows.mean @ found.double()).float(),
        strength=STRENGTHS[best],
        rows=solved.rows,
        left_out=answers[best].float(),
    )


def _repeated(weights: Tensor | None, views: int) -> Tensor | None:
    """The weights of pictures for all rows of their views."""
    return None if weights is None else weights.repeat(views)


def _loss(answers: Tensor, labels: Tensor) -> float:
    return min(F.cross_entropy(answers * factor, labels).item() for factor in SHARPNESS)


class _Rows:
    """n×D rows with their weights; centred and reduced a part at a time.

    Attributes
    ----------
    share : n, of each row in all sums; together 1.
    root : n, the square roots of the weights, whose mean is 1.
    mean : D, of the rows as they are, in double precision.
    """

    def __init__(self, x: Tensor, weights: Tensor | None, nuisance: Nuisance | None) -> None:
        self.x, self.nuisance = x, nuisance
        weights = torch.ones(len(x)) if weights is None else weights
        self.share = weights.double() / weights.double().sum()
        self.root = (self.share * len(x)).sqrt()
        self.mean = torch.zeros(x.shape[1], dtype=torch.double)
        for part in self._parts():
            self.mean += self.share[part] @ x[part].double()

    def _parts(self) -> Iterator[Tensor]:
        yield from in_batches(torch.arange(len(self.x)), AT_ONCE)

    def centred(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows, and n×D float32 for them, centred, reduced and times the roots of their weights."""
        for part in self._parts():
            yield part, self.take(part)

    def take(self, rows: Tensor) -> Tensor:
        """The same for some rows."""
        x = self.x[rows].float() - self.mean.float()
        x = x if self.nuisance is None else self.nuisance.reduce(x)
        return x * self.root[rows, None].float()


class _Dual:
    """A ridge from the n×n products of rows, for no more rows than features."""

    def __init__(self, rows: _Rows, targets: Tensor, gram: Tensor | None) -> None:
        self.all = rows
        self.rows = torch.arange(len(rows.x))
        self.targets = targets
        if gram is None:
            x = rows.take(self.rows)
            products = (x @ x.T).double()
        else:
            gram = gram.double()
            middle = gram @ rows.share
            centred = gram - middle - middle[:, None] + rows.share @ middle
            products = centred * rows.root * rows.root[:, None]
        spectrum, self.vectors = torch.linalg.eigh(products)
        self.spectrum = spectrum.clamp(min=0)
        self.along = self.vectors.T @ (targets * rows.root[:, None])

    def left_out(self, penalty: float) -> Tensor:
        """n×K centred predictions of each row by all others."""
        passed = self.spectrum / (self.spectrum + penalty)
        fitted = self.vectors @ (passed[:, None] * self.along) / self.all.root[:, None]
        leverage = self.vectors.square() @ passed + self.all.share
        return _left_out(fitted, self.targets, leverage)

    def weights(self, penalty: float) -> Tensor:
        """D×K, for reduced rows."""
        coefficients = self.vectors @ (self.along / (self.spectrum + penalty)[:, None])
        weights: Tensor = self.all.take(self.rows).T @ coefficients.float()
        return weights


class _Primal:
    """A ridge from the D×D products of features, for more rows than features, or for views."""

    def __init__(self, rows: _Rows, targets: Tensor, views: int) -> None:
        width = rows.x.shape[1]
        products = torch.zeros(width, width, dtype=torch.double)
        correlation = torch.zeros(width, targets.shape[1], dtype=torch.double)
        for part, x in rows.centred():
            products += x.T @ x
            correlation += (x.T @ (targets[part] * rows.root[part, None]).float()).double()
        spectrum, self.vectors = torch.linalg.eigh(products)
        self.spectrum = spectrum.clamp(min=0)
        self.along = self.vectors.T @ correlation
        pictures = len(rows.x) // views
        most = LEFT_OUT if views == 1 else min(LEFT_OUT, max(1, LEFT_OUT_VIEWS // views))
        self.rows = torch.arange(0, pictures, -(-pictures // most))
        # m×V: the views of a picture are left out together.
        every = self.rows[:, None] + torch.arange(views) * pictures
        self.seen = (rows.take(every.flatten()) @ self.vectors.float()).double()
        self.seen = self.seen.view(*every.shape, width)
        self.root, self.share, self.targets = rows.root[every], rows.share[every], targets[every]

    def left_out(self, penalty: float) -> Tensor:
        """m×K centred predictions of the first view of each of `rows` by all other pictures.

        Of a picture with several views the leverage is a matrix, V×V.
        """
        scaled = self.seen / (self.spectrum + penalty)
        wrong = scaled @ self.along - self.targets * self.root[..., None]
        apart = self.share.sqrt()
        leverage = scaled @ self.seen.mT + apart[:, :, None] * apart[:, None]
        kept = torch.eye(leverage.shape[-1], dtype=torch.double) * (1 + 1e-9) - leverage
        without = torch.linalg.solve(kept, wrong)[:, 0]
        left_out: Tensor = self.targets[:, 0] + without / self.root[:, :1]
        return left_out

    def weights(self, penalty: float) -> Tensor:
        """D×K, for reduced rows."""
        weights: Tensor = self.vectors @ (self.along / (self.spectrum + penalty)[:, None])
        return weights.float()


def _left_out(fitted: Tensor, targets: Tensor, leverage: Tensor) -> Tensor:
    """What is predicted for a row without it, from the prediction with it and its leverage."""
    leverage = leverage[:, None]
    left_out: Tensor = (fitted - leverage * targets) / (1 - leverage).clamp(min=1e-9)
    return left_out
