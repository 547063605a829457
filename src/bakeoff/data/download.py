"""Fetch one public file into the cache: over https, of bounded size, with its checksum verified."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import ipaddress
import logging
import shutil
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urljoin, urlsplit

from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    import requests

__all__ = ["Progress", "RemoteFile", "fetch_file"]

Progress: TypeAlias = Callable[[int, int], None]

_PIECE = 1 << 18
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A public file.

    Attributes
    ----------
    name : of the file, below the address of its set and in the cache.
    sha256 : of the file as published, in hex.
    inside_sha256 : of the content of a gzip file, where other programs have packed and
        published the same data too; empty if only the original file will do.
    max_bytes : a longer file is refused.
    """

    name: str
    sha256: str
    inside_sha256: str = ""
    max_bytes: int = 64_000_000


def fetch_file(
    file: RemoteFile,
    url: str,
    target: Path,
    *,
    name: str,
    source: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Download or copy one file to `target`, unless it is there and its checksum holds.

    The file arrives in a temporary folder and is renamed only when its checksum holds: an
    interrupted download leaves nothing behind, and the next one starts from the beginning.

    Parameters
    ----------
    file : its name, checksum and bound.
    url : the address of its folder: https, or http on this machine.
    target : where it goes.
    name : the set it belongs to, for the hint in errors.
    source : a folder to copy it from instead.
    progress : called with bytes done and bytes in all, 0 if unknown.

    Raises
    ------
    BakeoffError
        It cannot be downloaded, copied or written, is too long, or its checksum differs.
    """
    if target.is_file() and _is_whole(target, file):
        return
    origin = str(source / file.name) if source else url + file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{file.name}.", dir=target.parent) as folder:
            partial = Path(folder) / file.name
            if source:
                _copy(source / file.name, partial, file, progress)
            else:
                _download(origin, partial, file, name, progress)
            if not _is_whole(partial, file):
                raise BakeoffError(
                    origin,
                    f"its checksum is not that of the published {file.name} "
                    f"(SHA-256 {file.sha256[:12]}…): it was cut short or changed",
                    "Try again later, or copy the file from elsewhere with --from DIR",
                )
            partial.replace(target)
    except OSError as error:
        raise BakeoffError(
            str(target.parent),
            f"{file.name} cannot be written there ({error.strerror or error})",
            "Free some space, or set BAKEOFF_CACHE to another folder",
        ) from error


def _copy(path: Path, target: Path, file: RemoteFile, progress: Progress | None) -> None:
    try:
        size = path.stat().st_size
        if size > file.max_bytes:
            raise _too_long(str(path), file)
        with path.open("rb") as stream, target.open("xb") as out:
            shutil.copyfileobj(stream, out)
    except OSError as error:
        raise BakeoffError(
            str(path),
            f"it cannot be read ({error.strerror})",
            f"Put {file.name} into that folder",
        ) from error
    if progress is not None:
        progress(size, size)


def _download(
    address: str, target: Path, file: RemoteFile, name: str, progress: Progress | None
) -> None:
    # pooch and requests take 0.1 s to import, and only fetching needs them.
    import pooch
    import requests

    def downloader(url: str, output_file: str, _: object) -> None:
        out = _BoundedOutput(Path(output_file), url, file, progress)
        with contextlib.closing(out):
            pooch.HTTPDownloader(
                progressbar=out,
                chunk_size=_PIECE,
                timeout=_TIMEOUT_SECONDS,
                hooks={"response": _refuse_unsafe_redirect},
                # A gzip file is wanted as it is, not unpacked on the way.
                headers={"Accept-Encoding": "identity"},
            )(url, out, None)

    _refuse_unsafe(address)
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        # The checksum may also be that of the content, which `_is_whole` compares.
        pooch.retrieve(address, None, target.name, target.parent, downloader=downloader)
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", None)
        why = f"HTTP {status}" if status else str(error)
        raise BakeoffError(
            address,
            f"it cannot be downloaded ({why})",
            f"Check the network, or download the file elsewhere and run "
            f"`bakeoff fetch {name} --from DIR`",
        ) from error


class _BoundedOutput(io.RawIOBase):
    """The file that pooch writes to and the progress bar that it updates, in one.

    pooch reports whole pieces only; here the bytes that were written are reported.
    """

    total = 0  # set by pooch; 0 if the server did not send the length

    def __init__(
        self, path: Path, address: str, file: RemoteFile, progress: Progress | None
    ) -> None:
        super().__init__()
        self._out = path.open("wb")
        self._address = address
        self._remote = file
        self._progress = progress
        self._done = 0

    def write(self, piece: Any) -> int:
        self._done += len(piece)
        if self._done > self._remote.max_bytes:
            raise _too_long(self._address, self._remote)
        self._out.write(piece)
        if self._progress is not None:
            self._progress(self._done, self.total)
        return len(piece)

    def update(self, _: int) -> None:
        """Part of a progress bar; `write` has reported already."""

    def reset(self) -> None:
        """Part of a progress bar."""

    def close(self) -> None:
        self._out.close()


def _too_long(place: str, file: RemoteFile) -> BakeoffError:
    return BakeoffError(
        place,
        f"it is longer than the {file.max_bytes} bytes it may have",
        "Try again later, or copy the file from elsewhere with --from DIR",
    )


def _refuse_unsafe_redirect(answer: requests.Response, *_: object, **__: object) -> None:
    """Follow a redirect only to an address where a download may start too."""
    if answer.is_redirect:
        _refuse_unsafe(urljoin(answer.url, answer.headers["location"]))


def _refuse_unsafe(address: str) -> None:
    """Allow https only: a checksum guards the content, https also hides what is fetched."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname)):
        return
    raise BakeoffError(address, "it is not an https address", "Report this; it must be https")


def _is_this_machine(host: str | None) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host or "").is_loopback
    return False


def _is_whole(path: Path, file: RemoteFile) -> bool:
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256:
            return True
    return (
        bool(file.inside_sha256) and _sha256_inside(path, 8 * file.max_bytes) == file.inside_sha256
    )


def _sha256_inside(path: Path, max_bytes: int) -> str:
    """SHA-256 of what a gzip file holds, or "" if it is not a gzip file or too long."""
    digest, done = hashlib.sha256(), 0
    try:
        with gzip.open(path, "rb") as stream:
            while piece := stream.read(_PIECE):
                done += len(piece)
                if done > max_bytes:
                    return ""
                digest.update(piece)
    except (OSError, EOFError, zlib.error):
        return ""
    return digest.hexdigest()
