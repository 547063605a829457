"""The model card of a bundle, for people and the Hugging Face Hub."""

from __future__ import annotations

import json

from bakeoff.bundle.manifest import Manifest, Score, VariantRecord
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.evaluation.records import SureRule, Trust

__all__ = ["card"]

LISTED = 5  # confused pairs


def card(manifest: Manifest) -> str:
    """The README of a bundle: Markdown with the metadata that the Hub reads."""
    return "\n".join([*_header(manifest), *_body(manifest)]) + "\n"


def _header(manifest: Manifest) -> list[str]:
    lines = [
        "---",
        "library_name: onnx",
        "pipeline_tag: image-classification",
        "tags:",
        "- bakeoff",
    ]
    if manifest.scores:
        lines += ["model-index:", f"- name: {_quoted(manifest.name)}", "  results:"]
    for score in manifest.scores:
        lines += [
            "  - task:",
            "      type: image-classification",
            "    dataset:",
            f"      name: {_quoted(f'{manifest.trained_on.name} ({score.on})')}",
            f"      type: {_quoted(manifest.trained_on.name)}",
            # Readers join results of the same dataset and split, whatever the dataset's name.
            f"      split: {score.on}",
            "    metrics:",
            "    - type: accuracy",
            f"      value: {score.accuracy:.6f}",
            "    - type: loss",
            f"      value: {score.loss:.6f}",
        ]
    return [*lines, "---", ""]


def _body(manifest: Manifest) -> list[str]:
    trained, preparation = manifest.trained_on, manifest.preparation
    colours = "in colour" if preparation.channels == 3 else "in grey"
    lines = [
        f"# {_plain(manifest.title)}: {_plain(trained.name)}",
        "",
        f"Classifies pictures into {len(manifest.classes)} classes: {_listed(manifest.classes)}.",
        f"Trained by bakeoff {manifest.bakeoff_version} on {trained.pictures} pictures "
        f"of {_plain(trained.name)}; {manifest.parameters:,} parameters.",
        *([_plain(manifest.pretrained)] if manifest.pretrained else []),
        "",
        "```python",
        "import bakeoff",
        "",
        'bakeoff.load("this-folder").predict("picture.png")',
        "```",
        "",
        "`model.onnx` takes raw pixels, uint8 of batch × height × width × channels (1 or 3, RGB), "
        "in any size. It preprocesses them itself (mode "
        f"{preparation.mode}, {preparation.side}×{preparation.side} {colours}) and returns "
        "calibrated `probabilities`, an `ood_score` and an `embedding`. `bakeoff verify` checks "
        "that it gives the same answers on this machine as on the machine that exported it.",
        "",
        "## How accurate it is",
        "",
    ]
    if manifest.scores:
        lines += [
            "| scores | pictures | accuracy | 95 % interval | loss | calibration error |",
            "|---|---|---|---|---|---|",
            *(_row(score) for score in manifest.scores),
            "",
            "Out of fold: each picture is scored by a model with the same settings that was not "
            "trained on it. Test: this model, scored once on pictures locked away until the end.",
        ]
    if manifest.verdict:
        lines += ["", f"The verdict on the run that it comes from: {_plain(manifest.verdict)}"]
    if manifest.pseudo_labels:
        lines += ["", _plain(manifest.pseudo_labels)]
    lines += ["", *_trust(manifest.trust)]
    if manifest.variant is not None:
        lines += ["", _variant(manifest.variant)]
    if NEIGHBOURS in manifest.files:
        lines += ["", f"`{NEIGHBOURS}` contains thumbnails of training pictures."]
    lines += ["", "## Where it fails", ""]
    lines += [
        f"- {pair.count} × {_plain(pair.truth)} classified as {_plain(pair.answer)} "
        f"({pair.share:.1%})"
        for pair in manifest.confused[:LISTED]
    ] or ["No two classes were confused in the scored pictures."]
    return [
        *lines,
        "",
        "The scores hold for pictures like the training data. Expect lower accuracy with other "
        "pens, papers, cameras or writers.",
    ]


def _variant(small: VariantRecord) -> str:
    return (
        f"The weights are stored in {small.kind}: {small.bytes / 1e6:.2f} MB instead of "
        f"{small.full_bytes / 1e6:.2f} MB. The model agrees with the full weights on "
        f"{small.agreement:.2%} of {small.pictures} pictures and takes "
        f"{small.milliseconds:.2f} ms a picture instead of {small.full_milliseconds:.2f} ms. "
        "The scores above are those of the full weights."
    )


def _row(score: Score) -> str:
    low, high = score.interval
    return (
        f"| {score.on} | {score.pictures} | {score.accuracy:.2%} | {low:.1%} – {high:.1%} "
        f"| {score.loss:.4f} | {score.calibration_error:.4f} |"
    )


def _trust(trust: Trust | None) -> list[str]:
    if trust is None:
        return ["Every answer is called sure: no pictures were available to set thresholds."]
    lines = [
        f"An answer is *sure* when only one class is possible and *between* when several are. The "
        f"threshold is set so that the possible classes include the right one for "
        f"{1 - trust.error_rate:.2%} of pictures like the training data. *None of these* means "
        f"that the out-of-distribution score is higher than for all but {trust.refusal_rate:.1%} "
        f"of such pictures."
    ]
    if (rule := trust.sure) is not None:
        lines.append(_sure(rule))
    if measured := trust.measured:
        right = "none" if measured.sure_right is None else f"{measured.sure_right:.2%}"
        lines.append(
            f"Measured on {measured.pictures} pictures that were not used to set the thresholds: "
            f"the right class was among the possible ones for {measured.covered:.2%}; "
            f"{measured.sure:.1%} of answers were sure, of which {right} were right; "
            f"{measured.refused:.2%} were called none of these."
        )
        if (others := measured.others) is not None:
            lines.append(
                f"Of {others.pictures} drawings of other things, {others.refused:.1%} were called "
                f"none of these and {others.sure:.1%} were called sure. Of {others.pen_pictures} "
                "drawings of the set, redrawn with each pen of bakeoff's page, "
                f"{others.pen_refused:.1%} were called none of these."
            )
    return lines


def _sure(rule: SureRule) -> str:
    if rule.least_probability is None:
        return (
            "No answer is called sure: there are not enough pictures to be sure that at most "
            f"{rule.error_rate:.0%} of such answers are wrong, or too many are."
        )
    familiar = "" if rule.max_ood_score is None else " if its out-of-distribution score is low too"
    return (
        f"An answer with one possible class is sure from a probability of "
        f"{rule.least_probability:.1%} on{familiar}: with {rule.confidence:.0%} confidence, at "
        f"most {rule.error_rate:.0%} of the answers called sure are wrong on pictures like these."
    )


def _listed(names: list[str], limit: int = 20) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(_plain(name) for name in names[:limit]) + more


def _quoted(text: str) -> str:
    """Text as a YAML string; JSON strings are valid YAML."""
    return json.dumps(
        "".join(char if char.isprintable() else " " for char in text), ensure_ascii=False
    )


def _plain(text: str) -> str:
    """Text from a file name, with its Markdown characters escaped."""
    escaped = "".join(f"\\{char}" if char in r"\`*_{}[]<>()#+!|~" else char for char in text)
    return " ".join(escaped.split())
