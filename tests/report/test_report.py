from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from bakeoff.report.write import render_report

from .dom import Node, parse
from .made_up_run import DIGITS, HOSTILE, KINDS, SYMBOLS, Run, changed, make_run


def page_of(run: Run) -> Node:
    return parse(render_report(run.results, run.thumbnails))


def table_after(page: Node, section: str) -> list[list[str]]:
    """The first table of a section, as text."""
    table = page.id(section).all("table")[0]
    return [
        [cell.text for cell in row.children if isinstance(cell, Node)] for row in table.all("tr")
    ]


def test_the_verdict_comes_first(usual: Run, usual_page: Node) -> None:
    header = usual_page.one("body").all("header")[0]
    assert header.one("h1").text == "Trust Transfer (EfficientNet-Lite0)"
    assert header.one("p", "why").text == usual.results.winner.why
    facts = dict(
        zip(
            (node.text for node in header.all("dt")),
            (node.text for node in header.all("dd")),
            strict=True,
        )
    )
    assert facts == {
        "Pictures": usual.results.dataset.understood,
        "Scored by": "5-fold cross-validation on 400 pictures",
        "Kept together": "duplicates and groups",
        "Locked test": "100 pictures, held out; opened once, 2025-03-04 09:20 UTC",
        "Seed": "0",
    }


def test_the_leaderboard_is_ranked_and_says_how_sure_it_is(usual: Run, usual_page: Node) -> None:
    head, *rows = table_after(usual_page, "leaderboard")
    assert head[:4] == ["Rank", "Approach", "Out of fold", "Locked test"]
    best = sorted(
        usual.results.approaches,
        key=lambda one: one.out_of_fold.accuracy if one.out_of_fold else 0,
        reverse=True,
    )
    assert [row[1] for row in rows] == [one.title + one.name for one in best]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    for row, one in zip(rows, best, strict=True):
        assert one.out_of_fold is not None
        assert one.test is not None
        low, high = one.out_of_fold.interval
        assert row[2] == f"{100 * one.out_of_fold.accuracy:.1f} %{100 * low:.1f}–{100 * high:.1f} %"
        assert row[3].startswith(f"{100 * one.test.accuracy:.1f} %")
        assert row[5] == f"{one.out_of_fold.loss:.3f}"


def test_every_comparison_is_said_in_words(usual: Run, usual_page: Node) -> None:
    _, *rows = table_after(usual_page, "comparison")
    assert [row[0] for row in rows] == [one.words for one in usual.results.comparison]
    assert rows[0][1] == f"{usual.results.comparison[0].only_a}baseline"


def test_curves_for_all_that_learn_in_epochs(usual_page: Node) -> None:
    figures = usual_page.id("curves").all("figure")
    drawn = {figure.one("figcaption").text: len(figure.all("svg", "chart")) for figure in figures}
    assert drawn == {
        "Transfer (EfficientNet-Lite0)": 2, "CNN": 2, "Vision Transformer": 2, "Baseline": 0,
    }  # fmt: skip


def test_every_fold_is_listed(usual: Run, usual_page: Node) -> None:
    rows = usual_page.id("folds").one("table").all("tr")[1:]
    assert len(rows) == sum(len(one.folds) for one in usual.results.approaches)


