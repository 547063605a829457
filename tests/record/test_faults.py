"""What a disk, a folder, or somebody else's file can do to a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.folder import RunFolder
from bakeoff.record.studyfolder import StudyFolder
from bakeoff.record.whole import read_file, write_file, write_folder

from ..made_up_events import run_started

FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
# Files of more than 20 kB are refused, as by a full disk, by the system itself.
SMALL_FILES = (
    "import resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    "from bakeoff.cli import main; sys.argv[0] = 'bakeoff'; main()"
)


def with_small_files(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command on a disk that is as good as full."""
    return subprocess.run(
        [sys.executable, "-c", SMALL_FILES, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_later(
    finished: RunFolder, tmp_path: Path
) -> None:
    out = tmp_path / "packed.bakeoff"
    ended = with_small_files("export", finished.path, "--approach", "cnn", "--out", out)
    assert ended.returncode == 2
    assert ended.stderr.startswith("bakeoff: ")
    assert "File too large" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []  # nothing is left half-written


def test_an_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BakeoffError, match=r"cannot be written \(Not a directory\)\. Make room"):
        RunFolder.create(tmp_path / "file" / "run", RunConfig.parse(source="x"))


def test_what_a_failed_writing_leaves_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    write_file(tmp_path / "kept", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_folder(tmp_path / "unit", {"a": b"1", "b/c": b"2"})
    with pytest.raises(OSError, match="No space"):
        write_file(tmp_path / "kept", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert read_file(tmp_path / "kept") == b"old"


def test_files_and_their_names_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(number: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{number}").readlink()).replace(".partial", ""))
        fsync(number)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to see which file is synced")
    monkeypatch.setattr(os, "fsync", watched)
    write_file(tmp_path / "run.json", b"{}")
    assert synced == [str(tmp_path / ".run.json"), str(tmp_path)]
    synced.clear()
    write_folder(tmp_path / "unit", {"unit.json": b"{}"})
    folder = str(tmp_path / ".unit")
    assert synced == [f"{folder}/unit.json", folder, str(tmp_path)]


@FIFO
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("run.json", lambda run: run.config),
        ("events.jsonl", lambda run: list(run.events())),
        ("results.json", lambda run: run._results(run.path / "results.json")),
        ("probabilities.npz", lambda run: run.probabilities()),
        ("pictures/index.json", lambda run: run.picture_index()),
        ("pictures/0000.webp", lambda run: run.sheets()[0]),
        ("study.json", lambda run: StudyFolder(run.path).results()),
    ],
)
def test_a_named_pipe_in_a_run_keeps_nobody_waiting(
    tmp_path: Path, name: str, read: Callable[[RunFolder], object]
) -> None:
    (tmp_path / "pictures").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises((BakeoffError, OSError)):
        read(RunFolder(tmp_path))


def test_a_thumbnail_with_a_huge_number_costs_nothing(tmp_path: Path) -> None:
    for name in ("999999999.webp", "٣٣٣٣.webp", "-1.webp", "00001.webp"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "0001.webp").write_bytes(b"no picture")
    reader = RunFolder(tmp_path).sheets()
    reader = type(reader)(tmp_path)
    assert [path.name for path in reader.paths] == ["0000.webp", "0001.webp"]
    with pytest.raises(BakeoffError, match="is not there or damaged"):
        reader[0]


@pytest.mark.parametrize("name", ["run.json", "results.json", "study.json"])
def test_a_file_of_a_newer_bakeoff_is_refused_and_not_called_damaged(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(json.dumps({"schema_version": 3, "new": True}))
    run = RunFolder(tmp_path)
    reads: dict[str, Callable[[], object]] = {
        "run.json": lambda: run.config,
        "results.json": run.results,
        "study.json": StudyFolder(tmp_path).results,
    }
    with pytest.raises(BakeoffError, match="newer bakeoff: it has schema version 3") as refused:
        reads[name]()
    assert "pip install --upgrade" in refused.value.hint


def test_a_command_that_is_told_to_end_cleans_up(tmp_path: Path) -> None:
    """By a polite signal as by Ctrl-C; its workers end too."""
    out, scratch = tmp_path / "run", tmp_path / "scratch"
    scratch.mkdir()
    command = ["run", "doodles", "--approach", "cnn", "--workers", "local:2", "--no-open"]
    with subprocess.Popen(
        [sys.executable, "-m", "bakeoff", *command, "--out", str(out)],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while not any(scratch.glob("bakeoff-*")) or not out.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert "Continue with: bakeoff run --resume" in said
    assert "Traceback" not in said
    assert not any(scratch.glob("bakeoff-*"))


def test_events_of_a_run_are_read_from_a_byte_on(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.log(run_started())
    _, end = run.events_from(0)
    run.log(run_started())
    assert len(run.events_from(end)[0]) == 1
