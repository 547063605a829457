"""Unpack zip and tar archives into a temporary folder, within bounds."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import re
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, cast

from bakeoff.data.words import utf8
from bakeoff.errors import BakeoffError, LeftOut

__all__ = ["ArchiveLimits", "Unpacking", "is_archive", "unpacked"]

_COPY = 1 << 20
_REPACK = "Pack it again as an ordinary zip or tar file"
_BROKEN_MEMBER = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds on one archive, against decompression bombs and hostile names.

    Attributes
    ----------
    max_members : files and folders in it.
    max_bytes : of all files together, unpacked; counted while unpacking, since
        the sizes in an archive's directory may be false.
    max_ratio : unpacked to packed size, for files above `ratio_from` bytes: a blank
        bitmap shrinks a thousandfold and is harmless.
    max_name : characters of a path inside it.
    max_header : bytes in front of the content of a member of a tar file, which are in memory.
    """

    max_members: int = 200_000
    max_bytes: int = 4_000_000_000
    max_ratio: int = 200
    ratio_from: int = 50_000_000
    max_name: int = 1000
    max_header: int = 16 << 20


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its content.

    An .npz, which is a zip of arrays, is not; nor is a single gzipped file.
    """
    return path.is_file() and (_is_zip(path) or _is_tar(path))


@contextmanager
def unpacked(
    path: Path, limits: ArchiveLimits = ArchiveLimits()
) -> Iterator[tuple[Path, tuple[LeftOut, ...]]]:
    """Unpack an archive for the duration of a ``with`` block.

    Yields
    ------
    The folder it was unpacked to, and the members that were left out: links, devices, and
    names that lead out of the folder. Only plain files and folders are ever written.

    Raises
    ------
    BakeoffError
        The archive is damaged, encrypted, or exceeds `limits`.
    """
    with tempfile.TemporaryDirectory(prefix="bakeoff-", ignore_cleanup_errors=True) as folder:
        # Called like the archive, which errors then name.
        unpacking = Unpacking(path, Path(folder) / path.name, limits)
        unpacking.folder.mkdir()
        try:
            (_unpack_zip if _is_zip(path) else _unpack_tar)(unpacking)
        except BakeoffError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise  # such as a full disk; but a damaged zip may seek before its start
            # A damaged archive raises BadZipFile, ReadError, EOFError, zlib.error,
            # LZMAError, struct.error, UnicodeDecodeError and more.
            raise BakeoffError(
                path.name, "the archive is damaged or cut short (truncated)", _REPACK
            ) from error
        yield unpacking.folder, tuple(unpacking.left_out)


@dataclass(slots=True)
class Unpacking:
    """One archive, or one upload, on its way to `folder`, and its counts so far."""

    path: Path
    folder: Path
    limits: ArchiveLimits
    members: int = 0
    written: int = 0
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, member: str, problem: str, hint: str = _REPACK) -> None:
        self.left_out.append(LeftOut(f"{self.path.name}/{member[:200]}", problem, hint))

    def count(self) -> None:
        """Count a member of any type."""
        self.members += 1
        if self.members > self.limits.max_members:
            raise self.too_big(f"holds more than {self.limits.max_members} files")

    def target(self, member: str) -> Path | None:
        """The path to write `member` to; None if it is left out, with the reason listed."""
        # Some Windows programs write "smiley\01.png", against the zip standard.
        name = utf8(member).replace("\\", "/")
        inner = PurePosixPath(name)
        parts = inner.parts
        if not parts or any(p == "__MACOSX" or re.match(r"\.[^.]", p) for p in parts):
            return None  # metadata of the operating system
        if inner.is_absolute() or ".." in parts or ":" in parts[0] or "\0" in name:
            self.leave_out(member, "its name leads out of the archive")
            return None
        if len(name) > self.limits.max_name or any(len(p.encode()) > 255 for p in parts):
            self.leave_out(member, "its name is too long", "Give it a shorter name")
            return None
        return self.folder.joinpath(*parts)

    def add_folder(self, member: str) -> None:
        """Make a folder, so that an empty class can be reported."""
        target = self.target(member)
        if target is not None:
            self._make(target, member)

    def add_file(self, member: str, packed: int, read: Callable[[], IO[bytes] | None]) -> None:
        """Copy one file out; `packed` is its size in the archive, 0 if unknown."""
        target = self.target(member)
        if target is None or not self._make(target.parent, member):
            return
        if target.exists():
            self.leave_out(member, "another file in the archive has the same name")
            return
        source = read()
        assert source is not None  # tarfile gives None for links and folders only
        try:
            with source, target.open("xb") as copy:
                self._copy(source, copy, packed)
        except BaseException:
            target.unlink(missing_ok=True)  # half a file would look like a damaged picture
            raise

    def _copy(self, source: IO[bytes], copy: IO[bytes], packed: int) -> None:
        size = 0
        while chunk := source.read(_COPY):
            size += len(chunk)
            self.written += len(chunk)
            if self.written > self.limits.max_bytes:
                raise self.too_big(f"unpacks to more than {self.limits.max_bytes / 1e9:g} GB")
            if packed:
                self.check_ratio(size, packed)
            copy.write(chunk)

    def check_ratio(self, unpacked_bytes: int, packed: int) -> None:
        """Refuse a member that expands like a decompression bomb."""
        limits = self.limits
        if unpacked_bytes > limits.ratio_from and unpacked_bytes > limits.max_ratio * packed:
            raise self.too_big(f"unpacks to more than {limits.max_ratio} times its size")

    def too_big(self, problem: str) -> BakeoffError:
        return BakeoffError(
            self.path.name, f"the archive {problem}", "Unpack it yourself and give the folder"
        )

    def _make(self, folder: Path, member: str) -> bool:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            self.leave_out(member, "a file in the archive has the name of its folder")
            return False
        return True


def _unpack_zip(unpacking: Unpacking) -> None:
    with zipfile.ZipFile(unpacking.path) as archive:
        for member in archive.infolist():
            unpacking.count()
            # The upper half holds the Unix file type, if the archive has one.
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.flag_bits & 1:
                raise BakeoffError(
                    unpacking.path.name,
                    f"the archive is encrypted ('{member.filename}' needs a password)",
                    "Unpack it yourself and give the folder",
                )
            if member.is_dir():
                unpacking.add_folder(member.filename)
            elif kind not in (0, stat.S_IFREG):
                unpacking.leave_out(member.filename, "it is a link or a device, not a file")
            else:
                read = lambda m=member: archive.open(m)
                try:
                    unpacking.add_file(member.filename, member.compress_size, read)
                except _BROKEN_MEMBER:
                    # The next member has its own entry in the directory, so unpacking can go on.
                    unpacking.leave_out(member.filename, "it is damaged in the archive")


def _unpack_tar(unpacking: Unpacking) -> None:
    with (
        _decompressed(unpacking.path) as file,
        _Bounded(file, unpacking) as bounded,
        tarfile.open(fileobj=bounded, mode="r:") as archive,
    ):
        for member in archive:
            unpacking.count()
            bounded.next_member()
            if member.isdir():
                unpacking.add_folder(member.name)
            elif not member.isfile() or member.issparse():
                unpacking.leave_out(member.name, "it is a link or a device, not a file")
            else:
                read = lambda m=member: archive.extractfile(m)
                unpacking.add_file(member.name, 0, read)


class _Bounded(io.BufferedIOBase):
    """The bytes of a tar file, up to a bound.

    `tarfile` keeps a header of any size in memory and skips members by unpacking them, so a bound
    on the extracted files would not be enough. It reads a header in one go up to Python 3.13, in
    pieces since 3.14, and block by block if it lists the parts of a sparse file; before each piece
    of a file's content it seeks.
    """

    def __init__(self, file: IO[bytes], unpacking: Unpacking) -> None:
        super().__init__()
        self._file = file
        self._unpacking = unpacking
        self._packed = unpacking.path.stat().st_size
        self._at_once = 0

    def next_member(self) -> None:
        """The header of another member begins."""
        self._at_once = 0

    def read(self, size: int | None = -1) -> bytes:
        size = -1 if size is None else size
        self._at_once += size
        if size < 0 or self._at_once > self._unpacking.limits.max_header:
            raise self._unpacking.too_big("holds a header of many megabytes")
        self._check(self._file.tell() + size)
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check(offset)
        self._at_once = 0
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, end: int) -> None:
        limits = self._unpacking.limits
        # Each member adds a header and padding to its bytes.
        if end > limits.max_bytes + 2 * tarfile.BLOCKSIZE * limits.max_members:
            raise self._unpacking.too_big(f"unpacks to more than {limits.max_bytes / 1e9:g} GB")
        self._unpacking.check_ratio(end, self._packed)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:
        return True  # damaged, which `unpacked` reports
    return not names or not all(name.endswith(".npy") for name in names)


def _is_tar(path: Path) -> bool:
    """Whether there is a tar header, also below compression."""
    try:
        with _decompressed(path) as file:
            tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
    except (tarfile.HeaderError, OSError, EOFError, lzma.LZMAError, zlib.error):
        return False
    return True


def _decompressed(path: Path) -> IO[bytes]:
    """The content of a gzip, bzip2 or xz file; the file itself if it is not compressed."""
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(path))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(path))
    if head == b"\xfd7zXZ\0":
        return cast("IO[bytes]", lzma.open(path))
    return path.open("rb")
