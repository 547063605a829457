import csv
import errno
import io
import json
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Event, Preparing, RunFailed
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import PictureIndex, Results, UnitRecord

CONFIG = RunConfig.parse(source="pictures", approaches=("cnn",), settings={"cnn": {"epochs": "3"}})
RECORD = UnitRecord(
    fold="fold 1",
    task={"classes": 2},
    best_epoch=1,
    temperature=1.0,
    parameters=2,
    bytes=8,
    seconds=0.5,
    peak_memory_mb=1.0,
    curve=[],
)
ARRAYS: dict[str, NDArray[Any]] = {
    "rows": np.arange(3),
    "logits": np.ones((3, 2), dtype=np.float32),
}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", CONFIG)


# -- create and open -------------------------------------------------------------


def test_the_config_comes_back(run: RunFolder) -> None:
    assert RunFolder.open(run.path).config == CONFIG


@pytest.mark.parametrize("keep_groups", [False, True, None])
def test_whether_groups_are_kept_comes_back(run: RunFolder, keep_groups: bool | None) -> None:
    file = run.path / "run.json"
    config = json.loads(file.read_text()) | {"keep_groups": keep_groups}
    file.write_text(json.dumps(config))
    assert RunFolder.open(run.path).config.keep_groups is keep_groups


def test_an_empty_folder_can_become_a_run(tmp_path: Path) -> None:
    assert RunFolder.create(tmp_path, CONFIG).config == CONFIG


@pytest.mark.parametrize("name", ["run.json", "tune.json"])
def test_a_folder_of_one_killed_before_it_began_can_be_used(tmp_path: Path, name: str) -> None:
    (tmp_path / f".{name}.partial").write_text("{")
    RunFolder.check_free(tmp_path)


def test_a_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BakeoffError, match=r"is there already\. Choose another --out"):
        RunFolder.create(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_run_is_not_overwritten(run: RunFolder) -> None:
    with pytest.raises(BakeoffError, match="--resume"):
        RunFolder.create(run.path, CONFIG)


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    with pytest.raises(BakeoffError, match="is a file, not a folder"):
        RunFolder.create(file, CONFIG)


@pytest.mark.parametrize("name", ["nothing here", "."])
def test_what_is_no_run_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BakeoffError, match=r"holds no run\.json"):
        RunFolder.open(tmp_path / name)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"folds": 5}', b'{"source": 1, "approaches": []}'],
)
def test_a_damaged_config_is_refused(run: RunFolder, damage: bytes) -> None:
    (run.path / "run.json").write_bytes(damage)
    with pytest.raises(BakeoffError, match=r"run\.json: is damaged"):
        _ = RunFolder.open(run.path).config


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema_version": 1}', b"\xff"])
def test_damaged_results_are_refused(run: RunFolder, damage: bytes) -> None:
    (run.path / "results.json").write_bytes(damage)
    with pytest.raises(BakeoffError, match="Delete it and rebuild it with: bakeoff run --resume"):
        run.results()


def test_an_unfinished_run_has_no_results(run: RunFolder) -> None:
    with pytest.raises(BakeoffError, match=r"not finished\. Continue with: bakeoff run --resume"):
        run.results()


# -- events ----------------------------------------------------------------------


