"""Tables whose cells name pictures beside them: labels.csv, train.csv, HAM10000, Roboflow, …"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.readers.class_names import with_class_names
from bakeoff.data.readers.columns import is_id_name, label_place
from bakeoff.data.readers.files import visible
from bakeoff.data.readers.folder import read_listing, relabel
from bakeoff.data.readers.labels import as_meant
from bakeoff.data.readers.metadata import is_metadata
from bakeoff.data.readers.reader import Reader, ReadRequest
from bakeoff.data.readers.rows import PictureIndex, Row, is_picture_name, list_rows
from bakeoff.data.readers.splits import SPLITS, Split, split_of, split_of_path
from bakeoff.data.readers.table_files import SUFFIXES, TextTable, read_text_table
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["READER", "names_pictures", "read_picture_tables"]

_HEAD = 50  # rows that show what the columns are
_MOST = 30  # tables in a folder; more are pictures written as numbers
_FOLDERS = 30
_LABELS = ("choice", "dx", "diagnosis", "species", "breed")  # after those of `label_place`
_SPLITS = ("split", "subset", "set", "partition", "part", "usage", "phase")
# Folders that hold pictures of any class, such as HAM10000_images_part_1.
_PLAIN = re.compile(
    r"(.*[-_. ])?(images?|imgs?|pictures?|pics|photos?|jpe?gs?|pngs?|data|files|uploads?)"
    r"([-_. ]?(part|batch|chunk|set)?[-_. ]?[0-9]*)"
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the columns of a table are.

    Attributes
    ----------
    names : of all, in order; "column 2" and so on without a header.
    start : rows of the header, 0 or 1.
    file : the place of the names of pictures.
    label : the place of the class, or None.
    flags : the places of columns of 0 and 1, one for each class; or none.
    candidates : the places of columns that may be the class, where none is called so.
    split : the place of the part, or None.
    """

    names: tuple[str, ...]
    start: int
    file: int
    label: int | None
    flags: tuple[int, ...]
    candidates: tuple[int, ...]
    split: int | None

    @property
    def certain(self) -> bool:
        """Whether it is clear where the class is."""
        return self.label is not None or bool(self.flags)


def names_pictures(path: Path) -> bool:
    """Whether a folder or a file is such a table, or holds one that gives its pictures classes."""
    if path.is_file():
        return _is_table_name(path) and _is_alone(path)
    tables = _tables_in(path)
    return bool(tables) and bool(_fitting(PictureIndex(path), tables))


def decides(path: Path) -> bool:
    """`names_pictures`, and no folder could give the classes as well as the table."""
    if path.is_file():
        return names_pictures(path)
    tables = _tables_in(path) if path.is_dir() else []
    if not tables:
        return False
    index = PictureIndex(path)
    fitting = _fitting(index, tables)
    if not _shows_classes(index):
        return bool(fitting)
    # A table of a few pictures, such as corrections, leaves the others in their class folders.
    certain = [table for table, columns in fitting.items() if columns.certain]
    return 2 * sum(map(_lines, certain)) >= len(index.paths) if certain else False


def _lines(table: Path) -> int:
    """About how many rows a table has."""
    if table.suffix.lower() == ".parquet":
        return len(read_text_table(table).rows)
    with table.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def read_picture_tables(path: Path, request: ReadRequest) -> Dataset:
    """Read the pictures that a table names, or several tables called train, test and so on.

    Cells may be paths from the table or from the folder, or bare names, with or without the
    suffix. The class is in the column called label or the like, or in columns of 0 and 1 with
    one 1 in each row, or in the only other column whose values repeat.

    Parameters
    ----------
    path : the table, or the folder around it and its pictures.
    request : its label is a column, or a regular expression for the names.

    Raises
    ------
    BakeoffError
        The class is in no column, or may be in several; or a picture has several classes.
    """
    root = path if path.is_dir() else path.parent
    index = PictureIndex(root)
    tables = [path] if path.is_file() else _chosen(path, _fitting(index, _tables_in(path)))
    rows: list[tuple[Path, Row]] = []
    columns: dict[str, None] = {}
    left_out: list[LeftOut] = []
    for table in tables:
        text = read_text_table(table)
        found = _columns_of(text, index, full=True)
        if found is None:
            raise _no_pictures(table, text)
        if request.labelling is None and not found.certain and _is_trained(table, root):
            raise _no_label(table, found)
        columns.update(dict.fromkeys(n for at, n in enumerate(found.names) if at != found.file))
        left_out += text.left_out
        rows += ((table, row) for row in _rows(table, root, text, found))
    words = f"pictures named by {', '.join(dict.fromkeys(table.name for table in tables))}"
    listing = list_rows(index, rows, words, list(columns))
    listing.left_out[:0] = left_out
    labelling = request.labelling
    if labelling is not None:
        relabel(listing, labelling)
    dataset = read_listing(root.name, listing, request)
    for table in tables:
        dataset = with_class_names(dataset, table)
    return dataset


