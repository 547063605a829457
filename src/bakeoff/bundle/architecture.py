"""A name for the architecture of a network: equal where the same graph would be traced."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.version import __version__

__all__ = ["key_of"]

TRACED_BY = ("torch", "onnxscript", "onnx")
STATE = ("_parameters", "_buffers", "_modules")  # of a module: listed by name
PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, Path, type(None))


class _NoNameError(Exception):
    """An attribute whose effect on the graph cannot be known."""


def key_of(network: nn.Module) -> str | None:
    """Hexadecimal digits that follow from all that a trace follows from but the weights' values.

    These are the modules by name, with their classes, the source files of these, all attributes,
    and the shapes of parameters and buffers; and the versions of bakeoff and of what traces.
    None if an attribute has no stable value, such as a lambda or a hook.
    """
    digest = hashlib.sha256(repr([__version__, *map(version, TRACED_BY)]).encode())
    try:
        for name, module in network.named_modules():
            own = {key: value for key, value in vars(module).items() if key not in STATE}
            digest.update(f"{name}:{_named(type(module))}{_plain(own)}".encode())
    except _NoNameError:
        return None
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        digest.update(f"{name}:{tuple(tensor.shape)}{tensor.dtype}".encode())
    return digest.hexdigest()[:32]


def _plain(value: Any) -> str:
    """What a value is, in words that are the same in the next process."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, type | FunctionType):
        return _named(value)
    if isinstance(value, partial):
        return f"partial{_plain([value.func, value.args, value.keywords])}"
    if isinstance(value, Tensor):
        return f"tensor {hashlib.sha256(value.detach().numpy().tobytes()).hexdigest()}"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_plain(key)}:{_plain(held)}' for key, held in value.items())}}}"
    if isinstance(value, set | frozenset):
        return f"{{{','.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({','.join(map(_plain, value))})"
    if isinstance(value, nn.Module):
        return _named(type(value))  # listed by itself
    if hasattr(value, "__dict__") and not callable(value):
        return f"{_named(type(value))}{_plain(vars(value))}"
    raise _NoNameError


def _named(kind: type | FunctionType) -> str:
    """A class or function by name and source; local ones depend on more than their source."""
    if "<" in kind.__qualname__:
        raise _NoNameError
    classes: Iterable[Any] = kind.__mro__ if isinstance(kind, type) else (kind,)
    return " ".join(
        f"{each.__module__}.{each.__qualname__}:{_source(each.__module__)}" for each in classes
    )


@cache
def _source(module: str) -> str:
    """The checksum of a module's file; "" for what is compiled."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not file.endswith(".py"):
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
