"""What refusals say: what was taken for what, which files were seen, and what would work."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bakeoff.data.dataset import Dataset
from bakeoff.data.grouping import search_pattern
from bakeoff.data.labelling import pattern_in_names
from bakeoff.data.readers.files import visible
from bakeoff.data.validate import TooFewClassesError
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError

__all__ = ["is_pickle", "pickle_refused", "says_nothing", "too_few_classes"]

_LABEL_FILES = (
    *(".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx"),
    *(".xml", ".labels", ".mat", ".h5"),
)
_NOTES = ("readme", "license", "licence", "notes", "requirements", "citation")
_MAX_HEAD = 2

# CIFAR's batches and Datumaro's files of the same form, as one npz with the names of the classes.
CONVERT_CIFAR = (
    'python -c "import glob,pickle,numpy as np; '
    "b=lambda *p:[pickle.load(open(f,'rb'),encoding='latin1') "
    "for q in p for f in sorted(glob.glob(q))]; "
    "a=lambda n,s:{n+'_images':np.concatenate([np.asarray(d['data'],'uint8').reshape("
    "len(d['labels' if 'labels' in d else 'fine_labels']),-1) for d in s]),"
    "n+'_labels':np.concatenate([d.get('labels',d.get('fine_labels')) for d in s])} if s else {}; "
    "m=b('batches.meta','meta'); "
    "c={'classes':np.array(m[0].get('label_names',m[0].get('fine_label_names')))} if m else {}; "
    "np.savez('cifar.npz',**a('train',b('data_batch_*','train')),"
    "**a('test',b('test_batch','test')),**c)\""
)


def says_nothing(folder: Path, names: Sequence[str]) -> BakeoffError:
    """The error for a folder of pictures without classes; their names may show some."""
    hint = (
        "Put the pictures of each class into a folder named after it (cat/01.png, dog/01.png), or "
        "add a metadata.csv with the columns file_name and label"
    )
    problem = "it holds pictures, but nothing says what they show"
    if files := _label_files(folder):
        problem += f"; {files}"
    if shown := _pattern_hint(names):
        hint = f"{shown}. Else {hint[0].lower()}{hint[1:]}"
    return BakeoffError(folder.name, problem, hint)


def too_few_classes(error: TooFewClassesError, source: Path, dataset: Dataset) -> BakeoffError:
    """The same error, with what was taken for a class, and files that may hold the labels."""
    problem, hint = error.problem, error.hint
    if dataset.description.startswith("class folders") and dataset.classes:
        names = ", ".join(f"'{name}'" for name in dataset.classes[:3])
        plural = len(dataset.classes) > 1
        problem += (
            f"; the folder{'s' * plural} {names} {'were' if plural else 'was'} taken for "
            f"{'classes' if plural else 'a class'}"
        )
    folder = source if source.is_dir() else source.parent
    if source.is_dir() and (files := _label_files(folder)):
        problem += f"; {files}"
    if shown := _pattern_hint(dataset.names):
        hint = f"{shown}. Else {hint[0].lower()}{hint[1:]}"
    return BakeoffError(error.subject, problem, hint)


def _label_files(folder: Path) -> str:
    """The files that look as if they held labels, in a clause; "" if there are none."""
    found = [
        nfc(path.relative_to(folder).as_posix())
        for place in (folder, *visible(folder)[0][:_MAX_HEAD])
        for path in visible(place)[1]
        if path.suffix.lower() in _LABEL_FILES and not path.name.lower().startswith(_NOTES)
    ]
    if not found:
        return ""
    words = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    verb = "names" if len(found) == 1 else "name"
    return f"{words} {verb} none of these pictures with one class each"


def _pattern_hint(names: Sequence[str]) -> str:
    pattern = pattern_in_names(names)
    if pattern is None:
        return ""
    base = nfc(Path(names[0]).name)
    example = search_pattern(pattern, base)
    return f"If '{base}' shows a {example}, use --label {shlex.quote(pattern)}"


def is_pickle(path: Path) -> bool:
    """Whether a file begins as Python's pickles do (protocol 2 and later)."""
    try:
        with path.open("rb") as file:
            head = file.read(2)
    except OSError:
        return False
    return head[:1] == b"\x80" and head[1:] in (b"\x02", b"\x03", b"\x04", b"\x05")


def pickle_refused(path: Path) -> BakeoffError:
    """The error for a pickle, with the command that converts CIFAR's."""
    return BakeoffError(
        path.name,
        "it is a Python pickle, which can run any code when it is opened",
        "If you trust where it is from, convert it; for batches of CIFAR, in their folder: "
        f"{CONVERT_CIFAR}",
    )
