import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.approaches import APPROACHES, Task
from bakeoff.data.pictures import PictureWriter
from bakeoff.training import model as models
from bakeoff.training.compute import Compute
from bakeoff.training.model import Model, Network
from bakeoff.training.preprocess import Preprocess

from .drawn import sheet

CPU = Compute("cpu", 1, False)
TASK = Task(classes=3, pictures=60, side=20, channels=1, mode="ink")


def model(temperature: float = 1.0, frozen: nn.Module | None = None) -> Model:
    torch.manual_seed(0)
    network = Network(nn.Flatten(), nn.Linear(16 * 16, 3))
    return Model(Preprocess(mode="ink", size=16), frozen, network, temperature).eval()


def pixels(count: int = 4) -> Tensor:
    drawn = [sheet(20, 26, radius=4 + number, pen=2, ink=number * 20) for number in range(count)]
    return torch.from_numpy(np.stack(drawn))


def test_it_runs_from_raw_pixels_to_probabilities() -> None:
    answer = model()(pixels())
    assert answer.shape == (4, 3)
    assert torch.allclose(answer.sum(1), torch.ones(4))
    assert (answer >= 0).all()


def test_the_head_uses_the_embedding() -> None:
    whole = model()
    described = whole.embedding(pixels())
    assert described.shape == (4, 16 * 16)
    assert torch.equal(whole.network.head(described), whole.logits(pixels()))


def test_the_temperature_softens_without_changing_the_answer() -> None:
    sharp, soft = model(0.1)(pixels()), model(10.0)(pixels())
    assert torch.equal(sharp.argmax(1), soft.argmax(1))
    assert (sharp.amax(1) > soft.amax(1)).all()
    logits = model().logits(pixels())
    assert torch.allclose(soft, torch.softmax(logits / 10, 1))


def test_the_frozen_part_comes_between_preprocessing_and_network() -> None:
    class Negative(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return -x

    plain, turned = model(), model(frozen=Negative())
    assert torch.allclose(
        turned.logits(pixels()), plain.network(-plain.preprocess(pixels())), atol=1e-6
    )


@pytest.mark.parametrize("name", ["baseline", "cnn", "vit"])
def test_pictures_of_any_sizes_get_the_logits_they_get_alone(name: str) -> None:
    approach = APPROACHES[name].load()()
    torch.manual_seed(0)
    network = approach.build(TASK).train()
    preprocess, frozen = approach.preprocess(TASK), approach.frozen(TASK)
    # Batch norm of the baseline knows nothing until it has seen a batch.
    inputs = preprocess(pixels(8))
    network(frozen(inputs) if frozen else inputs)
    whole = Model(preprocess, frozen, network)
    writer = PictureWriter()
    drawings = [sheet(12 + 3 * (n % 3), 20, radius=4 + n % 5, pen=2) for n in range(7)]
    for drawing in drawings:
        writer.append(drawing)
    logits = whole.logits_of(writer.finish(), CPU)
    assert logits.dtype == np.float32
    assert logits.shape == (7, 3)
    with torch.inference_mode():
        for drawing, row in zip(drawings, logits, strict=True):
            alone = whole.logits(torch.from_numpy(drawing)[None]).numpy()[0]
            assert alone == pytest.approx(row, abs=1e-4)


def test_pictures_of_many_shapes_share_batches_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos of a batch and a half at once would take half as much memory again."""

    class Counted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(len(x))
            return x

    sizes: list[int] = []
    monkeypatch.setattr(models, "LOOK_PIXELS", 0)  # the fewest at once, four
    writer = PictureWriter()
    drawings = [sheet(20, 20 + n // 7, radius=4 + n % 5, pen=2) for n in range(27)]
    for drawing in drawings:
        writer.append(drawing)
    whole = model(frozen=Counted())
    logits = whole.logits_of(writer.finish(), CPU)
    assert sizes == [4] * 6 + [3]
    with torch.inference_mode():
        for drawing, row in zip(drawings, logits, strict=True):
            alone = whole.logits(torch.from_numpy(drawing)[None]).numpy()[0]
            assert alone == pytest.approx(row, abs=1e-4)


def test_no_pictures_give_no_logits() -> None:
    logits, ood_score = model().judge(PictureWriter().finish(), CPU)
    assert logits.shape == (0, 3)
    assert ood_score.shape == (0,)
