"""Compare: every figure leads to its pictures, and every view has an address."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.report.made_up_run import KINDS, make_run

from bakeoff.data.corrections import read_corrections
from bakeoff.record.folder import RunFolder

from .conftest import (
    VIEWS,
    Served,
    at_view,
    in_both,
    opening,
    provokes,
    serious,
    serving,
    sideways,
    view,
    watched,
    weakest,
)
from .pictures import drawn


def number(text: str) -> int:
    """The first number in a text, with its thousands apart or not."""
    found = re.search(r"\d[\d\u202f]*", text)
    assert found, text
    return int(found[0].replace("\u202f", ""))


# -- overview -----------------------------------------------------------------


def test_the_overview_shows_the_results(page: Page, served: Served, trained: RunFolder) -> None:
    results = trained.results()
    page.goto(served.at("/compare"))
    assert results.verdict is not None
    expect(page.get_by_role("heading", level=1)).to_have_text(results.verdict.headline)
    expect(page).to_have_url(re.compile("#/compare/digits$"))
    expect(page.get_by_text(opening(results))).to_be_visible()
    expect(page.get_by_text("2-fold cross-validation on")).to_be_visible()
    expect(page.get_by_text("held out; opened once,")).to_be_visible()
    board = page.get_by_role("region", name="Leaderboard")
    for approach in results.approaches:
        row = board.get_by_role("row").filter(has_text=approach.title)
        assert approach.out_of_fold is not None
        assert approach.test is not None
        for accuracy in (approach.out_of_fold.accuracy, approach.test.accuracy):
            shown = [float(text) for text in re.findall(r"[\d.]+(?=\u202f%)", row.inner_text())]
            assert [one for one in shown if abs(one - 100 * accuracy) < 0.051]
        expect(row).to_contain_text(f"{approach.out_of_fold.loss:.3f}")
    expect(page.get_by_role("link", name=results.comparison[0].words)).to_be_visible()


@in_both
def test_it_opens_with_a_picture(told: Page, made: tuple[Served, RunFolder]) -> None:
    results = made[1].results()
    assert results.verdict is not None
    expect(told.get_by_role("heading", level=1)).to_have_text(results.verdict.headline)
    bars = told.get_by_role("region", name="Accuracy and time").get_by_role("listitem")
    scored = [(one.title, one.out_of_fold) for one in results.approaches if one.out_of_fold]
    ranked = sorted(scored, key=lambda one: -one[1].accuracy)
    expect(bars).to_have_count(len(ranked))
    for bar, (title, scores) in zip(bars.all(), ranked, strict=True):
        expect(bar).to_contain_text(f"{title} {100 * scores.accuracy:.1f}\u202f%")
        low, high = scores.interval
        expect(bar).to_contain_text(f"interval {100 * low:.1f}–{100 * high:.1f}\u202f%")
        expect(bar).to_contain_text("to train")
    expect(bars.first).to_be_in_viewport()
    worst = told.get_by_role("region", name="Worst mistakes")
    expect(worst.get_by_role("button")).to_have_count(3)
    worst.get_by_role("button").first.click()
    expect(told.get_by_role("dialog")).to_contain_text("Held out in")


@in_both
def test_labels_are_corrected_where_they_are_seen(
    told: Page, made: tuple[Served, RunFolder], tmp_path: Path
) -> None:
    view(told, "Mistakes")
    told.get_by_role("region", name="Mistakes of").get_by_role("button").first.click()
    dialog = told.get_by_role("dialog")
    classes = made[1].results().dataset.classes
    label = dialog.get_by_role("definition").nth(1).inner_text()
    new = next(name for name in classes if name != label)
    told.keyboard.press(str(classes.index(new) + 1))
    expect(dialog.get_by_role("status").filter(has_text="Now")).to_have_text(
        f"Now {new}, was {label}."
    )
    told.keyboard.press("ArrowRight")
    told.keyboard.press("x")
    expect(dialog.get_by_text("Left out of the next training.")).to_be_visible()
    told.keyboard.press("ArrowRight")
    told.keyboard.press("x")
    told.keyboard.press("u")
    assert serious(told) == []
    dialog.get_by_role("button", name="Close").click()
    expect(told).not_to_have_url(re.compile("row="))  # the browser tells of the close a task later
    told.reload()  # they are kept
    bar = told.get_by_role("region", name="Corrected labels")
    expect(bar).to_contain_text("2 changes")
    with told.expect_download() as download:
        bar.get_by_role("button", name="corrections.csv").click()
    download.value.save_as(tmp_path / "mine.csv")
    rows = read_corrections(tmp_path / "mine.csv")
    assert sorted(one.action for one in rows) == ["leave out", "relabel"]
    [relabelled] = [one for one in rows if one.action == "relabel"]
    assert (relabelled.label, relabelled.proposed) == (label, new)
    told.goto(f"{made[0].address}/#/data/made?view=labels")  # the same in another room
    expect(bar).to_contain_text("2 changes")


@in_both
def test_a_picture_of_an_own_set_is_deleted_where_it_is_seen(
    told: Page, made: tuple[Served, RunFolder], tmp_path: Path
) -> None:
    served, run = made
    own = served.home / "sets" / "mine"
    for shape in ("box", "ring"):
        (own / shape).mkdir(parents=True, exist_ok=True)
        (own / shape / "1.png").write_bytes(drawn(shape, 1))
    config = run.path / "run.json"
    before = config.read_text()
    config.write_text(json.dumps(json.loads(before) | {"source": str(own.resolve())}))
    try:
        view(told, "Mistakes")
        told.get_by_role("region", name="Mistakes of").get_by_role("button").first.click()
        dialog = told.get_by_role("dialog")
        delete = dialog.get_by_role("button", name="Delete")
        expect(delete).to_have_attribute("aria-pressed", "false")
        told.keyboard.press("d")
        expect(dialog.get_by_text("Deleted from mine when you retrain.")).to_be_visible()
        told.keyboard.press("u")
        expect(delete).to_have_attribute("aria-pressed", "false")
        delete.click()
        expect(delete).to_have_attribute("aria-pressed", "true")
        assert serious(told) == []
    finally:
        config.write_text(before)
    dialog.get_by_role("button", name="Close").click()
    bar = told.get_by_role("region", name="Corrected labels")
    expect(bar).to_contain_text("1 picture is deleted for good")
    with told.expect_download() as download:
        bar.get_by_role("button", name="corrections.csv").click()
    download.value.save_as(tmp_path / "mine.csv")
    assert [one.action for one in read_corrections(tmp_path / "mine.csv")] == ["leave out"]


def test_the_leaderboard_sorts_by_any_column(page: Page, served: Served) -> None:
    page.goto(served.at("/compare/digits"))
    board = page.get_by_role("region", name="Leaderboard")
    board.get_by_role("button", name="All columns").click()
    expect(page).to_have_url(re.compile("columns=all"))
    board.get_by_role("button", name="Parameters").click()
    expect(page).to_have_url(re.compile("sort=parameters"))
    expect(board.get_by_role("columnheader", name="Parameters")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(board.get_by_role("rowheader").first).to_contain_text("baseline")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "hi-IN"])
def test_the_leaderboard_fits_a_window_of_1280(
    browser: Browser, served: Served, made: tuple[Served, RunFolder], locale: str
) -> None:
    wider = "one => one.querySelector('table').parentElement.scrollWidth - one.clientWidth"
    with watched(browser, locale=locale, viewport={"width": 1280, "height": 900}) as page:
        for one in (served, made[0]):
            page.goto(one.at(f"/compare/{one.run}"))
            board = page.locator("section[aria-labelledby=leaderboard]")
            expect(board.get_by_role("row").last).to_be_visible()
            assert board.evaluate(wider) <= 0, one.run


def test_the_leaderboard_shows_costs(page: Page, served: Served, trained: RunFolder) -> None:
    page.goto(served.at("/compare/digits?columns=all"))
    board = page.get_by_role("region", name="Leaderboard")
    expect(board.get_by_role("columnheader", name="Parameters")).to_be_visible()
    heads = [text.split("\n")[0] for text in board.get_by_role("columnheader").all_inner_texts()]
    for approach in trained.results().approaches:
        row = board.get_by_role("row").filter(has_text=approach.title)
        cells = dict(zip(heads, row.locator("th, td").all_inner_texts(), strict=True))
        assert number(cells["Parameters"]) == approach.parameters
        for title, value, units in (
            ("Size", approach.bytes, {"MB": 1e6, "kB": 1e3}),
            ("Peak memory", 1e6 * approach.peak_memory_mb, {"GB": 1e9, "MB": 1e6}),
            ("One picture", approach.latency.batch_1_ms, {"ms": 1}),
            ("64 at once", approach.latency.batch_64_ms, {"ms": 1, "s": 1e3}),
            ("Training", approach.seconds.folds + approach.seconds.final, {"s": 1, "min": 60}),
        ):
            found = re.search(r"([\d\u202f.]+)\s*([A-Za-z]+)", cells[title])
            assert found, cells[title]
            told = float(found[1].replace("\u202f", "")) * units[found[2]]
            assert told == pytest.approx(value, rel=0.06, abs=0.06 * units[found[2]]), title


def test_the_newest_run_is_opened_first(page: Page, tmp_path: Path) -> None:
    for name, created in (
        ("a old", "2024-05-06"),
        ("b new", "2025-05-06"),
        ("c old", "2023-05-06"),
    ):
        run = make_run(tmp_path / "runs" / name, kinds=KINDS[:2], pictures=60)
        update = {"created": f"{created}T08:00:00+00:00"}
        run.save_results(run.results().model_copy(update=update), run.probabilities())
    with serving(tmp_path / "runs" / "a old") as address:
        for room in ("compare", "data"):
            page.goto(f"{address}/#/{room}")
            runs = page.get_by_role("main").get_by_role("combobox").first
            expect(runs).to_have_value("b new")
        page.close()  # before its server ends


def test_the_model_can_be_tried(page: Page, served: Served) -> None:
    page.goto(served.at("/compare/digits"))
    link = page.get_by_role("link", name=re.compile("^Try (?!it).."))
    expect(link).to_have_attribute("href", "#/try/digits")


def test_an_unknown_run_is_refused_with_links_to_others(page: Page, served: Served) -> None:
    page.goto(served.at("/compare/nothing"))
    expect(page.get_by_role("alert")).to_contain_text("There is no run 'nothing'.")
    provokes(page, "status of 404")
    page.get_by_role("alert").get_by_role("link", name="digits").click()
    expect(page.get_by_role("heading", name="Leaderboard")).to_be_visible()


# -- mistakes, side by side ---------------------------------------------------


def test_mistakes_can_be_narrowed_down(page: Page, served: Served, trained: RunFolder) -> None:
    one = weakest(trained)
    (other,) = [each for each in trained.results().approaches if each.name != one.name]
    wrong = {mistake.index for mistake in one.mistakes}
    shared = wrong & {mistake.index for mistake in other.mistakes}
    page.goto(served.at(f"/compare/digits?view=mistakes&a={one.name}"))
    told = page.get_by_role("status")
    expect(told).to_contain_text(f"{len(wrong)} mistake")
    page.get_by_role("radio", name="Wrong in all").check(force=True)
    expect(told).to_contain_text(f"{len(shared)} mistake")
    page.get_by_role("radio", name="Right in others").check(force=True)
    expect(told).to_contain_text(f"{len(wrong - shared)} mistake")
    page.get_by_role("radio", name="All", exact=True).check(force=True)
    truth = one.mistakes[0].truth
    page.get_by_label("Class", exact=True).select_option(truth)
    of_class = [mistake for mistake in one.mistakes if mistake.truth == truth]
    expect(told).to_contain_text(f"{len(of_class)} mistake")
    first = page.get_by_role("region", name=re.compile("^Mistakes of")).get_by_role("button").first
    expect(first).to_contain_text(f"{100 * of_class[0].probability:.1f}")
    first.click()
    expect(page.get_by_role("dialog", name=of_class[0].name)).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text(f"{of_class[0].loss:.3f}")


def test_two_approaches_side_by_side(page: Page, served: Served, trained: RunFolder) -> None:
    (known,) = trained.results().comparison
    page.goto(served.at(f"/compare/digits?view=sides&a={known.a}&b={known.b}"))
    expect(page.get_by_text(known.words)).to_be_visible()
    kinds = page.get_by_role("group", name="Which pictures").get_by_role("button")
    counts = [number(text.splitlines()[1]) for text in kinds.all_inner_texts()]
    assert counts[:2] == [known.only_a, known.only_b]
    assert sum(counts) == known.pictures
    kinds.nth(3).click()
    expect(page).to_have_url(re.compile("side=both"))
    expect(page.get_by_role("heading", name=f"Both right: {counts[3]} pictures")).to_be_visible()


def test_mistakes_come_with_the_greatest_loss_first(
    page: Page, served: Served, trained: RunFolder
) -> None:
    approach = weakest(trained)
    page.goto(served.at(f"/compare/digits?view=mistakes&a={approach.name}"))
    tiles = page.get_by_role("region", name=re.compile("^Mistakes of")).get_by_role("button")
    expect(tiles.first).to_be_visible()
    for place, mistake in enumerate(approach.mistakes[:3]):
        tiles.nth(place).click()
        drawer = page.get_by_role("dialog", name=mistake.name)
        expect(drawer).to_contain_text(f"{mistake.loss:.3f}")
        for one in trained.results().approaches:  # what each of them answered
            expect(drawer.get_by_role("row").filter(has_text=one.title)).to_be_visible()
        page.keyboard.press("Escape")
        expect(drawer).to_have_count(0)
    losses = [one.loss for one in approach.mistakes]
    assert losses == sorted(losses, reverse=True)


# -- every view ---------------------------------------------------------------


def test_an_address_restores_its_view(page: Page, served: Served, trained: RunFolder) -> None:
    pair = weakest(trained).confused[0]
    place = f"/compare/digits?view=confusion&a={weakest(trained).name}&as=shares"
    page.goto(served.at(f"{place}&truth={pair.truth}&answer={pair.answer}"))
    title = f"{pair.truth} called {pair.answer}"
    expect(page.get_by_role("dialog", name=re.compile(title))).to_be_visible()
    expect(page.get_by_label("Approach", exact=True)).to_have_value(weakest(trained).name)
    expect(page.get_by_role("radio", name="Percent")).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("navigation", name="Views").get_by_role("link", name="Classes").click()
    page.go_back()
    expect(page.get_by_role("radio", name="Percent")).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(
    browser: Browser, served: Served, made: tuple[Served, RunFolder], scheme: str
) -> None:
    with watched(browser, color_scheme=scheme, viewport={"width": 1280, "height": 900}) as page:
        for one in (served, made[0]):
            for name in VIEWS:
                page.goto(one.at(f"/compare/{one.run}?view={name}"))
                at_view(page, name)
                assert serious(page) == [], (one.run, name)
        page.goto(served.at("/compare/digits?view=confusion&truth=0&answer=0"))
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious(page) == []


def test_no_view_is_wider_than_a_phone(
    browser: Browser, served: Served, made: tuple[Served, RunFolder]
) -> None:
    with watched(browser, viewport={"width": 360, "height": 740}) as page:
        for one in (served, made[0]):
            for name in VIEWS:
                page.goto(one.at(f"/compare/{one.run}?view={name}"))
                at_view(page, name)
                assert sideways(page) <= 0, (one.run, name)
        page.goto(served.at("/compare/digits"))
        expect(page.get_by_label("Sort by")).to_be_visible()
        assert serious(page) == []
