"""Which file a row of a table names, though the two are spelled a little differently."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

from bakeoff.data.words import nfc

__all__ = ["closest", "match_files"]


def match_files(rows: Iterable[str], files: Iterable[str]) -> dict[str, str]:
    """The file of each row, of the rows that name one.

    A row names a file by its path: as it is spelled, or else in another case, or else without
    the suffix. Paths are compared in NFC, since macOS writes "é" as two characters. A spelling
    that fits several files names none of them, and every file has one row at most.

    Parameters
    ----------
    rows : paths as a table writes them.
    files : paths of the files that are there.
    """
    found: dict[str, str] = {}
    # Each spelling is tried for all rows before the next, so that no file goes to a row that
    # names it less exactly than another.
    for spelling in (str, nfc, _any_case, _any_suffix):
        taken = set(found.values())
        waiting = _by_key((row for row in rows if row not in found), _key_of_row(spelling))
        free = _by_key((file for file in files if file not in taken), spelling)
        for key, named in waiting.items():
            if len(named) == 1 and len(free.get(key, ())) == 1:
                found[named[0]] = free[key][0]
    return found


def closest(row: str, files: Sequence[str]) -> list[str]:
    """The files that a row may mean: those of its base name, or else the one most like it."""
    same = [file for file in files if _base(file) == _base(row)]
    return same[:2] or difflib.get_close_matches(nfc(row), files[:1000], n=1, cutoff=0.75)


def _any_case(path: str) -> str:
    return nfc(path).casefold()


def _any_suffix(path: str) -> str:
    """Without the suffix: 00000.png is named by 00000."""
    whole = PurePosixPath(_any_case(path))
    return str(whole.parent / whole.stem)


def _key_of_row(spelling: Callable[[str], str]) -> Callable[[str], str]:
    """A row without a suffix is compared as it is: 1.5 names 1.5.png, and not 1.png."""
    return _any_case if spelling is _any_suffix else spelling


def _base(path: str) -> str:
    return PurePosixPath(_any_suffix(path)).name


def _by_key(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    by_key: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_key[key(path)].append(path)
    return by_key
