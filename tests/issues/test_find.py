from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.data.correction import Correction
from bakeoff.data.corrections import read_corrections
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import find_duplicates, together
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read
from bakeoff.data.split import split
from bakeoff.errors import LeftOut
from bakeoff.evaluation.health import Health
from bakeoff.record.events import RunStarted
from bakeoff.run.bake import bake, resume
from bakeoff.run.source import read_again

from ..data.pictures_made import encoded
from ..run.test_resume import Interruption, after
from ..strokes import ONE, strokes

BOTH: dict[str, Any] = {
    "approaches": ("baseline", "cnn"),
    "settings": {
        "cnn": {"stem": "pixels", "epochs": 8, "filters": (16, 16)},
        "baseline": {"epochs": 12},
    },
    "folds": 2,
    "threads": 1,
    "precision": "fp32",
    "device": "cpu",
    "bundles": False,
    "robustness": False,
}


def issues_of(dataset: Dataset, *, keep_groups: bool = False) -> tuple[Health, list[Correction]]:
    """The issues that are found without a model."""
    from bakeoff.issues.find import find_issues

    duplicates = find_duplicates(dataset.pictures)
    groups = dataset.groups if keep_groups else None
    ids = together(len(dataset), [one.indices for one in duplicates], extra_ids=groups)
    official = dataset.official_test
    parts = split(dataset.labels, folds=2, official_test=official, together=ids)
    return find_issues(dataset, duplicates, parts)


def changed(dataset: Dataset, change: Mapping[int, NDArray[np.uint8] | int]) -> Dataset:
    """The dataset with some pictures taken from other rows, or from arrays."""
    pixels = np.stack(list(dataset.pictures))
    for row, other in change.items():
        pixels[row] = pixels[other] if isinstance(other, int) else other
    return replace(dataset, pictures=Pictures.from_array(pixels))


EMPTY = np.full((12, 12, 1), 255, dtype=np.uint8)


# -- without a model ----------------------------------------------------------------------


def test_a_clean_set_has_no_issues() -> None:
    health, proposed = issues_of(strokes())
    assert health == Health(odd=[], suspects=[], shortcuts=[], words=[])
    assert proposed == []


def test_issues_have_words_and_clear_ones_have_proposals() -> None:
    # 3 and 9 are of one class, 4 and 5 are not; 40 is empty.
    dataset = changed(strokes(), {9: 3, 4: 5, 40: EMPTY})
    left_out = (LeftOut("bad.png", "it is empty", "Copy it"), LeftOut("class 'x'", "few", "Add"))
    health, proposed = issues_of(replace(dataset, left_out=left_out))
    names = dataset.names
    assert health.words == [
        "2 items were unusable and left out: bad.png, class 'x'.",
        f"1 picture is empty or nearly empty: {names[40]}.",
        f"1 picture is identical to another of the same class: {names[9]}. Copies share a fold, so "
        "that none is both trained on and scored.",
        "1 picture has an identical copy under another class, so one of the labels is probably "
        f"wrong: {names[4]}.",
    ]
    assert [(one.what, one.index) for one in health.odd] == [("empty", 40)]
    assert [(one.action, one.name, one.label, one.proposed, one.why) for one in proposed] == [
        ("leave out", names[4], "dash", "", f"identical to {names[5]}, which is labelled box"),
        ("leave out", names[5], "box", "", f"identical to {names[4]}, which is labelled dash"),
        ("leave out", names[40], "dash", "", "there is nothing on it"),
    ]


def test_labels_that_people_disagree_about_are_to_be_looked_at() -> None:
    dataset = strokes()
    name = dataset.names[7]
    doubts = {name: "its labels differ (dash 2, box 1)", "left-out.png": "its labels differ"}
    health, proposed = issues_of(replace(dataset, doubts=doubts))
    assert health.words == [
        "1 picture has labels that differ between annotators; the class of most of them counts: "
        f"{name}."
    ]
    assert [(one.action, one.name, one.why) for one in proposed] == [("keep", name, doubts[name])]


