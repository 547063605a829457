"""Text for people: counts with their nouns, and names that any report or spreadsheet can hold."""

from __future__ import annotations

import re
import unicodedata

from bakeoff.said import count, spaced

__all__ = ["count", "from_spreadsheet", "nfc", "nor_others", "spaced", "spreadsheet_safe", "utf8"]

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def nor_others(number: int) -> str:
    """The clause after the first of `number` subjects with the same lack: " (nor do 2 others)"."""
    if number < 2:
        return ""
    return f" (nor {'does' if number == 2 else 'do'} {count(number - 1, 'other')})"


def utf8(text: str) -> str:
    """The text with a question mark for every character that UTF-8 cannot encode.

    File names in an older encoding and lone surrogates in JSON hold such characters.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def nfc(text: str) -> str:
    """The form in which names are compared, and in which people see them: Unicode's NFC.

    "é" is one character here and two on disks of macOS, which is the same name to people.
    """
    return unicodedata.normalize("NFC", utf8(text))


def spreadsheet_safe(text: str) -> str:
    """The text as a cell that no spreadsheet runs: a formula gets an apostrophe before it."""
    return "'" + text if _FORMULA.match(text) else text


def from_spreadsheet(cell: str) -> str:
    """The inverse of `spreadsheet_safe`: the text without that apostrophe."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
