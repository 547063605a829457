"""The confusion matrix: every cell leads to its pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.report.made_up_run import KINDS, make_run

from bakeoff.record.folder import RunFolder
from bakeoff.report import write_report

from .conftest import Served, in_both, serious, view, watched, weakest


@in_both
def test_behind_a_cell_are_as_many_pictures_as_its_number(
    page: Page, served: Served, trained: RunFolder
) -> None:
    approach = weakest(trained)
    page.goto(served.at(f"/compare/digits?view=confusion&a={approach.name}"))
    pair = approach.confused[0]
    cell = page.get_by_role("button", name=f"{pair.truth} called {pair.answer}:")
    expect(cell).to_have_text(str(pair.count))
    cell.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("listitem")).to_have_count(pair.count)
    picture = drawer.get_by_role("listitem").first
    expect(picture).to_contain_text(re.compile(rf"{pair.truth}\s*→\s*{pair.answer}"))
    picture.get_by_role("button").click()
    for one in trained.results().approaches:
        expect(drawer.get_by_role("row").filter(has_text=one.title)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).not_to_have_url(re.compile("truth="))


def test_the_matrix_equals_the_results(page: Page, served: Served, trained: RunFolder) -> None:
    approach = trained.results().approaches[0]
    for part, scores in (("out of fold", approach.out_of_fold), ("test", approach.test)):
        assert scores is not None
        page.goto(served.at(f"/compare/digits?view=confusion&a={approach.name}&part={part}"))
        expect(page.get_by_role("status").first).to_contain_text(f"{scores.correct}")
        cells = page.get_by_role("grid").get_by_role("button")
        counts = [str(n or "") for row in scores.confusion for n in row]
        expect(cells).to_have_text(counts, use_inner_text=True)


def test_the_matrix_can_be_walked_by_keyboard(
    page: Page, served: Served, trained: RunFolder
) -> None:
    page.goto(served.at("/compare/digits?view=confusion"))
    cells = page.get_by_role("grid").get_by_role("button")
    expect(cells).to_have_count(100)
    cells.first.focus()
    for key, place in (("ArrowDown", 10), ("ArrowRight", 11), ("End", 19), ("ArrowRight", 19)):
        page.keyboard.press(key)
        expect(cells.nth(place)).to_be_focused()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name=re.compile("^0 recognised"))).to_be_visible()
    expect(page.get_by_role("grid").locator("button[tabindex='0']")).to_have_count(1)


def test_shares_say_percent_of_the_row(page: Page, served: Served, trained: RunFolder) -> None:
    scores = trained.results().approaches[0].out_of_fold
    assert scores is not None
    page.goto(served.at("/compare/digits?view=confusion&a=baseline"))
    page.get_by_role("radio", name="Percent").check(force=True)
    expect(page).to_have_url(re.compile("as=shares"))
    share = 100 * scores.confusion[0][0] / sum(scores.confusion[0])
    shown = float(page.get_by_role("grid").get_by_role("button").first.inner_text())
    assert shown == pytest.approx(share, abs=0.51)


def test_every_cell_of_a_group_opens_its_pictures(
    told: Page, made: tuple[Served, RunFolder]
) -> None:
    run = made[1]
    results, index, arrays = run.results(), run.picture_index(), run.probabilities()
    rows, classes = arrays["test_rows"], results.dataset.classes
    truth = np.array(index.labels)[rows]
    said = arrays["cnn_test"].argmax(axis=1)
    assert index.groups is not None
    stamps = np.array(index.groups)[rows] == results.dataset.groups.index("stamp")
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth[stamps], said[stamps]), 1)
    view(told, "Confusion")
    told.get_by_label("Approach", exact=True).select_option("cnn")
    told.get_by_label("Pictures", exact=True).select_option("test")
    told.get_by_label("Group", exact=True).select_option("stamp")
    cells = told.get_by_role("grid").get_by_role("button")
    expect(cells).to_have_text([str(one or "") for one in counts.ravel()], use_inner_text=True)
    drawer = told.get_by_role("dialog")
    for place in np.flatnonzero(counts):
        cells.nth(int(place)).click()
        expect(drawer.get_by_role("listitem")).to_have_count(int(counts.flat[place]))
        told.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
    expect(told).to_have_url(re.compile("group=stamp"))


def test_the_pairs_confused_most_come_first_and_open(
    page: Page, served: Served, trained: RunFolder
) -> None:
    approach = weakest(trained)
    page.goto(served.at(f"/compare/digits?view=confusion&a={approach.name}"))
    pairs = page.get_by_role("main").locator("ol").get_by_role("button")
    expect(pairs.first).to_be_visible()
    counts = [int(re.findall(r"\n(\d+),", text)[0]) for text in pairs.all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert counts == [pair.count for pair in approach.confused][: len(counts)]
    pairs.first.click()
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(counts[0])


@in_both
def test_hundreds_of_classes_are_a_map_and_a_list(engine: Browser, tmp_path: Path) -> None:
    names = [f"class {n}" for n in range(120)]
    run = make_run(tmp_path / "run", kinds=KINDS[:2], classes=names, pictures=1500)
    with watched(engine, viewport={"width": 1280, "height": 900}) as page:
        page.goto(f"{write_report(run).as_uri()}#/compare/x?view=confusion")
        expect(page.get_by_role("img", name=re.compile("Confusion matrix of 120"))).to_be_visible()
        pair = max(run.results().approaches, key=lambda one: one.out_of_fold.accuracy).confused[0]  # type: ignore[union-attr]
        page.get_by_label("Find a class").fill(pair.truth)
        found = page.get_by_role("button", name=re.compile(rf"{pair.truth}\b.*{pair.answer}\b"))
        found.first.click()
        drawer = page.get_by_role("dialog")
        expect(drawer.get_by_role("listitem")).to_have_count(pair.count)
        assert serious(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("navigation", name="Views").get_by_role("link", name="Classes").click()
        expect(page.get_by_text("The 20 hardest of 120.")).to_be_visible()
        hardest = page.get_by_role("table").first.get_by_role("rowheader")
        expect(hardest).to_have_count(20)
        page.get_by_role("button", name="Show all 120").click()
        expect(hardest).to_have_count(120)
        hardest.first.get_by_role("link").click()
        expect(page.get_by_label("Class", exact=True)).not_to_have_value("")
