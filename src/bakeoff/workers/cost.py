"""What an answer costs: multiplications counted, and milliseconds measured on what ships."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from bakeoff.bundle.bundle import INPUT_PIXELS, Bundle, load
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Engine, Latency
from bakeoff.training.model import Model
from bakeoff.workers.graph import digest_of_final
from bakeoff.workers.runner import load_model
from bakeoff.workers.units import FINAL, Unit
from bakeoff.workers.worker import Worker

__all__ = [
    "Cost",
    "CostUnit",
    "cost_of",
    "latency_of_bundle",
    "latency_of_model",
    "macs_of",
    "one_picture_ms",
]

FILE = "cost.json"

Pixels = NDArray[np.uint8]


class Cost(BaseModel):
    """What one approach's answers cost; `macs` are the multiply-accumulates of one picture."""

    model_config = ConfigDict(frozen=True)

    macs: int
    latency: Latency


@dataclass(frozen=True)
class CostUnit(Unit):
    """The cost of an approach: of its bundle where there is one, else of the trained model.

    It is done in the process that leads the run, when nothing else runs beside it.
    """

    kind: ClassVar[str] = "cost"

    bundled: bool = True

    @classmethod
    def of(cls, folder: RunFolder, approach: str) -> CostUnit:
        """That of the final fit as it is now, and of its bundle if it has one."""
        bundled = folder.bundle(approach).is_dir()
        measured = "bundle" if bundled else "model"
        return cls(approach, f"cost {measured} {digest_of_final(folder, approach)}", bundled)

    @property
    def needs(self) -> tuple[tuple[str, str], ...]:
        return ((self.approach, FINAL),)

    def do(self, worker: Worker) -> None:
        data, folder = worker.data, worker.folder
        picture = data.dataset.pictures[0]
        latency = None
        if self.bundled:  # first, so that its graph and the model are never there together
            threads, path = data.compute.threads, folder.bundle(self.approach)
            latency = latency_of_bundle(load(path, threads=threads), picture, threads)
        model = load_model(folder, data.config.approach(self.approach).build(), FINAL)
        latency = latency or latency_of_model(model, picture)
        cost = Cost(macs=macs_of(model, picture), latency=latency)
        files = {FILE: cost.model_dump_json(indent=2).encode()}
        folder.save_unit_files(self.approach, self.name, files)


def cost_of(folder: RunFolder, approach: str) -> Cost:
    """What the answers of an approach cost, as its unit measured."""
    path = folder.unit(approach, CostUnit.of(folder, approach).name) / FILE
    return Cost.model_validate_json(path.read_bytes())


def macs_of(model: Model, picture: Pixels) -> int:
    """Multiply-accumulates of one answer, from the pixels of an H×W×C picture to probabilities.

    Counted while the model runs: those of convolutions and matrix products, attention among them,
    in the preparation and in frozen parts too. What works number by number (norms, activations,
    pooling, resizing, histograms of gradients) does not count.
    """
    model = model.cpu().eval()
    # Attention that is fused for the CPU is one operation; here it is matrix products.
    counted = _Multiplications()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counted:
        model(torch.from_numpy(np.array(picture))[None])
    return counted.count


class _Multiplications(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts multiply-accumulates, as torch's `FlopCounterMode` does, which is twice as many flops.

    That one imports Triton and torch's compiler: 200 MB and a second.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # keeping the compiler away would import it

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do an operation and count it."""
        result = func(*args, **(kwargs or {}))
        aten, kind = torch.ops.aten, func.overloadpacket
        if kind in (aten.mm, aten.addmm, aten.bmm, aten.baddbmm):
            self.count += result.numel() * args[-1].shape[-2]
        elif kind in (aten.convolution, aten._convolution):
            transposed = args[6]
            each = (args[0] if transposed else result).shape
            self.count += each[0] * math.prod(each[2:]) * args[1].numel()
        return result


def latency_of_model(model: Model, picture: Pixels, *, hurried: bool = False) -> Latency:
    """Of the trained model, in PyTorch on the CPU; see `latency_of_bundle`."""
    threads = torch.get_num_threads()
    side = model.preprocess.size
    return _latency(_asking(model), picture, side, "PyTorch", threads, hurried=hurried)


def one_picture_ms(model: Model, picture: Pixels) -> float:
    """Milliseconds for one picture alone, in PyTorch on the CPU."""
    return _median_ms(_asking(model), np.array(picture)[None], runs=20)


def _asking(model: Model) -> Callable[[Pixels], None]:
    model = model.cpu().eval()

    def answer(pixels: Pixels) -> None:
        with torch.inference_mode():
            model(torch.from_numpy(pixels))

    return answer


def latency_of_bundle(
    bundle: Bundle, picture: Pixels, threads: int, *, hurried: bool = False
) -> Latency:
    """The latency of a bundle with `threads` threads, as the server and the terminal use it.

    Parameters
    ----------
    hurried : measure a few times only, for a figure that is soon replaced.
    """
    side = bundle.manifest.preparation.side
    return _latency(bundle.run, picture, side, "ONNX Runtime", threads, hurried=hurried)


def _latency(
    answer: Callable[[Pixels], object],
    picture: Pixels,
    side: int,
    engine: Engine,
    threads: int,
    *,
    hurried: bool,
) -> Latency:
    one = np.array(picture)[None]
    # 64 photos of 260×260 at once would fill 2 GB, and nobody runs them so.
    together = min(64, max(1, INPUT_PIXELS // side**2))
    many = _median_ms(answer, one.repeat(together, axis=0), runs=1 if hurried else 3)
    return Latency(
        batch_1_ms=_median_ms(answer, one, runs=5 if hurried else 20),
        batch_64_ms=many * 64 / together,
        engine=engine,
        threads=threads,
    )


def _median_ms(answer: Callable[[Pixels], object], pixels: Pixels, *, runs: int) -> float:
    times = []
    answer(pixels)  # the first call allocates
    for _ in range(runs):
        started = time.perf_counter()
        answer(pixels)
        times.append(time.perf_counter() - started)
    return float(np.median(times) * 1e3)
