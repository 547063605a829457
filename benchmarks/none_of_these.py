"""Drawings of none of the classes: how well models refuse them, and how rarely they refuse others.

    bakeoff run doodles --budget quick -a scattering -a cnn -a vit -a transfer -a baseline --out RUN
    python benchmarks/none_of_these.py RUN QUICKDRAW345 > benchmarks/none_of_these.txt
    python benchmarks/none_of_these.py RUN QUICKDRAW345 scores cnn transfer >> …
    python benchmarks/none_of_these.py RUN QUICKDRAW345 ensembles >> …

The second form prints the second table alone, for some approaches; the third the last one.

QUICKDRAW345 is an npz file of Quick, Draw! drawings. Strangers are its airplanes, bananas, birds,
books, clocks, dogs, flowers and rainbows, which nothing in bakeoff was trained on or chosen with.

The first table is about the bundles as they are exported. Known are the 200 drawings of the locked
test, and the same drawings with the page's pens: thinned to a skeleton (Zhang and Suen, 1984) and
drawn again in each width and colour of `pens.ts`, on a canvas that they fill to 5/7. The second
table compares OOD scores on two folds: known are the drawings that a fold held out, and each score
is in units of its spread over them. Exposure is to the others that come with bakeoff. The
last table is about all folds' models of an approach together (Lakshminarayanan et al., 2017): how
unsure their mean probabilities are, and how far they disagree, as mutual information; known are the
drawings of the locked test, which none of them saw.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from measure import hardware
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.inputs import Inputs
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.record.folder import RunFolder
from bakeoff.run.source import read_again
from bakeoff.training.eye import SIDE, Eye, naming, other_drawings
from bakeoff.training.ood import MahalanobisOOD, SketchOOD
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sums import Drawn, OtherSums
from bakeoff.workers.runner import load_model

STRANGERS = ("airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow")
WIDTHS = {"thin": 0.025, "medium": 0.04, "thick": 0.06, "very thick": 0.095}
COLOURS = ((28, 28, 28), (27, 79, 156), (168, 50, 31), (23, 105, 74))
PAGE = 112  # pixels of a side on which pens are drawn
FOLDS = 2  # in the second table
KNOWN = 0.05  # share of known drawings refused, in the second table

Scores = dict[str, NDArray[np.float64]]


def main() -> None:
    """Print the tables."""
    folder = RunFolder.open(Path(sys.argv[1]))
    dataset = read_again(folder.config)
    drawings = read(sys.argv[2])
    wanted = np.isin(drawings.labels, [drawings.classes.index(name) for name in STRANGERS])
    strangers = drawings.take(np.flatnonzero(wanted)).pictures
    table, names = "".join(sys.argv[3:4]), sys.argv[4:] or folder.config.names
    test = dataset.take(folder.probabilities()["test_rows"])
    if not table:
        print(f"{hardware()}\n")
        _bundles(folder, test.pictures, test.labels, strangers)
    if table != "ensembles":
        print()
        _compared(folder, names, dataset.pictures, dataset.labels, strangers)
    if table != "scores":
        print()
        _ensembles(folder, names, test.pictures, strangers)


def _bundles(
    folder: RunFolder, known: Pictures, labels: NDArray[np.int64], strangers: Pictures
) -> None:
    pens = {name: with_pen(known, width) for name, width in WIDTHS.items()}
    rng = np.random.default_rng(0)
    odd = {
        "noise": Pictures.from_array(rng.integers(0, 256, (200, 28, 28), dtype=np.uint8)),
        "scribbles": Pictures.from_array(np.stack([_scribble(rng) for _ in range(200)])),
        "blank": Pictures.from_array(np.full((3, 60, 80), [[[0]], [[128]], [[255]]], np.uint8)),
    }
    print("| model | AUROC | known refused | strangers refused | … called sure |", end=" ")
    print("known called sure, right |", end=" ")
    print(f"{' | '.join(odd)} | right with a pen, but refused: {', '.join(WIDTHS)} |", end=" ")
    print(f"right with that pen: {', '.join(WIDTHS)} |")
    print("|---" * (8 + len(odd)) + "|")
    for name in folder.config.names:
        bundle = load(folder.bundle(name))
        ours, theirs = Verdicts(bundle, known), Verdicts(bundle, strangers)
        right = ours.answers == labels
        of_pens = [Verdicts(bundle, pictures) for pictures in pens.values()]
        lost = [f"{pen.refused[pen.answers == labels].mean():.1%}" for pen in of_pens]
        kept = [f"{(pen.answers == labels).mean():.1%}" for pen in of_pens]
        sure_right = f"{right[ours.sure].mean():.1%}" if ours.sure.any() else "–"
        cells = [
            f"{auroc(ours.scores, theirs.scores):.3f}",
            f"{ours.refused.mean():.1%}",
            f"{theirs.refused.mean():.1%}",
            f"{theirs.sure.mean():.1%}",
            f"{ours.sure.mean():.1%}, {sure_right}",
            *(f"{Verdicts(bundle, pictures).refused.mean():.1%}" for pictures in odd.values()),
            ", ".join(lost),
            ", ".join(kept),
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


class Verdicts:
    """What a bundle says of N pictures."""

    def __init__(self, bundle: Bundle, pictures: Pictures) -> None:
        answers = bundle.answer(Inputs(("",) * len(pictures), pictures))
        refusals = ("out of distribution", "nothing drawn")
        self.refused = np.array([one.verdict in refusals for one in answers])
        self.sure = np.array([one.verdict == "sure" for one in answers])
        self.answers = np.array([bundle.classes.index(one.label) for one in answers])
        self.scores = np.array([one.ood_score for one in answers])


def _compared(
    folder: RunFolder,
    names: Sequence[str],
    pictures: Pictures,
    labels: NDArray[np.int64],
    strangers: Pictures,
) -> None:
    print("| features | score | AUROC | strangers refused at 5 % of known |", end=" ")
    print("known refused with the thick pen, at the same threshold |")
    print("|---" * 5 + "|")
    sets = {"known": pictures, "strangers": strangers, "others": other_drawings().learned}
    sets |= {"pen thick": with_pen(pictures, WIDTHS["thick"])}
    test = folder.probabilities()["test_rows"]
    eye = {name: _seen(_looks(Preprocess(mode="ink", size=SIDE)), p) for name, p in sets.items()}
    for name in ("drawings' network", *names):
        found: dict[str, Scores] = {}
        for fold in range(1, 1 + FOLDS):
            unit = name if name in names else names[0]
            model = load_model(folder, folder.config.approach(unit).build(), f"fold {fold}")
            _, arrays = folder.load_unit(unit, f"fold {fold}")
            rows = arrays["rows"]
            train = np.setdiff1d(np.arange(len(labels)), np.concatenate([rows, test]))
            features = eye
            logits = None
            if name == unit:
                features = {key: _seen(model.embedding, some) for key, some in sets.items()}
                logits = {key: model.network.head(x).detach() for key, x in features.items()}
            named = naming() if name not in names else None
            for score, values in _scores(features, logits, labels, train, named):
                parts = {
                    key: values(key)[rows]
                    if key == "known" or key.startswith("pen ")
                    else values(key)
                    for key in sets
                    if not key.startswith("other")
                }
                middle, high = np.quantile(parts["known"], [0.5, 0.97])
                for key, part in parts.items():
                    unified = (part - middle) / max(high - middle, 1e-9)
                    one = found.setdefault(score, {})
                    one[key] = np.concatenate([one.get(key, np.empty(0)), unified])
        for joint in (
            ("kNN, cosine", "exposure"),
            ("kNN, cosine", "exposure by class"),
            ("kNN, cosine", "exposure by class", "Mahalanobis"),
        ):
            found[" + ".join(joint)] = {
                key: np.sum([found[each][key] for each in joint], axis=0) for key in found[joint[0]]
            }
        for score, parts in found.items():
            limit = np.quantile(parts["known"], 1 - KNOWN)
            thick = (parts["pen thick"] > limit).mean()
            area = auroc(parts["known"], parts["strangers"])
            refused = (parts["strangers"] > limit).mean()
            print(f"| {name} | {score} | {area:.3f} | {refused:.1%} | {thick:.1%} |", flush=True)


def _scores(
    features: dict[str, Tensor],
    logits: dict[str, Tensor] | None,
    labels: NDArray[np.int64],
    train: NDArray[np.int64],
    named: Tensor | None,
) -> Iterator[tuple[str, Callable[[str], NDArray[np.float64]]]]:
    x, y = features["known"][train], torch.from_numpy(labels[train])
    classes = int(labels.max()) + 1

    def of(score: Callable[[Tensor], Tensor]) -> Callable[[str], NDArray[np.float64]]:
        return lambda key: score(features[key]).double().numpy()

    near = MahalanobisOOD(classes, x.shape[1]).learn(x, y)
    far = MahalanobisOOD(1, x.shape[1]).learn(x, torch.zeros_like(y))
    yield "Mahalanobis", of(near)
    yield "relative Mahalanobis", of(lambda q: near(q) ** 2 - far(q) ** 2)
    unit = F.normalize(x)
    yield "kNN, cosine", of(lambda q: 1 - (F.normalize(q) @ unit.T).topk(10).values.mean(1))
    yield "kNN, distance", of(lambda q: torch.cdist(q, x).topk(10, largest=False).values.mean(1))
    others = features["others"]
    yield "exposure", of(_exposed(x, y, others, torch.zeros(len(others), dtype=torch.long)).margin)
    by_class = torch.from_numpy(other_drawings().labels)
    joint = _exposed(x, y, others, by_class, named)
    yield "exposure by class", of(joint.margin)
    if named is not None:
        yield "a new class", of(joint.ratio)
        yield "a new class + exposure by class, as in a model", lambda key: np.log(of(joint)(key))
    if logits is None:
        return
    shift = x - x.mean(0)
    values, vectors = torch.linalg.eigh(shift.T @ shift)
    rest = vectors[:, : max(1, len(values) // 2)]
    scale = logits["known"][train].amax(1).mean() / (shift @ rest).norm(dim=1).mean()
    yield "energy", lambda key: -torch.logsumexp(logits[key], 1).double().numpy()
    yield "top logit", lambda key: -logits[key].amax(1).double().numpy()
    yield (
        "ViM",
        lambda key: (
            (scale * ((features[key] - x.mean(0)) @ rest).norm(dim=1) - logits[key].logsumexp(1))
            .double()
            .numpy()
        ),
    )


def _ensembles(
    folder: RunFolder, names: Sequence[str], known: Pictures, strangers: Pictures
) -> None:
    print("| ensemble | score | AUROC | strangers refused at 5 % of known |", end=" ")
    print("known refused with the thick pen, at the same threshold |")
    print("|---" * 5 + "|")
    sets = {"known": known, "strangers": strangers, "thick": with_pen(known, WIDTHS["thick"])}
    for name in names:
        answers: dict[str, list[Tensor]] = {key: [] for key in sets}
        for fold in (f"fold {number + 1}" for number in range(folder.config.folds)):
            model = load_model(folder, folder.config.approach(name).build(), fold)
            for key, pictures in sets.items():
                logits = _seen(lambda x, m=model: m.network.head(m.embedding(x)), pictures)
                answers[key].append(logits.double().softmax(1))
        together = {key: torch.stack(parts) for key, parts in answers.items()}
        of_mean = {key: _entropy(parts.mean(0)) for key, parts in together.items()}
        apart = {key: of_mean[key] - _entropy(parts).mean(0) for key, parts in together.items()}
        for score, parts in {"entropy of the mean": of_mean, "mutual information": apart}.items():
            limit = np.quantile(parts["known"].numpy(), 1 - KNOWN)
            area = auroc(parts["known"].numpy(), parts["strangers"].numpy())
            cells = [
                f"{(parts[key] > limit).double().mean():.1%}" for key in ("strangers", "thick")
            ]
            print(f"| {name} | {score} | {area:.3f} | {' | '.join(cells)} |", flush=True)


def _entropy(probabilities: Tensor) -> Tensor:
    return torch.special.entr(probabilities).sum(-1)


def _exposed(
    x: Tensor, y: Tensor, others: Tensor, kinds: Tensor, named: Tensor | None = None
) -> SketchOOD:
    rows = torch.arange(len(x))
    known, none = Drawn(x, y, rows), Drawn(x[:0], y[:0], rows[:0])
    few = torch.eye(x.shape[1])[:, :8] if named is None else named  # for the margin alone
    strangers = OtherSums(Drawn(others, kinds, -kinds - 1))
    return SketchOOD.learn(known, none, strangers, int(y.max()) + 1, few)


def _looks(preprocess: Preprocess) -> Callable[[Tensor], Tensor]:
    eye = Eye(preprocess.size).eval()
    return lambda pixels: eye(preprocess(pixels))


def _seen(look: Callable[[Tensor], Tensor], pictures: Pictures) -> Tensor:
    parts: list[tuple[NDArray[np.int64], Tensor]] = []
    with torch.inference_mode():
        for rows, pixels in pictures.batches(128):
            parts.append((rows, look(torch.from_numpy(pixels))))
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return torch.cat([part for _, part in parts])[torch.from_numpy(order)].clone()


def auroc(known: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    ranks = np.concatenate([known, others]).argsort().argsort()[len(known) :]
    return float((ranks.sum() - len(others) * (len(others) - 1) / 2) / len(known) / len(others))


def with_pen(pictures: Pictures, width: float) -> Pictures:
    """N drawings as a pen of this width would draw them, in the page's colours."""
    clean, rng = Preprocess(mode="ink", size=PAGE).eval(), np.random.default_rng(0)
    sheets = np.empty((len(pictures), PAGE, PAGE, 3), dtype=np.uint8)
    with torch.inference_mode():
        for rows, pixels in pictures.batches(64):
            ink = _stroked(_thinned(clean(torch.from_numpy(pixels)) > 0.4), width * PAGE)
            colours = np.array(COLOURS)[rng.integers(0, len(COLOURS), len(rows))][:, None, None]
            sheets[rows] = np.rint(255 - ink[:, 0, :, :, None].numpy() * (255 - colours))
    return Pictures.from_array(sheets)


