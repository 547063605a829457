"""Models from users' own files: ``my_net.py:MyNet`` as an approach. No torch before one is loaded.

Each has a name of its own, the path of its file, and the checksum that the file had when the run
began: a resumed run refuses a file that has changed since.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from bakeoff.approaches.registry import OURS, Entry
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.approaches.approach import Approach

__all__ = ["OwnEntry", "OwnFile", "own_file", "own_name"]

HINT = "Name a class or function in a Python file, as my_net.py:MyNet, an ONNX file or a bundle"
MODELS = (".onnx", ".bakeoff")  # files that are a model, which is scored as it is
MANIFEST = "bundle.json"  # in the folder of a bundle


class OwnFile(BaseModel):
    """Where an own model is: an absolute path, what to take from it, and the file's SHA-256.

    An empty `digest` stands for the file as it is now. `classes` and `fingerprint` are those of the
    pictures, known once they are read: a model that is only scored has classes of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    attribute: str = ""
    digest: str = ""
    classes: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def fixed(self) -> bool:
        """Whether it is a trained model, which is only scored."""
        return not self.attribute

    def settled(self) -> OwnFile:
        """The same with the checksum that the file has now, unless there is one already."""
        return self.model_copy(update={"digest": self.digest or _digest(Path(self.path))})


def own_name(text: str) -> str | None:
    """The name of the approach in ``my_net.py:MyNet``; None if it is no path."""
    parts = _parts(text)
    if parts is None:
        return None
    path, attribute = parts
    plain = re.sub(r"[^a-z0-9_-]+", "-", (attribute or path.stem).lower()).strip("-_")[:36]
    name = plain if plain[:1].isalpha() else f"own-{plain}"
    return f"own-{name}" if name in {entry.name for entry in OURS} else name


def own_file(text: str) -> OwnFile | None:
    """The file of ``my_net.py:MyNet``; None if the text is no path.

    Raises
    ------
    BakeoffError
        There is no such file, or it does not say what to take from it.
    """
    parts = _parts(text)
    if parts is None:
        return None
    path, attribute = parts
    if not (path.is_file() or (path / MANIFEST).is_file()):
        raise BakeoffError(f"approach {text}", "there is no such file", HINT)
    if path.is_dir() or path.suffix in MODELS:
        return OwnFile(path=str(path.resolve())).settled()
    if path.suffix != ".py":
        raise BakeoffError(f"approach {text}", "is neither a Python file nor a model", HINT)
    if not attribute.isidentifier():
        problem = "does not say which class or function to take"
        raise BakeoffError(f"approach {text}", problem, HINT)
    return OwnFile(path=str(path.resolve()), attribute=attribute).settled()


def _parts(text: str) -> tuple[Path, str] | None:
    if text.startswith("-"):
        return None  # an option by mistake
    match = re.fullmatch(r"(.*\.py):(.*)", text, re.DOTALL)
    path, attribute = match.groups() if match else (text, "")
    if not match and not ("/" in text or "\\" in text or text.endswith((".py", *MODELS))):
        return None
    return Path(path).expanduser(), attribute


@dataclass(frozen=True)
class OwnEntry(Entry):
    """An approach from a file, as lists show it."""

    file: OwnFile

    @classmethod
    def of(cls, name: str, file: OwnFile) -> OwnEntry:
        """That of a file under the name it has in a run."""
        title = file.attribute or Path(file.path).stem
        return cls(name, None, title, f"From {Path(file.path).name}.", file)

    def load(self) -> type[Approach]:
        """Import the file and make an approach of what it defines.

        Raises
        ------
        BakeoffError
            The file is gone, has changed since the run began, or defines no model.
        """
        path = Path(self.file.path)
        now = _digest(path)
        if self.file.digest not in ("", now):
            raise BakeoffError(
                str(path),
                f"has changed since the run began, so {self.name} is another model now",
                "Start another run, or restore the file",
            )
        return _load(self.name, self.title, path, self.file.model_copy(update={"digest": now}))


def _digest(path: Path) -> str:
    try:
        # The manifest of a bundle has the checksums of its files.
        file = path / MANIFEST if path.is_dir() else path
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        raise BakeoffError(
            str(path), "cannot be read, and an approach of the run is in it", "Restore the file"
        ) from None


@cache  # one class for a file: equal approaches must have the same
def _load(name: str, title: str, path: Path, file: OwnFile) -> type[Approach]:
    # By name, since these modules import the registry's users.
    approach: type[Approach]
    if file.fixed:
        fixed = import_module("bakeoff.approaches.own_graph").fixed_approach
        approach = fixed(path, name, title, file.classes, file.fingerprint)
        return approach
    kinds, attribute = import_module("bakeoff.approaches.own_kinds"), file.attribute
    module = _imported(path, file.digest)
    if not hasattr(module, attribute):
        raise BakeoffError(
            f"approach {path.name}:{attribute}",
            f"{path.name} defines no {attribute}",
            f"It defines {', '.join(_defined(module)) or 'nothing'}",
        )
    approach = kinds.approach_of(getattr(module, attribute), name, title)
    return approach


@cache
def _imported(path: Path, digest: str) -> ModuleType:
    name = f"bakeoff_own_{digest[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "it ends in .py"
    assert spec.loader is not None, "it ends in .py"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    os.environ.setdefault("KERAS_BACKEND", "torch")  # read when Keras is imported
    sys.path.insert(0, str(path.parent))  # for the modules beside it
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception | SystemExit):
            raise
        raise BakeoffError(
            str(path),
            f"cannot be imported ({type(error).__name__}: {error})",
            "Run it with python first: it must import without an error",
        ) from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _defined(module: Any) -> Iterable[str]:
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )
