"""The room to train in: pictures in, a run followed to its end, and what can go wrong."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from bakeoff.approaches import APPROACHES
from bakeoff.data.readers.table import READERS
from bakeoff.record.config import DEFAULT_APPROACHES

from .conftest import (
    all_there,
    asked,
    in_both,
    in_both_at_length,
    provokes,
    serious,
    sideways,
    watched,
)
from .gestures import box_of, drop
from .pictures import drawn

NO_TIME = {"seconds": {}, "total": 0}
WHOLE = 120_000  # ms in which a small training is over, on a machine that does other things too


def zipped(each: int = 12) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(each):
            for shape in ("box", "ring"):
                archive.writestr(f"shapes/{shape}/{number}.png", drawn(shape, number))
        archive.writestr("shapes/box/torn.png", b"no picture at all")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def shapes(workshop: str, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a set of 24 pictures, uploaded as a zip on the page."""
    with watched(browser) as page:
        page.goto(f"{workshop}/#/train")
        upload(page, "shapes.zip", zipped())
        expect(page.get_by_label("Name of the set").last).to_have_value("shapes")
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("heading", name="shapes", level=1)).to_be_visible()
    return "shapes"


def upload(page: Page, name: str, data: bytes) -> None:
    page.get_by_label("Choose a file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    )


def uncheck_all(page: Page) -> None:
    """Choose none of the approaches."""
    boxes = page.get_by_role("group", name="Approaches").get_by_role("checkbox")
    expect(boxes).to_have_count(len(APPROACHES))
    for box in boxes.all():
        box.uncheck()


def train_baseline(page: Page, *, stay: bool = True) -> None:
    """On the page of choices: the plain baseline alone, quickly, in two folds."""
    uncheck_all(page)
    page.get_by_role("checkbox", name="Plain baseline").check()
    page.get_by_role("radio", name="quick").check()
    folds = page.get_by_role("spinbutton", name="Folds")
    folds.press("ControlOrMeta+a")  # in Firefox, `fill` would add to a number
    folds.press("2")
    page.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile("#/train/run/"))
    if stay:
        page.get_by_role("button", name="Stay here").click()


def test_a_set_with_pictures_without_a_label_offers_to_learn_from_them(
    workshop: str, page: Page
) -> None:
    files = [
        ("files", (f"{folder}{number}.png", drawn(shape, number), "image/png"))
        for shape in ("box", "ring")
        for number, folder in enumerate((f"{shape}/", f"{shape}/", f"{shape}-waits-"))
    ]
    httpx.post(f"{workshop}/api/sets", data={"name": "some wait"}, files=files).raise_for_status()
    page.route("**/api/training/estimate", lambda route: route.fulfill(json=NO_TIME))
    page.goto(f"{workshop}/#/train?set=some+wait")
    offer = page.get_by_role("checkbox", name="Learn from 2 pictures without a label too")
    expect(offer).not_to_be_checked()
    with page.expect_request(lambda request: '"pseudo_label":true' in (request.post_data or "")):
        offer.check()
    page.get_by_role("spinbutton", name="Folds").fill("0")
    expect(offer).to_be_disabled()  # nothing would say what it gains
    expect(offer).not_to_be_checked()


def test_a_set_with_labels_alone_does_not(workshop: str, shapes: str, page: Page) -> None:
    page.route("**/api/training/estimate", lambda route: route.fulfill(json=NO_TIME))
    page.goto(f"{workshop}/#/train?set={shapes}")
    expect(page.get_by_role("spinbutton", name="Folds")).to_be_visible()
    expect(page.get_by_role("checkbox", name="without a label")).to_have_count(0)


def start(workshop: str, **training: object) -> str:
    [name] = asked(workshop, "POST", "/api/training", training).values()  # type: ignore[attr-defined]
    return str(name)


def stroke(page: Page, paper: Locator, *places: tuple[float, float]) -> None:
    """Draw with the mouse; places are shares of the paper's side."""
    box = box_of(paper)
    steps = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*steps[0])
    page.mouse.down()
    for step in steps[1:]:
        page.mouse.move(*step, steps=4)
    page.mouse.up()


