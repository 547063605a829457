"""The model card: its contents, and the escaping of names."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bakeoff.bundle.bundle import load
from bakeoff.bundle.card import card
from bakeoff.bundle.manifest import Manifest
from bakeoff.record.folder import RunFolder


@pytest.fixture
def manifest(finished: RunFolder) -> Manifest:
    return load(finished.bundle("cnn")).manifest


def header(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def with_name(manifest: Manifest, name: str) -> Manifest:
    trained = manifest.trained_on.model_copy(update={"name": name})
    return manifest.model_copy(update={"trained_on": trained, "classes": [name, "b", "c"]})


def test_the_header_is_what_the_hub_reads(manifest: Manifest) -> None:
    found = header(card(manifest))
    assert found["library_name"] == "onnx"
    assert found["pipeline_tag"] == "image-classification"
    (model,) = found["model-index"]
    assert model["name"] == "cnn"
    values = [one["metrics"][0]["value"] for one in model["results"]]
    assert values == [pytest.approx(one.accuracy, abs=1e-6) for one in manifest.scores]


@pytest.mark.parametrize("name", ['a"b: c', "x\n- y: z", "---", "<script>", "[a](http://b)", "# é"])
def test_names_are_escaped(manifest: Manifest, name: str) -> None:
    text = card(with_name(manifest, name))
    assert header(text)["model-index"][0]["results"][0]["dataset"]["type"] == name.replace(
        "\n", " "
    )
    body = text.split("---\n\n", 1)[1]
    assert "<script>" not in body
    assert "](http" not in body
    assert sum(line.startswith("# ") for line in body.splitlines()) == 1


def test_without_thresholds_it_says_so(manifest: Manifest) -> None:
    plain = manifest.model_copy(update={"trust": None, "confused": [], "scores": []})
    text = card(plain)
    assert "Every answer is called sure" in text
    assert "No two classes were confused" in text
    assert "model-index" not in header(text)
