"""Files that can be made again, in the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakeoff.cache import cache_folder, keep, kept


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    return cache_folder()


def test_without_a_variable_it_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAKEOFF_CACHE", raising=False)
    assert cache_folder().is_absolute()
    assert cache_folder().name == "bakeoff"


def test_a_file_is_kept_and_the_oldest_go(cache: Path) -> None:
    assert kept("graphs", "0") is None
    for number in range(4):
        keep("graphs", str(number), bytes([number]), most=3)
        os.utime(cache / "graphs" / str(number), (number, number))
    assert [kept("graphs", str(number)) for number in range(4)] == [None, b"\1", b"\2", b"\3"]
    keep("graphs", "1", b"new", most=3)
    assert kept("graphs", "1") == b"new"
    assert sorted(file.name for file in (cache / "graphs").iterdir()) == ["1", "2", "3"]


def test_a_cache_that_takes_nothing_is_no_error(cache: Path) -> None:
    cache.write_bytes(b"a file, not a folder")
    keep("graphs", "a", b"data", most=3)
    assert kept("graphs", "a") is None


def test_a_folder_in_place_of_a_file_is_no_error(cache: Path) -> None:
    (cache / "graphs" / "a").mkdir(parents=True)
    keep("graphs", "a", b"data", most=3)
    assert kept("graphs", "a") is None
    assert [file.name for file in (cache / "graphs").iterdir()] == ["a"]
