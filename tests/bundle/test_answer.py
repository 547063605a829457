from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from bakeoff.bundle.answer import Answers, answer_of
from bakeoff.bundle.panel import answers_table
from bakeoff.errors import LeftOut
from bakeoff.evaluation.records import NOTHING_DRAWN, SureRule, Trust
from bakeoff.screen import answers_shown

CLASSES = ["ant", "bee", "cat", "dog", "eel", "fox"]
TRUST = Trust(
    error_rate=0.01,
    least_probability=0.1,
    refusal_rate=0.01,
    max_ood_score=2.0,
    measured=None,
)


@pytest.mark.parametrize(
    ("probabilities", "ood_score", "verdict", "words"),
    [
        ([0.01, 0.95, 0.04, 0, 0, 0], 1.0, "sure", "sure"),
        ([0.01, 0.55, 0.44, 0, 0, 0], 1.0, "between", "between bee and cat"),
        ([0.2, 0.5, 0.3, 0, 0, 0], 2.0, "between", "between bee, cat and ant"),
        ([0.2, 0.2, 0.15, 0.15, 0.15, 0.15], 1.0, "between", "between ant, bee, cat and dog …"),
        ([0.01, 0.95, 0.04, 0, 0, 0], 2.1, "out of distribution", "none of these"),
    ],
)
def test_verdicts(probabilities: list[float], ood_score: float, verdict: str, words: str) -> None:
    answer = answer_of("x.png", np.array(probabilities), ood_score, CLASSES, TRUST)
    assert answer.verdict == verdict
    assert answer.words == words
    assert answer.label == answer.possible[0] == answer.ranking[0][0]
    assert answer.probability == max(probabilities)
    assert [label for label, _ in sorted(answer.ranking)] == CLASSES


@pytest.mark.parametrize(
    ("ood_score", "limit", "verdict"),
    [
        (1.0, 1.0, "sure"),
        (1.5, 1.0, "unsure"),
        (1.5, None, "sure"),
        (2.5, 1.0, "out of distribution"),
    ],
)
def test_what_is_less_like_the_known_is_not_sure(
    ood_score: float, limit: float | None, verdict: str
) -> None:
    trust = replace(TRUST, sure=SureRule(0.02, 0.95, 0.8, 500, limit))
    probabilities = np.array([0.95, 0.05, 0, 0, 0, 0])
    answer = answer_of("x.png", probabilities, ood_score, CLASSES, trust)
    assert answer.verdict == verdict
    assert answer.promised


def test_an_answer_shows_itself_in_a_few_lines() -> None:
    answer = answer_of("x.png", np.array([0.6, 0.1, 0.1, 0.1, 0.05, 0.05]), 1.5, CLASSES, None)
    first, ant, *_, rest, score = repr(answer).splitlines()
    assert first == str(answer) == "x.png: ant (60.0%), sure"
    assert ant == "  ant   60.0%  ████████████"
    assert (rest, score) == ("  … and 1 more class", "  OOD score 1.50")


def test_a_notebook_shows_the_picture_beside_bars() -> None:
    classes = ["<b>", "bee"]
    picture = np.zeros((4, 8, 1), dtype=np.uint8)
    shares = np.array([0.25, 0.75])
    shown = answer_of('"x".png', shares, 1.0, classes, None, picture)._repr_html_()
    assert '<img src="data:image/png;base64,' in shown
    assert "width:75.0%" in shown
    assert "<td>&lt;b&gt;</td>" in shown
    assert 'alt="&quot;x&quot;.png"' in shown
    assert "<img" not in answer_of("x.png", shares, 1.0, classes, None)._repr_html_()


def test_many_answers_show_the_first_and_what_was_left_out() -> None:
    answer = answer_of("x.png", np.array([0.25, 0.75]), 1.0, ["ant", "bee"], None)
    answers = Answers([answer] * 1200, (LeftOut("y.png", "is empty", "Remove it"),))
    lines = repr(answers).splitlines()
    assert lines[0] == "1 200 answers, 1 picture left out"
    assert lines[1:11] == ["  x.png: bee (75.0%), sure"] * 10
    assert lines[11:] == ["  … and 1190 more", "  left out: y.png: is empty. Remove it."]
    assert answers._repr_html_().count("<table>") == 10


def test_the_most_probable_class_is_always_possible() -> None:
    flat = answer_of("x.png", np.full(50, 0.02), 0.5, [str(one) for one in range(50)], TRUST)
    assert flat.possible == ("0",)


@pytest.mark.parametrize("trust", [TRUST, None])
def test_a_blank_picture_has_no_answer(trust: Trust | None) -> None:
    answer = answer_of("x.png", np.array([0.9, 0.1]), NOTHING_DRAWN, ["a", "b"], trust)
    assert (answer.verdict, answer.words) == ("nothing drawn", "nothing drawn")


def test_without_thresholds_every_answer_is_sure() -> None:
    assert answer_of("x.png", np.array([0.5, 0.5]), 99.0, ["a", "b"], None).verdict == "sure"


def test_each_class_has_its_own_threshold_where_classes_are_uneven() -> None:
    trust = replace(TRUST, least_by_class=[0.1, 0.3, 0.01, 0.9, 0.9, 0.9])
    shares = np.array([0.6, 0.29, 0.02, 0.05, 0.03, 0.01])
    answer = answer_of("x.png", shares, 1.0, CLASSES, trust)
    assert answer.possible == ("ant", "cat")
    assert answer_of("x.png", shares, 1.0, CLASSES, TRUST).possible == ("ant", "bee")


def test_the_cheapest_answer_is_named_where_costs_are_known() -> None:
    cost = 1.0 - np.eye(3)
    cost[2, 0] = 50.0  # to call a cat an ant
    shares = np.array([0.9, 0.06, 0.04])
    answer = answer_of("x.png", shares, 1.0, CLASSES[:3], None, cost=cost)
    # An ant costs 0.06 + 50 × 0.04 = 2.06, a bee 0.94, a cat 0.96.
    assert (answer.label, answer.cheapest) == ("ant", "bee")
    assert answer.to_dict()["cheapest"] == "bee"
    plain = answer_of("x.png", shares, 1.0, CLASSES[:3], None, cost=1.0 - np.eye(3))
    assert plain.cheapest == "ant"
    assert answer_of("x.png", shares, 1.0, CLASSES[:3], None).cheapest is None
    table = answers_table({"cnn": Answers([answer])}, top=1).splitlines()
    assert table[0] == "picture,path,model,verdict,cheapest,class 1,probability 1"
    assert table[1].split(",")[4] == "bee"
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(answers_shown({"cnn": Answers([answer, plain])}, 1))
    assert console.export_text().count("cheapest: bee") == 1
