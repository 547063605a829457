"""What to label next, as a table to fill in and as a page to look at."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from bakeoff.bundle.thumbnails import thumbnail_file
from bakeoff.data.correction import Correction
from bakeoff.data.words import count
from bakeoff.next.of_run import Waiting
from bakeoff.next.ranking import Candidate
from bakeoff.record.tables import table
from bakeoff.record.whole import write_file

__all__ = ["COLUMNS", "PAGE", "TABLE", "next_page", "next_table", "write_next"]

TABLE, PAGE = "next.csv", "next.html"
COLUMNS = ("name", "label", "guess", "probability", "why", "apart")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem; background: light-dark(#fff, #17171c);
  color: light-dark(#1c1c22, #ececf1) }
ol { list-style: none; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)) }
li { border: 1px solid light-dark(#d5d5dc, #3a3a44); border-radius: .5rem; padding: .75rem }
img { width: 8rem; height: 8rem; object-fit: contain; image-rendering: pixelated; display: block }
b { overflow-wrap: anywhere } small { color: light-dark(#55555f, #a9a9b5); display: block }
"""


def write_next(
    folder: Path,
    waiting: Waiting,
    candidates: Sequence[Candidate],
    given: Sequence[Correction] = (),
) -> tuple[Path, Path]:
    """Write next.csv and next.html into a folder, which is made.

    Parameters
    ----------
    given : labels given before. They go into the table too, so that it can be given back whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / TABLE, next_table(waiting, candidates, given).encode())
    write_file(folder / PAGE, next_page(waiting, candidates).encode())
    return folder / TABLE, folder / PAGE


def next_table(
    waiting: Waiting, candidates: Sequence[Candidate], given: Sequence[Correction] = ()
) -> str:
    """A CSV with an empty column label, which `read_labels` reads when it is filled in."""
    rows: list[tuple[object, ...]] = [
        (
            waiting.name(candidate),
            "",
            candidate.guess,
            f"{candidate.probability:.3f}" if candidate.guess else "",
            "; ".join(candidate.reasons),
            "yes" if candidate.stranger else "",
        )
        for candidate in candidates
    ]
    rows += [(label.name, label.proposed, "", "", "labelled before", "") for label in given]
    return table(COLUMNS, rows)


def next_page(waiting: Waiting, candidates: Sequence[Candidate]) -> str:
    """A page with the pictures and the reasons; it runs no script and loads nothing."""
    picks = [candidate for candidate in candidates if not candidate.stranger]
    apart = [candidate for candidate in candidates if candidate.stranger]
    title = f"{count(len(picks), 'picture')} to label next"
    name = escape(waiting.dataset.name)
    strangers = f"<h2>Apart: like none of the classes</h2>{_list(waiting, apart)}" if apart else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}: {name}</title><style>{STYLE}</style>"
        f"<h1>{title}</h1><p>Of {count(len(waiting.rows), 'picture')} without a label in {name}. "
        f"Write the labels into {TABLE} beside this page.</p>"
        f"{_list(waiting, picks)}{strangers}\n"
    )


def _list(waiting: Waiting, candidates: Sequence[Candidate]) -> str:
    return f"<ol>{''.join(_item(waiting, candidate) for candidate in candidates)}</ol>"


def _item(waiting: Waiting, candidate: Candidate) -> str:
    name = escape(waiting.name(candidate))
    picture = thumbnail_file(waiting.dataset.pictures[int(waiting.rows[candidate.row])])
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    source = f"data:image/{kind};base64,{b64encode(picture).decode()}"
    guess = (
        f"<small>{escape(candidate.guess)}, {candidate.probability:.0%}</small>"
        if candidate.guess
        else ""
    )
    reasons = "".join(f"<small>{escape(reason)}</small>" for reason in candidate.reasons)
    return f'<li><img src="{source}" alt=""><b>{name}</b>{guess}{reasons}</li>'