def test_events_come_back_in_order(run: RunFolder) -> None:
    assert list(run.events()) == []
    logged = [RunFailed(why=f"größer\n{number}") for number in range(3)]
    for event in logged:
        run.log(event)
    assert list(run.events()) == logged
    lines = (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [event.model_dump() for event in logged]


@pytest.mark.parametrize("keep", [1, 10, 40, -2])
def test_a_line_cut_short_costs_only_that_line(run: RunFolder, keep: int) -> None:
    first = RunFailed(why="as long as it takes to be cut somewhere")
    run.log(first)
    run.log(first)
    path = run.path / "events.jsonl"
    one, two = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(one + two[:keep])
    assert list(run.events()) == [first]
    third = Preparing(approach="cnn")
    run.log(third)
    assert list(run.events()) == [first, third]


def test_a_line_that_only_lost_its_end_of_line_is_kept(run: RunFolder) -> None:
    logged: list[Event] = [Preparing(approach="cnn"), Preparing(approach="vit")]
    run.log(logged[0])
    path = run.path / "events.jsonl"
    path.write_bytes(path.read_bytes().rstrip())
    run.log(logged[1])
    assert list(run.events()) == logged


@pytest.mark.parametrize(
    "line",
    [
        b"\0\0\0\xff",
        b"[]",
        b'{"event": "of another version"}',
        b'{"event": "epoch"}',
        b'{"event": []}',
    ],
)
def test_a_line_that_is_no_event_is_skipped(run: RunFolder, line: bytes) -> None:
    first, last = Preparing(approach="cnn"), Preparing(approach="vit")
    run.log(first)
    with (run.path / "events.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert list(run.events()) == [first]
    assert run.last_event() == first
    run.log(last)
    assert list(run.events()) == [first, last]


# -- units -----------------------------------------------------------------------


def test_a_unit_comes_back_whole(run: RunFolder) -> None:
    assert not run.has_unit("cnn", "fold 1")
    run.save_unit("cnn", "fold 1", RECORD, ARRAYS, b"weights")
    assert run.has_unit("cnn", "fold 1")
    record, arrays = run.load_unit("cnn", "fold 1")
    assert record == RECORD
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert np.array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert (run.unit("cnn", "fold 1") / "weights.safetensors").read_bytes() == b"weights"


def test_a_half_written_unit_is_ignored_and_replaced(run: RunFolder) -> None:
    run.save_unit("cnn", "fold 1", RECORD, ARRAYS, b"weights")
    half = run.unit("cnn", "fold 1").with_name(".fold 2.partial")
    half.mkdir()
    (half / "unit.json").write_text('{"fold": ')
    (half / "left over").write_text("from before")
    assert not run.has_unit("cnn", "fold 2")
    run.save_unit("cnn", "fold 2", RECORD, ARRAYS, b"weights")
    assert run.load_unit("cnn", "fold 2")[0] == RECORD
    assert not half.exists()
    assert not (run.unit("cnn", "fold 2") / "left over").exists()


def test_a_crash_while_writing_leaves_no_unit(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BakeoffError, match=r"No space left on device\)\. What is finished is safe"):
        run.save_unit("cnn", "fold 1", RECORD, ARRAYS, b"weights")
    assert not run.has_unit("cnn", "fold 1")
    assert not list(run.path.glob("units/cnn/.*"))


@pytest.mark.parametrize("name", ["unit.json", "logits.npz"])
@pytest.mark.parametrize("damage", [b"", b"PK", b"{}"])
def test_a_damaged_unit_is_refused_with_a_hint(run: RunFolder, name: str, damage: bytes) -> None:
    run.save_unit("cnn", "fold 1", RECORD, ARRAYS, b"weights")
    (run.unit("cnn", "fold 1") / name).write_bytes(damage)
    with pytest.raises(BakeoffError, match=r"is damaged .* Delete that folder"):
        run.load_unit("cnn", "fold 1")


NAMES = ["fold 1", "final", "a/b", "a_b", "../../escape", "..", ".", "A", "a", "Ä/ä", "x" * 300]


def test_a_fold_may_bear_any_name(run: RunFolder) -> None:
    for index, name in enumerate(NAMES):
        record = RECORD.model_copy(update={"fold": name, "best_epoch": index})
        assert not run.has_unit("cnn", name)
        run.save_unit("cnn", name, record, ARRAYS, b"")
    for index, name in enumerate(NAMES):
        assert run.load_unit("cnn", name)[0].best_epoch == index
    folders = list((run.path / "units" / "cnn").iterdir())
    assert len(folders) == len(NAMES)
    assert len({folder.name.lower() for folder in folders}) == len(NAMES)
    assert {path.name for path in run.path.iterdir()} == {"run.json", "units"}


@given(st.text(min_size=1))
def test_every_fold_lies_under_its_approach(name: str) -> None:
    unit = RunFolder(Path("run")).unit("cnn", name)
    assert unit.parent == Path("run/units/cnn")
    assert not unit.name.startswith(".")
    assert len(unit.name.encode()) < 240


# -- npz, pictures and the table -------------------------------------------------


def test_arrays_are_the_same_bytes_whenever_they_are_written(
    run: RunFolder, finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = finished.results()
    run.save_results(results, ARRAYS)
    first = (run.path / "probabilities.npz").read_bytes()
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    run.save_results(results, ARRAYS)
    assert (run.path / "probabilities.npz").read_bytes() == first
    with np.load(io.BytesIO(first), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["logits"], ARRAYS["logits"])
    assert {info.date_time[0] for info in zipfile.ZipFile(io.BytesIO(first)).infolist()} == {1980}


def test_objects_are_never_pickled(run: RunFolder, finished: RunFolder) -> None:
    with pytest.raises(ValueError, match="allow_pickle=False"):
        run.save_results(finished.results(), {"bad": np.array([{}], dtype=object)})


INDEX = PictureIndex(
    names=["a.png", "größer/b.png", "a.png"],
    labels=[1, 0, 1],
    groups=None,
    parts=[0, 1, 1],
    part_names=["training", "fold 1"],
)


def squares(count: int = 3) -> Pictures:
    """Pictures of one colour each, which is 10 × their row."""
    return Pictures.from_array(
        np.full((count, 8, 8), 10 * np.arange(count)[:, None, None], dtype=np.uint8)
    )


def test_pictures_and_what_is_known_of_them_come_back(run: RunFolder) -> None:
    run.save_pictures(INDEX, squares())
    assert run.picture_index() == INDEX
    assert [run.sheets()[row].getpixel((0, 0)) for row in range(3)] == [
        (shade, shade, shade, 255) for shade in (0, 10, 20)
    ]
    assert {path.name for path in (run.path / "pictures").iterdir()} == {"0000.webp", "index.json"}


def test_pictures_are_written_once(run: RunFolder) -> None:
    run.save_pictures(INDEX, squares())
    run.save_pictures(INDEX.model_copy(update={"labels": [0, 0, 0]}), squares(2))
    assert run.picture_index() == INDEX


@pytest.mark.parametrize("damage", [None, b"", b"{", b'{"names": []}', b"\xff"])
def test_a_missing_or_damaged_index_is_refused_with_a_hint(
    run: RunFolder, damage: bytes | None
) -> None:
    if damage is not None:
        run.save_pictures(INDEX, squares())
        (run.path / "pictures" / "index.json").write_bytes(damage)
    with pytest.raises(BakeoffError, match=r"index\.json: is not there or damaged .* Delete .*res"):
        run.picture_index()


def hostile(results: Results, name: str) -> Results:
    """The results with one mistake, of a picture with this name."""
    approach = next(one for one in results.approaches if one.mistakes)
    mistake = type(approach.mistakes[0])(7, name, "=1+1", "@cmd", 0.9, 0.1, 2.3)
    return results.model_copy(
        update={"approaches": [approach.model_copy(update={"mistakes": [mistake]})]}
    )


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx", 'a,"b"\n'])
def test_the_table_of_mistakes_runs_no_formula(
    run: RunFolder, finished: RunFolder, name: str
) -> None:
    run.save_results(hostile(finished.results(), name), {})
    with (run.path / "mistakes.csv").open(newline="") as file:
        head, row = csv.reader(file)
    assert head == ["approach", "row", "name", "truth", "answer", "probability", "loss"]
    assert row[2] == (name if name.startswith("a") else "'" + name)
    assert row[3:5] == ["'=1+1", "'@cmd"]
    assert row[5:] == ["0.9000", "2.3000"]


def test_corrections_that_a_spreadsheet_saved_otherwise_are_still_shown(run: RunFolder) -> None:
    assert run.corrections() == ""
    (run.path / "corrections.csv").write_bytes("action,name\r\nkeep,größe".encode("cp1252"))
    assert run.corrections() == "action,name\r\nkeep,gr\ufffd\ufffde"


def test_nothing_half_written_is_left_behind(finished: RunFolder) -> None:
    assert list(finished.path.rglob("*.partial")) == []
