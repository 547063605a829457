"""One public file into the cache: over https, bounded, and only if its checksum holds."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import ipaddress
import os
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, TypeAlias
from urllib.parse import urlsplit

from bakeoff.errors import BakeoffError

__all__ = ["Progress", "RemoteFile", "fetch_file"]

Progress: TypeAlias = Callable[[int, int], None]

_PIECE = 1 << 18
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A public file.

    Attributes
    ----------
    name : of the file, below its set's address and in the cache.
    sha256 : of the file as published, in hex.
    inside_sha256 : of what a gzip file holds, where the same data are also about
        packed by other programs; empty where only the published file will do.
    max_bytes : more is not read.
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
    """Bring one file to `target`, unless it is there and whole.

    Parameters
    ----------
    file : what it must be.
    url : the address it lies below: https, or http on this very machine.
    target : where it goes; it appears there only whole, by one rename.
    name : the set it belongs to, for the mend in errors.
    source : a folder to copy it from instead.
    progress : called with bytes done and bytes in all, 0 if unknown.

    Raises
    ------
    BakeoffError
        It can not be had, is too long, or its checksum is wrong.
    """
    if target.is_file() and _is_whole(target, file):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    place, stream = _copied(file, source) if source else _downloaded(file, url, name)
    handle, temporary = tempfile.mkstemp(prefix=f"{file.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, stream as (incoming, total):
            done = 0
            while piece := incoming.read(_PIECE):
                done += len(piece)
                if done > file.max_bytes:
                    raise BakeoffError(
                        place,
                        f"it is longer than the {file.max_bytes} bytes it may have",
                        "Try again later, or bring the file with --from DIR",
                    )
                out.write(piece)
                if progress is not None:
                    progress(done, total)
        if not _is_whole(Path(temporary), file):
            raise BakeoffError(
                place,
                f"its checksum is not that of the published {file.name} "
                f"(SHA-256 {file.sha256[:12]}…): it was cut short or changed",
                "Try again later, or bring the file with --from DIR",
            )
        Path(temporary).replace(target)
    finally:
        Path(temporary).unlink(missing_ok=True)


_Incoming: TypeAlias = contextlib.AbstractContextManager[tuple[IO[bytes], int]]


def _copied(file: RemoteFile, source: Path) -> tuple[str, _Incoming]:
    path = source / file.name

    @contextlib.contextmanager
    def opened() -> Iterator[tuple[IO[bytes], int]]:
        try:
            with path.open("rb") as stream:
                yield stream, path.stat().st_size
        except OSError as error:
            raise BakeoffError(
                str(path),
                f"it can not be read ({error.strerror})",
                f"Put {file.name} into that folder",
            ) from error

    return str(path), opened()


def _downloaded(file: RemoteFile, url: str, name: str) -> tuple[str, _Incoming]:
    address = url + file.name

    @contextlib.contextmanager
    def opened() -> Iterator[tuple[IO[bytes], int]]:
        _refuse_unsafe(address)
        opener = urllib.request.build_opener(_SafeRedirects)
        try:
            with opener.open(address, timeout=_TIMEOUT_SECONDS) as answer:
                yield answer, int(answer.headers.get("Content-Length") or 0)
        # Time-outs and refused connections are OSErrors; so is URLError.
        except (OSError, HTTPException, ValueError) as error:
            why = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else str(error)
            raise BakeoffError(
                address,
                f"it can not be downloaded ({why})",
                f"Check the network, or download the file elsewhere and run "
                f"`bakeoff fetch {name} --from DIR`",
            ) from error

    return address, opened()


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a download may start too."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        _refuse_unsafe(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


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
    """SHA-256 of what a gzip file holds, or "" if that is no gzip or too long."""
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
