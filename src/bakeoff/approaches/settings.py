"""Settings from text: ``cnn.filters=32,64`` to a field of a dataclass, checked by its type."""

from __future__ import annotations

import difflib
import types
import typing
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from bakeoff.approaches.registry import APPROACHES, Entry, entry_of
from bakeoff.errors import BakeoffError

if TYPE_CHECKING:
    from bakeoff.approaches.approach import Approach

__all__ = ["configure", "flat_settings", "parse_settings", "typed_settings"]

Settings = Mapping[str, object]

# By approach; those under "" belong to all.
FORMER_NAMES = {
    "": {"paper": "background"},
    "vit": {"hidden": "embed_dim", "layers": "depth", "heads": "num_heads"},
}


def parse_settings(
    texts: Iterable[str], also: Collection[str] = ()
) -> dict[str, dict[str, object]]:
    """``["cnn.filters=32,64", "epochs=5"]`` to settings by approach.

    A key without an approach, such as ``epochs=5``, is meant for all: it stands under "".
    `also` are names of approaches beside those of the registry.

    Raises
    ------
    BakeoffError
        A text is not ``approach.setting=value``, or there is no such approach.
    """
    parsed: dict[str, dict[str, object]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        name, dot, setting = key.strip().rpartition(".")
        if not equals or not setting or (dot and name not in (*APPROACHES, *also)):
            raise BakeoffError(
                f"--set {text}",
                "is not of the form approach.setting=value",
                f"Say, for example, --set cnn.epochs=20; "
                f"approaches are {', '.join([*APPROACHES, *also])}",
            )
        parsed.setdefault(name, {})[setting] = value.strip()
    return parsed


def configure(which: str | Entry, settings: Settings) -> Approach:
    """An approach, by name or entry, with some of its own or its training's settings changed.

    Values may be of the right type already, or text: numbers, ``true``, ``none``, and lists
    with commas.

    Raises
    ------
    BakeoffError
        There is no such approach or setting, or a value does not fit it.
    """
    entry = entry_of(which) if isinstance(which, str) else which
    name, approach = entry.name, entry.load()()
    own, training = _settings_of(type(approach)), _settings_of(type(approach.training))
    own.pop("training")
    changed: dict[str, Any] = {}
    trained: dict[str, Any] = {}
    for given, value in settings.items():
        setting = _current(name, given)
        if setting in own:
            changed[setting] = _value(name, setting, value, own[setting])
        elif setting in training:
            trained[setting] = _value(name, setting, value, training[setting])
        else:
            raise _unknown(name, setting, [*own, *training])
    return replace(approach, **changed, training=replace(approach.training, **trained))


def typed_settings(which: str | Entry, settings: Settings) -> dict[str, Any]:
    """The same settings under today's names, each as the plain JSON value that its type has.

    Raises
    ------
    BakeoffError
        As from `configure`.
    """
    flat = flat_settings(configure(which, settings))
    name = which if isinstance(which, str) else which.name
    return {_current(name, setting): flat[_current(name, setting)] for setting in settings}


def flat_settings(approach: Approach) -> dict[str, object]:
    """All settings of an approach in one dictionary of plain JSON values."""
    own = {field.name: getattr(approach, field.name) for field in fields(approach)}
    training = own.pop("training")
    own |= {field.name: getattr(training, field.name) for field in fields(training)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in own.items()}


def _settings_of(owner: type) -> dict[str, Any]:
    hints = typing.get_type_hints(owner, include_extras=True)  # with their ranges
    return {field.name: hints[field.name] for field in fields(owner)}


def _current(name: str, setting: str) -> str:
    """The name of a setting today; its former one is taken for one more release."""
    current = FORMER_NAMES.get(name, {}).get(setting) or FORMER_NAMES[""].get(setting)
    if current is None:
        return setting
    warnings.warn(f"{name}.{setting} is now called {name}.{current}", FutureWarning, stacklevel=3)
    return current


def _value(name: str, setting: str, value: object, kind: Any) -> Any:
    options = typing.get_args(kind) if _is_union(kind) else (kind,)
    given = value
    if isinstance(value, str):
        if value.lower() == "none" and type(None) in options:
            return None
        if any(typing.get_origin(option) is tuple for option in options):
            given = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise BakeoffError(
            f"{name}.{setting}={value}",
            problem[0].lower() + problem[1:],
            f"It takes {_in_words(kind)}",
        ) from None


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _in_words(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Annotated:
        return _in_words(kind.__origin__)
    if _is_union(kind):
        return " or ".join(_in_words(option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return "whole numbers with commas, such as 32,64"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}
    return names.get(kind, "none")


def _unknown(name: str, setting: str, known: list[str]) -> BakeoffError:
    near = difflib.get_close_matches(setting, known, n=1)
    suggestion = f"Did you mean {near[0]}? " if near else ""
    return BakeoffError(
        f"{name}.{setting}",
        "is not a setting",
        f"{suggestion}{name} has {', '.join(sorted(known))}",
    )
