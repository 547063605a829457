"""Labels corrected wherever a picture is seen, and what training on them brought."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from tests.report.made_up_run import KINDS, make_run

from bakeoff.record.folder import RunFolder
from bakeoff.record.results import Duplicate

from .conftest import Served, in_both, serving, watched
from .gestures import tap
from .pictures import drawn

VIEWS = {
    "mistakes": "/compare/fix?view=mistakes",
    "a confusion cell": "/compare/fix?view=confusion",
    "label errors": "/data/fix?view=labels",
    "odd pictures": "/data/fix?view=odd",
    "near-duplicates": "/data/fix?view=copies",
    "the gallery": "/data/fix?view=pictures",
}


# In Firefox four of them in the long tier only: all open the same dialog.
SHORT = ("mistakes", "the gallery")
SEEN = [
    *(("chromium", view) for view in VIEWS),
    *(("firefox", view) for view in SHORT),
    *(pytest.param("firefox", view, marks=pytest.mark.long) for view in VIEWS if view not in SHORT),
]


@pytest.fixture(scope="module")
def fixable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over two made-up runs; two pictures of them are copies.

    One was trained on a set of class folders in the server's folder.
    """
    home = tmp_path_factory.mktemp("fixable")
    run = make_run(home / "runs" / "fix", kinds=KINDS[:2], pictures=120)
    results, index = run.results(), run.picture_index()
    classes = [results.dataset.classes[label] for label in index.labels[:2]]
    copies = Duplicate(names=list(index.names[:2]), labels=classes, exact=False)
    dataset = results.dataset.model_copy(update={"duplicates": [copies]})
    run.save_results(results.model_copy(update={"dataset": dataset}), run.probabilities())
    shutil.copytree(run.path, home / "runs" / "again")
    own = home / "sets" / "mine"
    for shape in ("box", "ring"):
        (own / shape).mkdir(parents=True)
        (own / shape / "1.png").write_bytes(drawn(shape, 1))
    config = run.path / "run.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"source": str(own)}))
    with serving(run.path) as address:
        yield Served(address, "fix", home)


@pytest.fixture
def touched(engine: Browser) -> Iterator[Page]:
    """A page with mouse, keys and fingers."""
    with watched(engine, viewport={"width": 1280, "height": 900}, has_touch=True) as page:
        yield page


@pytest.mark.parametrize(("engine", "where"), SEEN, indirect=["engine"])
def test_a_label_is_corrected_wherever_its_picture_is_seen(
    touched: Page, fixable: Served, where: str
) -> None:
    page = touched
    page.goto(fixable.at(VIEWS[where]))
    main = page.get_by_role("main")
    dialog = page.get_by_role("dialog")
    if where == "a confusion cell":
        cells = main.locator("table button:not([aria-disabled=true])")
        cells.and_(main.get_by_role("button", name=re.compile(" called "))).first.click()
        dialog.get_by_role("listitem").first.get_by_role("button").click()
    elif where == "near-duplicates":
        main.get_by_role("listitem").get_by_role("button", name="drawn").first.click()
    elif where == "the gallery":
        main.get_by_role("list").get_by_role("button").first.click()
    else:
        main.get_by_role("listitem").get_by_role("button").first.click()
    correct = dialog.get_by_role("region", name="Correct the label")
    # Once the server has said whose set it is.
    expect(correct.get_by_role("button", name="Delete")).to_be_visible()
    unlike = correct.get_by_role("button", pressed=False).nth(1)
    key = str(unlike.get_attribute("aria-keyshortcuts"))
    other = correct.locator(f'[aria-keyshortcuts="{key}"]')
    page.keyboard.press(key)
    expect(other).to_have_attribute("aria-pressed", "true")
    expect(correct.get_by_role("status")).to_contain_text("Now ")
    page.keyboard.press("x")
    expect(correct.get_by_role("status")).to_have_text("Left out of the next training.")
    page.keyboard.press("d")
    expect(correct.get_by_role("status")).to_have_text("Deleted from mine when you retrain.")
    for _ in range(3):
        page.keyboard.press("u")
    expect(correct.get_by_role("status")).to_contain_text("Is the label right?")
    by_hand(correct, other, lambda button: button.click())
    by_hand(correct, other, tap)
    other.click()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    bar = page.get_by_role("region", name="Corrected labels")
    expect(bar).to_contain_text("1 change")
    bar.get_by_role("button", name="Undo").click()
    expect(bar).to_have_count(0)


def by_hand(correct: Locator, other: Locator, press: Callable[[Locator], None]) -> None:
    """Leave a picture out, delete it, give it another class, and undo each."""
    out, delete, undo = (
        correct.get_by_role("button", name=name) for name in ("Leave out", "Delete", "Undo")
    )
    for button in (out, delete):
        press(button)
        expect(button).to_have_attribute("aria-pressed", "true")
    for _ in range(2):
        press(undo)
    expect(delete).to_have_attribute("aria-pressed", "false")
    press(other)
    expect(other).to_have_attribute("aria-pressed", "true")
    expect(correct.get_by_role("status")).to_contain_text("Now ")
    press(undo)
    expect(correct.get_by_role("status")).to_contain_text("Is the label right?")


@in_both
def test_a_retrained_run_shows_what_the_corrections_brought(
    page: Page, engine: Browser, fixable: Served
) -> None:
    page.goto(fixable.at("/compare/fix?view=mistakes"))
    page.get_by_role("region", name="Mistakes of").get_by_role("button").first.click()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    sent: list[str] = []

    def trained(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(json={"run": "again"})

    page.route("**/api/runs/fix/retrain", trained)
    page.get_by_role("button", name="Retrain").click()
    expect(page).to_have_url(re.compile("#/train/run/again"))
    assert len(sent) == 1
    assert "leave out" in sent[0] or engine.browser_type.name == "firefox"  # BiDi tells no bodies
    page.goto(fixable.at("/compare/again"))
    result = RunFolder(fixable.home / "runs" / "again").results()
    assert result.verdict is not None
    best = max(
        (one for one in result.approaches if one.out_of_fold),
        key=lambda one: one.out_of_fold.accuracy if one.out_of_fold else 0,
    )
    assert best.out_of_fold is not None
    before = page.get_by_role("status").filter(has_text="With the corrected labels")
    share = f"{100 * best.out_of_fold.accuracy:.1f}"
    low, high = (f"{100 * end:.1f}" for end in best.out_of_fold.interval)
    expect(before).to_contain_text(f"gets {share}\u202f% right (interval {low}–{high}\u202f%)")
    expect(before).to_contain_text(f"Before, in fix, it got {share}\u202f%")
    expect(before).to_contain_text("0.0 points")
    before.get_by_role("link", name="Open fix").click()
    expect(page).to_have_url(re.compile("#/compare/fix"))
