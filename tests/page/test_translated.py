"""No room shows words of English among those of another language."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect
from tests.record.made_up_study import make_study

from bakeoff.approaches.registry import OURS
from bakeoff.data.catalog import NAMED
from bakeoff.record.folder import RunFolder
from bakeoff.record.studyfolder import STUDY
from bakeoff.report import write_report, write_study_report
from bakeoff.run.checkup import check

from .conftest import ONE, TRY, VIEWS, Served, all_there, draw, provokes, saved, serving, watched
from .pictures import drawn
from .test_tune import VIEWS as SEARCHES
from .test_tune import Studies, studies
from .untranslated import bracket_texts, texts_outside, with_bracketed_texts

__all__ = ["studies"]  # a fixture

# What users, other programs and the field name, the same in any language.
NAMES = {
    *("bakeoff", "digits", "CNN", "ViT", "Python", "JavaScript", "curl", "auto", "corrections.csv"),
    *(entry.name for entry in OURS),
    *NAMED,
}
PARTS_OF_NAMES = re.compile(
    "|".join([r"(train|test)/\d+", r"Linux-\S+", r"(Intel|AMD).*", "bf16", *map(re.escape, NAMES)])
)
SETS = ("pictures", "labels", "odd", "copies", "left")


def more_than_names(texts: Iterable[str]) -> list[str]:
    """The texts that have other words than names."""
    return [text for text in texts if re.search(r"[^\W\d_]{3,}", PARTS_OF_NAMES.sub("", text))]


def outside(page: Page, places: Iterable[str], at: Callable[[str], str]) -> dict[str, list[str]]:
    """What is in no catalogue, by place."""
    found = {}
    for place in places:
        page.goto("about:blank")
        page.goto(at(place))
        all_there(page)
        found[place] = more_than_names(texts_outside(page))
    return {place: texts for place, texts in found.items() if texts}


def outside_of_report(page: Page, report: Path, places: Iterable[str]) -> dict[str, list[str]]:
    """What is in no catalogue of a report, by place."""
    bracketed = report.with_name("bracketed.html")
    text = with_bracketed_texts(report.read_text(encoding="utf-8"), "de")
    bracketed.write_text(text, encoding="utf-8")
    return outside(page, places, lambda place: f"{bracketed.as_uri()}#{place}")


def brought(home: Path) -> set[str]:
    """The names of sets, and of their pictures, that other tests brought to this server."""
    sets = home / "sets"
    return {path.name for path in sets.glob("*")} | {
        "/".join(path.parts[-2:]) for path in sets.glob("*/*/*")
    }


@pytest.fixture
def german(browser: Browser) -> Iterator[Page]:
    """A page in German whose texts are in brackets."""
    with watched(browser, locale="de-DE", viewport={"width": 1280, "height": 900}) as page:
        bracket_texts(page, "de")
        yield page


GERMAN = pytest.param(("browser", "de-DE"), id="de")
UKRAINIAN = ("firefox", "uk-UA")
in_two_languages = pytest.mark.parametrize(
    "foreign", [GERMAN, pytest.param(UKRAINIAN, id="uk in firefox")], indirect=True
)
in_two_languages_at_length = pytest.mark.parametrize(
    "foreign",
    [GERMAN, pytest.param(UKRAINIAN, id="uk in firefox", marks=pytest.mark.long)],
    indirect=True,
)


@pytest.fixture
def foreign(request: pytest.FixtureRequest) -> Iterator[Page]:
    """The same in another language and browser too, for what needs no words to be found."""
    name, locale = request.param
    browser: Browser = request.getfixturevalue(name)
    with watched(browser, locale=locale, viewport={"width": 1280, "height": 900}) as page:
        bracket_texts(page, locale[:2])
        yield page


@in_two_languages
def test_it_finds_a_text_of_no_catalogue(foreign: Page, served: Served) -> None:
    foreign.goto(served.at(TRY))
    all_there(foreign)
    foreign.evaluate("document.querySelector('h1').append(' and more')")
    foreign.evaluate("document.querySelector('canvas').title = 'Your drawing'")
    assert more_than_names(texts_outside(foreign)) == ["and more", "Your drawing"]


@in_two_languages_at_length
def test_rooms_of_a_run_show_no_other_words(foreign: Page, served: Served) -> None:
    places = [
        *(f"/compare/digits?view={view}" for view in VIEWS),
        "/data/digits",
        *(f"/data/digits?view={view}" for view in SETS),
    ]
    assert outside(foreign, places, served.at) == {}


@in_two_languages
def test_rooms_that_train_show_none(foreign: Page, served: Served) -> None:
    places = ["/train", "/train?set=digits", "/train/run/digits", "/tune"]
    provokes(foreign, "status of 404")  # a run of Python has no log
    found = outside(foreign, places, served.at)
    texts = {text for all_of_place in found.values() for text in all_of_place}
    assert texts - brought(served.home) == set()


def test_the_room_of_searches_shows_none(german: Page, studies: Studies) -> None:
    # Their server's sentences are made up, in English.
    files = (studies.home / "studies").rglob("*.json")
    made_up = "".join(path.read_text(encoding="utf-8") for path in files) + "drawings trade stopped"
    places = [f"drawings?view={view}" for view in SEARCHES]
    found = outside(german, ["", *places, "stopped"], studies.at)
    texts = {text for all_of_place in found.values() for text in all_of_place}
    assert [text for text in texts if re.split(": | ·", text)[0] not in made_up] == []


def test_answers_and_what_opens_show_none(german: Page, served: Served) -> None:
    german.goto(served.at(TRY))
    all_there(german)
    draw(german, ONE)
    expect(german.locator("[data-answer]").first).not_to_have_text("–")
    german.get_by_role("button", name="Warum").click()
    assert more_than_names(texts_outside(german)) == []
    german.get_by_role("button", name="Teilen").click()
    expect(german.get_by_role("dialog")).to_be_visible()
    assert more_than_names(texts_outside(german)) == []


def test_what_opens_in_a_run_shows_none(german: Page, served: Served) -> None:
    german.goto(served.at("/compare/digits?view=mistakes"))
    all_there(german)
    german.get_by_role("region").get_by_role("list").get_by_role("button").first.click()
    dialog = german.get_by_role("dialog")
    expect(dialog).to_be_visible()
    german.keyboard.press("x")
    assert more_than_names(texts_outside(german)) == []
    german.goto(served.at("/data/digits?view=pictures"))
    all_there(german)
    german.get_by_role("main").get_by_role("list").get_by_role("button").first.click()
    expect(dialog).to_be_visible()
    assert more_than_names(texts_outside(german)) == []


def test_many_pictures_and_a_correction_show_none(
    german: Page, served: Served, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    german.goto(served.at(TRY))
    all_there(german)
    provokes(german, "status of 400")
    files = [saved(tmp_path, digits[row], f"{row}.png") for row in range(6)]
    (tmp_path / "torn.png").write_bytes(b"nothing")
    german.locator("input[type=file]").first.set_input_files([*files, tmp_path / "torn.png"])
    cells = german.get_by_role("region").get_by_role("button").filter(has_text="0.png")
    expect(cells).to_be_visible()
    german.wait_for_load_state("networkidle")
    names = {*(path.name for path in files), "torn.png", *brought(served.home)}
    assert set(more_than_names(texts_outside(german))) - names == set()
    cells.click()
    german.get_by_role("button", name="Antwort korrigieren").click()
    expect(german.get_by_role("heading", name="Richtige Klasse")).to_be_visible()
    assert set(more_than_names(texts_outside(german))) - names == set()


def added(served: Served, name: str, files: dict[str, bytes]) -> None:
    """Send files to a set of the server."""
    form = [("files", (file, data, "image/png")) for file, data in files.items()]
    address = f"{served.address}/api/sets"
    httpx.post(address, data={"name": name}, files=form, timeout=60).raise_for_status()


def test_a_set_and_its_parts_show_none(german: Page, served: Served) -> None:
    shapes = {
        f"shapes/{shape}/{n}.png": drawn(shape, n) for shape in ("box", "ring") for n in range(3)
    }
    added(served, "german shapes", shapes | {"shapes/box/torn.png": b"nothing"})
    names = {"german shapes", "box", "ring", "box/torn.png", *brought(served.home)}
    german.goto(served.at("/train/set/german shapes"))
    all_there(german)
    assert set(more_than_names(texts_outside(german))) - names == set()
    german.get_by_role("button", name="box bearbeiten").click()
    german.get_by_role("button", name=re.compile("Andere Klasse für")).first.click()
    assert set(more_than_names(texts_outside(german))) - names == set()
    german.goto(served.at("/train/set/german paper"))
    german.get_by_label("Neue Klasse").fill("box")
    german.get_by_label("Neue Klasse").press("Enter")
    names.add("german paper")
    draw(german, ONE)
    german.keyboard.press("Enter")
    expect(german.get_by_role("list", name="Bilder von box")).to_be_visible()
    names.add("box/0001.png")
    assert set(more_than_names(texts_outside(german))) - names == set()


def test_labelling_shows_none(german: Page, served: Served) -> None:
    shapes = {f"{shape}-{n}.png": drawn(shape, n) for shape in ("box", "ring") for n in range(6)}
    added(served, "german labels", shapes)
    names = {"german labels", "← german labels", "box", "ring", *shapes}
    german.goto(served.at("/train/label/german labels"))
    picture = german.get_by_role("main").locator("img").first
    expect(picture).to_be_visible(timeout=120_000)  # its process imports torch
    for label in ("box", "ring"):
        german.get_by_label("Neue Klasse").fill(label)
        german.get_by_label("Neue Klasse").press("Enter")
    german.get_by_role("heading", level=1).click()
    for key in ("1", "2", "s", "x"):
        german.keyboard.press(key)
        german.wait_for_timeout(300)
        assert set(more_than_names(texts_outside(german))) - names == set()


def test_a_report_shows_none(german: Page, trained: RunFolder, tmp_path: Path) -> None:
    report = Path(shutil.copy(write_report(trained), tmp_path))
    places = [
        *(f"/compare/x?view={view}" for view in VIEWS),
        *(f"/data/x?view={view}" for view in SETS),
    ]
    assert outside_of_report(german, report, places) == {}


def test_the_report_of_a_search_shows_none(german: Page, tmp_path: Path) -> None:
    make_study(tmp_path / "drawings")
    report = write_study_report(tmp_path / "drawings")
    found = outside_of_report(german, report, ["", *(f"/tune/x?view={view}" for view in SEARCHES)])
    made_up = (tmp_path / "drawings" / STUDY).read_text(encoding="utf-8") + "drawings"
    texts = {text for all_of_place in found.values() for text in all_of_place}
    assert [text for text in texts if re.split(": | ·", text)[0] not in made_up] == []


def test_the_form_for_a_token_shows_none(
    german: Page, trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAKEOFF_TOKEN", "open sesame")
    with serving(trained.path, "--host", "0.0.0.0") as address:
        german.goto(f"{address}/#/compare/digits")
        for refusals in (0, 1):
            expect(german.locator("input[type=password]")).to_be_visible()
            expect(german.get_by_role("alert")).to_have_count(refusals)
            assert more_than_names(texts_outside(german)) == []
            german.locator("input[type=password]").fill("open barley")
            german.locator("form button").click()
        german.close()  # before its server ends
    provokes(german, "status of 401")


def test_a_check_says_in_the_reader_s_language_what_is_odd(german: Page, tmp_path: Path) -> None:
    folder = tmp_path / "odd ones"
    names = set()
    for shape in ("box", "ring"):
        (folder / shape).mkdir(parents=True)
        for number in range(30):
            with Image.open(io.BytesIO(drawn(shape, number))) as image:
                wide = 40 if shape == "ring" else 32  # which gives the class away
                ImageOps.pad(image, (wide, wide), color=255).save(folder / shape / f"{number}.png")
            names |= {f"{shape}/{number}.png", shape}
    with Image.open(folder / "box" / "1.png") as image:
        grey = np.asarray(image.convert("L"))
    odd = {
        "box/1.png": np.full_like(grey, 255),
        "box/2.png": 255 - grey,
        "box/3.png": 255 - (255 - grey) // 8,
        "ring/4.png": grey.repeat(4, axis=1),
        "ring/5.png": grey.repeat(5, axis=0).repeat(5, axis=1),
    }
    for name, pixels in odd.items():
        Image.fromarray(pixels).save(folder / name)
    found = check(folder, tmp_path / "found", approaches=())
    kinds = {one.what for one in found.health.odd}
    assert kinds >= {"empty", "inverted", "ink", "size", "shape"}
    assert found.health.shortcuts
    outside_all = outside_of_report(
        german,
        tmp_path / "found" / "check.html",
        ["/data/x", *(f"/data/x?view={view}" for view in SETS)],
    )
    texts = {text for all_of_place in outside_all.values() for text in all_of_place}
    assert {text for text in texts - names if not text.endswith("odd ones")} == set()
    german.get_by_role("link", name="Auffällige Bilder").click()
    expect(german.get_by_text("es ist nichts darauf")).to_be_visible()


def test_a_static_page_shows_none(german: Page, site: str) -> None:
    german.goto(site)
    all_there(german)
    expect(german.get_by_role("article")).to_have_count(2, timeout=60_000)
    draw(german, ONE)
    expect(german.locator("[data-answer]").first).not_to_have_text("–")
    german.get_by_role("button", name="Warum").click()
    expect(german.get_by_role("img", name=re.compile("Abdeckkarte"))).to_have_count(
        2, timeout=60_000
    )
    assert more_than_names(texts_outside(german)) == []