def _thinned(x: Tensor) -> Tensor:
    x = x.to(torch.uint8)
    for _ in range(20):
        before = x
        for step in (0, 1):
            around = _shifted(x)
            up, _, right, _, down, _, left, _ = around
            count = sum(around)
            turns = sum((1 - around[n]) * around[(n + 1) % 8] for n in range(8))
            if step == 0:
                open_sides = (up * right * down == 0) & (right * down * left == 0)
            else:
                open_sides = (up * right * left == 0) & (up * down * left == 0)
            x = x * ~((x == 1) & (count >= 2) & (count <= 6) & (turns == 1) & open_sides)
        if torch.equal(before, x):
            break
    return x.float()


def _shifted(x: Tensor) -> list[Tensor]:
    padded, (height, width) = F.pad(x, (1, 1, 1, 1)), x.shape[-2:]
    clockwise = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    return [padded[..., down : down + height, left : left + width] for down, left in clockwise]


def _stroked(skeleton: Tensor, width: float) -> Tensor:
    reach = int(np.ceil(width / 2 + 0.5))
    place = torch.arange(-reach, reach + 1).float()
    disc = (width / 2 + 0.5 - torch.hypot(place[:, None], place)).clamp(0, 1)
    side, ink = skeleton.shape[-1], torch.zeros_like(skeleton)
    padded = F.pad(skeleton, (reach,) * 4)
    for down in range(2 * reach + 1):
        for left in range(2 * reach + 1):
            if disc[down, left] > 0:
                part = padded[..., down : down + side, left : left + side]
                ink = torch.maximum(ink, disc[down, left] * part)
    return ink


def _scribble(rng: np.random.Generator) -> NDArray[np.uint8]:
    page = Image.new("L", (224, 224), 255)
    at, speed = rng.uniform(0.2, 0.8, 2), rng.normal(0, 0.05, 2)
    points = []
    for _ in range(int(rng.integers(80, 250))):
        speed = 0.85 * speed + rng.normal(0, 0.03, 2)
        at = np.clip(at + speed, 0.03, 0.97)
        points.append((float(at[0]) * 224, float(at[1]) * 224))
    width = int(rng.choice([6, 13, 21]))
    ImageDraw.Draw(page).line(points, fill=20, width=width, joint="curve")
    return np.asarray(page.filter(ImageFilter.GaussianBlur(0.5)).resize((112, 112)))


if __name__ == "__main__":
    main()
