"""Other drawings, the page's pens, and the network that looks at both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import Tensor

from bakeoff.approaches import Task
from bakeoff.approaches.settings import configure
from bakeoff.approaches.trainer import Trainer
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.training import eye
from bakeoff.training.compute import Compute
from bakeoff.training.eye import MADE, PENS, SIDE, Eye, Others, Sights, other_drawings, redrawn
from bakeoff.training.ood import SketchOOD
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sketch import FEATURES
from bakeoff.training.sums import Drawn

RESERVED = ("airplane", "banana", "bird", "book", "clock", "dog", "flower", "rainbow")


def test_others_are_no_doodles_and_none_of_the_reserved_classes() -> None:
    with np.load("src/bakeoff/data/bundled/others.npz", allow_pickle=False) as arrays:
        names = set(arrays["classes"].tolist())
        made = np.isin(arrays["classes"], MADE)[arrays["labels"]]
        assert made.sum() == 700
        assert (~made).sum() == 6 * (len(names) - len(MADE))
        assert len(np.unique(arrays["images"])) == 16
    assert not names & {*RESERVED, *read("doodles").classes}
    assert not names & {"circle", "line", "square", "triangle", "zigzag"}


@pytest.mark.parametrize(
    ("leave_out", "fewer"),
    [((), 0), (("Ambulance",), 6), (("fire-hydrants", "ambulances"), 9), (("no such thing",), 0)],
)
def test_others_of_a_known_name_are_left_out(leave_out: tuple[str, ...], fewer: int) -> None:
    every, rest = other_drawings(), other_drawings(leave_out)
    count = len(every.learned) + len(every.measured)
    assert count - len(rest.learned) - len(rest.measured) == fewer
    assert len(every.measured) >= 200


def test_pens_are_ever_wider() -> None:
    doodles = read("doodles").pictures.take(np.arange(0, 1000, 100))
    whole = Preprocess(mode="ink", size=SIDE)
    widths = []
    for drawn in (*redrawn(doodles, ["thin"]), doodles, *redrawn(doodles)):
        pixels = torch.from_numpy(np.stack(list(drawn)))
        widths.append(whole(pixels).mean().item())
    thin, plain, *_, thick, very_thick = widths
    assert thin < 0.9 * plain < plain < 0.9 * thick < thick < 0.9 * very_thick


@pytest.mark.parametrize("size", [20, 28, 48, 64])
def test_the_eye_sees_about_the_same_at_any_size(size: int) -> None:
    pixels = torch.from_numpy(np.stack(list(read("doodles").pictures.take(np.arange(0, 1000, 50)))))
    with torch.inference_mode():
        here, there = (
            Eye(side).eval()(Preprocess(mode="ink", size=side)(pixels)) for side in (28, size)
        )
    assert torch.cosine_similarity(here, there).min().item() > 0.85


def test_a_graph_keeps_the_network_in_two_bytes_a_weight() -> None:
    data = read("doodles").pictures.take(np.arange(0, 1000, 50))
    task = Task.of(data, 10)
    transfer = configure("transfer", {}).frozen(task)
    assert transfer is not None
    for network in (Eye(SIDE), Eye(64), transfer):
        weights = list(network.parameters())
        assert sum(weight.numel() for weight in weights) > 600_000
        assert all(torch.equal(weight.half().float(), weight) for weight in weights)


def test_a_sample_does_not_depend_on_who_asks() -> None:
    pictures = Pictures.from_array(np.stack(list(read("doodles").pictures))[:12])
    preprocess = Preprocess(mode="ink", size=SIDE)
    sights = Sights(preprocess, Eye(SIDE), pictures, Compute("cpu", 1, bf16=False), ("ambulance",))
    assert sights.plain.shape == (12, FEATURES)
    assert sights.pens.shape == (len(PENS), 12, FEATURES)
    others = other_drawings(("ambulance",))
    penned = sum(len(labels) for _, labels in others.penned())
    assert len(sights.others.labels) == len(others.learned) + penned
    assert (sights.others.rows == -1).all()  # none of them is a drawing of the set


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole, lambda _: b"", lambda _: b"no tensors", lambda whole: whole[:99]],
)
def test_what_is_seen_of_others_is_kept_for_later_runs(
    damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path))
    monkeypatch.setattr(eye, "other_drawings", lambda leave_out=(): few(leave_out))
    doodles = read("doodles").pictures.take(np.arange(5))
    compute = Compute("cpu", 1, bf16=False)
    looks: list[Pictures] = []
    real = eye._look

    def look(preprocess: Preprocess, network: Eye, pictures: Pictures, compute: Compute) -> Tensor:
        looks.append(pictures)
        return real(preprocess, network, pictures, compute)

    monkeypatch.setattr(eye, "_look", look)

    def see(*leave_out: str) -> Drawn:
        eye._every_other_at.cache_clear()
        looks.clear()
        return Sights(
            Preprocess(mode="ink", size=SIDE), Eye(SIDE), doodles, compute, leave_out
        ).others

    first = see("ambulance")
    assert looks
    (file,) = (tmp_path / "others").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    again = see("ambulance")
    assert bool(looks) == (damage(whole) != whole)
    assert file.read_bytes() == whole
    assert all(map(torch.equal, first, again))
    more = see()
    assert not looks
    kept = torch.isin(more.labels, first.labels)
    assert len(more.labels) > len(first.labels)
    assert all(torch.equal(one[kept], two) for one, two in zip(more, first, strict=True))
    eye._every_other_at.cache_clear()


def test_what_was_seen_by_another_network_or_processor_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = Compute("cpu", 1, bf16=False)
    keys = {eye._key_of(28, compute), eye._key_of(48, compute)}
    keys.add(eye._key_of(28, Compute("cpu", 2, bf16=False)))
    monkeypatch.setattr(eye, "processor", lambda: "another")
    keys.add(eye._key_of(28, compute))
    (other := tmp_path / "weights").write_bytes(b"other weights")
    monkeypatch.setattr(eye, "SKETCH_WEIGHTS", other)
    keys.add(eye._key_of(28, compute))
    assert len(keys) == 5


def few(leave_out: tuple[str, ...]) -> Others:
    """Two drawings of every class of others."""
    others = other_drawings(leave_out)
    rows = np.flatnonzero(others._place < 2)
    measured = np.zeros(len(rows), dtype=np.bool_)
    return Others(others.learned.take(rows), others.labels[rows], measured)


def test_approaches_with_the_same_side_look_once_and_see_what_each_would_have_seen() -> None:
    dataset = read("doodles").take(np.arange(0, 1000, 80))
    task = Task.of(dataset.pictures, len(dataset.classes))
    shared: dict[int, Sights] = {}
    seen = {}
    for name in ("cnn", "vit", "transfer", "scattering"):
        trainer = Trainer(
            configure(name, {}),
            task,
            dataset.pictures,
            dataset.labels,
            Compute("cpu", 1, bf16=False),
            seed=0,
            sights=shared,
        )
        assert trainer.sights is not None
        assert trainer.eye is not None
        seen[name] = trainer.sights
        alone = Sights(
            trainer.approach.preprocess(task), trainer.eye, dataset.pictures, trainer.compute
        )
        for part in ("plain", "pens"):
            assert torch.equal(getattr(trainer.sights, part), getattr(alone, part)), (name, part)
        assert all(map(torch.equal, trainer.sights.others, alone.others)), name
    assert seen["cnn"] is seen["vit"] is seen["scattering"]
    assert seen["transfer"] is not seen["cnn"]
    assert sorted(shared) == [SIDE, 48]


def test_a_score_is_fitted_once_for_all_approaches_and_anew_for_other_labels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = read("doodles").take(np.arange(0, 1000, 40))
    preprocess, labels = Preprocess(mode="ink", size=SIDE), torch.from_numpy(dataset.labels)
    sights = Sights(preprocess, Eye(SIDE), dataset.pictures, Compute("cpu", 1, bf16=False))
    learn = Mock(wraps=SketchOOD.learn)
    monkeypatch.setattr(SketchOOD, "learn", learn)
    train, other = np.arange(0, 25, 2), np.arange(1, 25, 2)
    first = sights.score(train, labels, 10)
    again = sights.score(train, labels, 10)
    assert again is not first  # each model has its own
    assert {name: one.tolist() for name, one in first.state_dict().items()} == {
        name: one.tolist() for name, one in again.state_dict().items()
    }
    assert learn.call_count == 1
    sights.score(other, labels, 10)
    assert learn.call_count == 2
    sights.score(train, labels.flip(0), 10)
    assert learn.call_count == 3
    sights.score(train, torch.where(labels == 0, 10, labels), 11)
    assert learn.call_count == 4
