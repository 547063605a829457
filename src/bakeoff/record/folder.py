"""A run on disk: append-only, in plain files, whole after any interruption.

run.json            what was asked
events.jsonl        what happened, a line an event
.lock .pid          held by the process that works on it, and which that is
log.txt             what that process printed, if a server started it
workers/            the logs of workers that died, if any did
units/A/F/          approach A on fold F, there only when it is finished; its graph beside it
results.json        the figures
preliminary.json    those so far, with preliminary.npz, until the run is finished
probabilities.npz   out-of-fold and test probabilities
pictures/           every picture, small, and what is known of it; see `sheets`
mistakes.csv        every wrong answer of every approach
learning.csv        every fit of the learning curve, if one was asked for
robustness.csv      accuracy of each approach on every corruption at every strength, if asked for
corrections.csv     proposed corrections, for bakeoff run --corrections
report.html         the report, in one file
bundles/A/          the bundle of approach A
"""

from __future__ import annotations

import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray
from pydantic import ValidationError

from bakeoff.data.correction import Correction
from bakeoff.data.corrections import COLUMNS
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunConfig
from bakeoff.record.events import Event, parse_event
from bakeoff.record.lock import LOCK, PID
from bakeoff.record.old_names import read_json, read_run
from bakeoff.record.results import SCHEMA_VERSION, PictureIndex, Results, UnitRecord
from bakeoff.record.sheets import SheetReader, sheets_of
from bakeoff.record.tables import table
from bakeoff.record.whole import read_file, write_file, write_folder

__all__ = [
    "CORRECTIONS",
    "EVENTS",
    "LESSONS",
    "LOG",
    "PRELIMINARY",
    "RunFolder",
    "corrections_table",
]

LOG = "log.txt"
LESSONS = "lessons.safetensors"  # of a final fit that can be solved again with more pictures
# Arrays of a unit as runs before schema 2 called them.
FORMER_ARRAYS = {
    "strangeness": "ood_score",
    "chooser_rows": "validation_rows",
    "chooser_logits": "validation_logits",
    "chooser_strangeness": "validation_ood_score",
}
CORRECTIONS = "corrections.csv"
EVENTS = "events.jsonl"
PRELIMINARY, PRELIMINARY_ARRAYS = "preliminary.json", "preliminary.npz"
# What may lie in a folder before a run or a search begins there.
BEFORE = {".run.json.partial", ".tune.json.partial", LOCK, PID, LOG}


