"""Train the backbone for drawings on Quick, Draw! and write its weights to the package.

    python scripts/make_sketch_backbone.py quickdraw345.npz
    python scripts/make_sketch_backbone.py BITMAPS --per-class 1000

The source is an npz file with the arrays `images` (N×28×28 uint8, ink is high), `labels` and
`classes`, or a folder of the official bitmaps, one CLASS.npy a class
(https://github.com/googlecreativelab/quickdraw-dataset, CC BY 4.0). Eighteen classes never train:
the ten bundled doodles, and eight with which the project measures what models say of strangers.

Each drawing is drawn again several times: warped, with the page's pens, with pieces missing, on
other paper. Training changes these again, batch by batch. Progress goes to the screen.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from bakeoff.training.augment import Augment, sampling_grid, thickest
from bakeoff.training.background import draw_on_background
from bakeoff.training.compute import Compute, keep_freed_memory
from bakeoff.training.preprocess import FILL, Preprocess
from bakeoff.training.sketch import FEATURES, SketchNet

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "src/bakeoff/approaches/weights/sketch.safetensors"
PENS = ROOT / "web/src/drawing/pens.ts"
LEFT_OUT = (
    *("apple", "bicycle", "cat", "envelope", "fish", "house", "star", "t-shirt", "tree"),
    *("umbrella", "airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow"),
)
SIDE = 28
STROKE = 16 / 256  # width of a stroke of the bitmaps, over their side
SMALLEST, LARGEST = 0.35, 0.95  # a drawing's size over that of the page's canvas
OTHER_PEN, OTHER_PAPER, MISSING = 0.6, 0.25, 0.3  # shares of the drawings that are drawn again
AS_IT_IS = 0.3  # share of the drawings in a batch that are not
LEAST_LEFT = 0.7  # of the ink, if pieces are missing
BATCH = 256
SMOOTHING = 0.1
MUON_RATE = 4.0  # of the learning rate
WARM_UP = 0.15  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class Drawings:
    """N×28×28 uint8, their N class indices, and the names of the classes."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]


def main() -> None:
    """Read, draw again, train, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="an npz file, or a folder of CLASS.npy")
    parser.add_argument("--per-class", type=int, default=1000, help="drawings a class, at most")
    parser.add_argument("--copies", type=int, default=4, help="of each drawing, drawn again")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    compute = Compute.choose("cpu", threads=options.threads)
    compute.apply()
    keep_freed_memory()
    torch.manual_seed(options.seed)
    drawings = read(options.source, options.per_class)
    print(f"{len(drawings.labels)} drawings of {len(drawings.classes)} classes", flush=True)
    copies = torch.stack([*drawn_again(drawings, options.copies, options.seed)])
    network, head = train(copies, torch.from_numpy(drawings.labels), options, compute)
    arguments = {**vars(options), "source": options.source.name, "out": options.out.name}
    write(options.out, network, head, drawings.classes, arguments)
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


def read(source: Path, per_class: int) -> Drawings:
    """The drawings of all classes but those left out, at most `per_class` of each."""
    if source.is_dir():
        parts = {_class_of(path): np.load(path, mmap_mode="r") for path in source.glob("*.npy")}
    else:
        with np.load(source, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
            names = [str(name) for name in arrays["classes"]]
        parts = {name: images[labels == number] for number, name in enumerate(names)}
    classes = tuple(sorted(set(parts) - set(LEFT_OUT)))
    kept = [np.array(parts[name][:per_class]).reshape(-1, SIDE, SIDE) for name in classes]
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(part) for part in kept])
    return Drawings(np.concatenate(kept), labels, classes)


def _class_of(path: Path) -> str:
    return path.stem.removeprefix("full_numpy_bitmap_")


def drawn_again(drawings: Drawings, copies: int, seed: int) -> Iterator[Tensor]:
    """N×1×28×28 uint8 as `Preprocess` returns them: first as they are, then `copies` others."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.from_numpy(drawings.images)[..., None]
    # Twice the final size, as inside `Preprocess`, so that pens differ by half a pixel.
    clean, preprocess = Preprocess(mode="ink", size=2 * SIDE), Preprocess(mode="ink", size=SIDE)
    with torch.inference_mode():
        yield torch.cat([_in_8_bits(preprocess(part)) for part in pixels.split(512)])
        for number in range(copies):
            parts = []
            for part in pixels.split(512):
                ink = _warped(clean(part), generator)
                ink = _with_a_pen(ink, generator)
                ink = _with_pieces_missing(ink, generator)
                paper = _in_8_bits(1 - ink).permute(0, 2, 3, 1)
                other = _share(len(ink), OTHER_PAPER, generator)
                paper = torch.where(other, draw_on_background(ink, generator), paper)
                parts.append(_in_8_bits(preprocess(paper)))
            yield torch.cat(parts)
            print(f"drawn again: {number + 1} of {copies}", flush=True)


