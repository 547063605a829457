"""The examples of CONTRIBUTING.md work, and each is as short as it claims."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.registry import Entry
from bakeoff.bundle.bundle import load
from bakeoff.bundle.exporters import Exporter
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.split import Fold, Split
from bakeoff.data.validate import validate
from bakeoff.evaluation.metrics import Labels, Probabilities
from bakeoff.issues.issue import Evidence, Issue, Proposal
from bakeoff.record.folder import RunFolder
from bakeoff.training.model import Network
from bakeoff.training.ranges import Count

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
# What the files of the examples import.
IMPORTS: dict[str, Any] = {
    used.__name__: used
    for used in (
        *(Approach, Dataset, Entry, Evidence, Exporter, Issue, Iterator, Network, Path, Pictures),
        *(Proposal, ReadRequest, Reader, Sequence, Task, dataclass, load),
    )
}
IMPORTS |= {"ClassVar": ClassVar, "Count": Count, "np": np, "nn": nn}
IMPORTS |= {"Labels": Labels, "Probabilities": Probabilities}


def example(word: str) -> dict[str, Any]:
    """What the block with this word defines."""
    (code,) = (body for language, body in BLOCKS if language == "python" and word in body)
    names = dict(IMPORTS)
    exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), names)
    return names


def test_every_example_is_short() -> None:
    assert len(BLOCKS) == 10
    for _, body in BLOCKS:
        assert sum(bool(line.strip()) for line in body.splitlines()) < 10


def test_the_approach_builds_a_network() -> None:
    tiny = example("class Tiny")["Tiny"](width=8)
    network = tiny.build(Task(classes=3, pictures=10, side=16, channels=1, mode="ink"))
    assert network(torch.zeros(2, 1, 16, 16)).shape == (2, 3)
    example("Entry(")


def test_the_reader_reads(tmp_path: Path) -> None:
    reader = example("READER = ")["READER"]
    pixels = np.arange(4 * 9, dtype=np.uint8).reshape(4, 3, 3)
    np.save(tmp_path / "a.npy", pixels)
    with (tmp_path / "a.labels").open("wb") as file:
        np.save(file, np.array([0, 1, 0, 1]))
    assert reader.sniffs(tmp_path / "a.npy")
    assert not reader.sniffs(tmp_path / "a.labels")
    dataset = validate(reader.read(tmp_path / "a.npy", ReadRequest(reader.read)))
    assert len(dataset) == 4
    assert dataset.labels.tolist() == [0, 1, 0, 1]


def test_the_metric_counts() -> None:
    top_2 = example("top_2")["top_2"]
    probabilities = np.array([[0.5, 0.3, 0.2]] * 3)
    assert top_2(probabilities, np.array([0, 1, 2])) == pytest.approx(2 / 3)


def test_the_exporter_writes(finished: RunFolder, tmp_path: Path) -> None:
    exporter = example("EXPORTER = ")["EXPORTER"]
    bundle = finished.bundle("cnn")
    assert exporter.write([bundle], tmp_path / "labels.txt") == ["classes: 3"]
    assert (tmp_path / "labels.txt").read_text().splitlines() == load(bundle).classes


def test_the_finder_finds() -> None:
    find = example("black corner")["find"]
    pixels = np.full((3, 4, 4), 200, dtype=np.uint8)
    pixels[1, 0, 0] = 0
    labels = np.array([0, 1, 0])
    dataset = Dataset("a", Pictures.from_array(pixels), labels, ("x", "y"), ("0", "1", "2"))
    none = np.arange(0)
    split = Split((), Fold("final", np.arange(3), none, none), none, None, none, np.arange(3))
    evidence = Evidence(dataset, [], split)
    assert [issue.rows for issue in find(evidence)] == [(1,)]
