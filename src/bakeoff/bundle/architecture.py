"""A name for the architecture of a network: equal where the same graph would be traced."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.version import __version__

__all__ = ["form_of", "key_of"]

TRACED_BY = ("torch", "timm", "onnxscript", "onnx")
LIBRARIES = ("torch", "timm")  # packages whose versions say what their sources are
STATE = ("_parameters", "_buffers", "_modules")  # of a module: listed by name
PLAIN = (bool, int, float, complex, str, bytes, torch.dtype, torch.device, Path, type(None))


class _NoNameError(Exception):
    """An attribute whose effect on the graph cannot be known."""


def key_of(network: nn.Module, *sizes: int) -> str | None:
    """Hexadecimal digits that follow from all that a trace follows from but the weights' values.

    These are the form of the network, the shapes of parameters and buffers, and the versions of
    bakeoff and of what traces. None if an attribute has no stable value, such as a lambda or a
    hook.

    Parameters
    ----------
    sizes : of what it takes, where these are fixed in a trace.
    """
    form = form_of(network, *sizes)
    if form is None:
        return None
    shapes = [f"{name}:{tuple(tensor.shape)}" for name, tensor in _tensors(network)]
    return _digest(form, __version__, *map(version, TRACED_BY), *shapes)


def form_of(network: nn.Module, *sizes: int) -> str | None:
    """The same without versions and shapes, so that it holds on another machine.

    It follows from the modules by name, with their classes, the source files of these that are no
    library's, and all attributes; and from the names and kinds of parameters and buffers.
    """
    try:
        modules = [
            f"{name}:{_named(type(module))}{_plain(_own(module))}"
            for name, module in network.named_modules()
        ]
    except _NoNameError:
        return None
    kinds = [f"{name}:{tensor.dim()}{tensor.dtype}" for name, tensor in _tensors(network)]
    return _digest(*modules, *kinds, *map(str, sizes))


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    yield from network.named_buffers()


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def _own(module: nn.Module) -> dict[str, Any]:
    """A module's attributes, but for those that PyTorch of some version gives to every module."""
    bare = vars(nn.Module())
    return {
        name: value
        for name, value in vars(module).items()
        if name not in STATE and not (name in bare and value == bare[name])
    }


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
    """The checksum of a module's file; "" for what is compiled or a library's."""
    if module.partition(".")[0] in LIBRARIES:
        return ""
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file or not file.endswith(".py"):
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
