"""Sentences with a code and values, so that the page can write them in its reader's language.

The English ones are in `sentences.json`, and nowhere else; the page's catalogues hold the others
under the same codes. The terminal, the report's text and the card use the English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Protocol

__all__ = [
    "FORMATS",
    "Message",
    "Said",
    "count",
    "described",
    "keep_message",
    "listed",
    "p_in_words",
    "percent",
    "say",
    "sentences",
    "spaced",
    "span",
    "with_messages",
]


@dataclass(frozen=True, slots=True)
class Message:
    """What a sentence says: the code of its text, and the values that it names.

    A value is raw (a share, seconds, bytes): its format is in the text, such as {accuracy:percent}.
    A value can itself be a message, which is written in its place.
    """

    code: str
    values: dict[str, str | int | float | Message | list[str | float | Message]] = field(
        default_factory=dict
    )


class Said(str):
    """An English sentence that knows its `message`. Joined to other text it is a plain string."""

    __slots__ = ("message",)
    message: Message

    def __new__(cls, text: str, message: Message) -> Said:
        said = super().__new__(cls, text)
        said.message = message
        return said


def say(code: str, **values: Any) -> Said:
    """The English sentence of a code, filled with values.

    Parameters
    ----------
    code : a key of `sentences.json`.
    values : of its places; `n` chooses the plural form of texts that have several.

    Raises
    ------
    KeyError
        The text is unknown, or a place has no value.
    """
    text = sentences()[code]
    if not isinstance(text, str):
        text = text["one" if values["n"] == 1 else "other"]

    def written(place: re.Match[str]) -> str:
        return FORMATS[place[2] or ""](values[place[1]])

    message = Message(code, {name: _raw(value) for name, value in values.items()})
    return Said(_PLACE.sub(written, text), message)


_PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")


@cache
def sentences() -> dict[str, str | dict[str, str]]:
    """The English text of every code, or one for each plural form."""
    text = resources.files("bakeoff").joinpath("sentences.json").read_text(encoding="utf-8")
    loaded: dict[str, str | dict[str, str]] = json.loads(text)
    return loaded


class _Keeps(Protocol):
    @property
    def said(self) -> Message | None: ...


def keep_message(record: _Keeps, name: str) -> None:
    """Store the message of the text called `name` in the record's `said`, for `__post_init__`."""
    text = getattr(record, name)
    if isinstance(text, Said):
        object.__setattr__(record, "said", text.message)
        object.__setattr__(record, name, str(text))


def with_messages(fields: Any, *names: str) -> Any:
    """The fields of a record, with a `NAME_said` for each text among `names` that has a message.

    For a validator of pydantic that comes before the others; what is no dict stays as it is.
    """
    if not isinstance(fields, dict):
        return fields
    texts = {name: fields[name] for name in names if isinstance(fields.get(name), Said)}
    return {**fields, **{f"{name}_said": text.message for name, text in texts.items()}}


def described(*parts: str) -> Said:
    """One line of several words, separated by commas; empty ones are left out."""
    return say("set.description", parts=[part for part in parts if part])


def _raw(value: Any) -> Any:
    if isinstance(value, Said):
        return value.message
    if isinstance(value, list | tuple):
        return [_raw(one) for one in value]
    return value.item() if hasattr(value, "item") else value  # of NumPy


# -- formats -------------------------------------------------------------------


def spaced(number: int) -> str:
    """A number with its thousands separated, as in 42 000."""
    return f"{number:,}".replace(",", " ")


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 class", "10 classes"."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{spaced(number)} {noun if number == 1 else plural}"


def percent(share: float) -> str:
    """Such as “93.1 %”; only exact values are shown as 100 % or 0 %."""
    shown = f"{100 * share:.1f}"
    if shown in ("100.0", "0.0") and 0 < share < 1:
        shown = "over 99.9" if share > 0.5 else "under 0.1"
    return f"{shown} %"


def span(interval: Sequence[float]) -> str:
    """Such as “91.0 to 95.2 %”."""
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def listed(names: Sequence[str]) -> str:
    """Such as “a, b and c”; empty for no names."""
    if not names:
        return ""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def p_in_words(p: float) -> str:
    """A p value with its sign, for people."""
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _plain(value: str | int) -> str:
    return spaced(value) if isinstance(value, int) else value


def _pictures(number: int) -> str:
    return count(number, "picture")


def _classes(number: int) -> str:
    return count(number, "class")


def _groups(number: int) -> str:
    return count(number, "group")


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _minus(share: float) -> str:
    return _points(share).replace("-", "−")


def _times(factor: float) -> str:
    return f"{factor:.1f}" if factor < 2 else f"{factor:.0f}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _size(size: int) -> str:
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


FORMATS: dict[str, Callable[[Any], str]] = {
    "": _plain,
    "list": listed,
    "comma": ", ".join,
    "plain": str,
    "percent": percent,
    "whole": lambda share: f"{share:.0%}",
    "share": lambda share: f"{100 * share:.1f} %",
    "brief": lambda share: f"{100 * share:g} %",
    "fine": lambda share: f"{100 * share:.2f} %",
    "span": span,
    "fineSpan": lambda ends: f"{100 * ends[0]:.2f} to {100 * ends[1]:.2f} %",
    "signed": lambda share: f"{100 * share:+.1f}",
    "signedFigure": lambda figure: f"{figure:+.3g}",
    "points": _points,
    "minus": _minus,
    "pictures": _pictures,
    "classes": _classes,
    "groups": _groups,
    "times": _times,
    "factor": lambda factor: f"{float(f'{factor:.2g}'):g}",
    "round": lambda factor: f"{factor:.0f}",
    "duration": _duration,
    "size": _size,
    "ms": lambda ms: f"{ms:.2g} ms",
    "exactMs": lambda ms: f"{ms:.2f} ms",
    "exactSize": lambda size: f"{size / 1e6:.2f} MB",
    "loss": lambda nats: f"{nats:.4f}",
    "p": p_in_words,
}
"""How English writes a value, by the format's name; the page has one of its own for each."""
