"""The room where pictures are drawn, dropped and pasted, in a real browser."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms
from playwright.sync_api import Browser, Page, expect

from bakeoff.data.decode import decode
from bakeoff.record.folder import RunFolder

from .conftest import (
    ONE,
    SEVEN,
    TRY,
    Served,
    answer,
    choose,
    draw,
    in_both,
    provokes,
    saved,
    serious,
    serving,
    sideways,
    watched,
)
from .gestures import box_of
from .pictures import packed, photo
from .test_train import train_baseline


def test_an_unknown_run_is_named_beside_the_others(
    page: Page, made: tuple[Served, RunFolder]
) -> None:
    served, run = made
    other = run.path.with_name("other")
    shutil.copytree(run.path, other)
    try:
        page.goto(served.at("/try/nothing"))
        expect(page.get_by_role("alert")).to_contain_text("There is no run 'nothing'.")
        expect(page.get_by_label("Models of")).to_have_value("nothing")
        provokes(page, "status of 404")
    finally:
        shutil.rmtree(other)


@in_both
def test_every_model_answers_during_drawing(room: Page) -> None:
    box = box_of(room.locator("canvas").first)
    left, top = box["x"] + box["width"] / 2, box["y"]
    room.mouse.move(left, top + 60)
    room.mouse.down()
    room.mouse.move(left, top + 250, steps=10)
    expect(answer(room, "CNN from scratch")).to_have_text(
        re.compile(r"^\s*\d\s*$")
    )  # pen still down
    room.mouse.up()
    expect(answer(room, "Plain baseline")).to_be_visible()
    card = room.get_by_role("article", name="CNN from scratch")
    for_all = room.get_by_text(re.compile(r"\d ms for all"))
    for _ in range(40):  # until their graphs are joined
        if for_all.count():
            break
        room.mouse.move(left + 40, top + 60)
        room.mouse.down()
        room.mouse.move(left + 40, top + 250, steps=3)
        room.mouse.up()
        room.wait_for_timeout(300)
    expect(for_all).to_be_visible()
    expect(card).to_contain_text(re.compile("sure|between|none of these|nothing drawn"))
    expect(card.get_by_role("img", name="Input of CNN from scratch")).to_be_visible()
    shares = card.get_by_role("list", name="Probability of each class").get_by_role("listitem")
    expect(shares).to_have_count(10)
    expect(room.get_by_text("Draw something")).to_be_hidden()
    expect(room.get_by_role("status").filter(has_text="CNN from scratch: ")).to_have_count(1)


@in_both
def test_an_example_is_answered_with_one_click(room: Page, trained: RunFolder) -> None:
    examples = room.get_by_role("group", name="Examples of the set").get_by_role("button")
    expect(examples).to_have_count(8)
    expect(room.get_by_text("that no model was trained on")).to_be_visible()
    label = str(examples.nth(2).get_attribute("title")).removeprefix("Try this ")
    assert label in trained.results().dataset.classes
    examples.nth(2).click()
    expect(answer(room, "CNN from scratch")).to_have_text(re.compile(r"^\s*\d\s*$"))
    expect(room.get_by_text("Labelled")).to_contain_text(f"Labelled {label}")
    room.get_by_role("button", name="Draw", exact=True).click()
    expect(room.get_by_text("Draw something")).to_be_visible()


# How far the answers are behind the pen at each of 24 steps, in ms, the least first.
BEHIND = """async (canvas) => {
  canvas.setPointerCapture = () => {};
  const box = canvas.getBoundingClientRect();
  const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
    bubbles: true, pointerId: 9, pointerType: 'pen', pressure: 0.5,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
  const answers = document.querySelector('article').parentElement;
  const times = [];
  send('pointerdown', 0.2, 0.3);
  for (let step = 1; step <= 24; step++) {
    await new Promise((done) => setTimeout(done, 120));
    const start = performance.now();
    const shown = new Promise((done) => {
      const watch = new MutationObserver(() => { watch.disconnect(); done(); });
      watch.observe(answers, { subtree: true, childList: true, attributes: true,
        characterData: true });
      setTimeout(done, 2000);
    });
    send('pointermove', 0.2 + step / 40, 0.3 + (step % 2) / 4);
    await shown;
    times.push(performance.now() - start);
  }
  send('pointerup', 0.8, 0.3);
  return times.sort((a, b) => a - b);
}"""


def test_answers_keep_up_with_the_pen(room: Page) -> None:
    draw(room, ONE)
    expect(answer(room, "CNN from scratch")).to_be_visible()
    for _ in range(5):  # until the machine does little else
        behind = room.locator("canvas").first.evaluate(BEHIND)
        print(f"ms behind the pen: median {behind[12]:.0f}, least {behind[0]:.0f}")
        if behind[2] <= 50 and behind[12] < 500:  # some 20 at the median of a quiet machine
            return
    pytest.fail("the answers do not keep up with the pen")


@pytest.fixture
def pile(room: Page, digits: NDArray[np.uint8], tmp_path: Path) -> Iterator[Page]:
    """Twenty digits and a broken file on the desk."""
    files = [saved(tmp_path, one, f"{row:02}.png") for row, one in enumerate(digits)]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    choose(room, *files, broken)
    expect(room.get_by_text("1 file left out")).to_be_visible()
    yield room
    provokes(room, "status of 400")


@in_both
def test_many_pictures_at_once(pile: Page) -> None:
    cells = pile.get_by_role("region", name="Pictures and answers").get_by_role("button")
    expect(cells.nth(7)).to_be_visible()
    for words in ("sure", "between, or not sure", "none of these"):  # beside their icons
        legend = pile.locator("p .entry").filter(has_text=re.compile(f"^\\s*{words}\\s*$"))
        expect(legend.locator("svg")).to_be_visible()
    expect(pile.get_by_role("listitem").filter(has_text="broken.png")).to_contain_text(
        "not like JPEG"
    )
    assert serious(pile) == []
    pile.get_by_label("Answer", exact=True).select_option("7")
    expect(pile).to_have_url(re.compile("answer=7"))
    seven = pile.locator(".label").get_by_text("7", exact=True)
    expect(cells.filter(has_not=seven)).to_have_count(0)
    shown = cells.count()
    assert 1 <= shown < 20
    cells.first.click()
    expect(pile.get_by_role("article", name="Plain baseline")).to_be_visible()
    pile.get_by_role("button", name="Back to 20 pictures").click()
    expect(cells).to_have_count(shown)
    pile.get_by_label("Answer", exact=True).select_option("")
    pile.get_by_text(re.compile("^None of these")).click()
    pile.get_by_text(re.compile("^All")).click()
    pile.get_by_label("Order", exact=True).select_option("Least probable first")
    expect(pile).to_have_url(re.compile("sort=unsure"))


@in_both
def test_the_answers_to_many_can_be_downloaded(pile: Page) -> None:
    with pile.expect_download() as download:
        pile.get_by_role("button", name="Download CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 20 * 2
    assert {one["model"] for one in rows} == {"baseline", "cnn"}
    by_name = {(one["picture"], one["model"]): one["class 1"] for one in rows}
    assert by_name["07.png", "baseline"] == "7"


def test_a_zip_of_pictures(room: Page, digits: NDArray[np.uint8], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as pack:
        for row in range(3):
            pack.write(saved(tmp_path, digits[row], f"{row}.png"), f"{row}.png")
    choose(room, tmp_path / "some.zip")
    cells = room.get_by_role("region", name="Pictures and answers").get_by_role("button")
    expect(cells).to_have_count(3)
    cells.first.click()
    expect(answer(room, "Plain baseline")).to_have_text("0")
    expect(room.get_by_role("img", name="0.png").locator("canvas")).to_be_visible()


def test_why(room: Page) -> None:
    draw(room, SEVEN)
    room.get_by_role("button", name="Why?").click()
    maps = room.get_by_role("img", name=re.compile("^Occlusion map"))
    expect(maps).to_have_count(2, timeout=30_000)
    near = room.get_by_role("list", name="Most similar training pictures").first
    expect(near.get_by_role("listitem").first).to_be_visible()
    expect(room).to_have_url(re.compile("why=1"))
    assert serious(room) == []
    room.get_by_role("button", name="Hide why").click()
    expect(maps).to_have_count(0)


def test_a_wrong_answer_is_corrected_kept_and_taken_back(room: Page, served: Served) -> None:
    draw(room, SEVEN)
    room.get_by_role("button", name="Correct this answer").click()
    assert serious(room) == []
    room.get_by_role("button", name="7", exact=True).click()
    expect(room.get_by_text("Added as 7 to the set digits corrected")).to_contain_text("1 picture")
    kept = served.home / "sets" / "digits corrected" / "7"
    assert [one.suffix for one in kept.iterdir()] == [".png"]
    room.get_by_role("button", name="Undo").last.click()
    expect(room.get_by_role("heading", name="Correct class")).to_be_visible()
    assert not kept.exists()
    room.get_by_label("Other class").fill("seven, perhaps")
    room.get_by_label("Drawn by").fill("Ada")
    room.get_by_role("button", name="Add", exact=True).click()
    expect(room.get_by_text("Added as seven, perhaps")).to_be_visible()


def colourful() -> dict[str, Any]:
    """Options that make a program show other colours: red and green are swapped."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    swapped = bytearray(profile)
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    return {"icc_profile": bytes(swapped), "exif": lying(6)}