def _is_table_name(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(SUFFIXES) and "submission" not in name


def _is_alone(path: Path) -> bool:
    """Whether a table given as such names pictures, there or not."""
    try:
        text = read_text_table(path, _HEAD)
    except (BakeoffError, OSError):
        return False
    return _looks_named(text) is not None or (
        _columns_of(text, PictureIndex(path.parent)) is not None
    )


def _tables_in(folder: Path) -> list[Path]:
    """The files of a folder, and of folders in it, that may be tables of texts."""
    folders, _ = visible(folder)
    found: list[Path] = []
    for place in (folder, *folders[:_FOLDERS]):
        files = [file for file in visible(place)[1] if _is_table_name(file) and file.is_file()]
        if len(files) <= _MOST:
            found += [file for file in files if not is_metadata(file.name)]
    return found


def _fitting(index: PictureIndex, tables: Sequence[Path]) -> dict[Path, _Columns]:
    """The tables that name pictures and say something of them, and their columns."""
    if not index.paths:
        return {}
    found: dict[Path, _Columns] = {}
    for table in tables:
        try:
            columns = _columns_of(read_text_table(table, _HEAD), index)
        except (BakeoffError, OSError):
            continue
        if columns is not None and (columns.certain or columns.candidates):
            found[table] = columns
    return found


def _chosen(folder: Path, fitting: dict[Path, _Columns]) -> list[Path]:
    """The tables to read: those that are certain, and several only if they are parts."""
    certain = [table for table, columns in fitting.items() if columns.certain]
    tables = certain or list(fitting)
    parts = [table for table in tables if _part_of(table, folder) is not None]
    if len(tables) > 1 and any(_part_of(table, folder) != "test" for table in parts):
        tables = parts
    if len(tables) > 1 and not parts:
        names = ", ".join(table.relative_to(folder).as_posix() for table in tables)
        raise BakeoffError(
            folder.name,
            f"several tables name its pictures ({names[:300]})",
            "Give one of them, or call them train.csv and test.csv",
        )
    return tables


def _part_of(table: Path, root: Path) -> Split | None:
    inside = table.relative_to(root) if table.is_relative_to(root) else Path(table.name)
    return split_of_path(inside.as_posix())


def _is_trained(table: Path, root: Path) -> bool:
    return _part_of(table, root) != "test"


def _shows_classes(index: PictureIndex) -> bool:
    """Whether the pictures are in folders whose names may be those of classes."""
    folders = {path.rpartition("/")[0].rpartition("/")[2] for path in index.paths}
    return any(
        folder and not _PLAIN.fullmatch(folder.lower()) and split_of(folder) is None
        for folder in folders
    )


def _columns_of(text: TextTable, index: PictureIndex, *, full: bool = False) -> _Columns | None:
    """The meaning of the columns, or None if none of them names pictures that are there."""
    rows = text.rows[:_HEAD] if text.header else text.rows[1:_HEAD] or text.rows
    if not rows:
        return None
    width = len(rows[0])
    scores = {}
    for at in range(width):
        cells = [row[at] for row in rows]
        share = sum(cell in index for cell in cells) / len(cells)
        if share >= 0.5:
            scores[at] = share * len(set(cells)) / len(cells)
    if not scores:
        return None
    file = max(scores, key=lambda at: (scores[at], -at))
    first = text.rows[0]
    bare = text.header is None and (first[file] in index or is_picture_name(first[file]))
    names = text.header or (
        tuple(f"column {at + 1}" for at in range(width)) if bare else tuple(first)
    )
    start = 0 if bare or text.header else 1
    seen = text.rows[start:] if full else text.rows[start:_HEAD]
    return _meanings(names, start, file, seen, bare=bare)


def _meanings(
    names: tuple[str, ...], start: int, file: int, rows: Sequence[Sequence[str]], *, bare: bool
) -> _Columns:
    lower = [name.lower() for name in names]
    values = {at: {row[at] for row in rows} for at in range(len(names)) if at != file}
    split = next((at for at, seen in values.items() if _is_split(lower[at], seen, bare)), None)
    others = [at for at, seen in values.items() if at != split and seen - {""}]
    called = ["" if at not in others else name for at, name in enumerate(lower)]
    label = None if bare else label_place(called)
    if label is None and not bare:
        label = next((called.index(word) for word in _LABELS if word in called), None)
    flags = [at for at in others if values[at] <= {"0", "1", "0.0", "1.0"}]
    if label is not None or len(flags) < 2 or not _are_flags(rows, flags, others):
        flags = []
    candidates = [
        at
        for at in others
        if not is_id_name(lower[at]) and 2 * len(values[at]) <= max(4, len(rows))
    ]
    if label is None and not flags and len(others) == 1:
        label = others[0]
    elif label is None and not flags and len(candidates) == 1:
        label = candidates[0]
    return _Columns(names, start, file, label, tuple(flags), tuple(candidates), split)


def _is_split(name: str, seen: set[str], bare: bool) -> bool:
    words = {value.lower() for value in seen if value}
    return (bare or name in _SPLITS) and bool(words) and words <= set(SPLITS)


def _are_flags(rows: Sequence[Sequence[str]], flags: Sequence[int], others: Sequence[int]) -> bool:
    """Whether columns of 0 and 1 are classes: there are no others, or every row has one 1."""
    if len(flags) == len(others):
        return True
    return all(sum(row[at] in ("1", "1.0") for at in flags) == 1 for row in rows)


def _rows(table: Path, root: Path, text: TextTable, columns: _Columns) -> Iterator[Row]:
    body = text.rows[columns.start :]
    labels: Sequence[str] = [""] * len(body)
    if columns.label is not None:
        labels = as_meant([row[columns.label] for row in body])
    elif columns.flags:
        labels = [_flagged(table, place, row, columns) for place, row in _placed(text, columns)]
    part = _part_of(table, root)
    for (place, row), label in zip(_placed(text, columns), labels, strict=True):
        split = None if columns.split is None else split_of(row[columns.split])
        cells = {n: c for n, c in zip(columns.names, row, strict=True) if c}
        yield Row(row[columns.file], label or None, f"{table.name} {place}", split or part, cells)


def _placed(text: TextTable, columns: _Columns) -> Iterator[tuple[str, list[str]]]:
    return zip(text.places[columns.start :], text.rows[columns.start :], strict=True)


def _flagged(table: Path, place: str, row: Sequence[str], columns: _Columns) -> str:
    """The class whose column holds the 1; "" if none does."""
    classes = [columns.names[at] for at in columns.flags if row[at] in ("1", "1.0")]
    if len(classes) > 1:
        raise BakeoffError(
            f"{table.name} {place}",
            f"'{row[columns.file]}' has several classes ({', '.join(classes)}): bakeoff gives each "
            "picture one (multi-label sets are not supported)",
            "Keep one class for each picture, or name a column with --label COLUMN",
        )
    return classes[0] if classes else ""


def _looks_named(text: TextTable) -> str | None:
    """The first cell of a column that is full of names of pictures, or None."""
    rows = text.rows[:_HEAD] if text.header else text.rows[1:_HEAD] or text.rows
    for at in range(len(rows[0]) if rows else 0):
        cells = [row[at] for row in rows]
        if 2 * sum(map(is_picture_name, cells)) >= len(cells):
            return cells[0]
    return None


def _no_pictures(table: Path, text: TextTable) -> BakeoffError:
    example = _looks_named(text) or "its rows"
    return BakeoffError(
        table.name,
        f"it names pictures ('{example[:100]}'), but most are neither beside it nor in a folder "
        "there",
        "Put the table into the folder with the pictures, and give that folder",
    )


def _no_label(table: Path, columns: _Columns) -> BakeoffError:
    named = [columns.names[at] for at in columns.candidates]
    if named:
        return BakeoffError(
            table.name,
            f"several columns could be the class: {', '.join(named[:20])}",
            f"Name the right one, such as --label {named[0]}",
        )
    return BakeoffError(
        table.name,
        "it names pictures, but no column says what they show "
        f"(columns: {', '.join(columns.names[:20])})",
        "Add a column called label, or name one with --label COLUMN",
    )


READER = Reader(
    "picture table",
    "a table that names pictures",
    decides,
    read_picture_tables,
    groups="any",
    labels="any",
)
