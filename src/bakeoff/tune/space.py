"""What a search tries of each setting, from a file that is read at a glance.

A TOML table for each approach, as in ``approaches/cnn.toml``::

    [cnn]
    filters = ["none", "16,32", "32,64"]                        # one of these
    learning_rate = { low = 0.001, high = 0.02, log = true }    # a number in between
    pooling = "max"                                             # fixed
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import optuna

from bakeoff.approaches.settings import configure, flat_settings
from bakeoff.errors import BakeoffError
from bakeoff.record.study import Domain

__all__ = ["Space", "as_text", "contains", "read_settings", "spaces", "suggest"]

Space = dict[str, Domain]

RANGE = {"low", "high", "log", "step"}


def spaces(approaches: tuple[str, ...], file: Path | None = None) -> dict[str, Space]:
    """The space of every approach; a file narrows or widens it, setting by setting.

    Raises
    ------
    BakeoffError
        The file is no TOML, names what there is not, or holds values that do not fit.
    """
    asked = read_settings(file) if file else {}
    for name in asked:
        if name not in approaches:
            raise BakeoffError(
                f"{file}",
                f"[{name}] is not searched here",
                f"Add --approach {name}, or leave it out",
            )
    return {
        name: _space(name, _bundled(name) | asked.get(name, {}), str(file or f"{name}.toml"))
        for name in approaches
    }


def read_settings(file: Path) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file by approach; what stands above all tables is under "".

    Raises
    ------
    BakeoffError
        It can not be read.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BakeoffError(
            str(file), f"is no TOML file that can be read ({error})", "See docs/explore.md"
        ) from None
    tables = {key: value for key, value in told.items() if isinstance(value, dict)}
    for_all = {key: value for key, value in told.items() if key not in tables}
    return tables | ({"": for_all} if for_all else {})


def suggest(trial: optuna.trial.Trial, space: Space) -> dict[str, Any]:
    """One choice of settings, drawn by the sampler of the study."""
    drawn: dict[str, Any] = {}
    for setting, one in space.items():
        if one.choices is not None:
            drawn[setting] = trial.suggest_categorical(setting, one.choices)  # type: ignore[arg-type]
        else:
            assert one.low is not None
            assert one.high is not None
            if one.whole:
                step = int(one.step or 1)
                drawn[setting] = trial.suggest_int(
                    setting, int(one.low), int(one.high), step=step, log=one.log
                )
            else:
                drawn[setting] = trial.suggest_float(
                    setting, one.low, one.high, step=one.step, log=one.log
                )
    return drawn


def contains(space: Space) -> bool:
    """Whether the defaults are among what is tried."""
    return all(
        one.default in one.choices
        if one.choices is not None
        else isinstance(one.default, int | float) and _between(one, one.default)
        for one in space.values()
    )


def as_text(value: object) -> Any:
    """A setting as a space writes it: lists with commas, None as "none"."""
    if value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else value


def _between(domain: Domain, value: float) -> bool:
    assert domain.low is not None
    assert domain.high is not None
    return domain.low <= value <= domain.high


def _bundled(name: str) -> dict[str, Any]:
    text = (files("bakeoff.approaches") / f"{name}.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)[name]
    return table


def _space(name: str, table: Mapping[str, Any], file: str) -> Space:
    defaults = flat_settings(configure(name, {}))
    return {
        setting: _domain(name, setting, value, as_text(defaults.get(setting)), file)
        for setting, value in table.items()
    }


def _domain(name: str, setting: str, told: Any, default: Any, file: str) -> Domain:
    """One line of a space; every value in it must fit the setting."""
    subject = f"{file}: {name}.{setting}"
    if isinstance(told, dict):
        if not {"low", "high"} <= told.keys() <= RANGE:
            raise BakeoffError(
                subject,
                f"has {', '.join(told) or 'nothing'}",
                "A range has low, high and may have log, step",
            )
        low, high = told["low"], told["high"]
        if not all(isinstance(one, int | float) and math.isfinite(one) for one in (low, high)):
            raise BakeoffError(
                subject, "low and high are no numbers", "Say, for example, low = 0.1"
            )
        if low > high or (told.get("log") and low <= 0):
            raise BakeoffError(
                subject, "is no range", "low is at most high, and above 0 where log = true"
            )
        for value in (low, high):
            configure(name, {setting: value})
        whole = isinstance(low, int) and isinstance(high, int)
        return Domain(**told, whole=whole, default=default)
    choices = [as_text(one) for one in told] if isinstance(told, list) else [as_text(told)]
    if not choices:
        raise BakeoffError(subject, "has nothing to choose from", "Name one value at least")
    for value in choices:
        configure(name, {setting: value})
    return Domain(choices=choices, default=default)