def test_every_wrong_cell_opens_its_pictures(usual: Run, usual_page: Node) -> None:
    panels = {
        node.attributes["id"]: node for node in usual_page.walk() if "popover" in node.attributes
    }
    for number, approach in enumerate(usual.results.approaches):
        scores = approach.out_of_fold
        assert scores is not None
        (block,) = usual_page.all("div", f"of-{number}")[:1]
        table = block.one("div", "part-0").one("table", "matrix")
        wrong = 0
        for truth, row in enumerate(table.all("tr")[1:]):
            assert row.one("th").text == SYMBOLS[truth]
            for answer, cell in enumerate(row.all("td")[:-1]):
                count = scores.confusion[truth][answer]
                buttons = cell.all("button")
                assert len(buttons) == (count > 0 and truth != answer)
                shown = [node.text for node in cell.all("span", "n")]
                assert shown == ([str(count)] if count else [])
                for button in buttons:
                    wrong += count
                    panel = panels[button.attributes["popovertarget"]]
                    tiles = panel.one("ul", "tiles").all("li")
                    names = {
                        one.name
                        for one in approach.mistakes
                        if (one.truth, one.answer) == (SYMBOLS[truth], SYMBOLS[answer])
                    }
                    assert len(tiles) == count
                    assert {tile.one("span", "file").text for tile in tiles} == names
                    assert panel.one("h2").text == f"{SYMBOLS[truth]} → {SYMBOLS[answer]}"
                    (close,) = panel.all("button")
                    assert close.attributes["popovertargetaction"] == "hide"
        assert wrong == scores.pictures - scores.correct > 0


def test_the_test_matrix_does_not_pretend_to_have_pictures(usual: Run, usual_page: Node) -> None:
    part = usual_page.all("div", "of-0")[0].one("div", "part-1")
    assert not part.all("button")
    assert "behind these it keeps the counts" in part.text
    test = usual.results.approaches[0].test
    assert test is not None
    shown = [int(node.text) for node in part.all("span", "n")]
    assert shown == [count for row in test.confusion for count in row if count]


def test_mistakes_are_ranked_and_tell_what_the_others_said(usual: Run, usual_page: Node) -> None:
    approaches = usual.results.approaches
    block = usual_page.all("div", "of-1")[1]
    cards = block.all("li", "card")
    ranked = sorted(approaches[1].mistakes, key=lambda one: (-one.loss, one.index))
    assert [card.one("p", "file").text for card in cards] == [one.name for one in ranked]
    for card, mistake in zip(cards, ranked, strict=True):
        assert card.one("p", "called").text == f"{mistake.truth} → {mistake.answer}"
        assert f"{100 * mistake.probability:.1f} % sure" in card.text
        said = {node.attributes["title"]: node.text for node in card.one("p", "others").all("span")}
        for other in (approaches[0], approaches[2], approaches[3]):
            answers = {one.index: one.answer for one in other.mistakes}
            assert said.pop(other.title) == answers.get(mistake.index, "right")
        assert not said


def test_classes_and_groups_side_by_side(usual: Run, usual_page: Node) -> None:
    head, *rows = table_after(usual_page, "classes")
    assert [row[0] for row in rows] == list(SYMBOLS)
    assert head[3:] == [
        "Transfer (EfficientNet-Lite0)", "CNN", "Vision Transformer", "Baseline",
    ]  # fmt: skip
    scores = usual.results.approaches[1].out_of_fold
    assert scores is not None
    assert [row[4] for row in rows] == [f"{100 * one.accuracy:.1f} %" for one in scores.per_class]
    _, *rows = table_after(usual_page, "groups")
    assert [row[0] for row in rows] == ["digit", "drawn", "stamp"]


def test_confidence_cost_and_settings(usual: Run, usual_page: Node) -> None:
    assert len(usual_page.id("calibration").all("figure")) == 4
    _, first, *_ = table_after(usual_page, "cost")
    assert first[:3] == ["Transfer (EfficientNet-Lite0)", "3 384 000", "13.5 MB"]
    assert first[-2:] == ["6.10 ms", "192 ms"]
    assert "threads 2" in usual_page.id("cost").text
    settings = {
        row.one("th").text: row.one("td").text for row in usual_page.id("settings").all("tr")
    }
    assert settings["cnn.filters"] == "32, 64"
    assert settings["cnn.training.learning_rate"] == "0.003"
    assert settings["transfer.frozen"] == "True"


def test_when_an_answer_may_be_believed(usual: Run, usual_page: Node) -> None:
    head, *rows = table_after(usual_page, "calibration")
    assert head[2:4] == ["One class alone", "of those right"]
    assert {row[0] for row in rows} == {one.title for one in usual.results.approaches}
    number = [one.title for one in usual.results.approaches].index(rows[0][0])
    shares = [f"{93 - number:.1f} %", "99.1 %", "98.5 %", "98.0 %", "1.2 %"]
    assert rows[0][1:] == ["400", *shares]
    approaches = [one.model_copy(update={"trust": None}) for one in usual.results.approaches]
    without = changed(usual, approaches=approaches)
    assert not page_of(without).id("calibration").all("table")


