"""The page and its data in a single HTML file without dependencies."""

from __future__ import annotations

import base64
import gzip
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_file

__all__ = ["page_of", "write_page"]

PLACE = "<!--carried-->"

Kind = Literal["run", "study", "check"]


def write_page(path: Path, kind: Kind, shown: BaseModel) -> None:
    """Write the result of `page_of`, replacing an older file atomically.

    Raises
    ------
    BakeoffError
        As from `page_of`.
    """
    write_file(path, page_of(kind, shown))


def page_of(kind: Kind, shown: BaseModel) -> bytes:
    """The page with its data; the same data give the same bytes.

    Parameters
    ----------
    kind : the kind of view, which decides the rooms of the page.
    shown : the view.

    Raises
    ------
    BakeoffError
        This installation has no page.
    """
    shell = files("bakeoff") / "web" / "report" / "index.html"
    if not shell.is_file():
        raise BakeoffError(
            "the page",
            "is not built in this source tree",
            "Build it with: pip install --editable .",
        )
    # Most of the data repeats. Without a time stamp the same data give the same bytes.
    packed = gzip.compress(shown.model_dump_json().encode(), mtime=0)
    text = base64.b64encode(packed).decode()
    embedded = f'<script type="application/gzip" id="{kind}">{text}</script>'
    return shell.read_text(encoding="utf-8").replace(PLACE, embedded, 1).encode()
