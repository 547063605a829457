"""What a check found, as one page to look at: thumbnails and plain text, no script."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from html import escape

from bakeoff.evaluation.records import Health
from bakeoff.record.results import DatasetSummary
from bakeoff.record.sheets import SheetReader

__all__ = ["check_page"]

MOST = 200  # pictures of a kind: more are in corrections.csv
_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
:root { color-scheme: light dark }
ul.pictures { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none }
ul.pictures li { width: 10rem; overflow-wrap: anywhere; font-size: 0.85rem }
img { width: 6rem; height: 6rem; object-fit: contain; image-rendering: pixelated; display: block }
</style>
"""

Picture = tuple[int, str, str]  # row, name, what is said of it


def check_page(dataset: DatasetSummary, health: Health, small: SheetReader) -> str:
    """The page.

    Parameters
    ----------
    small : the small pictures of the dataset, by row.
    """
    unlike = [one for one in dataset.duplicates if len({*one.labels} - {""}) > 1]
    sections: list[tuple[str, list[Picture]]] = [
        (
            "Doubted labels",
            [
                (one.index, one.name, f"{one.label}, or {one.proposed}? ({one.quality:.1%})")
                for one in health.suspects
            ],
        ),
        ("Odd pictures", [(one.index, one.name, one.why) for one in health.odd]),
        (
            "The same picture under two classes",
            [
                picture
                for one in unlike
                for picture in zip(one.rows, one.names, one.labels, strict=True)
            ],
        ),
    ]
    parts = [
        _HEAD,
        f"<title>{escape(dataset.name)}: a check</title>\n<h1>{escape(dataset.name)}</h1>\n",
        f"<p>{escape(dataset.understood)}</p>\n",
        *_lines(health.words or ["Nothing was found."]),
        *(part for title, pictures in sections for part in _section(title, pictures, small)),
    ]
    if dataset.left_out:
        parts += ["<h2>Left out</h2>\n", *_lines(str(one) for one in dataset.left_out[:MOST])]
    return "".join(parts)


def _lines(texts: Iterable[str]) -> Iterator[str]:
    yield "<ul>\n"
    for text in texts:
        yield f"<li>{escape(text)}</li>\n"
    yield "</ul>\n"


def _section(title: str, pictures: list[Picture], small: SheetReader) -> Iterator[str]:
    if not pictures:
        return
    shown = f", the first {MOST}" if len(pictures) > MOST else ""
    yield f'<h2>{title} ({len(pictures)}{shown})</h2>\n<ul class="pictures">\n'
    for row, name, words in pictures[:MOST]:
        image = f'<img alt="" src="{_data(small, row)}">'
        yield f"<li>{image}<b>{escape(name)}</b><br>{escape(words)}</li>\n"
    yield "</ul>\n"


def _data(small: SheetReader, row: int) -> str:
    buffer = io.BytesIO()
    small[row].save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
