"""A static page is taught a class it does not know, offline, and scores it as Python does."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, expect

from bakeoff.approaches import Task
from bakeoff.approaches.trainer import Trainer
from bakeoff.bundle.inputs import gather
from bakeoff.bundle.web import export_web
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import PictureWriter
from bakeoff.data.read import read
from bakeoff.evaluation.calibration import softmax
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake
from bakeoff.training.compute import Compute

from .conftest import answer, draw, hosted, in_both, provokes, serious, watched
from .untranslated import bracket_texts, texts_outside

DIGITS = ("3", "5", "8", "9")  # some of which are confused
CLASSES = len(DIGITS)
EACH = 20
DRAWN = 6
TITLE = "Scattering, taught here"


def rows_of(every: Dataset) -> NDArray[np.int64]:
    return np.sort(
        np.concatenate(
            [np.flatnonzero(every.labels == every.classes.index(digit))[:EACH] for digit in DIGITS]
        )
    )


def labels_of(every: Dataset, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([DIGITS.index(every.classes[label]) for label in every.labels[rows]])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    every = read("digits")
    rows = rows_of(every)
    folder = tmp_path_factory.mktemp("home") / "runs" / "few"
    return bake(
        replace(every.take(rows), classes=DIGITS, labels=labels_of(every, rows)),
        folder,
        approaches=("scattering",),
        folds=5,
        test=0,
        budget="quick",
        threads=1,
        workers="local:1",
        robustness=False,
    )


@pytest.fixture(scope="module")
def site(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("site")
    export_web([run.path], root / "page", teachable=True)
    with hosted(root) as address:
        yield f"{address}page/"


def zigzag(shift: float) -> list[tuple[float, float]]:
    return [(0.2 + shift, 0.2), (0.8, 0.3 + shift), (0.2, 0.5 + shift / 2), (0.8 - shift, 0.8)]


def teach(page: Page) -> None:
    """Draw six pictures of a new class, and have them learned."""
    page.get_by_role("link", name="Teach").click()
    page.get_by_label("New class").fill("zigzag")
    page.get_by_role("button", name="Add class").click()
    for number in range(DRAWN):
        draw(page, zigzag(0.02 * number))
        page.get_by_role("button", name="Add picture").click()
        expect(
            page.get_by_role("button", name=re.compile(f"^zigzag {number + 1} of yours"))
        ).to_be_visible()
    page.get_by_role("button", name=f"Learn {DRAWN} pictures").click()
    expect(page.get_by_text("right out of fold")).to_be_visible(timeout=60_000)


@in_both
def test_a_new_class_is_taught_offline_and_scored_as_in_python(
    page: Page, site: str, run: RunFolder
) -> None:
    page.goto(site)
    expect(page.get_by_role("article", name="Scattering")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Teach").click()
    expect(page.get_by_role("heading", name="Classes")).to_be_visible()
    provokes(page, "favicon")
    page.context.set_offline(True)
    teach(page)
    assert serious(page) == []
    said = page.get_by_text("right out of fold").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download pictures").click()
    probabilities, labels = of_python(run, Path(download.value.path()))
    right = probabilities.argmax(1) == labels
    found = re.search(r"([\d.]+)\s*% right out of fold, of (\d+) pictures", said)
    assert found is not None
    share, pictures = found.groups()
    print(f"{said}, as in Python: {right.mean():.4f}")
    assert 0 < right.mean() < 1  # else any page would agree
    assert (float(share), int(pictures)) == (round(100 * right.mean(), 1), len(labels))
    ours = page.get_by_role("row", name="zigzag")
    expect(ours).to_contain_text(f"{100 * right[labels == CLASSES].mean():.1f}")
    # The class is among the answers, also after a reload.
    page.get_by_role("link", name="Try it").click()
    expect(page.get_by_role("article", name=TITLE)).to_be_visible()  # the new room's canvas
    draw(page, zigzag(0.05))
    expect(answer(page, TITLE)).to_have_attribute("data-answer", "zigzag")
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_role("article", name=TITLE)).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Teach").click()
    page.get_by_role("button", name="Forget all").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget all").click()
    expect(page.get_by_role("button", name="zigzag")).to_have_count(0)
    page.get_by_role("link", name="Try", exact=True).click()
    expect(page.get_by_role("article", name=TITLE)).to_have_count(0)


def test_teaching_shows_no_words_of_another_language(browser: Browser, site: str) -> None:
    with watched(browser, locale="de-DE", viewport={"width": 1280, "height": 900}) as page:
        bracket_texts(page, "de")
        page.goto(site)
        expect(page.get_by_role("article")).to_have_count(1, timeout=60_000)
        page.get_by_role("navigation").get_by_role("link").nth(1).click()
        page.get_by_label("Neue Klasse").fill("zigzag")
        page.get_by_label("Neue Klasse").press("Enter")
        for number in range(DRAWN):
            draw(page, zigzag(0.02 * number))
            page.keyboard.press("Enter")
            expect(page.get_by_text(f"⟦{number + 1} von dir⟧", exact=False)).to_be_visible()
        page.get_by_role("button", name=re.compile(f"{DRAWN} Bilder lernen")).click()
        expect(page.get_by_role("row", name="zigzag")).to_be_visible(timeout=60_000)
        page.wait_for_load_state("networkidle")
        assert [text for text in texts_outside(page) if text not in ("zigzag", "bakeoff")] == []
        provokes(page, "favicon")


def of_python(run: RunFolder, taught: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Out-of-fold probabilities of a run's trainer on its pictures and those that were taught."""
    every = read("digits")
    rows = rows_of(every)
    with zipfile.ZipFile(taught) as archive:
        assert {Path(name).parent.name for name in archive.namelist()} == {"zigzag"}
        archive.extractall(taught.parent / "taught")
    more = gather([str(path) for path in sorted((taught.parent / "taught").rglob("*.png"))])
    assert len(more.pictures) == DRAWN
    writer = PictureWriter()
    for picture in (*every.pictures.take(rows), *more.pictures):
        writer.append(picture)
    pictures = writer.finish()
    labels = np.concatenate([labels_of(every, rows), np.full(DRAWN, CLASSES)])
    folds = np.full(len(labels), -1)
    for number, fold in enumerate(run.results().approaches[0].folds):
        folds[run.load_unit("scattering", fold.name)[1]["rows"]] = number
    # Each goes to the fold with the fewest of its class, then with the fewest in all.
    folds[len(rows) :] = [0, 1, 2, 3, 4, 0]
    record, _ = run.load_unit("scattering", "final")
    task = replace(Task(**record.task), classes=CLASSES + 1, pictures=len(labels))
    compute = Compute.choose("cpu", 1)
    trainer = Trainer(
        run.config.approach("scattering").build(), task, pictures, labels, compute, seed=0
    )
    probabilities = np.zeros((len(labels), CLASSES + 1))
    for number in range(5):
        held_out = np.flatnonzero(folds == number)
        train = np.flatnonzero(folds != number)
        trained = trainer.fit(str(number), train=train, validation=train[:0])
        logits = trained.model.logits_of(pictures.take(held_out), compute)
        probabilities[held_out] = softmax(logits, trained.temperature)
    return probabilities, labels
