"""Costs that are counted and timed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bakeoff.approaches import APPROACHES, Task
from bakeoff.approaches.settings import configure
from bakeoff.bundle.bundle import load
from bakeoff.record.folder import RunFolder
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.workers.cost import latency_of_bundle, latency_of_model, macs_of

PICTURE = np.zeros((28, 28, 1), dtype=np.uint8)
TASK = Task(classes=10, pictures=500, side=28, channels=1, mode="ink")


def model_of(name: str, settings: dict[str, object] | None = None) -> Model:
    approach = configure(name, settings or {})
    return Model(approach.preprocess(TASK), approach.frozen(TASK), approach.build(TASK))


def prepare_alone() -> int:
    """What ink takes at 28 pixels before any network sees it."""
    model = model_of("cnn", {"stem": "pixels", "filters": (1,), "pool_after": ()})
    return macs_of(model, PICTURE) - (28 * 28 * 9 + 4 * 10)


def test_convolutions_and_matrix_products_are_counted() -> None:
    assert prepare_alone() > 0  # the paper's brightness is smoothed by matrix products
    wide = model_of("cnn", {"stem": "pixels", "filters": (8, 16), "pool_after": (1,)})
    by_hand = 28 * 28 * 9 * 8 + 14 * 14 * 9 * 8 * 16 + 4 * 16 * 10
    assert macs_of(wide, PICTURE) == by_hand + prepare_alone()


def test_the_plain_baseline_is_counted() -> None:
    # Two Sobel filters, their projection on nine directions, and the linear model.
    by_hand = 28 * 28 * 9 * 2 + 28 * 28 * 9 * 2 + 7 * 7 * (9 + 1) * 10
    assert macs_of(model_of("baseline"), PICTURE) == by_hand + prepare_alone()


def test_every_approach_costs_something() -> None:
    macs = {name: macs_of(model_of(name), PICTURE) for name in APPROACHES}
    assert min(macs, key=lambda name: macs[name]) == "baseline"
    assert macs["transfer"] <= 10e6  # made for 28 pixels
    # EfficientNet-Lite0 takes 407 million at 224 pixels, so about 75 at the 96 taken here.
    for_photos = macs_of(model_of("transfer", {"backbone": "tf_efficientnet_lite0"}), PICTURE)
    assert for_photos == pytest.approx(407e6 * (96 / 224) ** 2, rel=0.1)


class Attending(nn.Module):
    """Fused attention, as timm's transformers have it."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(1).view(1, 1, 28, 28)
        return F.scaled_dot_product_attention(tokens, tokens, tokens).flatten(1)


def test_fused_attention_is_counted() -> None:
    network = Network(Attending(), nn.Linear(28 * 28, 10))
    model = Model(Preprocess(mode="photo", size=28), None, network)
    # Each is two products of 28×28 matrices: attention, resizing, and the window.
    assert macs_of(model, PICTURE) == 3 * (2 * 28**3) + 28 * 28 * 10


class Mixed(nn.Module):
    """Convolutions of other kinds, and a batch of matrix products that is added to."""

    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(1, 8, 3, stride=2)
        self.more = nn.Conv2d(8, 8, 3, groups=4, dilation=2)
        self.back = nn.ConvTranspose2d(8, 4, 3, stride=2, groups=2)
        self.line = nn.Conv1d(4, 2, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.line(self.back(self.more(self.grouped(x))).flatten(2))
        return torch.baddbmm(x, x @ x.transpose(1, 2), x).flatten(1)[:, :10]


@pytest.mark.parametrize("name", [*APPROACHES, "mixed", "fused"])
def test_it_counts_what_torch_counts(name: str) -> None:
    if name in APPROACHES:
        model = model_of(name)
    else:
        body = Mixed() if name == "mixed" else Attending()
        size = 10 if name == "mixed" else 28 * 28
        preprocess = Preprocess(mode="photo", size=28)
        model = Model(preprocess, None, Network(body, nn.Linear(size, 10)))
    model.eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(torch.from_numpy(PICTURE)[None])
    assert 2 * macs_of(model, PICTURE) == counter.get_total_flops()


def test_a_run_says_what_answers_cost_where_they_are_given(finished: RunFolder) -> None:
    for one in finished.results().approaches:
        folder = finished.bundle(one.name)
        assert one.bytes == sum(file.stat().st_size for file in folder.iterdir())
        assert one.latency.engine == "ONNX Runtime"
        assert one.latency.threads == 1
        assert 0 < one.latency.batch_1_ms < one.latency.batch_64_ms
        assert one.macs is not None
        assert one.macs > one.parameters


def test_without_a_bundle_the_model_is_timed(finished: RunFolder) -> None:
    torch.set_num_threads(1)
    latency = latency_of_model(model_of("baseline"), PICTURE)
    assert (latency.engine, latency.threads) == ("PyTorch", 1)
    assert latency.batch_1_ms > 0
    bundle = load(finished.bundle("baseline"), threads=1)
    assert latency_of_bundle(bundle, PICTURE, 1).engine == "ONNX Runtime"
