"""A large form, written to disk while it arrives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from bakeoff.said import say
from bakeoff.server.limits import Problem

__all__ = ["Upload", "receive"]

MAX_FIELD_BYTES = 1000
MAX_FIELDS = 20
BROKEN = "The form is malformed. Send it again as multipart/form-data."


@dataclass
class Upload:
    """The contents of a form.

    Attributes
    ----------
    fields : texts by name.
    files : the client's name of each file, which may include folders, and the path of its bytes.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)


async def receive(request: Request, folder: Path, max_files: int) -> Upload:
    """Write the files of a form into a folder, under numbers instead of the client's names.

    Starlette's own parser keeps files below a megabyte in memory, however many there are.

    Raises
    ------
    Problem
        400: the body is no form, or has too many fields. 413: it has too many files.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Problem(400, BROKEN)
    writing = _Writing(folder, max_files)
    try:
        parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": writing.begin,
                "on_header_field": writing.header_name,
                "on_header_value": writing.header_value,
                "on_header_end": writing.header_end,
                "on_headers_finished": writing.headers_end,
                "on_part_data": writing.data,
                "on_part_end": writing.end,
            },
        )
        async for chunk in request.stream():
            await asyncio.to_thread(parser.write, chunk)
        parser.finalize()
    except FormParserError:
        raise Problem(400, BROKEN) from None
    finally:
        writing.close()
    return writing.upload


class _Writing:
    """The part that is arriving, and those before it."""

    def __init__(self, folder: Path, max_files: int) -> None:
        self.upload = Upload()
        self._folder = folder
        self._max_files = max_files
        self._file: IO[bytes] | None = None
        self.begin()

    def begin(self) -> None:
        self._name = self._value = b""
        self._field: str = ""
        self._text = b""
        self._disposition = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        name = options.get(b"filename")
        if name is None:
            if len(self.upload.fields) >= MAX_FIELDS:
                raise Problem(400, f"The form has more than {MAX_FIELDS} fields. Send fewer.")
            return
        if len(self.upload.files) >= self._max_files:
            raise Problem(
                413,
                say("error.manyFiles", n=self._max_files),
            )
        path = self._folder / str(len(self.upload.files))
        self._file = path.open("xb")
        self.upload.files.append((name.decode("utf-8", "replace"), path))

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise Problem(400, f"A field of the form is longer than {MAX_FIELD_BYTES} bytes.")

    def end(self) -> None:
        if self._file is None:
            self.upload.fields[self._field] = self._text.decode("utf-8", "replace")
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