def test_a_class_of_blank_pictures_is_how_that_class_looks() -> None:
    dataset = strokes()
    blank = np.flatnonzero(dataset.labels == 1)
    dataset = changed(dataset, {int(row): EMPTY for row in blank} | {0: EMPTY})
    health, proposed = issues_of(dataset)
    # The copy under another class is doubted, and no label of the class of blanks.
    assert {one.name: one.action for one in proposed if one.action != "keep"} == {
        dataset.names[0]: "leave out"
    }
    assert [one.index for one in health.odd] == [0]
    assert health.words[:2] == [
        "20 of the 20 pictures of “dash” look unlike the other classes (20 empty or nearly "
        "empty): if that is not what the class shows, look at its files.",
        f"1 picture is empty or nearly empty: {dataset.names[0]}.",
    ]
    assert health.words[-1] == (
        "“dash” cannot be scored: it has one picture, or its pictures are kept together (copies of "
        "one another, or one group), so a model that has not seen them has not seen the class. "
        "The accuracy is without it."
    )


def test_a_class_of_nearly_blank_pictures_is_not_doubted() -> None:
    dataset = strokes()
    rng = np.random.default_rng(0)
    specks = {}
    for row in np.flatnonzero(dataset.labels == 1).tolist():
        specks[row] = EMPTY.copy()
        specks[row][tuple(rng.integers(0, 12, (2, 1 + row % 5)))] = 150 + row
    dataset = changed(dataset, specks)
    health, proposed = issues_of(dataset)
    assert not [one for one in proposed if one.label == "dash"]
    assert "20 of the 20 pictures of “dash” look unlike the other classes" in health.words[0]


def test_people_decide_whether_a_class_is_lost() -> None:
    # All pictures of a class are copies, two by two, of pictures of another class.
    dataset = strokes()
    first, second = (np.flatnonzero(dataset.labels == label)[:4].tolist() for label in (0, 1))
    rows = np.flatnonzero((dataset.labels != 1) | np.isin(np.arange(60), second))
    dataset = changed(dataset, dict(zip(second, first, strict=True))).take(rows)
    _, proposed = issues_of(dataset)
    assert {one.label: one.action for one in proposed} == {"bar": "leave out", "dash": "keep"}
    kept = [one.why for one in proposed if one.action == "keep"]
    assert all(why.endswith("without it and the others the class is lost") for why in kept)


def test_people_decide_on_a_near_copy_under_another_class() -> None:
    dataset = read("doodles").take(np.arange(0, 1000, 5))
    pixels = np.stack(list(dataset.pictures))
    pixels[150] = (pixels[3] * 0.9).astype(np.uint8)
    assert dataset.labels[150] != dataset.labels[3]
    health, proposed = issues_of(replace(dataset, pictures=Pictures.from_array(pixels)))
    assert "a nearly identical copy under another class" in health.words[0]
    assert {(one.action, one.name) for one in proposed} == {
        ("keep", dataset.names[3]),
        ("keep", dataset.names[150]),
    }


def test_an_unlabelled_copy_contradicts_nothing() -> None:
    dataset = changed(strokes(), {4: 5})
    labels = dataset.labels.copy()
    labels[5] = UNLABELLED
    health, proposed = issues_of(replace(dataset, labels=labels))
    assert proposed == []
    assert "of the same class" in health.words[0]


def test_no_change_to_the_test_is_proposed() -> None:
    test = np.arange(60) >= 45
    dataset = changed(strokes(official_test=test), {50: EMPTY, 3: 54})
    health, proposed = issues_of(dataset)
    assert f"1 picture is also in the test, so not used for training: {dataset.names[3]}." in (
        health.words
    )
    (one,) = proposed
    assert one.action == "keep"
    assert one.why.endswith("in the locked test, so only you can decide")


def test_a_class_without_test_pictures() -> None:
    dataset = strokes()
    test = (np.arange(60) >= 45) & (dataset.labels != 2)
    health, _ = issues_of(replace(dataset, official_test=test))
    assert health.words == ["1 class has no test pictures: box."]


def test_imbalanced_classes() -> None:
    dataset = strokes()
    rows = np.flatnonzero((dataset.labels != 1) | (np.arange(60) < 6))
    health, _ = issues_of(dataset.take(rows))
    assert health.words == [
        "The classes are imbalanced: bar has 20 pictures, dash has 2. Accuracy mostly reflects the "
        "large classes; balanced accuracy counts all equally."
    ]


