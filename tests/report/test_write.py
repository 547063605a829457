from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from bakeoff.evaluation.records import Winner
from bakeoff.record.results import Results
from bakeoff.report import write_report
from bakeoff.report.write import render_report

from .dom import Node, parse
from .made_up_run import DIGITS, HOSTILE, Run, changed, make_run


def test_it_needs_nothing_else_and_runs_nothing(usual_page: Node) -> None:
    for node in usual_page.walk():
        assert node.tag not in {"script", "link", "iframe", "object", "base", "form"}
        assert "style" not in node.attributes, "the policy would ignore it"
        assert not [name for name in node.attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert node.attributes.get(name, "#").startswith(("#", "data:image/"))
    style = usual_page.one("style").children[0]
    assert isinstance(style, str)
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_its_own_style_and_no_more(usual_page: Node) -> None:
    (policy,) = [
        node.attributes["content"]
        for node in usual_page.all("meta")
        if node.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style = usual_page.one("style").children[0]
    assert isinstance(style, str)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "script-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_names_are_shown_and_never_obeyed() -> None:
    run = make_run(classes=HOSTILE, pictures=200, groups=HOSTILE[:2])
    evil = HOSTILE[0]
    approaches = [
        one.model_copy(update={"title": evil, "settings": {evil: [evil]}})
        for one in run.results.approaches
    ]
    run = changed(
        run,
        approaches=approaches,
        machine={evil: evil},
        winner=Winner(None, evil),
        dataset=run.results.dataset.model_copy(update={"name": evil, "understood": evil}),
    )
    text = render_report(run.results, run.thumbnails)
    page = parse(text)
    assert not page.all("script")
    assert not page.all("img")
    assert not [node for node in page.walk() if {"onerror", "onload"} & set(node.attributes)]
    assert "49" not in page.one("h1").text
    names = [row.one("th").text for row in page.all("table", "matrix")[0].all("tr")[1:]]
    assert names == list(HOSTILE)
    assert page.one("p", "why").text == evil
    assert text.count("<style>") == 1


def test_a_name_that_is_no_unicode_is_written_all_the_same(tmp_path: Path, usual: Run) -> None:
    dataset = usual.results.dataset.model_copy(update={"name": "pict\udcffures"})
    write_report(changed(usual, dataset=dataset).results, {}, tmp_path / "report.html")
    assert "pict?ures" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def large() -> Run:
    return make_run(classes=DIGITS, pictures=12_000, folds=0, test=12_000)


def test_thousands_of_mistakes_fit_in_a_file_to_mail(large: Run) -> None:
    mistakes = sum(len(one.mistakes) for one in large.results.approaches)
    assert mistakes > 5000
    assert len(render_report(large.results, large.thumbnails).encode()) < 15_000_000


def test_heavy_pictures_stop_at_the_budget_with_the_worst_aboard(large: Run) -> None:
    heavy = dict.fromkeys(large.thumbnails, next(iter(large.thumbnails.values())) + bytes(40_000))
    text = render_report(large.results, heavy)
    assert 8_000_000 < len(text.encode()) < 15_000_000
    page = parse(text)
    stored = {node.attributes["id"] for node in page.all("image")}
    for approach in large.results.approaches:
        assert f"picture-{approach.mistakes[0].index}" in stored
    assert page.all("span", "missing")
    assert (
        f"Showing the 200 worst of {len(large.results.approaches[1].mistakes):,}".replace(",", " ")
        in page.text
    )


def test_the_same_results_give_the_same_bytes(tmp_path: Path, usual: Run) -> None:
    again = Results.model_validate_json(usual.results.model_dump_json())
    backwards = dict(reversed(usual.thumbnails.items()))
    write_report(usual.results, usual.thumbnails, tmp_path / "a.html")
    write_report(again, backwards, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_report_is_replaced_whole_or_not_at_all(
    tmp_path: Path, usual: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    target.write_text("the old one")

    def full(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="no space left"):
            write_report(usual.results, {}, target)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the old one"]
    write_report(usual.results, {}, target)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast of two colours, 1 to 21."""

    def luminance(colour: str) -> float:
        digits = colour.lstrip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_stand_out_from_what_is_behind_them(usual_page: Node, scheme: str) -> None:
    style = usual_page.one("style").text
    light, dark = re.findall(r":root \{(.*?)\}", style)[:2]
    colours = dict(re.findall(r"(--[\w-]+): (#\w+)", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"(--[\w-]+): (#\w+)", dark))
    for back in ("--paper", "--surface", "--sunk"):
        for text in ("--ink", "--soft", "--link", "--flag"):
            assert contrast(colours[text], colours[back]) >= 4.5, f"{text} on {back}"
    for mark in [f"--c{n}" for n in range(6)] + ["--right", "--wrong"]:
        assert contrast(colours[mark], colours["--paper"]) >= 3, mark
