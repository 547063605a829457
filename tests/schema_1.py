"""Runs and bundles in the form of schema 1, made from fresh ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import onnx

FORMER = {
    "subject": "thing",
    "problem": "wrong",
    "hint": "mend",
    "ood_score": "strangeness",
    "max_ood_score": "most_strangeness",
    "description": "understood",
    "robustness": "brittleness",
    "shortcuts": "giveaways",
    "predicts": "told",
    "calibration_null_level": "calibration_by_luck",
}
KEPT = {"settings", "machine", "made_with", "files"}  # their keys are not fields


def former_graph(data: bytes) -> bytes:
    """A graph whose second output is called "strangeness"."""
    model = onnx.load_model_from_string(data)
    for value in model.graph.output:
        value.name = FORMER.get(value.name, value.name)
    for node in model.graph.node:
        node.input[:] = [FORMER.get(name, name) for name in node.input]
        node.output[:] = [FORMER.get(name, name) for name in node.output]
    onnx.checker.check_model(model)
    former: bytes = model.SerializeToString(deterministic=True)
    return former


def former_bundle(folder: Path) -> None:
    """Rewrite a bundle."""
    graph = former_graph((folder / "model.onnx").read_bytes())
    (folder / "model.onnx").write_bytes(graph)
    manifest = _former(json.loads((folder / "bundle.json").read_text()))
    manifest["schema_version"] = 1
    checksum = {"bytes": len(graph), "sha256": hashlib.sha256(graph).hexdigest()}
    manifest["files"]["model.onnx"] = checksum
    (folder / "bundle.json").write_text(json.dumps(manifest))


def former_run(folder: Path) -> None:
    """Rewrite a run with its bundles; the report is removed."""
    for name in ("run.json", "results.json"):
        document = _former(json.loads((folder / name).read_text()))
        (folder / name).write_text(json.dumps(document | {"schema_version": 1}))
    for bundle in (folder / "bundles").iterdir():
        former_bundle(bundle)
    (folder / "report.html").unlink()


def _former(value: Any, key: str = "") -> Any:
    if key in KEPT:
        return value
    if isinstance(value, dict):
        return {FORMER.get(name, name): _former(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_former(inner) for inner in value]
    return FORMER.get(value, value) if key == "see" else value