def lying(orientation: int) -> bytes:
    """An EXIF block with that orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_kept_as_it_was_given(
    room: Page, served: Served, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"given.{kind.lower()}"
    file.write_bytes(packed(photo(900, 600), kind, **({} if kind == "TIFF" else colourful())))
    pixels = decode(file.read_bytes(), "given")
    choose(room, file)
    expect(answer(room, "CNN from scratch")).to_be_visible()
    shown = room.get_by_role("img", name=file.name).locator("canvas")
    expect(shown).to_have_js_property("height", len(pixels))
    # The page shows what the models are given: upright, with the values of the file.
    corner = shown.evaluate("c => [...c.getContext('2d').getImageData(0, 0, 1, 1).data]")
    assert corner[:3] == pixels[0, 0].tolist()
    room.get_by_role("button", name="Correct this answer").click()
    room.get_by_label("Set", exact=True).fill(f"kept {kind}")
    room.get_by_role("button", name="3", exact=True).click()
    expect(room.get_by_text("Added as 3")).to_be_visible()
    [kept] = (served.home / "sets" / f"kept {kind}" / "3").iterdir()
    assert kept.read_bytes() == file.read_bytes()
    assert kept.suffix == {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind, f".{kind.lower()}")


def test_a_picture_out_of_a_zip_is_kept_as_it_was_given(
    room: Page, served: Served, tmp_path: Path
) -> None:
    files = [packed(photo(side, 600), "JPEG", **colourful()) for side in (700, 800)]
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as pack:
        for row, data in enumerate(files):
            pack.writestr(f"{row}.jpg", data)
    choose(room, tmp_path / "two.zip")
    cells = room.get_by_role("region", name="Pictures and answers").get_by_role("button")
    cells.filter(has_text="1.jpg").click()
    room.get_by_role("button", name="Correct this answer").click()
    room.get_by_label("Set", exact=True).fill("out of a zip")
    room.get_by_role("button", name="3", exact=True).click()
    expect(room.get_by_text("Added as 3")).to_be_visible()
    [kept] = (served.home / "sets" / "out of a zip" / "3").iterdir()
    assert kept.read_bytes() == files[1]


def test_corrected_pictures_are_trained_on(
    page: Page, trained: RunFolder, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    run = tmp_path / "runs" / "digits"
    shutil.copytree(trained.path, run, ignore=shutil.ignore_patterns("units"))
    with serving(run) as address:
        page.goto(f"{address}/#{TRY}")
        kept = 0
        for row in (0, 1, 10, 11):
            for who in ("Ada", "Bob"):
                choose(page, saved(tmp_path, digits[row], f"{row} {who}.png"))
                page.get_by_role("button", name="Correct this answer").click()
                page.get_by_label("Drawn by").fill(who)
                page.get_by_role("button", name=f"{row % 10}", exact=True).click()
                kept += 1
                expect(page.get_by_text("to the set digits corrected")).to_contain_text(
                    f"{kept} picture"
                )
        page.get_by_role("link", name="Train on this set").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Train on digits corrected")
        expect(page.get_by_text("8 pictures, 2 classes")).to_be_visible()
        train_baseline(page)
        out = page.get_by_role("region", name="Outcome")
        expect(out).to_be_visible(timeout=120_000)
        name = page.get_by_role("heading", level=1).inner_text()
        # The run knows who drew each picture.
        assert RunFolder(tmp_path / "runs" / name).results().dataset.groups == ["Ada", "Bob"]
        page.goto(f"{address}/#/data/{name}")
        expect(page.get_by_role("region", name="Groups")).to_contain_text("Ada")
        page.goto(f"{address}/#/data/{name}?view=pictures")
        page.get_by_role("main").get_by_role("list").get_by_role("button").first.click()
        page.keyboard.press("x")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Retrain").click()
        expect(page).to_have_url(re.compile(f"#/train/run/(?!{name}$)"))
        expect(out).to_be_visible(timeout=120_000)
        again = page.get_by_role("heading", level=1).inner_text()
        before, now = (RunFolder(tmp_path / "runs" / one).results() for one in (name, again))
        assert (before.dataset.pictures, now.dataset.pictures) == (8, 7)
        page.goto(f"{address}/#/compare/{again}")
        brought = page.get_by_role("status").filter(has_text="With the corrected labels")
        old, new = (one.approaches[0].out_of_fold for one in (before, now))
        assert old is not None
        assert new is not None
        low, high = (f"{100 * end:.1f}" for end in new.interval)
        share = f"{100 * new.accuracy:.1f}\u202f%"
        expect(brought).to_contain_text(f"{share} right (interval {low}–{high}\u202f%)")
        expect(brought).to_contain_text(f"in {name}, it got {100 * old.accuracy:.1f}\u202f%")
        page.close()  # before its server ends


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 1280])
def test_it_fits_and_everybody_can_use_it(
    browser: Browser, served: Served, width: int, scheme: str
) -> None:
    view = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with watched(browser, **view) as page:
        page.goto(served.at(TRY))
        expect(page.get_by_text("Draw something")).to_be_visible()
        assert serious(page) == []
        draw(page, SEVEN)
        expect(answer(page, "CNN from scratch")).to_be_visible()
        page.wait_for_timeout(300)
        assert sideways(page) <= 0
        assert serious(page) == []


def test_pictures_of_another_kind_raise_an_alarm(
    trained: RunFolder, browser: Browser, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    noise = [
        saved(tmp_path, rng.integers(0, 256, (28, 28), dtype=np.uint8), f"{number}.png")
        for number in range(30)
    ]
    with serving(trained.path) as address, watched(browser) as page:
        alarm = page.get_by_role("status").filter(has_text="are of another kind than those that")
        page.goto(f"{address}/#{TRY}")
        draw(page, ONE)
        expect(answer(page, "CNN from scratch")).to_be_visible()
        served = httpx.get(f"{address}/api/models").json()
        assert [model["drift"]["pictures"] for model in served] == [0, 0]  # a drawing: unfinished
        expect(alarm).to_have_count(0)
        choose(page, *noise)
        expect(alarm).to_contain_text("Plain baseline")
        page.reload()
        expect(alarm).to_contain_text("label some of them to find out")
        assert sideways(page) <= 0
        assert not serious(page)
