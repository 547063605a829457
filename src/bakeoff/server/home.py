"""The folder that a server works in: its runs, studies and sets, and who may change them."""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from bakeoff.data.catalog import is_named
from bakeoff.data.readers.listing import is_litter, split_of
from bakeoff.server.limits import Problem

__all__ = ["Home", "delete_folder", "folder_checked", "home_of", "name_checked"]

LONGEST_NAME = 60
FORBIDDEN = set('/\\:*?"<>|')  # in the name of a folder, on some system or other
WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # its devices, not files


@dataclass(frozen=True)
class Home:
    """Where a server keeps runs and sets.

    Attributes
    ----------
    path : the folder; what is in it is made when first needed.
    open : whether clients may train and keep pictures here.
    """

    path: Path
    open: bool

    @property
    def runs(self) -> Path:
        """Where runs lie, a folder each."""
        return self.path / "runs"

    @property
    def studies(self) -> Path:
        """Where studies lie, a folder each."""
        return self.path / "studies"

    @property
    def sets(self) -> Path:
        """Where sets lie, a folder each."""
        return self.path / "sets"


def home_of(request: Request) -> Home:
    """The home that a request may change.

    Raises
    ------
    Problem
        403: clients may change nothing.
    """
    home: Home | None = request.app.state.home
    if home is None or not home.open:
        raise Problem(
            403,
            "Training and sets are off on this server. Start it on your own machine with "
            "`bakeoff serve`, or allow them elsewhere with --allow-training.",
        )
    return home


def delete_folder(path: Path) -> None:
    """Delete a folder, which is gone from its place before its files go one by one."""
    gone = path.with_name(f".deleted-{path.name}")
    shutil.rmtree(gone, ignore_errors=True)
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def name_checked(text: str, what: str) -> str:
    """The name of a new run or set, which becomes that of a folder.

    Raises
    ------
    Problem
        400: it does not fit.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not re.fullmatch(rf"\w[\w -]{{0,{LONGEST_NAME - 1}}}", name) or WINDOWS.fullmatch(name):
        raise Problem(
            400,
            f"{name[:LONGEST_NAME]!r} is no name for a {what}. Use letters, digits, spaces, _ and "
            f"-, {LONGEST_NAME} at most, a letter or digit first.",
        )
    if what == "set" and is_named(name):
        raise Problem(409, f"{name} is a set that everybody knows. Choose another name.")
    return name


def folder_checked(text: str, what: str) -> str:
    """A class or a group as a person types it, if it can be the name of a folder or file.

    Raises
    ------
    Problem
        400: it cannot.
    """
    name = unicodedata.normalize("NFC", text).strip()
    shown = "".join(one for one in name if one.isprintable())[:LONGEST_NAME]
    if not name or len(name) > LONGEST_NAME or len(name.encode("utf-8", "replace")) > 200:
        raise Problem(400, f"A {what} needs a name of 1 to {LONGEST_NAME} letters.")
    if FORBIDDEN & set(name) or not name.isprintable() or "--" in name:
        raise Problem(
            400,
            f"{shown!r} cannot be the name of a {what}: it becomes that of a folder. Leave out "
            '/ \\ : * ? " < > | and --.',
        )
    reserved = is_litter(name) or split_of(name) is not None or WINDOWS.fullmatch(name)
    if reserved or name[0] in ".-" or name[-1] in ".-":
        raise Problem(
            400, f"{shown!r} cannot be the name of a {what}, as it means something else. Change it."
        )
    return name
