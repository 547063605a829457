"""The page and what it shows, in one HTML file that needs nothing else."""

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
    """Write what `page_of` gives.

    The file replaces an older one in one step: a reader sees the old report or the new one,
    never half of either.

    Raises
    ------
    BakeoffError
        As from `page_of`.
    """
    write_file(path, page_of(kind, shown))


def page_of(kind: Kind, shown: BaseModel) -> bytes:
    """The page with what it shows; the same in gives the same bytes.

    Parameters
    ----------
    kind : what `shown` is the view of; it says which rooms there are.

    Raises
    ------
    BakeoffError
        This bakeoff was installed without its page.
    """
    shell = files("bakeoff") / "web" / "report" / "index.html"
    if not shell.is_file():
        raise BakeoffError(
            "the page",
            "is not built in this source tree",
            "Build it with: pip install --editable .",
        )
    # Packed: most of it repeats. mtime: the same in, the same bytes.
    packed = gzip.compress(shown.model_dump_json().encode(), mtime=0)
    text = base64.b64encode(packed).decode()
    carried = f'<script type="application/gzip" id="{kind}">{text}</script>'
    return shell.read_text(encoding="utf-8").replace(PLACE, carried, 1).encode()
