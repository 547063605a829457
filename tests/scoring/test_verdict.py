"""The verdict on made-up results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.report.made_up_run import KINDS, make_run

from bakeoff.data.read import read
from bakeoff.evaluation.compare import guessing
from bakeoff.evaluation.health import Health, Shortcut, Suspect
from bakeoff.evaluation.records import LearningCurve, Powered
from bakeoff.record.results import ApproachResult, Results
from bakeoff.run.bake import bake
from bakeoff.scoring.verdict import verdict_of, with_verdict
from bakeoff.screen import verdict_shown

from ..strokes import QUICKLY

BASELINE, CNN, VIT, TRANSFER = KINDS


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two lead and are too close to call; of these the CNN is faster."""
    path = tmp_path_factory.mktemp("verdict") / "run"
    kinds = (BASELINE, CNN, VIT, replace(TRANSFER, skill=5.5))
    groups = ("digit", "drawn", "stamp")
    return make_run(path, kinds, pictures=900, test=300, groups=groups).results()


def said(results: Results, about: str) -> str:
    return " ".join(one.text for one in verdict_of(results).sentences if one.about == about)


def with_changes(results: Results, name: str, **changes: object) -> Results:
    """The same results, one approach of them changed."""

    def changed(one: ApproachResult) -> ApproachResult:
        return one.model_copy(update=changes) if one.name == name else one

    return results.model_copy(update={"approaches": [changed(one) for one in results.approaches]})


def one_of(results: Results, name: str) -> ApproachResult:
    return next(one for one in results.approaches if one.name == name)


def test_every_question_has_an_answer(usual: Results) -> None:
    about = [one.about for one in verdict_of(usual).sentences]
    assert about == sorted(about, key=["which", "sure", "cost", "where", "next"].index)
    assert set(about) == {"which", "sure", "cost", "where", "next"}
    assert about.count("which") == 1


def test_the_fastest_of_those_too_close_to_call_is_taken(usual: Results) -> None:
    assert usual.winner.name is None
    verdict = verdict_of(usual)
    assert verdict.headline == "Too close to call. We'd use CNN: it is 3× faster."
    assert verdict.use == "cnn"
    text = said(usual, "which")
    assert text.startswith("CNN gets ")
    assert "too few pictures to separate it from Transfer (EfficientNet-Lite0)." in text
    assert "It answers 3 times as fast as Transfer (EfficientNet-Lite0)." in text
    assert "more pictures would probably separate it from Transfer" in said(usual, "next")


def test_a_model_that_is_only_scored_takes_no_part(usual: Results) -> None:
    seen = "It may have seen these pictures."
    changed = with_changes(usual, "cnn", fixed=True, pretrained=seen)
    verdict = verdict_of(changed)
    assert verdict.use == "transfer"
    assert "CNN" not in verdict.headline + said(changed, "which") + said(changed, "next")
    right = 100 * one_of(usual, "cnn").out_of_fold.accuracy  # type: ignore[union-attr]
    sure = said(changed, "sure")
    assert f"CNN gets {right:.1f}" in sure
    assert f"takes no part in the verdict. {seen}" in sure
    about = [one.about for one in verdict.sentences]
    assert about == sorted(about, key=["which", "sure", "cost", "where", "next"].index)


def test_a_small_difference_in_speed_is_no_reason(usual: Results) -> None:
    alike = one_of(usual, "transfer").latency
    changed = with_changes(usual, "cnn", latency=alike)
    assert verdict_of(changed).headline == (
        "Too close to call. We'd use Transfer (EfficientNet-Lite0): it gets the most right."
    )
    text = said(changed, "which")
    assert "times as fast" not in text


def test_a_winner_is_trusted(tmp_path: Path) -> None:
    kinds = (replace(CNN, skill=9.0), replace(VIT, skill=3.0), replace(BASELINE, skill=1.5))
    results = make_run(tmp_path / "run", kinds, pictures=600).results()
    assert results.winner.name == "cnn"
    assert verdict_of(results).headline == "Trust CNN: it is clearly better than all others."
    text = said(results, "which")
    assert "right on 600 pictures that its models had not seen; Vision Transformer is " in text
    assert "Baseline is 5 times as fast" not in said(results, "cost")


