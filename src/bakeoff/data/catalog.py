"""Named sets: those that come with bakeoff, and public ones that are fetched into a cache."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from bakeoff.cache import cache_folder
from bakeoff.data.dataset import Dataset
from bakeoff.data.decode import decode
from bakeoff.data.download import Progress, RemoteFile, fetch_file
from bakeoff.data.grouping import encode_names
from bakeoff.data.pictures import Pictures
from bakeoff.data.pixels import PixelRange
from bakeoff.data.readers.idx import read_idx
from bakeoff.data.readers.npz import read_npz
from bakeoff.data.readers.usps import read_usps
from bakeoff.errors import BakeoffError
from bakeoff.said import say

__all__ = [
    "NAMED",
    "NamedSet",
    "at_hand",
    "fetch",
    "is_named",
    "load_named",
    "named_sets",
]

_BUNDLED = Path(__file__).parent / "bundled"


@dataclass(frozen=True)
class NamedSet:
    """A set with a name.

    Attributes
    ----------
    about : one line for a list.
    load : reads it from the folder with its files.
    url : address of its folder, with a slash at the end; empty for a bundled set.
    files : names and checksums; empty for a bundled set.
    classes : class names in the order of the labels, if the files contain only numbers.
    """

    about: str
    load: Callable[[Path], Dataset]
    url: str = ""
    files: tuple[RemoteFile, ...] = ()
    classes: tuple[str, ...] = ()


def named_sets() -> tuple[str, ...]:
    """Names of all sets."""
    return tuple(NAMED)


def is_named(name: str) -> bool:
    """Whether `name` is a known set."""
    return name in NAMED


def load_named(name: str) -> Dataset:
    """Read a named set, which must be bundled or fetched.

    Raises
    ------
    BakeoffError
        There is no such set, or it is not in the cache, or damaged there.
    """
    known = _known(name)
    folder = _folder(name, known)
    if not _has_files(folder, known):
        raise BakeoffError(
            name,
            "not in the cache yet",
            f"Run `bakeoff fetch {name}`, or with no network `bakeoff fetch {name} --from DIR`",
        )
    dataset = known.load(folder)
    return replace(
        dataset,
        name=name,
        classes=known.classes or dataset.classes,
        description=say("layout.named", name=name),
    )


def at_hand(name: str) -> bool:
    """Whether a named set can be read without a network."""
    known = _known(name)
    missing = known.load is _load_digits and importlib.util.find_spec("sklearn") is None
    return not missing and _has_files(_folder(name, known), known)


def fetch(name: str, *, source: Path | None = None, progress: Progress | None = None) -> Path:
    """Fetch the files of a named set into the cache, and return their folder.

    Intact files in the cache are not fetched again. A file gets its name only after its
    checksum has been verified, so the cache never holds a partial file.

    Parameters
    ----------
    name : one of `named_sets()`; for a bundled set there is nothing to do.
    source : a folder that already holds the files, for machines without a network.
    progress : called with bytes done and bytes in all of the current file; the latter
        is 0 if the server does not send it.

    Raises
    ------
    BakeoffError
        There is no such set, no network, or a file has another checksum.
    """
    known = _known(name)
    folder = _folder(name, known)
    for file in known.files:
        fetch_file(file, known.url, folder / file.name, name=name, source=source, progress=progress)
    return folder


def _known(name: str) -> NamedSet:
    if name not in NAMED:
        raise BakeoffError(name, "there is no such named set", f"Choose one of: {', '.join(NAMED)}")
    return NAMED[name]


def _folder(name: str, known: NamedSet) -> Path:
    return cache_folder() / name if known.files else _BUNDLED


def _has_files(folder: Path, known: NamedSet) -> bool:
    return all((folder / file.name).is_file() for file in known.files)


def _load_digits(_: Path) -> Dataset:
    """scikit-learn's copy of the UCI digits: 1 797 of 8×8, in 17 steps of grey."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise BakeoffError(
            "digits",
            "this set is part of scikit-learn, which is not installed",
            "Install it: pip install 'bakeoff[train]', or use the set doodles",
        ) from error
    bunch = load_digits()
    return Dataset(
        name="digits",
        pictures=Pictures.from_array(PixelRange(0, 16).to_bytes(bunch.images)),
        labels=bunch.target.astype(np.int64),
        classes=tuple(str(digit) for digit in range(10)),
        names=tuple(f"digits/{i:04d}" for i in range(len(bunch.target))),
    )


def _load_clothing(folder: Path) -> Dataset:
    """Photos of clothes, in a zip of class folders."""
    with zipfile.ZipFile(folder / "clothing.zip") as archive:
        names = archive.namelist()
        pictures = Pictures.collected(decode(archive.read(name), name) for name in names)
    labels, classes = encode_names(name.partition("/")[0] for name in names)
    return Dataset("clothing", pictures, labels, classes, tuple(names))


def _mnist_files(*checksums: str, inside: tuple[str, ...] = ("",) * 4) -> tuple[RemoteFile, ...]:
    names = [
        f"{part}-{kind}-ubyte.gz"
        for part in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    ]
    return tuple(map(RemoteFile, names, checksums, inside))


# Checksums are SHA-256 of the files as published; torchvision lists the same files by MD5.
# Copies of MNIST were often repacked, hence also the checksums of the content.
NAMED = MappingProxyType(
    {
        "digits": NamedSet(say("named.digits"), _load_digits),
        "doodles": NamedSet(
            say("named.doodles"),
            lambda folder: read_npz(folder / "doodles.npz"),
        ),
        "clothing": NamedSet(say("named.clothing"), _load_clothing),
        "mnist": NamedSet(
            say("named.mnist"),
            read_idx,
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            _mnist_files(
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                inside=(
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
        ),
        "fashion-mnist": NamedSet(
            say("named.fashion-mnist"),
            read_idx,
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
            _mnist_files(
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
            (
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
        ),
        "kmnist": NamedSet(
            say("named.kmnist"),
            read_idx,
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            _mnist_files(
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
            ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        ),
        "usps": NamedSet(
            say("named.usps"),
            read_usps,
            "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",
            (
                RemoteFile(
                    "usps.bz2", "3771e9dd6ba685185f89867b6e249233dd74652389f263963b3b741e994b034f"
                ),
                RemoteFile(
                    "usps.t.bz2", "a9c0164e797d60142a50604917f0baa604f326e9a689698763793fa5d12ffc4e"
                ),
            ),
        ),
    }
)
"""All sets by name."""