def test_no_change_to_ambiguous_names_is_proposed() -> None:
    names = ("same",) * 60
    _, (one,) = issues_of(changed(strokes(names=names), {4: EMPTY}))
    assert (one.action, one.why) == (
        "keep",
        "there is nothing on it; other pictures have the same name",
    )


def on_shaded_paper(count: int = 150, *, shortcut_to: str) -> Dataset:
    """Boxes and bars on paper of 24×24, whose shade depends on the class or the group."""
    rng = np.random.default_rng(0)
    labels, groups = np.arange(count) % 2, np.arange(count) % 3
    pixels = rng.normal(225, 4, (count, 24, 24, 1))
    shade = labels if shortcut_to == "class" else groups
    pixels -= 10.0 * shade[:, None, None, None]
    for row, label in enumerate(labels):
        top, left, bottom = rng.integers([6, 6, 14], [10, 10, 19])
        pixels[row, top:bottom, left : left + (rng.integers(6, 9) if label else 3)] = 30
        for _ in range(2):
            pixels[row, rng.integers(6, 18), 6:18] = 30
            pixels[row, 6:18, rng.integers(6, 18)] = 30
    return Dataset(
        name="papers",
        pictures=Pictures.from_array(pixels.clip(0, 255).astype(np.uint8)),
        labels=labels.astype(np.int64),
        classes=("bar", "box"),
        names=tuple(f"{row}.png" for row in range(count)),
        groups=groups.astype(np.int64),
        group_names=("a", "b", "c"),
    )


def test_the_background_is_a_shortcut_to_the_class() -> None:
    health, _ = issues_of(on_shaded_paper(shortcut_to="class"))
    (one,) = health.shortcuts
    assert (one.predicts, one.by, one.chance) == ("class", "background", 0.5)
    assert one.accuracy > 0.9
    assert one.interval[0] < one.accuracy <= one.interval[1]
    assert health.words[-1] == one.words
    assert "take the pictures of all classes in the same way" in one.words


def test_the_background_is_a_shortcut_to_the_group() -> None:
    health, _ = issues_of(on_shaded_paper(shortcut_to="group"))
    (one,) = health.shortcuts
    assert one.predicts == "group"
    assert "--leave-one-group-out" in one.words


# -- in a run ----------------------------------------------------------------------


def test_a_run_does_not_score_or_doubt_a_class_of_copies(tmp_path: Path) -> None:
    dataset = strokes()
    blank = np.flatnonzero(dataset.labels == 1)
    dataset = changed(dataset, {int(row): EMPTY for row in blank})
    run = bake(dataset, tmp_path / "run", **ONE)
    results = run.results()
    (approach,) = results.approaches
    assert approach.out_of_fold is not None
    assert [one.pictures for one in approach.out_of_fold.per_class] == [20, 0, 20]
    assert results.protocol.unscored == ["dash"]
    assert results.verdict is not None
    assert [
        one.about for one in results.verdict.sentences if "“dash” cannot be scored" in one.text
    ] == ["sure"]
    assert all(one.label != "dash" for one in read_corrections(run.path / "corrections.csv"))


def digits(count: int = 300) -> Dataset:
    """Digits of scikit-learn's, on 8×8."""
    return read("digits").take(np.arange(count))


def test_a_run_finds_flipped_labels_and_proposes_corrections(tmp_path: Path) -> None:
    dataset = digits()
    labels = dataset.labels.copy()
    problem = [7, 90, 161, 233]
    labels[problem] = (labels[problem] + 3) % 10
    run = bake(replace(dataset, labels=labels), tmp_path / "run", **BOTH)
    health = run.results().health
    assert health is not None
    assert len({one.index for one in health.suspects[:4]} & set(problem)) >= 3
    assert any("probably wrong" in words for words in health.words)
    proposed = read_corrections(run.path / "corrections.csv")
    changed = {one.name: one.proposed for one in proposed if one.action == "relabel"}
    truth = {dataset.names[row]: dataset.classes[dataset.labels[row]] for row in problem}
    assert len(changed.items() & truth.items()) >= 3
    assert len(changed) <= 6
    for one in proposed:
        assert one.quality is None or one.why

    # Once corrected they are no longer suspects, and the new table keeps the corrections.
    again = bake(
        replace(dataset, labels=labels),
        tmp_path / "again",
        corrections=run.path / "corrections.csv",
        **ONE,
    )
    fixed = read_corrections(again.path / "corrections.csv")
    assert {one.name: one.proposed for one in fixed if one.action == "relabel"}.items() >= (
        changed.items()
    )
    after = again.results().health
    assert after is not None
    assert not {one.name for one in after.suspects} & set(changed)


