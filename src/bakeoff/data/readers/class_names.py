"""Class names in a file beside numbered labels, and sets that are stored on their side."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.lines import split, text_of
from bakeoff.data.words import nfc
from bakeoff.said import described, say

__all__ = ["SIDEWAYS", "is_sideways", "with_class_names"]

SIDEWAYS = "EMNIST, transposed"
_MAX_BYTES = 1_000_000
# One name a line, in the order of the numbers: as exports and CIFAR (batches.meta.txt) have it.
_LISTS = re.compile(
    r"(.*[-_. ])?(classes|class[-_. ]?names|label[-_. ]?names|labels|synsets|meta)\.(txt|names)"
)
# A number and its characters: EMNIST's "11 66 98" and KMNIST's "3,U+3061,ち".
_MAPPINGS = re.compile(r"(.*?)[-_. ]?(mapping|class[-_ ]?map|label[-_ ]?map)\.(txt|csv|tsv)")


def is_sideways(name: str) -> bool:
    """Whether the rows of pixels in a file of this name are columns, as in all raw EMNIST files.

    NIST's own tools write column by column, and EMNIST kept that in IDX and CSV alike (Cohen et
    al. 2017). Nothing in the files says it.
    """
    return re.match(r"emnist(?![a-z])", name.lower()) is not None


def with_class_names(dataset: Dataset, path: Path) -> Dataset:
    """The dataset with the class names that a file beside `path` gives for its numbers.

    A mapping that begins as the file does (emnist-letters-mapping.txt beside
    emnist-letters-train.csv), or is the only one; or a list with as many names as there are
    numbers. Nothing changes unless it names every class; else the description says where the
    names are from.
    """
    if not dataset.classes or not all(re.fullmatch(r"[0-9]{1,9}", n) for n in dataset.classes):
        return dataset
    numbers = [int(number) for number in dataset.classes]
    for file, names in _candidates(path, max(numbers)):
        named = [names.get(number, "") for number in numbers]
        if all(named) and len(set(named)) == len(named):
            words = described(dataset.description, say("layout.namedBy", file=file.name))
            return replace(dataset, classes=tuple(named), description=words)
    known = _known_names(path)
    if known and max(numbers) < len(known):
        words = described(dataset.description, say("layout.namedAs", name="MedMNIST"))
        return replace(dataset, classes=tuple(known[n] for n in numbers), description=words)
    return dataset


def _known_names(path: Path) -> list[str]:
    """The names of the classes of a set that keeps them in its program, and not beside its data.

    MedMNIST's files are called like the set and perhaps the size of its pictures, as in
    pathmnist_64.npz (names from medmnist 3.0.2, Apache-2.0; Yang et al. 2023).
    """
    match = re.fullmatch(r"([a-z]+mnist)(_[0-9]+)?\.(npz|csv)", path.name.lower())
    if not match:
        return []
    table = files("bakeoff.data").joinpath("known_classes.json").read_text(encoding="utf-8")
    names: list[str] = json.loads(table).get(match[1], [])
    return names


def _candidates(path: Path, highest: int) -> Iterator[tuple[Path, Mapping[int, str]]]:
    """The files beside `path`, and what they call the numbers up to `highest`."""
    beside = sorted(file for file in path.parent.iterdir() if file != path and file.is_file())
    found = ((file, _MAPPINGS.fullmatch(file.name.lower())) for file in beside)
    mappings = {file: match[1] for file, match in found if match}
    own = [file for file, base in mappings.items() if base and path.name.lower().startswith(base)]
    if not own and len(mappings) == 1:
        own = list(mappings)
    for file in sorted(own, key=lambda file: -len(mappings[file])):
        yield file, _mapping(_lines(file))
    for file in beside:
        if _LISTS.fullmatch(file.name.lower()):
            yield file, _numbering(_lines(file), highest)


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            return []
        return [line.strip() for line in text_of(path.read_bytes()).splitlines() if line.strip()]
    except OSError:
        return []


def _mapping(lines: Sequence[str]) -> dict[int, str]:
    """Lines of a number and what it stands for: a name, or code points as 65 or U+0041."""
    names = {}
    for line in lines:
        delimiter = next((mark for mark in ",;\t" if mark in line), None)
        number, *fields = split(line, delimiter)
        if not re.fullmatch(r"[0-9]{1,9}", number) or not fields:
            continue  # the header
        characters = [_character(field, bare=delimiter is None) for field in fields]
        texts = [field for field, known in zip(fields, characters, strict=True) if known is None]
        if not texts:
            texts = [characters[0] or ""]  # a class of both cases is called by the first
        names[int(number)] = nfc(" ".join(texts) if delimiter is None else texts[-1])
    return names


def _character(field: str, *, bare: bool) -> str | None:
    """The character of a code point, and None for other texts; `bare` ones may lack the U+."""
    match = re.fullmatch(r"U\+([0-9A-Fa-f]{4,6})|([0-9]{2,6})", field)
    if not match or not (bare or match[1]):
        return None
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if code < 0x110000 and chr(code).isprintable() else None


def _numbering(lines: Sequence[str], highest: int) -> dict[int, str]:
    """One name a line, counted from 0 or from 1 to the highest number; or each with its number."""
    numbered = [re.fullmatch(r"([0-9]{1,9})[,;:\t ]+(.+)", line) for line in lines]
    if lines and all(numbered):
        return {int(match[1]): nfc(match[2].strip()) for match in numbered if match}
    names = [nfc(line) for line in lines]
    first = highest + 1 - len(names)
    if first not in (0, 1) or len(set(names)) < len(names):
        return {}  # names of another set, or the labels of pictures
    return dict(enumerate(names, first))
