"""The model card: its contents, and the escaping of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

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


def test_a_card_says_the_verdict_on_the_run(finished: RunFolder, manifest: Manifest) -> None:
    verdict = finished.results().verdict
    assert verdict is not None
    assert manifest.verdict == verdict.headline != ""
    assert f"The verdict on the run that it comes from: {verdict.headline}" in card(manifest)
    assert "verdict" not in card(manifest.model_copy(update={"verdict": ""}))


def test_the_header_is_what_the_hub_reads(manifest: Manifest) -> None:
    found = header(card(manifest))
    assert found["library_name"] == "onnx"
    assert found["pipeline_tag"] == "image-classification"
    (model,) = found["model-index"]
    assert model["name"] == "cnn"
    values = [one["metrics"][0]["value"] for one in model["results"]]
    assert values == [pytest.approx(one.accuracy, abs=1e-6) for one in manifest.scores]


def test_what_a_model_knew_before_is_stated(manifest: Manifest) -> None:
    assert manifest.pretrained == ""  # a CNN from scratch
    before = manifest.model_copy(update={"pretrained": "It knows Quick, Draw! (CC BY 4.0)."})
    text = card(before)
    assert "It knows Quick, Draw\\! \\(CC BY 4.0\\)." in text
    assert len(text.splitlines()) == len(card(manifest).splitlines()) + 1


def after_the_hub(text: str, folder: Path) -> dict[str, Any]:
    """The header once the Hub's library has read the card and written it again."""
    (folder / "README.md").write_text(text, encoding="utf-8")
    ModelCard.load(folder / "README.md").save(folder / "again.md")
    return header((folder / "again.md").read_text(encoding="utf-8"))


def figures(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Value by metric by split."""
    (model,) = found["model-index"]
    return {
        result["dataset"]["split"]: {one["type"]: one["value"] for one in result["metrics"]}
        for result in model["results"]
    }


def test_the_hub_s_library_keeps_figures_with_their_split(
    manifest: Manifest, tmp_path: Path
) -> None:
    text = card(manifest)
    assert figures(after_the_hub(text, tmp_path)) == figures(header(text))
    assert set(figures(header(text))) == {"out of fold", "test"}
    data: Any = ModelCard(text).data
    results = data.eval_results
    assert {(one.dataset_split, one.metric_type) for one in results} == {
        (split, metric) for split in ("out of fold", "test") for metric in ("accuracy", "loss")
    }


@pytest.mark.parametrize("name", ["1e3", "null", "2026-01-01", "yes", "犬と猫", "a: b", "~"])
def test_names_survive_the_hub_s_library(manifest: Manifest, tmp_path: Path, name: str) -> None:
    (model,) = after_the_hub(card(with_name(manifest, name)), tmp_path)["model-index"]
    assert {result["dataset"]["type"] for result in model["results"]} == {name}


def test_one_score_and_equal_scores_stay_apart(manifest: Manifest, tmp_path: Path) -> None:
    first, second = manifest.scores
    alone = manifest.model_copy(update={"scores": [second]})
    assert list(figures(after_the_hub(card(alone), tmp_path))) == ["test"]
    equal = second.model_copy(update={"accuracy": first.accuracy, "loss": first.loss})
    both = manifest.model_copy(update={"scores": [first, equal]})
    assert list(figures(after_the_hub(card(both), tmp_path))) == ["out of fold", "test"]


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