def test_label_errors_in_the_test_are_reported_and_kept(tmp_path: Path) -> None:
    dataset = digits()
    labels = dataset.labels.copy()
    problem = [250, 261, 272, 283]
    labels[problem] = (labels[problem] + 3) % 10
    test = np.arange(300) >= 240
    run = bake(replace(dataset, labels=labels, official_test=test), tmp_path / "run", **BOTH)
    health = run.results().health
    assert health is not None
    assert {one.index for one in health.suspects} & set(problem)
    assert any("in the test." in words for words in health.words)
    table = {one.name: one for one in read_corrections(run.path / "corrections.csv")}
    for one in health.suspects:
        if one.index >= 240:
            assert table[one.name].action == "keep"
            assert "locked test" in table[one.name].why


@pytest.mark.parametrize("keep", [False, True])
def test_groups_in_several_folds_are_reported(keep: bool) -> None:
    writers = strokes(groups=np.arange(60) // 4, group_names=tuple("abcdefghijklmno"))
    health, _ = issues_of(writers, keep_groups=keep)
    assert any("over several folds" in words for words in health.words) != keep


def test_a_run_without_folds_judges_the_test(tmp_path: Path) -> None:
    run = bake(strokes(), tmp_path / "run", **ONE | {"folds": 0, "test": 0.3})
    assert run.results().health is not None


def test_an_outlier_to_every_approach(tmp_path: Path) -> None:
    dataset = digits()
    pixels = np.stack(list(dataset.pictures)).copy()
    pixels[50, :, :, 0] = np.indices((8, 8)).sum(0) % 2 * 255
    strange = replace(dataset, pictures=Pictures.from_array(pixels))
    asked = BOTH | {"approaches": ("baseline",), "settings": {"": {"epochs": 12}}}
    run = bake(strange, tmp_path / "run", **asked)
    health = run.results().health
    assert health is not None
    assert (50, "outlier") in {(one.index, one.what) for one in health.odd}


# -- corrections of a run ----------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Strokes as files."""
    dataset = strokes()
    for name, picture in zip(dataset.names, dataset.pictures, strict=True):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture[..., 0]))
    return tmp_path / "set"


def test_a_run_goes_on_with_its_corrections_when_their_table_is_gone(
    folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "mine.csv"
    table.write_text(
        "action,name,label,proposed\nrelabel,bar/0.png,bar,box\nleave out,bar/3.png,bar,\n"
        "keep,bar/6.png,bar,box\n"
    )
    files = {path: path.read_bytes() for path in folder.rglob("*.png")}
    with pytest.raises(Interruption):
        bake(folder, tmp_path / "run", corrections=table, on_event=after(6), **ONE)
    table.unlink()
    run = resume(tmp_path / "run")
    results, index = run.results(), run.picture_index()
    assert results.dataset.classes == ["bar", "box", "dash"]
    assert results.dataset.class_counts == [18, 21, 20]
    assert "1 label corrected, 1 picture left out on request" in results.dataset.description
    assert [one.subject for one in results.dataset.left_out] == ["bar/3.png"]
    assert index.labels[index.names.index("bar/0.png")] == results.dataset.classes.index("box")
    assert read_again(run.config).fingerprint() == results.dataset.fingerprint
    assert not any("left out" in words for words in results.health.words)  # type: ignore[union-attr]
    assert {path: path.read_bytes() for path in folder.rglob("*.png")} == files
    first = next(run.events())
    assert isinstance(first, RunStarted)
    assert "corrections" not in first.options
    acting = [one for one in read_corrections(run.path / "corrections.csv") if one.action != "keep"]
    assert [(one.action, one.name) for one in acting[:2]] == [
        ("relabel", "bar/0.png"),
        ("leave out", "bar/3.png"),
    ]
