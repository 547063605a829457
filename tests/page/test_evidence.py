"""Compare: what backs a score, from intervals and curves to classes and groups."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.report.made_up_run import KINDS, make_run

from bakeoff.evaluation.records import Scores
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Results
from bakeoff.report import write_report

from .conftest import (
    Served,
    provokes,
    serious,
    sideways,
    view,
    watched,
)


def test_the_verdict_comes_first_with_links(told: Page, made: tuple[Served, RunFolder]) -> None:
    verdict = made[1].results().verdict
    assert verdict is not None
    # What is said of one question is one paragraph.
    for about in dict.fromkeys(one.about for one in verdict.sentences if one.about != "next"):
        found = " ".join(one.text for one in verdict.sentences if one.about == about)
        expect(told.get_by_text(found)).to_be_visible()
    steps = told.get_by_role("list", name="Next steps").get_by_role("listitem")
    expect(steps).to_have_count(3)
    steps.nth(1).get_by_role("link").click()
    expect(told.get_by_role("heading", name="Mistakes")).to_be_visible()
    expect(told.get_by_label("Class", exact=True)).not_to_have_value("")
    told.go_back()
    steps.nth(0).get_by_role("link", name="Check 7 labels").click()
    expect(told.get_by_role("heading", name="Label errors")).to_be_visible()


def test_intervals_and_both_comparisons_are_in_the_overview(
    told: Page, made: tuple[Served, RunFolder]
) -> None:
    results = made[1].results()
    scores = results.approaches[1].out_of_fold
    assert scores is not None
    assert scores.loss_interval is not None
    low, high = scores.loss_interval
    row = told.get_by_role("region", name="Leaderboard").get_by_role("row").filter(has_text="cnn")
    expect(row).to_contain_text(f"{low:.3f}–{high:.3f}")
    pairs = told.get_by_role("region", name="Pairwise comparison")
    expect(pairs.get_by_role("rowheader")).to_have_count(
        len(results.comparison) + len(results.test_comparison)
    )
    last = results.test_comparison[-1]
    pairs.get_by_role("link", name=last.words).last.click()
    expect(told).to_have_url(re.compile("part=test"))
    expect(told.get_by_text(last.words)).to_be_visible()


def test_the_learning_curve_has_its_own_address(
    told: Page, made: tuple[Served, RunFolder], tmp_path: Path
) -> None:
    view(told, "Learning curves")
    expect(told).to_have_url(re.compile("view=learning"))
    results = made[1].results()
    for one in results.approaches:
        assert one.learning is not None
        chart = told.get_by_role("img", name=f"{one.title}: accuracy by pictures")
        expect(chart).to_be_visible()
        expect(told.get_by_text(one.learning.words)).to_be_visible()
        twice = one.learning.forecasts[0]
        expect(chart).to_have_attribute(
            "aria-label", re.compile(f"{twice.pictures} pictures: .*forecast")
        )
    expect(told.get_by_text("forecast, 4 × the pictures")).to_have_count(4)
    with told.expect_download() as download:
        told.get_by_role("button", name="Download learning.csv").click()
    download.value.save_as(tmp_path / "learning.csv")
    with (tmp_path / "learning.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {"measured", "forecast"}
    provokes(told, "status of 404")


def test_robustness_by_corruption(told: Page, made: tuple[Served, RunFolder]) -> None:
    view(told, "Robustness")
    changes = told.get_by_role("list", name="Accuracy by corruption").get_by_role("listitem")
    expect(changes).to_have_count(12)
    weakest = told.get_by_role("table").filter(has=told.get_by_text("Weakest"))
    expect(weakest).to_have_count(4)
    expect(weakest.first.get_by_role("rowheader").get_by_role("link")).to_have_count(3)
    expect(changes.get_by_text("right answers")).to_have_count(12)
    expect(changes.get_by_text("strength", exact=True)).to_have_count(12)
    changes.filter(has_text="Blurred").get_by_role("link").click()
    expect(told).to_have_url(re.compile("change=blur"))
    drawer = told.get_by_role("dialog", name="Blurred")
    expect(drawer.get_by_role("row")).to_have_count(5)
    measured = made[1].results().approaches[2].robustness
    assert measured is not None
    (blur,) = [one for one in measured.corruptions if one.name == "blur"]
    expect(drawer.get_by_role("row").filter(has_text="Vision")).to_contain_text(
        f"{100 * blur.accuracy[-1]:.1f}"
    )
    assert serious(told) == []
    told.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    told.get_by_label("Approach", exact=True).select_option(label="Baseline")
    expect(
        told.get_by_role("region", name="Robustness as numbers").get_by_role("row")
    ).to_have_count(14)


def test_calibration_is_compared_with_chance(told: Page) -> None:
    view(told, "Calibration")
    expect(told.get_by_text("Confidence off by")).to_have_count(4)
    expect(
        told.get_by_role("figure").filter(has_text=re.compile("(over|under)confident"))
    ).to_have_count(4)
    groups = told.get_by_role("region", name="By group")
    expect(groups.get_by_role("row")).to_have_count(1 + 4 * 3)
    expect(groups).to_contain_text("overconfident")


def test_precision_and_f1_are_beside_recall(told: Page, made: tuple[Served, RunFolder]) -> None:
    view(told, "Classes")
    told.get_by_label("Approach", exact=True).select_option(label="CNN")
    scores = made[1].results().approaches[1].out_of_fold
    assert scores is not None
    one = scores.per_class[0]
    row = told.get_by_role("region", name="Recall, precision, F1").get_by_role("row").nth(1)
    for share in (one.accuracy, one.precision, one.f1):
        expect(row).to_contain_text(f"{100 * share:.1f}")
    view(told, "Cost")
    expect(told.get_by_role("columnheader", name="MACs")).to_be_visible()


def test_missing_measurements_name_their_command(browser: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", kinds=KINDS[:2], pictures=120)
    results = run.results()
    older = [
        one.model_copy(update={"macs": None, "learning": None, "robustness": None})
        for one in results.approaches
    ]
    update = {"approaches": older, "verdict": None, "health": None}
    run.save_results(results.model_copy(update=update), run.probabilities())
    report = write_report(run).as_uri()
    with watched(browser, viewport={"width": 360, "height": 740}) as page:
        page.goto(report)
        expect(page.get_by_text(results.winner.why)).to_be_visible()
        expect(page.get_by_text("Next steps")).to_have_count(0)
        for name, command in (
            ("Learning curves", "bakeoff curve"),
            ("Robustness", "bakeoff run pictures/drawings"),
        ):
            view(page, name)
            expect(page.get_by_text(command)).to_be_visible()
            assert serious(page) == []
            assert sideways(page) <= 0
        view(page, "Cost")
        expect(page.get_by_role("columnheader", name="MACs")).to_have_count(0)


def test_every_fold_has_its_curves(page: Page, served: Served, trained: RunFolder) -> None:
    page.goto(served.at("/compare/digits?view=curves"))
    for approach in trained.results().approaches:
        for of in ("loss", "accuracy"):
            chart = page.get_by_role("img", name=f"{approach.title}: {of} by epoch")
            # Of training and of validation: one for each fold, and their mean.
            expect(chart.locator("path.line")).to_have_count(2 * (len(approach.folds) + 1))
            expect(chart.locator("path.thick")).to_have_count(2)
            kept = [f"{fold.name}: epoch {fold.best_epoch} was kept" for fold in approach.folds]
            expect(chart.locator("path.kept title")).to_have_text(kept)
            for line in chart.locator("path.line").all():
                assert len(re.findall("[MLZ]", line.get_attribute("d") or "")) >= 1


def test_reliability_is_drawn_and_listed(told: Page, made: tuple[Served, RunFolder]) -> None:
    view(told, "Calibration")
    charts = told.get_by_role("img", name="confidence and accuracy")
    expect(charts.get_by_text("right answers")).to_have_count(4)
    expect(charts.get_by_text("confidence in percent")).to_have_count(4)
    for approach in made[1].results().approaches:
        assert approach.out_of_fold is not None
        bins = approach.out_of_fold.reliability
        chart = told.get_by_role("img", name=f"{approach.title}, confidence and accuracy")
        expect(chart.locator("circle")).to_have_count(len(bins))
        card = told.locator("figure").filter(has=chart)
        card.get_by_text("Bins as numbers").click()
        expect(card.get_by_role("row")).to_have_count(1 + len(bins))
        expect(card.get_by_role("row").last).to_contain_text(f"{100 * bins[-1].accuracy:.1f}")


def test_classes_and_groups_have_a_bar_for_each_approach(
    told: Page, made: tuple[Served, RunFolder]
) -> None:
    view(told, "Classes & groups")
    results = made[1].results()
    for title, kind in (("By class", "per_class"), ("By group", "per_group")):
        card = told.locator(".card").filter(has=told.get_by_role("heading", name=title))
        for place, name in enumerate(one.name for one in getattr(scored(results, 0), kind)):
            row = card.get_by_role("row").filter(has=told.get_by_role("link", name=name))
            expect(row).to_be_visible()
            shown = [float(text) for text in re.findall(r"[\d.]+(?=\u202f%)", row.inner_text())]
            shares = [100 * getattr(scored(results, n), kind)[place].accuracy for n in range(4)]
            assert sorted(shown) == pytest.approx(sorted(shares), abs=0.06)
            expect(row.locator(".whiskers .dot")).to_have_count(4)


def scored(results: Results, number: int) -> Scores:
    """The scores of an approach out of fold."""
    found = results.approaches[number].out_of_fold
    assert found is not None
    return found