def test_the_cost_names_a_faster_approach(usual: Results) -> None:
    assert said(usual, "cost") == (
        "Training took 3 min; it takes 647 kB on disk and 2.3 ms per picture on this machine; "
        "Baseline is 6 times as fast."
    )


def test_a_single_approach(tmp_path: Path) -> None:
    results = make_run(tmp_path / "run", [CNN], pictures=300).results()
    assert verdict_of(results).headline == "CNN is the only approach that was trained."
    assert said(results, "which").endswith("Add other approaches to compare it with.")


def test_two_approaches_name_each_other(tmp_path: Path) -> None:
    kinds = (replace(CNN, skill=9.0), replace(BASELINE, skill=1.5))
    results = make_run(tmp_path / "run", kinds, pictures=600).results()
    assert verdict_of(results).headline == "Trust CNN: it is clearly better than Baseline."


@pytest.mark.parametrize(("slow", "words"), [(1.55, "1.6×"), (33.2, "33×"), (140.0, "140×")])
def test_how_much_faster(usual: Results, slow: float, words: str) -> None:
    fast = one_of(usual, "cnn").latency
    slower = fast.model_copy(update={"batch_1_ms": slow * fast.batch_1_ms})
    changed = with_changes(usual, "transfer", latency=slower)
    assert verdict_of(changed).headline.endswith(f"We'd use CNN: it is {words} faster.")


def test_every_place_has_the_same_words(usual: Results) -> None:
    judged = with_verdict(usual)
    assert judged.verdict is not None
    assert judged.winner.why.startswith(judged.verdict.headline)
    assert judged.verdict.headline in repr(judged)
    assert judged.winner.why in verdict_shown(judged).plain


def test_guessing_is_reported_alone(tmp_path: Path) -> None:
    kinds = [replace(kind, skill=-4.0) for kind in KINDS]
    results = make_run(tmp_path / "run", kinds, pictures=300).results()
    assert verdict_of(results).headline == "No approach is clearly better than guessing."
    assert "are the labels right" in said(results, "next")
    assert said(results, "where") == said(results, "cost") == ""


@pytest.mark.parametrize(
    ("interval", "says"),
    [((0.0, 1.0), "agrees: "), ((0.1, 0.2), "is worse, so "), ((0.999, 1.0), "is better, so ")],
)
def test_the_locked_test_agrees_or_does_not(
    usual: Results, interval: tuple[float, float], says: str
) -> None:
    test = one_of(usual, "cnn").test
    assert test is not None
    changed = with_changes(usual, "cnn", test=replace(test, interval=interval))
    assert f"The locked test, opened once, {says}" in said(changed, "sure")


@pytest.mark.parametrize("confidence", [0.2, 1.0])
def test_miscalibration_is_reported_with_its_direction(usual: Results, confidence: float) -> None:
    scores = one_of(usual, "cnn").out_of_fold
    assert scores is not None
    bins = [replace(one, confidence=confidence) for one in scores.reliability]
    off = replace(scores, calibration_error=0.12, calibration_null_level=0.04, reliability=bins)
    text = said(with_changes(usual, "cnn", out_of_fold=off), "sure")
    way = "overconfident" if confidence == 1 else "underconfident"
    assert f"It is {way}: confidence is off by 12.0 points on average" in text
    assert "; 4.0 would be expected by chance." in text
    fine = replace(off, calibration_null_level=0.2)
    assert "confidence is off" not in said(with_changes(usual, "cnn", out_of_fold=fine), "sure")


def test_pictures_without_a_label_help(usual: Results) -> None:
    scores = one_of(usual, "cnn").out_of_fold
    assert scores is not None
    assert "without a label" not in said(usual, "sure")
    helped = replace(scores, powered=Powered(750, 0.9, (0.88, 0.92), 900.0))
    text = said(with_changes(usual, "cnn", out_of_fold=helped), "sure")
    assert "interval); with the help of 750 pictures without a label, 88.0 to 92.0" in text


