"""Write docs/results.schema.json anew from the records in `bakeoff.run.results`.

python scripts/write_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from bakeoff.run.results import Results

SCHEMA = Path(__file__).parents[1] / "docs" / "results.schema.json"


def schema() -> str:
    """The JSON schema of results.json, the same text every time."""
    return json.dumps(Results.model_json_schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(schema(), encoding="utf-8")
