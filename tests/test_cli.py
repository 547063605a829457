"""The command line as people use it: real processes, real files, real exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bakeoff import cli
from bakeoff.cli.common import show
from bakeoff.cli.serve import open_when_up
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.record.lock import RunLock

from .commands import QUICK, bakeoff, stroke_folders


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stroke_folders(tmp_path_factory.mktemp("cli") / "pictures")


def hear_ctrl_c() -> None:
    """A shell's background jobs, and all that they start, are born deaf to it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def process(arguments: Sequence[str | Path], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command at work; it ends with the block, also where a test fails there."""
    going = subprocess.Popen(
        [sys.executable, "-m", "bakeoff", *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
        preexec_fn=hear_ctrl_c,
    )
    with going:
        try:
            yield going
        finally:
            going.kill()


def test_a_run_from_start_to_report(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    bakeoff("run", pictures, "-a", "baseline", *QUICK, "-o", run, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "squared paper" not in out
    assert not (run / "robustness.csv").exists()
    assert "class folders, 36 pictures of 12×12, 3 classes" in out
    assert "baseline · fold 2" in out
    assert "Left out (1)" in out
    assert "broken.png" in out
    assert str(run / "report.html") in out.replace("\n", "")
    assert (run / "report.html").stat().st_size > 10_000
    before = (run / "results.json").read_bytes()

    (run / "report.html").unlink()
    with RunLock(run):
        bakeoff("report", run, "--no-open", monkeypatch=monkeypatch, code=2)
    assert "another process works on this run" in capsys.readouterr().err
    assert not (run / "report.html").exists()
    bakeoff("report", run, "--no-open", monkeypatch=monkeypatch)
    assert (run / "report.html").exists()

    bakeoff("run", "--resume", run, monkeypatch=monkeypatch)
    assert "kept" in capsys.readouterr().out
    after = json.loads((run / "results.json").read_bytes())
    assert after["winner"] == json.loads(before)["winner"]


def test_a_curve_is_drawn_and_told(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    asked: list[str | Path] = ["curve", pictures, "-a", "baseline", "--folds", "2"]
    bakeoff(*asked, "-s", "epochs=2", "--threads", "1", "-o", run, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert re.search(r"measured +15 +\d+\.\d% +\d+\.\d% … \d+\.\d% +─*●─*", out)
    results = RunFolder(run).results()
    assert results.approaches[0].learning is not None
    assert results.approaches[0].learning.words.split()[0] in out
    assert not (run / "bundles").exists()


def test_a_curve_is_added_to_a_run(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    bakeoff("run", pictures, "-a", "baseline", *QUICK, "-o", run, monkeypatch=monkeypatch)
    assert "measured" not in capsys.readouterr().out
    bakeoff("curve", run, "-a", "cnn", "--seed", "0", monkeypatch=monkeypatch, code=2)
    assert (
        "keeps to what was asked then, so approach, seed cannot be changed here"
        in capsys.readouterr().err
    )
    bakeoff("curve", run, "--workers", "local:1", "--no-open", monkeypatch=monkeypatch)
    assert "measured" in capsys.readouterr().out
    assert RunFolder(run).config.curve


def test_robustness_is_part_of_a_run(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    options = [option for option in QUICK if option != "--no-robustness"]
    bakeoff("run", pictures, "-a", "baseline", *options, "-o", run, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "corrupting 36 pictures in 13 ways" in out
    assert re.search(r"baseline · fold 2 · \d+% of the corrupted pictures right", out)
    assert (run / "robustness.csv").read_text().startswith("approach,corruption,strength")


@pytest.mark.filterwarnings("always::FutureWarning")
def test_former_options_are_taken_and_named(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--no-brittleness" if option == "--no-robustness" else option for option in QUICK]
    options += ["--estimate", "--set", "paper=0"]
    bakeoff("run", pictures, "-a", "baseline", *options, monkeypatch=monkeypatch)
    error = capsys.readouterr().err
    assert "--no-brittleness is now called --no-robustness" in error
    assert "baseline.paper is now called baseline.background" in error


def test_a_run_starts_from_the_config_of_another(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    bakeoff("run", pictures, "-a", "baseline", *QUICK, "-o", first, monkeypatch=monkeypatch)
    config = first / "run.json"
    bakeoff("run", "--config", config, "-o", second, "--no-open", monkeypatch=monkeypatch)
    assert RunFolder(second).config == RunFolder(first).config
    name = "probabilities.npz"
    assert (second / name).read_bytes() == (first / name).read_bytes()
    bakeoff("run", "--config", config, "--seed", "1", monkeypatch=monkeypatch, code=2)
    assert "seed cannot be changed here" in capsys.readouterr().err


def test_an_estimate_leaves_nothing(
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[str | Path] = ["run", pictures, "-a", "baseline", *QUICK, "--estimate"]
    bakeoff(*asked, monkeypatch=monkeypatch)
    assert re.search(r"baseline: about \d+ s\nall: about \d+ s", capsys.readouterr().out)
    bakeoff(*asked, "--json", monkeypatch=monkeypatch)
    found = json.loads(capsys.readouterr().out)
    assert found["total"] == found["seconds"]["baseline"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_on_the_page_where_there_is_a_screen(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which way commands go; tests/test_cli_live.py goes it."""
    ways: list[str] = []
    sources: list[str] = []

    def in_terminal(config: RunConfig, *_: object, **__: object) -> None:
        sources.append(Path(config.source).name)
        ways.append("terminal")

    monkeypatch.setattr("bakeoff.cli.train.bake_off", in_terminal)
    monkeypatch.setattr("bakeoff.cli.live.bake_on_page", lambda *_: ways.append("page"))
    monkeypatch.chdir(tmp_path)
    run: tuple[str | Path, ...] = ("run", pictures, *QUICK)
    for screen, expected in ((False, "terminal"), (True, "page")):
        monkeypatch.setattr("bakeoff.cli.train.has_display", lambda screen=screen: screen)
        bakeoff("demo", monkeypatch=monkeypatch)
        bakeoff(*[part for part in run if part != "--no-open"], monkeypatch=monkeypatch)
        assert ways == [expected, expected]
        bakeoff("demo", "--set", "clothing", "--no-open", monkeypatch=monkeypatch)
        bakeoff(*run, "--no-open", monkeypatch=monkeypatch)
        assert ways == [expected, expected, "terminal", "terminal"]
        assert sources[-2:] == ["clothing", pictures.name]
        ways.clear()


def test_the_page_is_opened_when_it_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    class Server:
        looks = 0

        @property
        def started(self) -> bool:
            self.looks += 1
            return self.looks > 1

    open_when_up(Server(), "http://127.0.0.1:1")
    assert opened == ["http://127.0.0.1:1"]


def test_a_run_gets_a_folder_of_its_own(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bakeoff("run", pictures, "-a", "baseline", *QUICK, monkeypatch=monkeypatch)
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"pictures-\d{8}-\d{6}", run.name)


def test_the_report_is_opened_where_there_is_a_display(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setenv("DISPLAY", ":0")
    show(tmp_path / "report.html", True)
    show(tmp_path / "report.html", False)
    assert opened == [(tmp_path / "report.html").as_uri()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run"], "SOURCE is missing"),
        (["run", "no-such-folder"], "there is no such file, folder or named set"),
        (["run", "digits", "-a", "cnm"], "Did you mean cnn?"),
        (["run", "digits", "-s", "cnn.filter=3"], "Did you mean filters?"),
        (["run", "digits", "-s", "cnn.filters=many"], "whole numbers with commas"),
        (["run", "digits", "-s", "filters"], "approach.setting=value"),
        (["run", "digits", "--device", "abacus"], "Omit --device"),
        (["run", "digits", "--folds", "1"], "1 is not a number of folds"),
        (["run", "digits", "--keep-groups"], "has no groups"),
        (["run", "digits", "--resume", "here"], "source cannot be changed here"),
        (["run", "--resume", "here"], "is not a run"),
        (["report", "here"], "is not a run"),
        (["curve", "no-such-folder"], "there is no such file, folder or named set"),
        (["run", "digits", "--curve", "--folds", "0"], "Ask for 2 folds or more"),
        (["fetch", "imagenet"], "there is no such named set"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    bakeoff(*arguments, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("bakeoff: ")
    assert len(error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bakeoff", "run", "nowhere", "--debug"])
    with pytest.raises(BakeoffError, match="nowhere"):
        cli.main()


def test_fetching_what_comes_along(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff("fetch", "doodles", monkeypatch=monkeypatch)
    assert "doodles is in" in capsys.readouterr().out


def test_version_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bakeoff("--version", monkeypatch=monkeypatch)
    assert re.search(r"bakeoff \d+\.\d+", capsys.readouterr().out)
    bakeoff("run", "--help", monkeypatch=monkeypatch)
    assert "--leave-one-group-out"[:18] in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments: list[str | Path] = [
        "run",
        pictures,
        "-a",
        "cnn",
        "-o",
        run,
        "--threads",
        "1",
        "-s",
        "epochs=2000",
    ]
    with process(arguments, tmp_path) as going:
        deadline = time.monotonic() + 180  # a busy machine imports torch for a minute
        while (
            not (run / "events.jsonl").exists()
            or b'"epoch"' not in (run / "events.jsonl").read_bytes()
        ):
            assert time.monotonic() < deadline
            assert going.poll() is None, going.communicate()
            time.sleep(0.1)
        going.send_signal(signal.SIGINT)
        out, error = going.communicate(timeout=60)
    assert going.returncode == 130
    assert f"bakeoff run --resume {run}" in out
    assert "Traceback" not in error


IGNORED = """
import signal, time, weakref
from bakeoff.cli.common import _end_like_ctrl_c

class Thing: pass

def last_words(_):
    print("now", flush=True)
    time.sleep(5)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
_end_like_ctrl_c()
thing = Thing()
kept = weakref.ref(thing, last_words)
try:
    del thing
    time.sleep(5)
    print("went on")
except KeyboardInterrupt:
    print("ended")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_python_ignores_ends_the_command(number: signal.Signals) -> None:
    command = [sys.executable, "-c", IGNORED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("ended\n", "")