def test_weak_classes_and_groups_are_named(usual: Results) -> None:
    scores = one_of(usual, "cnn").out_of_fold
    assert scores is not None
    bad = (0.2, 0.4)
    classes = [
        replace(one, accuracy=0.3, interval=bad) if one.name in ("bolt", "star") else one
        for one in scores.per_class
    ]
    groups = [
        replace(one, accuracy=0.3, interval=bad) if one.name == "stamp" else one
        for one in scores.per_group
    ]
    changed = with_changes(
        usual, "cnn", out_of_fold=replace(scores, per_class=classes, per_group=groups)
    )
    assert "It fails most often on bolt (30.0 % right) and star (30.0 % right)." in said(
        changed, "where"
    )
    assert "On stamp it is worse than on the other groups: 30.0 %" in said(changed, "where")
    assert "Add pictures of bolt and star first." in said(changed, "next")
    assert "Be careful with stamp" in said(changed, "next")


def test_new_groups_are_an_open_question(usual: Results) -> None:
    assert "--leave-one-group-out" in said(usual, "next")


def test_issues_of_the_set_come_first(usual: Results) -> None:
    doubts = [Suspect(3, "star/a.png", "star", "bolt", 0.01, ["cnn"])] * 2
    paper = Shortcut("class", "background", 0.9, (0.8, 0.95), 0.1, "The paper predicts the class.")
    writer = Shortcut("group", "background", 0.9, (0.8, 0.95), 0.1, "The paper predicts the group.")
    health = Health(odd=[], suspects=doubts, shortcuts=[paper, writer], words=[])
    text = said(usual.model_copy(update={"health": health}), "next")
    assert text.startswith(
        "Check the 2 likely label errors, first “star/a.png”, which is labelled star and looks"
    )
    assert "The paper predicts the class." in text
    assert "The paper predicts the group." not in text
    alone = replace(health, suspects=doubts[:1], shortcuts=[])
    assert said(usual.model_copy(update={"health": alone}), "next").startswith("Check “star/a")


def test_a_forecast_is_passed_on(usual: Results) -> None:
    curve = LearningCurve([], 0.0, 1.0, 0.5, [], "Twice as many pictures would help.")
    assert curve.words in said(with_changes(usual, "cnn", learning=curve), "next")


def test_nothing_is_urgent_if_all_is_right(tmp_path: Path) -> None:
    results = make_run(tmp_path / "run", [CNN], pictures=300, flawless=True).results()
    results = with_changes(results, "cnn", robustness=None, learning=None)
    results = results.model_copy(update={"health": None})
    assert said(results, "where") == "It gets all of these pictures right."
    assert said(results, "next").startswith("Nothing is urgent")


def test_the_terminal_shows_it_in_three_parts(usual: Results) -> None:
    console = Console(record=True, width=2000, highlight=False)
    console.print(verdict_shown(usual.model_copy(update={"verdict": verdict_of(usual)})))
    first, reasons, *rest = console.export_text().splitlines()
    assert first.startswith("Too close to call. We'd use CNN")
    assert "On other pictures like these" in reasons
    assert rest[1] == "What to do next"
    assert all(line.startswith("• ") for line in rest[2:])
    console.print(verdict_shown(usual.model_copy(update={"verdict": None})))
    assert usual.winner.why[:60] in console.export_text()


def test_the_verdict_on_shuffled_labels(tmp_path: Path) -> None:
    digits = read("digits").take(np.arange(0, 1797, 6))
    shuffled = replace(digits, labels=np.random.default_rng(0).permutation(digits.labels))
    results = bake(shuffled, tmp_path / "run", **QUICKLY).results()
    for one in results.approaches:
        assert one.out_of_fold is not None
        assert one.out_of_fold.interval[0] <= guessing(one.out_of_fold)[1]
    assert results.winner.name is None
    assert results.verdict is not None
    assert results.verdict.headline == "No approach is clearly better than guessing."