def test_an_uploaded_set_shows_its_pictures_and_left_out_files(
    page: Page, workshop: str, shapes: str
) -> None:
    page.goto(f"{workshop}/#/train/set/{shapes}")
    expect(page.get_by_text("24 pictures, 2 classes")).to_be_visible()
    expect(page.get_by_role("button", name="box 12")).to_be_visible()
    expect(page.get_by_role("list", name="Pictures of ring").get_by_role("img")).to_have_count(8)
    page.get_by_text("1 file was left out").click()
    expect(page.get_by_text("box/torn.png")).to_be_visible()
    assert serious(page) == []
    page.goto(f"{workshop}/#/train")
    expect(page.get_by_role("link", name=shapes, exact=True)).to_be_visible()
    assert serious(page) == []


def test_a_set_is_trained_on_and_followed_to_the_comparison(
    page: Page, workshop: str, shapes: str
) -> None:
    page.goto(f"{workshop}/#/train/set/{shapes}")
    page.get_by_role("link", name="Train on this set").click()
    expect(page.get_by_text("Measuring the speed of this machine")).to_be_visible()
    assert serious(page) == []
    train_baseline(page)
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert serious(page) == []
    row = page.get_by_role("row", name="Baseline")
    expect(row.get_by_text(re.compile(r"\d\s%"))).to_have_count(2, timeout=WHOLE)
    expect(page.get_by_role("region", name="Outcome")).to_be_visible(timeout=WHOLE)
    assert serious(page) == []
    page.get_by_text("Log", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("baseline")
    name = page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="Compare", exact=True).last.click()
    expect(page).to_have_url(re.compile(f"#/compare/{re.escape(name)}"))
    page.goto(f"{workshop}/#/train")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("link", name=f"Training ({name})").click()
    expect(page.get_by_role("link", name="Try it")).to_be_visible()

    page.goto(f"{workshop}/#/data/{name}?view=pictures")  # one is left out, and the run repeated
    page.get_by_role("main").get_by_role("list").get_by_role("button").first.click()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Retrain").click()
    expect(page).to_have_url(re.compile("#/train/run/"))
    expect(page.get_by_role("region", name="Outcome")).to_be_visible(timeout=WHOLE)
    expect(page.get_by_role("heading", level=1)).not_to_have_text(name)
    page.get_by_role("link", name="Compare", exact=True).last.click()
    before = page.get_by_role("status").filter(has_text="With the corrected labels")
    share = r"[\d.]+\s%"
    expect(before).to_contain_text(
        re.compile(
            rf"gets {share} right \(interval [\d.]+–{share}\).*Before, in {name}, it got {share}"
        )
    )


