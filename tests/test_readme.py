"""The README's commands and programs run as they stand there.

In one process, on sets that are cut small, they always run; as a reader types them, in processes
of their own on the whole sets, in the long tier.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from bakeoff import cli
from bakeoff.data import catalog
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.training import fit
from bakeoff.workers import crew, robustness

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ")
    for language, body in BLOCKS
    if language == "console"
    for line in body.splitlines()
]
PROGRAMS = [body for language, body in BLOCKS if language == "python"]
LEAVES = {"--out", "--csv", "--explain"}  # options that name what a command leaves
FEW = 72  # pictures of a named set that is cut small


def chains(commands: list[str]) -> list[list[str]]:
    """The commands in independent lists: in each, some need what those before them left."""
    found: list[tuple[list[str], set[str]]] = []
    for command in commands:
        words = shlex.split(command)
        left = {name for option, name in pairwise(words) if option in LEAVES}
        # What one left, or a file in it.
        named = {part for word in words for part in (word, *map(str, Path(word).parents))}
        needed = [chain for chain in found if chain[1] & named]
        whole = [one for chain, _ in needed for one in chain]
        makes = left.union(*(names for _, names in needed))
        found = [chain for chain in found if chain not in needed]
        found.append((sorted([*whole, command], key=commands.index), makes))
    return [chain for chain, _ in found]


CHAINS = chains(COMMANDS)


def furnish(folder: Path) -> Path:
    """Put what the README speaks of into a folder: pictures/ of two writers, and train.csv."""
    doodles = read("doodles")
    rows = ["label," + ",".join(f"pixel{i}" for i in range(784))]
    for index in range(len(doodles)):
        label = int(doodles.labels[index])
        if label < 3 and index % 100 < 12:
            name = f"{'ann' if index % 2 else 'ben'}{index}.png"
            path = folder / "pictures" / doodles.classes[label] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.asarray(doodles.pictures[index])
            Image.fromarray(pixels[..., 0]).save(path)
            rows.append(f"{label}," + ",".join(map(str, pixels.reshape(-1))))
    (folder / "train.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("readme"))


@pytest.fixture
def cut_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A furnished folder, in which the named sets have a few pictures and fits a few epochs."""
    furnish(tmp_path)
    whole = dict(catalog.NAMED)

    def cut(load: Callable[[Path], Dataset], folder: Path) -> Dataset:
        dataset = load(folder)
        rows = [np.flatnonzero(dataset.labels == label)[: FEW // 3] for label in range(3)]
        few = dataset.take(np.sort(np.concatenate(rows)))
        return replace(few, classes=dataset.classes[:3])

    small = {
        name: replace(whole[name], load=partial(cut, whole[name].load))
        for name in ("digits", "doodles")
    }
    monkeypatch.setattr(catalog, "NAMED", MappingProxyType(whole | small))
    monkeypatch.setattr(robustness, "PICTURES", dict.fromkeys(robustness.PICTURES, 6))
    monkeypatch.setattr(fit, "PACE", dict.fromkeys(fit.PACE, (8, 0.0)))
    monkeypatch.setattr(crew, "cores", lambda: 1)  # else another process would fit, and in full
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_readme_has_commands_and_programs() -> None:
    assert len(COMMANDS) >= 6
    assert "bakeoff.bake" in "".join(PROGRAMS)


def test_chains_hold_every_command_after_what_it_needs() -> None:
    assert sorted(command for chain in CHAINS for command in chain) == sorted(COMMANDS)
    assert chains(["a --out x/y", "b", "c x/y/z --csv t", "d t", "e x"]) == [
        ["b"],
        ["a --out x/y", "c x/y/z --csv t", "d t"],
        ["e x"],
    ]


@pytest.mark.parametrize("chain", CHAINS, ids=[chain[0][:40] for chain in CHAINS])
def test_every_command_of_the_readme_runs_in_one_process(
    chain: list[str], cut_small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in chain:
        program, *arguments = shlex.split(command)
        assert program == "bakeoff"
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code, command
        for option, name in pairwise(arguments):
            assert option not in LEAVES or (cut_small / name).exists(), command


def test_every_program_of_the_readme_runs_in_one_process(
    cut_small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken: dict[str, object] = {"__name__": "__main__"}
    first, *others = PROGRAMS
    exec(compile(first, "README.md", "exec"), spoken)
    for program in others:
        exec(
            compile(program.replace("1797, 6", f"{FEW}, 1").replace("::6", ":"), "", "exec"), spoken
        )
    out = capsys.readouterr().out
    assert "right on" in out
    scores = [float(score) for score in re.findall(r"\d\.\d*", out.splitlines()[-1])]
    assert len(scores) == 3
    assert min(scores) > 0.6


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "COLUMNS": "100"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(1800)  # each needs what those before it left, so they are one test
def test_every_command_of_the_readme_runs(workplace: Path) -> None:
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "bakeoff"
        _run([str(Path(sys.executable).with_name("bakeoff")), *arguments], workplace)
    for left in ("runs/digits/report.html", "answers.csv", "digits.bakeoff"):
        assert (workplace / left).stat().st_size > 1000


@pytest.mark.long
def test_every_program_of_the_readme_runs(workplace: Path) -> None:
    out = _run([sys.executable, "-W", "error", "-c", "\n".join(PROGRAMS)], workplace)
    assert "right on" in out
    scores = [float(score) for score in re.findall(r"0\.\d+", out.splitlines()[-1])]
    assert min(scores) > 0.8