def test_what_was_left_out_and_what_is_double(usual: Run, usual_page: Node) -> None:
    _, *rows = table_after(usual_page, "data")
    left_out = usual.results.dataset.left_out
    assert rows == [[one.thing, one.wrong, one.mend] for one in left_out]
    copies = usual_page.id("data").all("table")[1].all("tr")[1:]
    assert ["disagree" in row.text for row in copies] == [False, True]


def test_the_glossary_explains_its_words(usual_page: Node) -> None:
    terms = {node.text for node in usual_page.id("reading").all("dt")}
    assert terms >= {"Out of fold", "Interval", "Locked test", "Temperature"}


VARIANTS: dict[str, Callable[[], Run]] = {
    "usual": lambda: make_run(pictures=500, test=100, groups=("digit", "drawn", "stamp")),
    "no folds": lambda: make_run(pictures=600, test=300, folds=0, classes=DIGITS),
    "one approach": lambda: make_run(kinds=KINDS[1:2], pictures=200),
    "two classes": lambda: make_run(classes=("cat", "dog"), pictures=200),
    "300 classes": lambda: make_run(
        kinds=KINDS[:2], classes=[f"class {i}" for i in range(300)], pictures=3000
    ),
    "flawless": lambda: make_run(kinds=KINDS[:2], pictures=200, flawless=True),
    "eight approaches": lambda: make_run(
        kinds=[replace(KINDS[i % 4], name=f"k{i}", title=f"Kind {i}") for i in range(8)],
        pictures=150,
    ),
    "hostile": lambda: make_run(classes=HOSTILE, pictures=200, groups=HOSTILE[:2]),
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> Node:
    return page_of(VARIANTS[request.param]())


def test_every_link_label_and_picture_leads_somewhere(variant: Node) -> None:
    ids = [node.attributes["id"] for node in variant.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for node in variant.walk():
        for name in ("href", "popovertarget", "aria-labelledby"):
            target = node.attributes.get(name, "data:").removeprefix("#")
            assert target.startswith("data:") or target in ids, f"{name}={target}"


def test_every_picture_button_and_chart_has_a_name(variant: Node) -> None:
    for node in variant.walk():
        if node.attributes.get("role") == "img" or node.tag == "img":
            named = node.attributes.get("aria-label") or node.attributes.get("alt")
            assert named or node.all("title")[0].text
        if node.tag == "button":
            assert node.attributes.get("aria-label") or node.text
        if node.tag in {"section", "fieldset"}:
            assert node.attributes.get("aria-labelledby") or node.all("legend")


def test_headings_skip_no_level(variant: Node) -> None:
    levels = [int(n.tag[1]) for n in variant.walk() if re.fullmatch("h[1-6]", n.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_run_without_folds_is_judged_on_its_test() -> None:
    run = make_run(pictures=600, test=300, folds=0, classes=DIGITS)
    page = page_of(run)
    assert "the locked test alone, after training on 300 pictures" in page.text
    head, *rows = table_after(page, "leaderboard")
    assert head[2] == "Locked test"
    assert "Out of fold" not in head
    assert page.all("table", "matrix")[0].all("button")
    assert len(page.id("curves").all("svg", "chart")) == 6  # of the final fits
    assert not page.all("svg", "hollow")
    assert rows[0][0] == "1"


def test_one_approach_has_no_rival_and_nothing_to_pick() -> None:
    page = page_of(make_run(kinds=KINDS[1:2], pictures=200))
    assert page.one("h1").text == "CNN, without a rival"
    assert not page.all("fieldset", "picker")
    assert not [node for node in page.walk() if node.attributes.get("id") == "comparison"]
    assert not page.all("p", "others")


def test_many_classes_become_a_picture_and_a_list_of_pairs() -> None:
    page = page_of(VARIANTS["300 classes"]())
    assert not page.all("table", "matrix")
    image = page.all("img")[0]
    assert image.attributes["src"].startswith("data:image/png;base64,")
    assert "300 classes" in image.attributes["alt"]
    block = page.all("div", "of-0")[0]
    assert len(block.all("ol", "pairs")[0].all("li")) == 24
    assert len(block.all("button", "strip")) == 60
    hardest, every = page.id("classes").all("table")
    assert len(hardest.all("tr")) == 1 + 20
    assert len(every.all("tr")) == 1 + 300
    mean = [
        sum(float(td.text.split()[0]) for td in row.all("td")[2:]) for row in hardest.all("tr")[1:]
    ]
    assert mean == sorted(mean)


def test_no_mistakes_is_no_reason_to_celebrate() -> None:
    page = page_of(make_run(kinds=KINDS[:2], pictures=200, flawless=True))
    assert page.one("h1").text == "No clear winner"
    assert "Nothing was confused" in page.text
    assert "200 pictures right in a row leave room for a true accuracy of 98.1 %" in page.text
    assert not page.all("image")


def test_a_missing_thumbnail_is_named(usual: Run) -> None:
    gone = usual.results.approaches[0].mistakes[0]
    thumbnails = {row: data for row, data in usual.thumbnails.items() if row != gone.index}
    page = parse(render_report(usual.results, thumbnails))
    assert gone.name in {node.text for node in page.all("span", "missing")}
    assert {node.text for node in parse(render_report(usual.results, {})).all("image")} == set()


def test_each_picture_is_embedded_once(usual: Run, usual_page: Node) -> None:
    stored = [node.attributes["id"] for node in usual_page.all("image")]
    rows = {one.index for approach in usual.results.approaches for one in approach.mistakes}
    assert sorted(stored) == sorted(f"picture-{row}" for row in rows)


def test_a_list_that_is_cut_short_says_so(usual: Run) -> None:
    approaches = list(usual.results.approaches)
    total = len(approaches[0].mistakes)
    approaches[0] = approaches[0].model_copy(update={"mistakes": approaches[0].mistakes[:5]})
    approaches[1] = approaches[1].model_copy(update={"mistakes": []})
    page = page_of(changed(usual, approaches=approaches))
    assert f"Showing the 5 worst of {total}, out of fold" in page.text
    assert "mistakes, of which the run lists none" in page.text
    assert "none: the run lists only its worst mistakes" in page.text
    # Whether the baseline was right where its list ends, no one knows: nothing is said.
    said = [
        node.text
        for card in page.all("div", "of-2")[1].all("li", "card")
        for node in card.one("p", "others").all("span")
        if node.attributes["title"] == "Baseline"
    ]
    assert "right" not in said


def test_an_approach_without_scores_is_last_and_says_so(usual: Run) -> None:
    approaches = list(usual.results.approaches)
    approaches[3] = approaches[3].model_copy(
        update={"out_of_fold": None, "test": None, "mistakes": [], "folds": [], "final": None}
    )
    page = page_of(changed(usual, approaches=approaches))
    *_, last = table_after(page, "leaderboard")
    assert last[:4] == ["–", "Transfer (EfficientNet-Lite0)transfer", "–", "–"]
    assert page.all("div", "of-3")[0].text.endswith("Not scored.")


def test_leaving_groups_out_is_explained(usual: Run) -> None:
    protocol = usual.results.protocol.model_copy(update={"leave_one_group_out": True})
    page = page_of(changed(usual, protocol=protocol))
    assert "leaving one group out: 5 in turn" in page.text
    assert "Each group was judged by models that saw nothing of it" in page.text


def test_an_unopened_test_is_not_called_opened(usual: Run) -> None:
    protocol = usual.results.protocol.model_copy(update={"test_opened": None})
    page = page_of(changed(usual, protocol=protocol))
    assert "100 pictures, held out; not opened" in page.text