@in_both_at_length
def test_the_time_is_estimated_before_the_start(page: Page, workshop: str, shapes: str) -> None:
    page.goto(f"{workshop}/#/train?set={shapes}")
    expect(page.get_by_role("checkbox", name="Plain baseline")).not_to_be_checked()
    page.get_by_role("checkbox", name="Transfer learning").uncheck()
    page.get_by_role("checkbox", name="Vision Transformer").uncheck()
    told = page.get_by_role("definition").filter(has_text=re.compile("second|min|[0-9] s"))
    expect(told).to_have_count(2, timeout=WHOLE)
    uncheck_all(page)
    expect(page.get_by_text("Choose at least one approach.")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()


def test_a_run_is_left_found_again_cancelled_resumed_and_deleted(
    page: Page, workshop: str, shapes: str
) -> None:
    name = start(workshop, set=shapes, approaches=["cnn"], budget="thorough", folds=5)
    page.goto(f"{workshop}/#/train")
    working = page.get_by_role("article").filter(has=page.get_by_role("progressbar"))
    working.get_by_role("link", name=name).click()
    epoch = page.get_by_text(re.compile(r"CNN: fold \d of 5, epoch \d+ of"))
    expect(epoch).to_be_visible(timeout=WHOLE)
    page.reload()
    expect(epoch).to_be_visible()
    expect(page.get_by_text(re.compile("about .* left"))).to_be_visible()
    page.goto(f"{workshop}/#/train?set={shapes}")
    expect(page.get_by_text("One run trains at a time")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Cancel", exact=True).click()
    assert serious(page) == []
    page.get_by_role("button", name="Keep running").click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible(timeout=WHOLE)
    resume.click()
    expect(epoch).to_be_visible(timeout=WHOLE)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel run").click()
    expect(resume).to_be_visible(timeout=WHOLE)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Train", level=1)).to_be_visible()
    expect(page.get_by_role("heading", name=name)).to_have_count(0)


@in_both_at_length
def test_two_classes_are_drawn_and_trained_on(
    page: Page, workshop: str, request: pytest.FixtureRequest
) -> None:
    page.goto(f"{workshop}/#/train")
    page.get_by_label("Name of the set").fill(f"lines in {request.node.callspec.id}")
    page.get_by_role("button", name="Start drawing").click()
    for label in ("flat", "steep"):
        page.get_by_label("New class").fill(label)
        page.get_by_label("New class").press("Enter")
    page.get_by_label("New class").fill("Flat")
    page.get_by_role("button", name="Add class").click()
    expect(page.get_by_text("A class of that name exists already.")).to_be_visible()
    page.get_by_label("New class").fill("")
    page.get_by_label("Made by").fill("ann")
    paper = page.locator("canvas")
    for number in range(4):
        for key, label in (("1", "flat"), ("2", "steep")):
            page.get_by_role("heading", name="Classes").click()  # out of any field
            page.keyboard.press(key)
            expect(page.get_by_text(f"Draw {label}", exact=True)).to_be_visible()
            along = [(0.1, 0.4 + number / 20), (0.5, 0.45), (0.9, 0.4 + number / 30)]
            stroke(page, paper, *(along if label == "flat" else [(y, x) for x, y in along]))
            page.keyboard.press("Enter")
            kept = page.get_by_role("button", name=f"{label} {number + 1} of at least 10")
            expect(kept).to_be_visible()
    page.get_by_role("button", name="Undo last").click()
    expect(page.get_by_role("button", name="steep 3 of at least 10")).to_be_visible()
    assert serious(page) == []
    page.reload()
    expect(page.get_by_text("7 pictures, 2 classes · made by ann")).to_be_visible()
    flat = page.get_by_role("list", name="Pictures of flat")
    expect(flat.get_by_role("img")).to_have_count(4)
    page.get_by_role("link", name="Train on this set").click()
    expect(page.get_by_role("spinbutton", name="Folds")).to_have_value("3")
    expect(page.get_by_role("radio", name="quick")).to_be_checked()  # there are few pictures
    train_baseline(page, stay=False)
    expect(page).to_have_url(re.compile("#/try/"), timeout=WHOLE)
    stroke(page, page.locator("canvas"), (0.1, 0.5), (0.9, 0.5))
    expect(page.get_by_role("article", name="Plain baseline")).to_contain_text("flat")
    page.go_back()
    expect(page.get_by_role("region", name="Outcome")).to_be_visible(timeout=WHOLE)


def test_a_folder_is_chosen_with_its_classes_and_deleted_again(
    page: Page, workshop: str, tmp_path: Path
) -> None:
    for shape in ("box", "ring"):
        (tmp_path / "pile" / shape).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "pile" / shape / f"{number}.png").write_bytes(drawn(shape, number))
    (tmp_path / "pile" / ".DS_Store").write_bytes(b"litter")
    page.goto(f"{workshop}/#/train")
    page.get_by_label("Choose a folder").set_input_files(tmp_path / "pile")
    expect(page.get_by_text("6 files")).to_be_visible()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("6 pictures, 2 classes")).to_be_visible()
    page.goto(f"{workshop}/#/train")
    page.get_by_role("button", name="Delete pile").click()
    expect(page.get_by_role("dialog")).to_contain_text("deletes its 6 pictures for good")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="pile", exact=True)).to_have_count(0)


@in_both
def test_a_folder_is_dropped_with_the_mouse(
    page: Page, engine: Browser, workshop: str, tmp_path: Path
) -> None:
    name = f"dropped in {engine.browser_type.name}"
    for shape in ("box", "ring"):
        deep = tmp_path / name / shape / "of ann"
        deep.mkdir(parents=True)
        for number in range(4):
            (deep if number % 2 else deep.parent).joinpath(f"{number}.png").write_bytes(
                drawn(shape, number)
            )
    (tmp_path / name / "Thumbs.db").write_bytes(b"litter")
    page.goto(f"{workshop}/#/train")
    drop(page, page.get_by_text("Drop a folder or a zip here"), tmp_path / name)
    expect(page.get_by_text("8 files")).to_be_visible()
    expect(page.get_by_label("Name of the set").last).to_have_value(name)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("8 pictures, 2 classes")).to_be_visible()
    expect(page.get_by_role("button", name="box 4")).to_be_visible()
    expect(page.get_by_role("button", name="ring 4")).to_be_visible()


