"""A run's results -> one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bakeoff.record.results import Results
from bakeoff.report.page import page
from bakeoff.report.words import FILTERS

__all__ = ["render_report", "write_report"]


def write_report(results: Results, thumbnails: Mapping[int, bytes], path: Path) -> None:
    """Write the report of a run; the same results give the same bytes.

    The file replaces an older one in one step: a reader sees the old report
    or the new one, never half of either.

    Parameters
    ----------
    results : what the run found.
    thumbnails : row of the dataset -> its picture as `thumbnail` makes it, for
        the rows in the approaches' mistakes. One that is missing is shown by name.
    path : the file to write.
    """
    # A file name need not be valid Unicode; the report shows what can be shown.
    data = render_report(results, thumbnails).encode("utf-8", errors="replace")
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)  # mkstemp's 0600 is for secrets; this is to be shared
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def render_report(results: Results, thumbnails: Mapping[int, bytes]) -> str:
    """The report as text.

    It holds no script at all and its policy forbids any, so that a report from
    a stranger can be opened without a thought. What moves is plain HTML:
    popovers for the pictures, radio buttons and `:has()` for the choices.
    """
    environment = Environment(
        loader=PackageLoader("bakeoff.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(FILTERS)
    style = (files("bakeoff.report") / "templates" / "style.css").read_text(encoding="utf-8")
    style += _choices(len(results.approaches))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("report.html.jinja").render(
        page=page(results, thumbnails),
        style=Markup(style),  # noqa: S704  our own file: quotes must stay quotes
        style_hash=f"sha256-{digest}",
    )


def _choices(approaches: int) -> str:
    """The rules that show only the chosen approach; how many there are, only the run knows."""
    rules = [
        f"body:has(#pick-{n}:checked) .of:not(.of-{n}){{display:none}}" for n in range(approaches)
    ]
    return "@media screen{" + "".join(rules) + "}\n"
