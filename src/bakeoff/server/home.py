"""The server's own folder with runs, studies and sets, and the names allowed in it."""

from __future__ import annotations

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from bakeoff.data.catalog import is_named
from bakeoff.data.readers.files import is_litter
from bakeoff.data.readers.splits import SPLITS
from bakeoff.said import say
from bakeoff.server.limits import Problem

__all__ = ["Home", "delete_folder", "folder_checked", "home_of", "name_checked"]

LONGEST_NAME = 60
FORBIDDEN = set('/\\:*?"<>|')  # in folder names, on at least one operating system
WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # device names


@dataclass(frozen=True)
class Home:
    """Where a server keeps runs, studies, sets and published pages.

    Attributes
    ----------
    path : the folder; its subfolders are created when first needed.
    open : whether clients may train and keep pictures here.
    """

    path: Path
    open: bool

    @property
    def runs(self) -> Path:
        """The folder of runs."""
        return self.path / "runs"

    @property
    def studies(self) -> Path:
        """The folder of studies."""
        return self.path / "studies"

    @property
    def shared(self) -> Path:
        """The folder of published pages."""
        return self.path / "shared"

    @property
    def sets(self) -> Path:
        """The folder of sets."""
        return self.path / "sets"


def home_of(request: Request) -> Home:
    """The home that a request may change.

    Raises
    ------
    Problem
        403: clients may not change anything.
    """
    home: Home | None = request.app.state.home
    if home is None or not home.open:
        raise Problem(
            403,
            say("error.disabled"),
        )
    return home


def delete_folder(path: Path) -> None:
    """Delete a folder; it is renamed first, so that nobody sees it half deleted.

    Of a link to a folder elsewhere, only the link is deleted.
    """
    if path.is_symlink():
        path.unlink()
        return
    doomed = path.with_name(f".deleted-{path.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def name_checked(text: str, what: str) -> str:
    """A valid name for a new run or set, which becomes a folder name.

    Raises
    ------
    Problem
        400: the text is no valid name. 409: a built-in set has that name.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not re.fullmatch(rf"\w[\w -]{{0,{LONGEST_NAME - 1}}}", name) or WINDOWS.fullmatch(name):
        raise Problem(
            400,
            say(
                "error.badName",
                name=repr(name[:LONGEST_NAME]),
                what=say(f"what.{what}"),
                n=LONGEST_NAME,
            ),
        )
    if what == "set" and is_named(name):
        raise Problem(409, say("error.setBuiltIn", name=name))
    return name


def folder_checked(text: str, what: str) -> str:
    """A valid name for a class or group, which becomes part of a path.

    Raises
    ------
    Problem
        400: the text is no valid name.
    """
    name = unicodedata.normalize("NFC", text).strip()
    shown = "".join(char for char in name if char.isprintable())[:LONGEST_NAME]
    if not name or len(name) > LONGEST_NAME or len(name.encode("utf-8", "replace")) > 200:
        raise Problem(400, say("error.nameLength", what=say(f"what.{what}"), n=LONGEST_NAME))
    if FORBIDDEN & set(name) or not name.isprintable() or "--" in name:
        raise Problem(
            400,
            say("error.folderName", name=repr(shown), what=say(f"what.{what}")),
        )
    reserved = is_litter(name) or name.lower() in SPLITS or WINDOWS.fullmatch(name)
    if reserved or name[0] in ".-" or name[-1] in ".-":
        raise Problem(400, say("error.nameReserved", name=repr(shown), what=say(f"what.{what}")))
    return name
