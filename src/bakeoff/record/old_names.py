"""Files of the first schema, read under today's names.

Version 2 of `results.json`, `study.json`, `run.json`, `tune.json` and `bundle.json` says in the
field's terms what version 1 said in our own. Files of version 1 are read for one more release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["read_json", "read_search"]

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


def read_json(data: bytes) -> Any:
    """The document in `data`, with the field names of the current schema.

    Raises
    ------
    ValueError
        It is not JSON.
    """
    document = json.loads(data)
    if isinstance(document, dict) and document.get("schema_version") == 1:
        return renamed(document) | {"schema_version": 2}
    return document


def read_search(data: bytes) -> Any:
    """What `tune.json` holds, which has no version of its own, under today's names."""
    document = json.loads(data)
    return renamed(document) if isinstance(document, dict) and "request" in document else document


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
