"""The model card of a bundle: what the Hugging Face Hub and people read first."""

from __future__ import annotations

import json

from bakeoff.bundle.manifest import Manifest, Score
from bakeoff.bundle.neighbours import FILE as NEIGHBOURS
from bakeoff.evaluation.records import Trust

__all__ = ["card"]

LISTED = 5  # of the confused pairs


def card(manifest: Manifest) -> str:
    """The README of a bundle, in Markdown with the Hub's header."""
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
    for one in manifest.scores:
        lines += [
            "  - task:",
            "      type: image-classification",
            "    dataset:",
            f"      name: {_quoted(f'{manifest.trained_on.name} ({one.on})')}",
            f"      type: {_quoted(manifest.trained_on.name)}",
            "    metrics:",
            "    - type: accuracy",
            f"      value: {one.accuracy:.6f}",
            "    - type: loss",
            f"      value: {one.loss:.6f}",
        ]
    return [*lines, "---", ""]


def _body(manifest: Manifest) -> list[str]:
    trained, preparation = manifest.trained_on, manifest.preparation
    colours = "in colour" if preparation.channels == 3 else "in grey"
    lines = [
        f"# {_plain(manifest.title)}: {_plain(trained.name)}",
        "",
        f"Tells {len(manifest.classes)} classes apart: {_listed(manifest.classes)}.",
        f"Trained by bakeoff {manifest.bakeoff_version} on {trained.pictures} pictures "
        f"of {_plain(trained.name)}; {manifest.parameters:,} parameters.",
        "",
        "```python",
        "import bakeoff",
        "",
        'bakeoff.load("this-folder").predict("picture.png")',
        "```",
        "",
        "`model.onnx` takes raw pixels, uint8 of batch × height × width × channels (1 or 3, RGB), "
        "in any size. It prepares them itself (as "
        f"{preparation.mode}, {preparation.side}×{preparation.side} {colours}) and answers with "
        "calibrated `probabilities`, a `strangeness` and an `embedding`. `bakeoff verify` says "
        "whether it answers on this machine as where it was made.",
        "",
        "## How good it is",
        "",
    ]
    if manifest.scores:
        lines += [
            "| scored | pictures | accuracy | 95 % interval | loss | calibration error |",
            "|---|---|---|---|---|---|",
            *(_row(one) for one in manifest.scores),
            "",
            "Out of fold: each picture is scored by a model of the same kind that never saw it. "
            "Test: by this very model, on pictures locked away until the end.",
        ]
    lines += ["", *_trust(manifest.trust)]
    if small := manifest.variant:
        lines += [
            "",
            f"The weights are kept in {small.kind}: {small.bytes / 1e6:.2f} MB instead of "
            f"{small.full_bytes / 1e6:.2f} MB. It gives {small.agreement:.2%} of "
            f"{small.pictures} pictures the class that the full weights give, in "
            f"{small.milliseconds:.2f} ms a picture where the full weights take "
            f"{small.full_milliseconds:.2f} ms. The figures above are those of the full weights.",
        ]
    if NEIGHBOURS in manifest.files:
        lines += ["", f"`{NEIGHBOURS}` holds small training pictures, which its owner ships."]
    lines += ["", "## Where it fails", ""]
    lines += [
        f"- {one.count} × {_plain(one.truth)} taken for {_plain(one.answer)} ({one.share:.1%})"
        for one in manifest.confused[:LISTED]
    ] or ["No two classes were confused among the pictures scored."]
    return [
        *lines,
        "",
        "It knows pictures like those that it was trained on. Other pens, papers, cameras and "
        "hands can be harder than these figures say.",
    ]


def _row(one: Score) -> str:
    low, high = one.interval
    return (
        f"| {one.on} | {one.pictures} | {one.accuracy:.2%} | {low:.1%} – {high:.1%} "
        f"| {one.loss:.4f} | {one.calibration_error:.4f} |"
    )


def _trust(trust: Trust | None) -> list[str]:
    if trust is None:
        return ["No picture was left to set thresholds by: every answer is called sure."]
    lines = [
        f"An answer is *sure* when one class alone is possible, *between* several when more are, "
        f"so that the truth is among the possible ones for {1 - trust.error_rate:.2%} of pictures "
        f"like these; *none of these* is said of a picture so strange that only "
        f"{trust.refusal_rate:.1%} of such pictures are stranger."
    ]
    if measured := trust.measured:
        right = "none" if measured.sure_right is None else f"{measured.sure_right:.2%}"
        lines.append(
            f"Measured on {measured.pictures} pictures that did not set these thresholds: the "
            f"truth was possible for {measured.covered:.2%}; {measured.sure:.1%} of answers named "
            f"one class alone, of which {right} were right; {measured.refused:.2%} were refused."
        )
    return lines


def _listed(names: list[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(_plain(name) for name in names[:most]) + more


def _quoted(text: str) -> str:
    """A text in YAML, of which JSON is a part."""
    return json.dumps(
        "".join(one if one.isprintable() else " " for one in text), ensure_ascii=False
    )


def _plain(text: str) -> str:
    """Text from a file name, so that Markdown takes it for nothing else."""
    marked = "".join(f"\\{one}" if one in r"\`*_{}[]<>()#+!|~" else one for one in text)
    return " ".join(marked.split())