class RunFolder:
    """The files of one run. Never imports torch, so that a serving machine can read it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        state = "finished" if (self.path / "results.json").is_file() else "not finished"
        return f"RunFolder({str(self.path)!r}): {state}"

    @classmethod
    def create(cls, path: Path, config: RunConfig) -> RunFolder:
        """A new run at `path`, which must not hold anything yet."""
        cls.check_free(path)
        folder = cls(path)
        with folder._writing():
            path.mkdir(parents=True, exist_ok=True)
        folder.amend(config)
        return folder

    @staticmethod
    def check_free(path: Path) -> None:
        """Refuse a path at which a run cannot begin."""
        if path.exists() and not path.is_dir():
            raise BakeoffError(str(path), "is a file, not a folder", "Choose another --out")
        if path.exists() and any(found.name not in BEFORE for found in path.iterdir()):
            raise BakeoffError(
                str(path), "is there already", "Choose another --out, or go on with --resume"
            )

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run."""
        if not (path / "run.json").is_file():
            raise BakeoffError(
                str(path), "is not a run: it holds no run.json", "Name the folder that a run left"
            )
        return cls(path)

    @property
    def config(self) -> RunConfig:
        """What was asked of this run."""
        try:
            path = self.path / "run.json"
            return RunConfig.model_validate(read_run(read_file(path), str(path)))
        except ValueError as error:
            raise BakeoffError(
                str(self.path / "run.json"),
                f"is damaged or of another version ({_misfit(error)})",
                "Start a new run",
            ) from None

    def check_recipe(self) -> None:
        """Refuse to build models for weights that another version of bakeoff trained.

        They could even fit by their shapes, and give wrong answers.

        Raises
        ------
        BakeoffError
            The run began with another recipe; see `RunConfig`.
        """
        self.config.check_recipe(self.path)

    def amend(self, config: RunConfig) -> None:
        """Ask more of this run; what it has found so far must be part of the answer."""
        self._write("run.json", config.model_dump_json(indent=2).encode())

    # -- events ---------------------------------------------------------------

    def log(self, event: Event) -> None:
        """Append one event; it is on its way to disk when this returns."""
        with self._writing(), (self.path / EVENTS).open("ab+") as file:
            # After a line cut short by a crash, this event begins a line of its own.
            if file.tell() and _last_byte(file) != b"\n":
                file.write(b"\n")
            file.write(event.model_dump_json().encode() + b"\n")

    def events(self) -> Iterator[Event]:
        """All events, oldest first. A line cut short by a crash is passed over."""
        yield from self.events_from(0)[0]

    def events_from(self, offset: int) -> tuple[list[Event], int]:
        """The events that begin at a byte of events.jsonl, and the byte after the last of them.

        A line that is still being written is left for the next look.
        """
        try:
            data = read_file(self.path / EVENTS, offset)
        except FileNotFoundError:
            return [], offset
        whole = data[: data.rfind(b"\n") + 1]
        events = []
        for line in whole.splitlines():
            with suppress(ValueError):  # cut short by a crash
                events.append(parse_event(line))
        return events, offset + len(whole)

    def last_event(self) -> Event | None:
        """The newest event, read from the end of the file."""
        path = self.path / EVENTS
        size = path.stat().st_size if path.is_file() else 0
        back = 1024
        while size:
            events, _ = self.events_from(max(0, size - back))
            if events or back >= size:
                return events[-1] if events else None
            back *= 8
        return None

    # -- units ----------------------------------------------------------------

    def unit(self, approach: str, fold: str) -> Path:
        """Where approach × fold lies, finished or not."""
        return self.path / "units" / approach / _folder_name(fold)

    def winner(self) -> str:
        """The approach that the finished run says to trust.

        Raises
        ------
        BakeoffError
            It is not finished, or the best approaches are too close to call.
        """
        winner = self.results().winner.name
        if winner is None:
            raise BakeoffError(
                str(self.path),
                "names no winner: the best are too close to call",
                "Choose one with --approach",
            )
        return winner

    def bundle(self, approach: str) -> Path:
        """Where the bundle of an approach lies."""
        return self.path / "bundles" / approach

    def bundle_bytes(self, approach: str) -> int | None:
        """The size of the bundle of an approach; None if there is none."""
        bundle = self.bundle(approach)
        return sum(file.stat().st_size for file in bundle.iterdir()) if bundle.is_dir() else None

    def has_unit(self, approach: str, fold: str) -> bool:
        """Whether approach × fold is finished."""
        return self.unit(approach, fold).is_dir()

    def save_unit(
        self,
        approach: str,
        fold: str,
        record: UnitRecord,
        arrays: Mapping[str, NDArray[Any]],
        weights: bytes,
        lessons: bytes | None = None,
    ) -> None:
        """Write approach × fold so that it is there whole or not at all.

        Parameters
        ----------
        record : its figures, to unit.json.
        arrays : rows and logits, to logits.npz.
        weights : a safetensors file.
        lessons : a safetensors file too, of a fit that can be solved again with more pictures.
        """
        files = {
            "unit.json": record.model_dump_json(indent=2).encode(),
            "logits.npz": _npz(arrays),
            "weights.safetensors": weights,
        }
        if lessons is not None:
            files[LESSONS] = lessons
        self.save_unit_files(approach, fold, files)

    def save_unit_files(self, approach: str, fold: str, files: Mapping[str, bytes]) -> None:
        """Write approach × fold as another folder held it."""
        with self._writing():
            write_folder(self.unit(approach, fold), files)

    def unit_files(self, approach: str, fold: str) -> dict[str, bytes]:
        """The files of a finished approach × fold."""
        unit = self.unit(approach, fold)
        return {path.name: read_file(path) for path in unit.iterdir()}

    def load_unit(self, approach: str, fold: str) -> tuple[UnitRecord, dict[str, NDArray[Any]]]:
        """The figures and arrays of a finished approach × fold."""
        unit = self.unit(approach, fold)
        try:
            record = UnitRecord.model_validate_json(read_file(unit / "unit.json"))
            with _loaded(unit / "logits.npz") as arrays:
                return record, {FORMER_ARRAYS.get(name, name): arrays[name] for name in arrays}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise BakeoffError(
                str(unit),
                f"is damaged or of another version ({type(error).__name__})",
                f"Delete that folder and train it again with: bakeoff run --resume {self.path}",
            ) from error

    def save_worker_log(self, log: str) -> None:
        """Write what a worker said before it died, beside those of others."""
        folder = self.path / "workers"
        folder.mkdir(exist_ok=True)
        (folder / f"{len(list(folder.iterdir())) + 1}.log").write_text(log, encoding="utf-8")

    # -- results --------------------------------------------------------------

    def save_results(self, results: Results, probabilities: Mapping[str, NDArray[Any]]) -> None:
        """Write everything that `results.json` and its companions hold."""
        self._write("probabilities.npz", _npz(probabilities))
        self._write("mistakes.csv", _mistakes_table(results).encode())
        if any(one.robustness for one in results.approaches):
            self._write("robustness.csv", _robustness_table(results).encode())
        self._write("results.json", results.model_dump_json(indent=1).encode())
        for name in (PRELIMINARY, PRELIMINARY_ARRAYS):
            (self.path / name).unlink(missing_ok=True)

    def save_preliminary(self, results: Results, probabilities: Mapping[str, NDArray[Any]]) -> None:
        """Write the results so far, of which `latest_results` tells until the run is finished."""
        # The arrays first: they are then never of fewer approaches than the figures.
        self._write(PRELIMINARY_ARRAYS, _npz(probabilities))
        self._write(PRELIMINARY, results.model_dump_json(indent=1).encode())

    def save_corrections(self, proposed: Sequence[Correction]) -> None:
        """Write what may be wrong with the pictures, for their owner to decide."""
        self._write(CORRECTIONS, corrections_table(proposed).encode())

    def corrections(self) -> str:
        """The text of that table; empty where an older version of bakeoff left none.

        It is there to be edited, and a spreadsheet may save it in another code than UTF-8: what
        cannot be read of it is replaced by U+FFFD.
        """
        with suppress(FileNotFoundError):
            return read_file(self.path / CORRECTIONS).decode(errors="replace")
        return ""

    def save_learning(self, header: Sequence[str], fits: Iterable[Sequence[object]]) -> None:
        """Write a line for every fit of the learning curve."""
        self._write("learning.csv", table(header, fits).encode())

    def results(self) -> Results:
        """The figures of a finished run."""
        return self._results(self.path / "results.json")

    def latest_results(self) -> Results:
        """The figures of a finished run; of another one, those of the approaches scored so far."""
        finished, so_far = self.path / "results.json", self.path / PRELIMINARY
        return self._results(so_far if so_far.is_file() and not finished.is_file() else finished)

    def _results(self, path: Path) -> Results:
        if not path.is_file():
            raise BakeoffError(
                str(self.path),
                "this run is not finished",
                f"Continue with: bakeoff run --resume {self.path}",
            )
        try:
            return Results.model_validate(read_json(read_file(path), str(path)))
        except ValueError as error:
            raise BakeoffError(
                str(path),
                f"does not fit version {SCHEMA_VERSION} ({_misfit(error)})",
                f"Delete it and rebuild it with: bakeoff run --resume {self.path}",
            ) from None

    def probabilities(self, *, preliminary: bool = False) -> dict[str, NDArray[Any]]:
        """Out-of-fold and test probabilities, and the rows they are of.

        Parameters
        ----------
        preliminary : those that belong to preliminary results, not those of a finished run.
        """
        path = self.path / (PRELIMINARY_ARRAYS if preliminary else "probabilities.npz")
        try:
            with _loaded(path) as arrays:
                return dict(arrays)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise BakeoffError(
                str(path),
                f"is not there or damaged ({type(error).__name__})",
                f"Rebuild it with: bakeoff run --resume {self.path}",
            ) from error

    # -- pictures -------------------------------------------------------------

    def save_pictures(self, index: PictureIndex, pictures: Pictures) -> None:
        """Write small versions of all pictures, and what is known of each; once is enough."""
        if (self.path / "pictures").is_dir():
            return
        files = {f"{n:04}.webp": sheet for n, sheet in enumerate(sheets_of(pictures))}
        files["index.json"] = index.model_dump_json().encode()
        with self._writing():
            write_folder(self.path / "pictures", files)

    def picture_index(self) -> PictureIndex:
        """What is known of every picture.

        Raises
        ------
        BakeoffError
            An older version of bakeoff made the run, or the file is damaged.
        """
        path = self.path / "pictures" / "index.json"
        try:
            return PictureIndex.model_validate_json(read_file(path))
        except (OSError, ValidationError) as error:
            raise BakeoffError(
                str(path),
                f"is not there or damaged ({type(error).__name__})",
                f"Delete {path.parent} and rebuild it with: bakeoff run --resume {self.path}",
            ) from None

    def sheets(self) -> SheetReader:
        """The small versions of all pictures."""
        return SheetReader(self.path / "pictures")

    def _write(self, name: str, data: bytes) -> None:
        with self._writing():
            write_file(self.path / name, data)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an `OSError`, such as a full disk, into words that say how to go on."""
        try:
            yield
        except OSError as error:
            begun = (self.path / "run.json").is_file()
            raise BakeoffError(
                str(self.path),
                f"cannot be written ({error.strerror or error})",
                "What is finished is safe. Make room or give access, then continue with: "
                f"bakeoff run --resume {self.path}"
                if begun
                else "Make room or give access, or choose another --out",
            ) from error


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _folder_name(fold: str) -> str:
    # A fold may bear the name of a group, which can be any text: "a/b", "..", or one that
    # differs from another by case alone, which some file systems do not tell apart.
    if re.fullmatch(r"[a-z0-9][a-z0-9 _-]{0,50}", fold):
        return fold
    plain = re.sub(r"[^\w-]", "_", fold)[:50]
    return f"{plain}-{zlib.crc32(fold.encode()):08x}"


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    # numpy.savez stamps each member with the time; the same run must give the same bytes.
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
    return buffer.getvalue()


def _loaded(path: Path) -> NpzFile:
    """The arrays of an npz file."""
    loaded: NpzFile = np.load(io.BytesIO(read_file(path)), allow_pickle=False)
    return loaded


def corrections_table(proposed: Sequence[Correction]) -> str:
    """The CSV of proposed corrections, which `read_corrections` reads."""
    return table(
        COLUMNS,
        (
            [
                *(one.action, one.name, one.label, one.proposed, one.why),
                "" if one.quality is None else f"{one.quality:.4f}",
            ]
            for one in proposed
        ),
    )


def _mistakes_table(results: Results) -> str:
    return table(
        ["approach", "row", "name", "truth", "answer", "probability", "loss"],
        (
            [
                approach.name,
                *(one.index, one.name, one.truth, one.answer),
                *(f"{one.probability:.4f}", f"{one.loss:.4f}"),
            ]
            for approach in results.approaches
            for one in approach.mistakes
        ),
    )


def _robustness_table(results: Results) -> str:
    return table(
        ["approach", "corruption", "strength", "amount", "accuracy"],
        (
            [approach.name, one.name, strength, amount, f"{accuracy:.4f}"]
            for approach in results.approaches
            if approach.robustness is not None
            for one in approach.robustness.corruptions
            for strength, (amount, accuracy) in enumerate(
                zip(one.strengths, one.accuracy, strict=True), start=1
            )
        ),
    )


def _misfit(error: ValueError) -> str:
    """What does not fit the schema, in short; a `ValidationError` is a `ValueError` too."""
    if isinstance(error, ValidationError):
        return f"{error.error_count()} fields do not fit"
    return "it is not JSON"
