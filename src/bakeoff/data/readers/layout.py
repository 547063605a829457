"""Which folders of a set are its parts, and which are its classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakeoff.data.readers.files import files_below, looks_usable, visible
from bakeoff.data.readers.metadata import find_metadata
from bakeoff.data.readers.splits import SPLITS, Split, split_of
from bakeoff.data.words import nfc
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["Parts", "find_parts", "holds_pictures"]


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a set of folders.

    Attributes
    ----------
    folders : the folder with the classes of each part, and the part; empty if the set has none.
        One of them may be around the others.
    names : of the folders of the parts as people see them, in that order.
    left_out : folders that are beside the parts.
    """

    folders: Mapping[Path, Split] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder that may be a part, and its sub-folders with pictures.

    `inner` is the folder that holds them: seg_train/seg_train/CLASS has a wrapper.
    """

    folder: Path
    inner: Path
    classes: frozenset[str]
    direct: bool

    @classmethod
    def of(cls, folder: Path) -> _Level:
        inner = folder
        while True:
            folders, files = visible(inner)
            filled = [path for path in folders if holds_pictures(path)]
            # A table beside class folders is not a picture, though it may be one alone.
            pictures = [file for file in files if not filled or file.suffix.lower() != ".csv"]
            direct = any(map(looks_usable, pictures)) or find_metadata(inner) is not None
            if direct or len(filled) != 1 or not _is_wrapper(filled[0]):
                return cls(folder, inner, frozenset(nfc(path.name) for path in filled), direct)
            inner = filled[0]


def find_parts(root: Path, *, upper: bool = False) -> Parts:
    """The parts of a set, which hold folders of the same classes; none if `root` holds the classes.

    Folders are parts if their names say so (train, seg_test, validation …) and one that is
    trained on holds folders or metadata; if their names say so and all their sub-folders are
    called like the folders beside them; or if most of their sub-folders have the same names: then
    these are the classes, and all pictures are trained on.

    Parameters
    ----------
    root : the folder of the set.
    upper : the upper folders are the classes, whatever is in them.

    Raises
    ------
    BakeoffError
        The upper folders could be the classes as well as the lower ones.
    """
    folders, _ = visible(root)
    named = {folder: split for folder in folders if (split := split_of(folder.name))}
    others = [folder for folder in folders if folder not in named]
    levels = {folder: _Level.of(folder) for folder in folders}
    if _are_parts(named, others, levels):
        return _parts_of(named, others, levels)
    if beside := _beside_classes(named, folders, levels):
        return Parts({root: "train", **beside}, tuple(path.name for path in beside))
    filled = [level for level in levels.values() if level.classes or level.direct]
    if upper or len(filled) < 2 or any(level.direct for level in filled):
        return Parts()
    shared = _shared(filled)
    if not shared:
        return Parts()
    if len(shared) <= len(filled):
        raise _ambiguous(root, filled, shared)
    every: dict[Path, Split] = {level.inner: "train" for level in filled}
    return Parts(every, tuple(level.folder.name for level in filled))


def holds_pictures(folder: Path) -> bool:
    """Whether there is a picture in a folder, at any depth."""
    return any(map(looks_usable, files_below(folder)))


def _are_parts(
    named: Mapping[Path, Split], others: list[Path], levels: Mapping[Path, _Level]
) -> bool:
    """Whether the folders with names of parts are parts, and not classes of those names."""
    trained = [folder for folder, split in named.items() if split != "test"]
    if not trained:
        return False
    inside = [levels[folder] for folder in trained if not _is_class(levels[folder])]
    exactly = any(folder.name.lower() in SPLITS for folder in trained)
    # Pictures of trains are in a folder called train too, or in steam_train and freight_train.
    return bool(inside) or (exactly and not others)


def _is_class(level: _Level) -> bool:
    """Whether the pictures are in the folder itself, and no metadata says what they show."""
    return level.direct and find_metadata(level.inner) is None


def _beside_classes(
    named: Mapping[Path, Split], folders: Iterable[Path], levels: Mapping[Path, _Level]
) -> dict[Path, Split]:
    """The parts beside the classes that are trained on: cat/, dog/ and test/ with the same two."""
    classes = {nfc(folder.name) for folder in folders if folder not in named}
    inside = {levels[folder].inner: split for folder, split in named.items()}
    known = [levels[folder].classes for folder in named]
    return inside if known and all(one and one <= classes for one in known) else {}


def _parts_of(
    named: Mapping[Path, Split], others: Iterable[Path], levels: Mapping[Path, _Level]
) -> Parts:
    count = Counter(name for folder in named for name in levels[folder].classes)
    folders: dict[Path, Split] = {}
    for folder, split in named.items():
        level = levels[folder]
        (only, *more) = level.classes or [""]
        if len(named) > 1 and not more and count[only] == 1 and only:
            # test/images is no class, since no other part has such a class.
            inner = next(path for path in visible(level.inner)[0] if nfc(path.name) == only)
            folders[inner] = split
        else:
            folders[level.inner] = split
    problem = "it is beside the train and test folders, so it belongs to neither"
    left_out = (
        LeftOut(f"{nfc(folder.name)}/", problem, "Move it into one of them") for folder in others
    )
    return Parts(folders, tuple(folder.name for folder in named), tuple(left_out))


def _shared(levels: list[_Level]) -> list[str]:
    """The names of sub-folders, if most of each folder's are in another one too, and several."""
    count = Counter(name for level in levels for name in level.classes)
    shared = sorted(name for name, times in count.items() if times > 1)
    mostly = all(
        2 * len(level.classes.intersection(shared)) > len(level.classes) for level in levels
    )
    return shared if mostly and len(shared) > 1 else []


def _is_wrapper(folder: Path) -> bool:
    """Whether a folder holds folders of pictures and no pictures itself, or has metadata."""
    if find_metadata(folder) is not None:
        return True
    folders, files = visible(folder)
    return not any(map(looks_usable, files)) and any(map(holds_pictures, folders))


def _ambiguous(root: Path, levels: list[_Level], shared: list[str]) -> BakeoffError:
    upper = ", ".join(nfc(level.folder.name) for level in levels[:3])
    lower = ", ".join(shared[:3])
    return BakeoffError(
        root.name,
        f"its folders ({upper}{' …' if len(levels) > 3 else ''}) hold sub-folders of the same "
        f"names ({lower}{' …' if len(shared) > 3 else ''}), so either could be the classes",
        "If the upper folders are the classes, use --group folder; if the lower ones are, give "
        "the upper folders names such as train and test, or join them",
    )
