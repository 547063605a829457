"""No room shows words of English among those of another language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bakeoff.approaches.registry import OURS
from bakeoff.data.catalog import NAMED

from .conftest import ONE, TRY, VIEWS, Served, all_there, draw, provokes, watched
from .test_tune import VIEWS as SEARCHES
from .test_tune import Studies, studies
from .untranslated import bracket_texts, texts_outside

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
SETS = ("pictures", "labels", "copies", "left")  # why a picture is odd is English in all languages


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


def test_it_finds_a_text_of_no_catalogue(german: Page, served: Served) -> None:
    german.goto(served.at(TRY))
    all_there(german)
    german.evaluate("document.querySelector('h1').append(' and more')")
    german.evaluate("document.querySelector('canvas').title = 'Your drawing'")
    assert more_than_names(texts_outside(german)) == ["and more", "Your drawing"]


def test_rooms_of_a_run_show_no_other_words(german: Page, served: Served) -> None:
    places = [
        *(f"/compare/digits?view={view}" for view in VIEWS),
        "/data/digits",
        *(f"/data/digits?view={view}" for view in SETS),
    ]
    assert outside(german, places, served.at) == {}


def test_rooms_that_train_show_none(german: Page, served: Served) -> None:
    places = ["/train", "/train?set=digits", "/train/run/digits", "/tune"]
    provokes(german, "status of 404")  # a run of Python has no log
    found = outside(german, places, served.at)
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
