"""Search spaces: the values that a search tries for each setting.

They are TOML files with a table for each approach, as in ``approaches/cnn.toml``::

    [cnn]
    filters = ["none", "16,32", "32,64"]                        # one of these values
    learning_rate = { low = 0.001, high = 0.02, log = true }    # a number in this range
    pooling = "max"                                             # fixed
"""

from __future__ import annotations

import math
import tomllib
import warnings
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import optuna

from bakeoff.approaches.settings import FORMER_NAMES, configure, flat_settings
from bakeoff.errors import BakeoffError
from bakeoff.record.study import Domain

__all__ = ["Space", "as_text", "contains", "read_settings", "spaces", "suggest"]

Space = dict[str, Domain]

RANGE = {"low", "high", "log", "step"}


def spaces(approaches: tuple[str, ...], file: Path | None = None) -> dict[str, Space]:
    """The search space of every approach; a file replaces it setting by setting.

    Raises
    ------
    BakeoffError
        The file is not TOML, names an unknown approach or setting, or holds invalid values; or an
        approach of another package has no space.
    """
    tables = read_settings(file) if file else {}
    for name in tables:
        if name not in approaches:
            raise BakeoffError(
                f"{file}",
                f"[{name}] is not an approach of this search",
                f"Add --approach {name}, or remove the table",
            )
    return {
        name: _space(name, _bundled(name) | tables.get(name, {}), str(file or f"{name}.toml"))
        for name in approaches
    }


def read_settings(file: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file by approach; settings above the first table are under "".

    Former names of settings are replaced by today's, with a warning.

    Raises
    ------
    BakeoffError
        The file cannot be read.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BakeoffError(
            str(file), f"cannot be read as TOML ({error})", "See docs/explore.md"
        ) from None
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    for_all = {key: value for key, value in document.items() if key not in tables}
    tables |= {"": for_all} if for_all else {}
    return {name: _current(file, name, table) for name, table in tables.items()}


def suggest(trial: optuna.trial.Trial, space: Space) -> dict[str, Any]:
    """A choice of settings, drawn by the study's sampler."""
    drawn: dict[str, Any] = {}
    for setting, domain in space.items():
        if domain.choices is not None:
            drawn[setting] = trial.suggest_categorical(setting, domain.choices)  # type: ignore[arg-type]
        else:
            assert domain.low is not None
            assert domain.high is not None
            if domain.whole:
                step = int(domain.step or 1)
                drawn[setting] = trial.suggest_int(
                    setting, int(domain.low), int(domain.high), step=step, log=domain.log
                )
            else:
                drawn[setting] = trial.suggest_float(
                    setting, domain.low, domain.high, step=domain.step, log=domain.log
                )
    return drawn


def contains(space: Space) -> bool:
    """Whether the space contains the defaults."""
    return all(
        domain.default in domain.choices
        if domain.choices is not None
        else isinstance(domain.default, int | float) and _between(domain, domain.default)
        for domain in space.values()
    )


def as_text(value: object) -> Any:
    """A setting as text in a space: lists with commas, None as "none"."""
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _between(domain: Domain, value: float) -> bool:
    assert domain.low is not None
    assert domain.high is not None
    return domain.low <= value <= domain.high


def _current(file: Path, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The same table under today's names of settings."""
    names = FORMER_NAMES[""] | FORMER_NAMES.get(name, {})
    for former in names.keys() & table.keys():
        message = f"{file}: {former} is now called {names[former]}"
        warnings.warn(message, FutureWarning, stacklevel=3)
    return {names.get(setting, setting): value for setting, value in table.items()}


def _bundled(name: str) -> dict[str, Any]:
    file = files("bakeoff.approaches") / f"{name}.toml"
    if not file.is_file():  # the approach belongs to another package
        return {}
    table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))[name]
    return table


def _space(name: str, table: Mapping[str, Any], file: str) -> Space:
    defaults = flat_settings(configure(name, {}))
    if not table:
        raise BakeoffError(
            f"approach {name}",
            "has no search space",
            f"Give one: --space FILE with a table [{name}]",
        )
    return {
        setting: _domain(name, setting, value, as_text(defaults.get(setting)), file)
        for setting, value in table.items()
    }


def _domain(name: str, setting: str, values: Any, default: Any, file: str) -> Domain:
    """One line of a space; every value must be valid for the setting."""
    subject = f"{file}: {name}.{setting}"
    if isinstance(values, dict):
        if not {"low", "high"} <= values.keys() <= RANGE:
            raise BakeoffError(
                subject,
                f"has {', '.join(values) or 'nothing'}",
                "A range has low and high, and may have log and step",
            )
        low, high = values["low"], values["high"]
        if not all(isinstance(end, int | float) and math.isfinite(end) for end in (low, high)):
            raise BakeoffError(subject, "low and high must be numbers", "For example: low = 0.1")
        if low > high or (values.get("log") and low <= 0):
            raise BakeoffError(
                subject,
                f"{low} to {high} is not a valid range",
                "low must be at most high, and above 0 if log = true",
            )
        for value in (low, high):
            configure(name, {setting: value})
        whole = isinstance(low, int) and isinstance(high, int)
        return Domain(**values, whole=whole, default=default)
    choices = [as_text(value) for value in (values if isinstance(values, list) else [values])]
    if not choices:
        raise BakeoffError(subject, "has no values", "List at least one value")
    for value in choices:
        configure(name, {setting: value})
    return Domain(choices=choices, default=default)
