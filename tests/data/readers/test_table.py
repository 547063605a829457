"""The table of readers, and readers that other packages add through entry points."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import bakeoff
from bakeoff.data.readers.table import READERS, ReaderTable
from bakeoff.errors import BakeoffError
from bakeoff.said import sentences

Install = Callable[[str], None]

STRIPES = '''
import numpy as np
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.data.readers.reader import Reader


def read(path, request):
    """Each line is a class and a brightness; the picture is a stripe of that brightness."""
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    classes = tuple(sorted({name for name, _ in rows}))
    pixels = np.stack([np.full((4, 12, 1), int(level), np.uint8) for _, level in rows])
    return Dataset(
        name=path.stem,
        pictures=Pictures.from_array(pixels),
        labels=np.asarray([classes.index(name) for name, _ in rows]),
        classes=classes,
        names=tuple(f"{path.name} line {row}" for row in range(len(rows))),
        description="stripes",
    )


reader = Reader(
    "stripes",
    "a file of stripes",
    lambda path: path.is_file() and path.read_bytes().startswith(b"stripes 1"),
    read,
)
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module, whose `reader` is an entry point of bakeoff.readers."""

    def install(source: str) -> None:
        site = tmp_path / "site-packages"
        information = site / "outside-1.0.dist-info"
        information.mkdir(parents=True)
        (site / "outside_reader.py").write_text(source)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1\n")
        (information / "entry_points.txt").write_text(
            "[bakeoff.readers]\nstripes = outside_reader:reader\n"
        )
        monkeypatch.syspath_prepend(site)

    yield install
    sys.modules.pop("outside_reader", None)


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "mine.stripes"
    path.parent.mkdir()
    path.write_text("stripes 1\ndark 20\nlight 250\ndark 30\nlight 240\n")
    return path


def test_a_reader_of_another_package_reads_its_files(install: Install, stripes: Path) -> None:
    with pytest.raises(BakeoffError, match="it looks like a text file"):
        bakeoff.read(stripes)
    install(STRIPES)
    data = bakeoff.read(stripes)
    assert data.description.startswith("stripes, 4 pictures of 12×4, 2 classes")
    assert data.classes == ("dark", "light")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert [int(picture[0, 0, 0]) for picture in data.pictures] == [20, 250, 30, 240]
    # A folder around the file, too.
    assert bakeoff.read(stripes.parent).fingerprint() == data.fingerprint()


def test_a_reader_of_another_package_is_listed_in_errors(
    install: Install, stripes: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("just words\n")
    install(STRIPES)
    with pytest.raises(BakeoffError) as refused:
        bakeoff.read(tmp_path / "notes.txt")
    hint = "Give a folder of class folders, a zip or tar archive or a CSV of pixels"
    assert refused.value.hint == hint
    assert f"{hint}. Other formats: IDX files, " in str(refused.value)
    assert str(refused.value).endswith(", a file of stripes.")
    assert all(str(refused.value).count(reader.reads) == 1 for reader in READERS)
    with pytest.raises(BakeoffError, match="--group 'folder' does not fit it"):
        bakeoff.read(stripes, group="folder")


def test_the_page_has_words_for_what_our_readers_read() -> None:
    words = {code.removeprefix("reader.") for code in sentences() if code.startswith("reader.")}
    common = {"folder", "archive", "table"}  # which the hint names
    assert words == {reader.name.replace(" ", "_") for reader in READERS} - common
    for reader in READERS:
        text = sentences().get(f"reader.{reader.name.replace(' ', '_')}", reader.reads)
        assert text == reader.reads


def test_our_readers_go_first(install: Install, tmp_path: Path) -> None:
    install(STRIPES.replace("lambda path: path.is_file() and", "lambda path: True or"))
    np.savez(tmp_path / "a.npz", x=np.eye(4, dtype=np.uint8).repeat(4, 0), y=[0, 1] * 8)
    assert bakeoff.read(tmp_path / "a.npz").description.startswith("npz")
    assert "outside_reader" not in sys.modules


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise RuntimeError('no licence')", r"cannot be imported \(RuntimeError: no licence\)"),
        ("reader = 3", "its entry point is of type int, not Reader"),
        (STRIPES.replace("int(level)", "level.no"), "the reader stripes failed on it"),
        (STRIPES.replace("path.is_file()", "path.no()"), "the reader stripes failed on it"),
    ],
)
def test_a_broken_package_is_named(
    install: Install, stripes: Path, source: str, problem: str
) -> None:
    install(source)
    with pytest.raises(BakeoffError, match=problem):
        bakeoff.read(stripes)


def test_names_are_unique_and_nothing_is_sniffed_where_nothing_is(tmp_path: Path) -> None:
    assert len({reader.name for reader in READERS}) == len(READERS)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "folder", tmp_path / "file", tmp_path / "missing"):
        assert ReaderTable().find(path) is None