def test_a_zip_is_dropped_with_the_mouse(page: Page, workshop: str, tmp_path: Path) -> None:
    (tmp_path / "zipped shapes.zip").write_bytes(zipped(4))
    page.goto(f"{workshop}/#/train")
    place = page.get_by_text("Drop a folder or a zip here")
    drop(page, place, tmp_path / "zipped shapes.zip")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="zipped shapes", level=1)).to_be_visible()
    expect(page.get_by_text("8 pictures, 2 classes")).to_be_visible()


def test_a_named_set_is_picked(page: Page, workshop: str) -> None:
    page.goto(f"{workshop}/#/train")
    named = page.get_by_role("region", name="Choose a named set")
    named.get_by_role("link", name="doodles").click()
    expect(page.get_by_role("heading", name="Train on doodles", level=1)).to_be_visible()
    approaches = page.get_by_role("group", name="Approaches")
    expect(approaches.get_by_role("checkbox")).to_have_count(len(APPROACHES))
    for name, approach in APPROACHES.items():
        box = approaches.get_by_role("checkbox", name=approach.title)
        expect(box).to_be_checked(checked=name in DEFAULT_APPROACHES)
    for budget in page.get_by_role("group", name="Time to spend").get_by_role("radio").all():
        budget.check()
        expect(budget).to_be_checked()
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


@in_both
def test_a_zip_without_pictures_is_refused_in_words(page: Page, workshop: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("letters/a.txt", "no picture")
    page.goto(f"{workshop}/#/train")
    upload(page, "letters.zip", buffer.getvalue())
    page.get_by_role("button", name="Upload").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("letters: it holds no pictures and no table of pixels. Give a ")
    expect(alert.get_by_text("a Parquet file")).to_be_hidden()
    alert.get_by_text("Other formats").click()
    expect(alert.get_by_role("listitem")).to_have_count(len(READERS) - 3)
    expect(alert.get_by_text("a Parquet file")).to_be_visible()
    assert serious(page) == []
    page.get_by_label("Name of the set").last.fill("../../etc")
    expect(page.get_by_text("Use letters, digits")).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    provokes(page, "status of 400")


def test_unknown_runs_sets_and_pages_say_so(page: Page, workshop: str) -> None:
    page.goto(f"{workshop}/#/train/run/no-such-run")
    expect(page.get_by_role("alert")).to_contain_text("no run")
    page.goto(f"{workshop}/#/train?set=no-such-set")
    expect(page.get_by_role("heading", name="There is no set no-such-set here")).to_be_visible()
    page.goto(f"{workshop}/#/train?set=mnist")
    expect(page.get_by_text("bakeoff fetch mnist")).to_be_visible()
    page.goto(f"{workshop}/#/train/kitchen")
    expect(page.get_by_role("heading", name="This address does not exist")).to_be_visible()
    provokes(page, "status of 404")


def test_a_server_that_trains_nothing_says_so_calmly(page: Page, workshop: str) -> None:
    choices = asked(workshop, "GET", "/api/training")
    choices |= {"possible": False, "reason": "training and sets are off on this server."}  # type: ignore[operator]
    page.route("**/api/training", lambda route: route.fulfill(json=choices))
    page.route("**/api/sets", lambda route: route.fulfill(status=403, json={"detail": "off."}))
    page.goto(f"{workshop}/#/train")
    expect(page.get_by_text("Training and sets are off on this server.")).to_be_visible()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    expect(page.get_by_role("heading", name="Draw your own")).to_have_count(0)
    assert serious(page) == []
    provokes(page, "status of 403")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(browser: Browser, workshop: str, shapes: str, scheme: str) -> None:
    options = {"viewport": {"width": 360, "height": 740}, "color_scheme": scheme}
    with watched(browser, has_touch=True, **options) as page:
        for place, heading in (
            ("/train", "Train"),
            (f"/train/set/{shapes}", shapes),
            (f"/train?set={shapes}", f"Train on {shapes}"),
        ):
            page.goto(f"{workshop}/#{place}")
            expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            all_there(page)
            assert sideways(page) <= 0
            assert serious(page) == []
