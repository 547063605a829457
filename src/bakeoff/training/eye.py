"""What drawings look like to a network that knows hundreds of others, for the OOD score."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from bakeoff.cache import keep, kept
from bakeoff.data.pictures import Pictures
from bakeoff.training.augment import thickest
from bakeoff.training.compute import Compute, processor
from bakeoff.training.folding import fold_norms, round_to_half
from bakeoff.training.ood import SketchOOD
from bakeoff.training.preprocess import Preprocess, resizing
from bakeoff.training.sketch import FEATURES, SKETCH_WEIGHTS, load_sketch, load_sketch_head
from bakeoff.training.sources import batch_of
from bakeoff.training.sums import Drawn, OtherSums

__all__ = ["PENS", "SIDE", "Eye", "Others", "Sights", "naming", "other_drawings", "redrawn"]

SIDE = 28  # pixels; the network was made for them
OTHERS = Path(__file__).parents[1] / "data/bundled/others.npz"
MEASURED = 4  # of four classes of others, one is not learned from: models are asked for it
MADE = (  # all are learned from
    *("scribble", "tangle", "jagged", "hatching", "coil", "knot", "strokes", "burst", "blot"),
    "noise",
)
ASKED = 3  # drawings of each class that is not learned from: each takes every fit 1 ms
PENNED = 6  # of six drawings, each pen draws one again: one of each class, ten of scribbles
# The page's pens, as the pixels by which they are wider than the strokes of the training pictures,
# at twice the side: on a canvas that a drawing fills to 5/7, strokes of 0.025, 0.06 and 0.095.
PENS = {"thin": -0.8, "thick": 0.6, "very thick": 1.6}
FAINTEST_PEN = 0.85  # contrast of the page's colours
FOLDER, KEPT = "others", 8  # what was seen of others, in the cache: 6.5 MB for each side
SCORES = 12  # fitted ones to keep, for the folds of a run: 1 MB each
SAMPLE, PEN_SAMPLE = 5_000, 1_000  # pictures: enough for a score; each takes 1 ms


class Eye(nn.Module):
    """N×1×S×S ink to N×D features of the network that was trained on other drawings."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.network = copy.deepcopy(_folded_network())
        resize = torch.eye(SIDE) if side == SIDE else resizing(side, SIDE, torch.device("cpu"))
        self.register_buffer("resize", resize, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        resize = self.get_buffer("resize")
        if resize.shape[0] != resize.shape[1]:
            x = resize @ x @ resize.T
        features: Tensor = self.network(x)
        return features


@cache
def _folded_network() -> nn.Module:
    network = load_sketch(SKETCH_WEIGHTS).requires_grad_(requires_grad=False)
    fold_norms(network, (1, 1, SIDE, SIDE))
    round_to_half(network)  # as its file has them; folding made other numbers
    return network


@cache
def naming() -> Tensor:
    """The D×P weights with which the network named the P classes that trained it."""
    head, _ = load_sketch_head(SKETCH_WEIGHTS)
    return head.weight.detach().T.contiguous()


class Others:
    """Drawings of other things: some to learn from, others, of other classes, to be asked for.

    Parameters
    ----------
    pictures, labels : N drawings and their N classes, as any numbers in ascending order.
    measured : N truth values, the same for all drawings of a class: is not learned from.
    """

    def __init__(
        self, pictures: Pictures, labels: NDArray[np.int64], measured: NDArray[np.bool_]
    ) -> None:
        place = np.arange(len(labels)) - np.searchsorted(labels, labels)  # within the class
        self.learned = pictures.take(np.flatnonzero(~measured))
        self.labels, self._place = labels[~measured], place[~measured]
        self.measured = pictures.take(np.flatnonzero(measured & (place < ASKED)))

    def penned(self) -> Iterator[tuple[Pictures, NDArray[np.int64]]]:
        """Some of those to learn from and their labels, with each of the page's pens."""
        for number, pen in enumerate(PENS):
            rows = np.flatnonzero(self._place % PENNED == number)
            (drawn,) = redrawn(self.learned.take(rows), [pen])
            yield drawn, self.labels[rows]


def other_drawings(leave_out: Sequence[str] = ()) -> Others:
    """The bundled drawings of other things, without classes of these names."""
    return _others_without(_names_of_others(leave_out))


@cache
def _others_without(leave_out: tuple[str, ...]) -> Others:
    with np.load(OTHERS, allow_pickle=False) as arrays:
        images, labels, classes = (arrays[name] for name in ("images", "labels", "classes"))
    kept = np.array([_plain(str(classes[label])) not in leave_out for label in labels])
    pictures = Pictures.from_array(images[kept])
    made = np.isin(classes, MADE)[labels[kept]]
    return Others(pictures, labels[kept], (labels[kept] % MEASURED == 0) & ~made)


@cache
def _every_name() -> frozenset[str]:
    with np.load(OTHERS, allow_pickle=False) as arrays:
        return frozenset(_plain(str(name)) for name in arrays["classes"])


def _names_of_others(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that are also names of others: what most sets leave out is nothing."""
    return tuple(sorted({_plain(name) for name in names} & _every_name()))


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()).rstrip("s")


class Sights:
    """The features of a sample of some pictures, and of others; the OOD scores that follow.

    All are made once for all fits. The sample does not depend on the fit, and is looked at in one
    order, so that a resumed run has the same numbers.

    Parameters
    ----------
    preprocess, eye : of the approach.
    pictures : N drawings.
    leave_out : names of classes; others of these names are no others.

    Attributes
    ----------
    rows : of the sample, ascending.
    pen_rows : of those that are also drawn with the page's pens.
    """

    def __init__(
        self,
        preprocess: Preprocess,
        eye: nn.Module,
        pictures: Pictures,
        compute: Compute,
        leave_out: Sequence[str] = (),
    ) -> None:
        self.preprocess, self.eye, self.compute, self.pictures = preprocess, eye, compute, pictures
        self.rows = np.arange(len(pictures))[:: max(1, -(-len(pictures) // SAMPLE))]
        self.pen_rows = np.arange(len(pictures))[:: max(1, -(-len(pictures) // PEN_SAMPLE))]
        self.leave_out = _names_of_others(leave_out)
        self._scores: dict[tuple[int, bytes], SketchOOD] = {}

    @cached_property
    def plain(self) -> Tensor:
        """The features of `rows`, n×D, in half precision as all of them."""
        return self.look(self.pictures.take(self.rows))

    @cached_property
    def pens(self) -> Tensor:
        """The features of `pen_rows` with each pen, P×m×D."""
        pictures = self.pictures.take(self.pen_rows)
        return torch.stack([self.look(drawn) for drawn in redrawn(pictures)])

    @cached_property
    def others(self) -> Drawn:
        """Others to learn from, as they are and some with the page's pens.

        Without pens, a thick pen is itself a sign of other things.
        """
        if self.side is not None:
            return _others_at(self.side, self.compute, self.leave_out)
        return _others_seen(self.look, self.leave_out)

    @cached_property
    def other_sums(self) -> OtherSums:
        """Sums over `others`."""
        if self.side is not None:
            return _other_sums_at(self.side, self.compute, self.leave_out)
        return OtherSums(self.others)

    def look_at_set(self) -> None:
        """Look at the pictures of the set now, as they are and with each pen."""
        _ = self.plain, self.pens

    def score(self, train: NDArray[np.int64], labels: Tensor, classes: int) -> SketchOOD:
        """The OOD score of what learned from some rows; fitted once for all approaches that do.

        Parameters
        ----------
        train : the rows.
        labels : N, of all pictures.
        classes : how many there are.
        """
        known, penned = np.isin(self.rows, train), np.isin(self.pen_rows, train)
        rows, drawn = torch.from_numpy(self.rows[known]), torch.from_numpy(self.pen_rows[penned])
        learned = (rows, labels[rows], drawn, labels[drawn])
        key = classes, b"/".join(one.numpy().tobytes() for one in learned)
        if (score := self._scores.get(key)) is None:
            pens, drawn = self.pens[:, torch.from_numpy(penned)], drawn.repeat(len(PENS))
            score = SketchOOD.learn(
                Drawn(self.plain[torch.from_numpy(known)].float(), labels[rows], rows),
                Drawn(pens.flatten(0, 1).float(), labels[drawn], drawn),
                self.other_sums,
                classes,
                naming(),
            )
            if len(self._scores) >= SCORES:
                self._scores.clear()
            self._scores[key] = score
        return copy.deepcopy(score)

    @property
    def side(self) -> int | None:
        """Of the prepared pictures; None unless another approach with this side sees the same."""
        usual = type(self.eye) is Eye and type(self.preprocess) is Preprocess
        return self.preprocess.size if usual else None

    def look(self, pictures: Pictures) -> Tensor:
        """The features of pictures, n×D."""
        return _look(self.preprocess, self.eye, pictures, self.compute)


def _others_at(side: int, compute: Compute, leave_out: tuple[str, ...]) -> Drawn:
    """Others at a side, which no picture of a set and no fit changes."""
    every = _every_other_at(side, compute)
    wanted = torch.from_numpy(np.unique(other_drawings(leave_out).labels))
    rows = torch.isin(every.labels, wanted)
    return Drawn(every.features[rows], every.labels[rows], every.rows[rows])


@lru_cache(maxsize=4)  # 10 MB each
def _other_sums_at(side: int, compute: Compute, leave_out: tuple[str, ...]) -> OtherSums:
    return OtherSums(_others_at(side, compute, leave_out))


@lru_cache(maxsize=8)
def _every_other_at(side: int, compute: Compute) -> Drawn:
    """All others, whatever the set; kept for later runs, as they take some 2 s."""
    name = f"{_key_of(side, compute)}.safetensors"
    with suppress(SafetensorError, TypeError, KeyError):
        return Drawn(**load(kept(FOLDER, name) or b""))
    preprocess, eye = Preprocess(mode="ink", size=side), Eye(side)
    drawn = _others_seen(lambda pictures: _look(preprocess, eye, pictures, compute), ())
    keep(FOLDER, name, save(drawn._asdict()), KEPT)
    return drawn


def _key_of(side: int, compute: Compute) -> str:
    """Digits that follow from all that those features follow from, to the last bit."""
    parts = (version("torch"), torch.backends.cpu.get_cpu_capability(), processor())
    key = hashlib.sha256(repr((side, compute, *parts)).encode())
    for file in (OTHERS, SKETCH_WEIGHTS, *sorted(Path(__file__).parent.glob("*.py"))):
        key.update(file.read_bytes())
    return key.hexdigest()[:32]


def _others_seen(look: Callable[[Pictures], Tensor], leave_out: tuple[str, ...]) -> Drawn:
    others = other_drawings(leave_out)
    every = [(others.learned, others.labels), *others.penned()]
    labels = torch.from_numpy(np.concatenate([labels for _, labels in every]))
    features = torch.cat([look(pictures) for pictures, _ in every])
    return Drawn(features, labels, torch.full_like(labels, -1))


def _look(preprocess: Preprocess, eye: nn.Module, pictures: Pictures, compute: Compute) -> Tensor:
    features = torch.empty(len(pictures), FEATURES, dtype=torch.half)
    compute.place(eye).eval()
    preprocess = preprocess.to(compute.device).eval()
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(preprocess.size)):
            x = preprocess(torch.from_numpy(pixels).to(compute.device))
            features[torch.from_numpy(rows)] = eye(x).half().cpu()
    return features


def redrawn(pictures: Pictures, pens: Sequence[str] = tuple(PENS)) -> list[Pictures]:
    """N drawings with each of some other pens on white paper, N×56×56×1."""
    clean = Preprocess(mode="ink", size=2 * SIDE).eval()
    sheets = np.empty((len(pens), len(pictures), 2 * SIDE, 2 * SIDE), dtype=np.uint8)
    with torch.inference_mode():
        for rows, pixels in pictures.batches(batch_of(clean.size)):
            drawn = clean(torch.from_numpy(pixels))
            for number, pen in enumerate(pens):
                ink = FAINTEST_PEN * _wider(drawn, PENS[pen])
                sheets[number, rows] = ((1 - ink[:, 0]) * 255).round().to(torch.uint8).numpy()
    return [Pictures.from_array(one) for one in sheets]


def _wider(ink: Tensor, pixels: float) -> Tensor:
    """N×1×W×W ink whose strokes are wider on each side by some pixels, or narrower."""
    if pixels < 0:
        return ink - pixels * (-thickest(-ink) - ink)
    while pixels > 0:
        ink = ink + min(pixels, 1.0) * (thickest(ink) - ink)
        pixels -= 1
    return ink