def _warped(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, shear, stretch and bend each drawing; `Preprocess` centres and scales it later."""
    draw = torch.rand(4, len(ink), generator=generator) * 2 - 1
    turn, shear, wide, high = draw * torch.tensor([math.radians(18), 0.2, 0.25, 0.25])[:, None]
    cos, sin, zero = torch.cos(turn), torch.sin(turn), torch.zeros(len(ink))
    wide, high = torch.exp(wide), torch.exp(high)
    rows = [wide * cos, wide * (shear * cos - sin), zero, high * sin, high * (shear * sin + cos)]
    bend = 0.05 * torch.randn(len(ink), 2, 4, 4, generator=generator)
    grid = sampling_grid(torch.stack([*rows, zero], 1).view(-1, 2, 3), bend, ink.shape[-1])
    return F.grid_sample(ink, grid, align_corners=False)


def _with_a_pen(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Draw some of the drawings with one of the page's pens, as small or large as people draw."""
    pens = torch.tensor([float(width) for width in re.findall(r"value: ([\d.]+)", _widths())])
    side = ink.shape[-1] * FILL  # of the drawing
    pen = pens[torch.randint(len(pens), (len(ink),), generator=generator)]
    size = torch.rand(len(ink), generator=generator) * math.log(LARGEST / SMALLEST)
    wider = side * (pen / (SMALLEST * torch.exp(size)) - STROKE) / 2  # pixels on each side
    wider = wider[:, None, None, None]
    wider = torch.where(_share(len(ink), OTHER_PEN, generator), wider, 0)
    drawn = ink + (-wider).clamp(0, 0.9) * (-thickest(-ink) - ink)
    for step in range(math.ceil(max(0.0, wider.max().item()))):
        # Squares and crosses in turn: nearly a disc.
        broad = thickest(drawn) if step % 2 else _crosses(drawn)
        drawn = drawn + (wider - step).clamp(0, 1) * (broad - drawn)
    return drawn


def _widths() -> str:
    return PENS.read_text(encoding="utf-8").partition("WIDTHS")[2]


def _crosses(x: Tensor) -> Tensor:
    """The maximum of each pixel and its four neighbours."""
    padded = F.pad(x, (1, 1, 1, 1))
    upright = torch.maximum(padded[..., :-2, 1:-1], padded[..., 2:, 1:-1])
    level = torch.maximum(padded[..., 1:-1, :-2], padded[..., 1:-1, 2:])
    return torch.maximum(x, torch.maximum(upright, level))


def _with_pieces_missing(ink: Tensor, generator: torch.Generator) -> Tensor:
    """Erase up to three round pieces of some of the drawings."""
    place = (torch.arange(ink.shape[-1]) + 0.5) / ink.shape[-1]
    erased = ink
    for _ in range(3):
        across, down, radius = torch.rand(3, len(ink), 1, 1, 1, generator=generator)
        away = torch.hypot(place - 0.15 - 0.7 * across, place[:, None] - 0.15 - 0.7 * down)
        hole = ((away - 0.04 - 0.12 * radius) * ink.shape[-1]).clamp(0, 1)
        erased = erased * torch.where(_share(len(ink), 0.6, generator), hole, 1)
    left = erased.sum((1, 2, 3)) / ink.sum((1, 2, 3)).clamp(min=1e-3)
    fine = (left > LEAST_LEFT)[:, None, None, None] & _share(len(ink), MISSING, generator)
    return torch.where(fine, erased, ink)


def _share(count: int, share: float, generator: torch.Generator) -> Tensor:
    """Truth values, N×1×1×1, true for about this share."""
    return torch.rand(count, 1, 1, 1, generator=generator) < share


def _in_8_bits(x: Tensor) -> Tensor:
    return (x * 255).round().to(torch.uint8)


def train(
    copies: Tensor, labels: Tensor, options: argparse.Namespace, compute: Compute
) -> tuple[SketchNet, nn.Linear]:
    """Train network and head to name the drawings; (1 + copies)×N×1×28×28 and N class indices."""
    classes = int(labels.max()) + 1
    network = compute.place(SketchNet()).train()
    head = nn.Linear(FEATURES, classes)
    both = nn.ModuleList([network, head])
    steps = len(labels) // BATCH * options.epochs
    optimizers = _optimizers(both, options)
    schedules = [_one_cycle(each, steps) for each in optimizers]
    generator = torch.Generator().manual_seed(options.seed)
    augment = Augment("ink", mirror=True)
    started = time.perf_counter()
    for epoch in range(1, options.epochs + 1):
        total = right = 0.0
        for rows in _batches(len(labels), generator):
            x = _batch(copies, rows, generator)
            x = augment(x, generator).contiguous(memory_format=torch.channels_last)
            with compute.autocast():
                logits = head(network(x)).float()
            loss = F.cross_entropy(logits, labels[rows], label_smoothing=SMOOTHING)
            both.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            for each in [*optimizers, *schedules]:
                each.step()
            total += loss.item()
            right += (logits.argmax(1) == labels[rows]).float().mean().item()
        count, seconds = len(labels) // BATCH, time.perf_counter() - started
        print(
            f"epoch {epoch} of {options.epochs}: loss {total / count:.3f}, "
            f"{right / count:.1%} right, {seconds:.0f} s",
            flush=True,
        )
    return network.eval(), head.eval()


def _optimizers(
    network: nn.Module, options: argparse.Namespace
) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Muon for the filters, AdamW for the first layer and for all that is no filter."""
    every = [*network.parameters()]
    filters = [each for each in every if each.ndim == 4 and each.shape[1] > 1]
    others = [each for each in every if all(each is not one for one in filters)]
    decay, rate = options.weight_decay, options.learning_rate
    groups = [
        {"params": [each for each in others if each.ndim > 1], "weight_decay": decay},
        {"params": [each for each in others if each.ndim < 2], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)
    return Muon(filters, lr=MUON_RATE * rate, weight_decay=decay), adam


class Muon(torch.optim.Optimizer):
    """Momentum, then the nearest orthogonal matrix (Jordan et al., 2024), for filters.

    torch has it for matrices only. After three epochs, 82 % of the drawings of ten unseen classes
    are named by a head that knows five of each; with AdamW alone 78 %.
    """

    def __init__(self, filters: Sequence[Tensor], *, lr: float, weight_decay: float) -> None:
        super().__init__(filters, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """One step along the orthogonalised momentum."""
        for group in self.param_groups:
            for weights in group["params"]:
                state = self.state[weights]
                mean = state.setdefault("mean", torch.zeros_like(weights))
                mean.lerp_(weights.grad, 1 - group["momentum"])
                update = weights.grad.lerp(mean, group["momentum"]).flatten(1)
                scale = max(1, update.shape[0] / update.shape[1]) ** 0.5
                weights.mul_(1 - group["lr"] * group["weight_decay"])
                step = _orthogonal(update).view_as(weights)
                weights.add_(step, alpha=-group["lr"] * scale)


def _orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the nearest orthogonal matrix, by five steps of Newton and Schulz in bfloat16."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (2.0315 * square @ square - 4.775 * square) @ x
    return (x.T if tall else x).float()


def _one_cycle(
    optimizer: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    rates = [group["lr"] for group in optimizer.param_groups]
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=rates,
        total_steps=steps + 1,
        pct_start=WARM_UP,
        final_div_factor=1e3,
        cycle_momentum=False,
    )


def _batches(count: int, generator: torch.Generator) -> Sequence[Tensor]:
    order = torch.randperm(count, generator=generator)
    return order[: count // BATCH * BATCH].split(BATCH)


def _batch(copies: Tensor, rows: Tensor, generator: torch.Generator) -> Tensor:
    """Each of these rows as it is, or one of its copies; float in 0…1."""
    copy = torch.randint(1, len(copies), rows.shape, generator=generator)
    original = torch.rand(rows.shape, generator=generator) < AS_IT_IS
    return copies[torch.where(original, 0, copy), rows].float() / 255


def write(
    path: Path,
    network: SketchNet,
    head: nn.Linear,
    classes: Sequence[str],
    arguments: dict[str, object],
) -> None:
    """Write the weights in float16 with all that one needs to know of them."""
    parts = {"network": network, "head": head}
    tensors = {
        f"{part}.{name}": tensor.half() if tensor.is_floating_point() else tensor
        for part, module in parts.items()
        for name, tensor in module.state_dict().items()
    }
    metadata = {
        "classes": json.dumps(list(classes), ensure_ascii=False),
        "arguments": json.dumps(arguments),
        "data": "Quick, Draw! by Google, CC BY 4.0",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: each.contiguous() for name, each in tensors.items()}, path, metadata)


if __name__ == "__main__":
    main()
