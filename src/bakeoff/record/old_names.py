"""Files of the first schema, read under today's names.

Version 2 of `results.json`, `study.json`, `run.json`, `tune.json` and `bundle.json` says in the
field's terms what version 1 said in our own. Files of version 1 are read for one more release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bakeoff.errors import BakeoffError

__all__ = ["read_json", "read_run", "read_search"]

NEWEST = 2  # schema version that this bakeoff reads

FIELDS = {
    "thing": "subject",
    "wrong": "problem",
    "mend": "hint",
    "strangeness": "ood_score",
    "most_strangeness": "max_ood_score",
    "understood": "description",
    "brittleness": "robustness",
    "giveaways": "shortcuts",
    "told": "predicts",
    "calibration_by_luck": "calibration_null_level",
    "pick": "recommendation",
    "request": "config",
}
# What users name themselves: settings, files and machines keep their keys.
USERS_NAMES = {"settings", "space", "importance", "machine", "files", "made_with", "spaces"}


def read_json(data: bytes, subject: str) -> Any:
    """The document in `data`, with the field names of the current schema.

    Raises
    ------
    ValueError
        It is not JSON.
    BakeoffError
        A newer bakeoff wrote it. `subject` is its name in the error.
    """
    document = json.loads(data)
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version == 1:
        return renamed(document) | {"schema_version": 2}
    if isinstance(version, int) and version > NEWEST:
        raise BakeoffError(
            subject,
            f"is from a newer bakeoff: it has schema version {version}, and this one reads up to "
            f"{NEWEST}",
            "Update with: pip install --upgrade bakeoff",
        )
    return document


def read_run(data: bytes, subject: str) -> Any:
    """What `run.json` holds under today's names; see `read_json`."""
    return _with_recipe(read_json(data, subject))


def read_search(data: bytes, subject: str) -> Any:
    """What `tune.json` holds under today's names; see `read_json`."""
    document = read_json(data, subject)
    if not isinstance(document, dict):
        return document
    document = renamed(document) if "request" in document else document
    return document | {"config": _with_recipe(document.get("config"))}


def _with_recipe(config: Any) -> Any:
    """The configuration of a run; those from before recipes were counted are of the first."""
    return {"recipe": 1} | config if isinstance(config, dict) else config


def renamed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same with the field names of version 2."""
    return {
        FIELDS.get(key, key): value if key in USERS_NAMES else _inside(value, key)
        for key, value in document.items()
    }


def _inside(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return renamed(value)
    if isinstance(value, list):
        return [_inside(item, key) for item in value]
    if key in ("see", "verdict") and isinstance(value, str):
        return FIELDS.get(value, value)
    return value
