import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.duplicates.find import find_duplicates
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.events import Event
from bakeoff.record.folder import RunFolder
from bakeoff.run.bake import bake, resume

from ..strokes import ONE, QUICKLY, strokes
from .plans import planned

Arrays = dict[str, NDArray[Any]]


def arrays_of(run: RunFolder) -> Arrays:
    with np.load(run.path / "probabilities.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def events_of(run: RunFolder, kind: str) -> list[Event]:
    return [event for event in run.events() if event.event == kind]


def with_copies(dataset: Dataset, rows: list[int]) -> Dataset:
    """The dataset with exact copies of some rows at its end."""
    return dataset.take(np.array([*range(len(dataset)), *rows]))


# -- what a finished run holds -----------------------------------------------------


def test_the_files_of_a_run(finished: RunFolder) -> None:
    assert {path.name for path in finished.path.iterdir()} == {
        "run.json",
        "events.jsonl",
        "units",
        "results.json",
        "probabilities.npz",
        "pictures",
        "mistakes.csv",
        "corrections.csv",
        "report.html",
        "bundles",
    }
    for name in ("baseline", "cnn"):
        for fold in ("fold 1", "fold 2", "final"):
            assert finished.has_unit(name, fold)


def test_results_say_what_was_asked_and_read(finished: RunFolder) -> None:
    results = finished.results()
    assert [one.name for one in results.approaches] == ["baseline", "cnn"]
    assert results.dataset.pictures == 60
    assert results.dataset.class_counts == [20, 20, 20]
    assert results.dataset.fingerprint == strokes().fingerprint()
    assert results.protocol.fold_names == ["fold 1", "fold 2"]
    assert results.protocol.test == "held out"
    assert results.protocol.training_pictures + results.protocol.test_pictures == 60
    assert results.machine["threads"] == "1"
    assert results.machine["precision"] == "fp32"
    assert results.created <= (results.protocol.test_opened or "") <= results.finished


def test_every_training_picture_is_scored_once_and_none_of_the_test(finished: RunFolder) -> None:
    arrays = arrays_of(finished)
    scored, test = arrays["out_of_fold_rows"], arrays["test_rows"]
    assert sorted([*scored, *test]) == list(range(60))
    for name in ("baseline", "cnn"):
        for part, rows in (("out_of_fold", scored), ("test", test)):
            probabilities = arrays[f"{name}_{part}"]
            assert probabilities.shape == (len(rows), 3)
            assert probabilities.sum(1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


def test_the_figures_are_those_of_the_probabilities(finished: RunFolder) -> None:
    arrays, labels = arrays_of(finished), strokes().labels
    for one in finished.results().approaches:
        for part, scores, rows in (
            ("out_of_fold", one.out_of_fold, arrays["out_of_fold_rows"]),
            ("test", one.test, arrays["test_rows"]),
        ):
            assert scores is not None
            probabilities, truth = arrays[f"{one.name}_{part}"], labels[rows]
            right = probabilities.argmax(1) == truth
            assert scores.pictures == len(rows)
            assert scores.correct == right.sum()
            assert scores.accuracy == pytest.approx(right.mean())
            loss = -np.log(probabilities[np.arange(len(rows)), truth]).mean()
            assert scores.loss == pytest.approx(loss, rel=1e-4)
            assert np.trace(scores.confusion) == right.sum()


def test_the_folds_add_up_to_the_whole(finished: RunFolder) -> None:
    for one in finished.results().approaches:
        assert one.out_of_fold is not None
        assert sum(fold.pictures for fold in one.folds) == one.out_of_fold.pictures
        right = sum((fold.accuracy or 0) * fold.pictures for fold in one.folds)
        assert right == pytest.approx(one.out_of_fold.correct)
        assert one.seconds.folds == pytest.approx(sum(fold.seconds for fold in one.folds))
        assert one.final.accuracy is None
        assert one.final.pictures == 0
        assert one.peak_memory_mb > 10
        assert one.latency.batch_1_ms > 0
        assert one.bytes >= 4 * one.parameters > 0
        chosen = sorted(fold.best_epoch for fold in one.folds)
        assert chosen[0] <= one.final.best_epoch <= chosen[-1]


def test_every_mistake_is_listed_with_its_picture(finished: RunFolder) -> None:
    results = finished.results()
    with (finished.path / "mistakes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    problem = 0
    for one in results.approaches:
        assert one.out_of_fold is not None
        problem += one.out_of_fold.pictures - one.out_of_fold.correct
        for mistake in one.mistakes:
            assert mistake.name == strokes().names[mistake.index]
    assert len(rows) == problem > 0


def test_every_picture_is_kept_small_and_in_its_part(finished: RunFolder) -> None:
    dataset, index, arrays = strokes(), finished.picture_index(), arrays_of(finished)
    assert index.names == list(dataset.names)
    assert index.labels == dataset.labels.tolist()
    assert index.groups is None
    part_of = np.array(index.part_names)[index.parts]
    assert np.flatnonzero(part_of == "test").tolist() == sorted(arrays["test_rows"])
    for fold in ("fold 1", "fold 2"):
        held_out = finished.load_unit("baseline", fold)[1]["rows"].tolist()
        assert np.flatnonzero(part_of == fold).tolist() == sorted(held_out)
    small = finished.sheets()
    for row, picture in enumerate(dataset.pictures):
        shown = np.asarray(small[row].convert("RGB"))
        assert np.array_equal(shown, picture.repeat(3, axis=2))


def test_the_test_part_is_opened_once_after_the_last_fit(finished: RunFolder) -> None:
    kinds = [event.event for event in finished.events()]
    assert kinds[0] == "run started"
    assert kinds[-1] == "run finished"
    assert kinds.count("test opened") == 1
    assert kinds.count("unit finished") == 6
    last_fit = max(at for at, kind in enumerate(kinds) if kind == "unit finished")
    assert kinds.index("test opened") > last_fit
    (opened,) = events_of(finished, "test opened")
    assert finished.results().protocol.test_opened == opened.time


def test_folds_and_test_part_share_no_picture(finished: RunFolder) -> None:
    arrays, dataset = arrays_of(finished), strokes()
    for name in ("baseline", "cnn"):
        held_out = [
            set(finished.load_unit(name, fold)[1]["rows"].tolist()) for fold in ("fold 1", "fold 2")
        ]
        assert held_out[0].isdisjoint(held_out[1])
        assert (held_out[0] | held_out[1]).isdisjoint(arrays["test_rows"].tolist())
    assert len(finished.load_unit("cnn", "final")[1]["rows"]) == 0
    assert len(dataset) == len(arrays["test_rows"]) + len(arrays["out_of_fold_rows"])


# -- the same again ----------------------------------------------------------------


def test_a_seed_means_the_same_bytes(finished: RunFolder, tmp_path: Path) -> None:
    again = bake(strokes(), tmp_path / "again", test=0.2, **QUICKLY)
    for name in ("probabilities.npz", "mistakes.csv"):
        assert (again.path / name).read_bytes() == (finished.path / name).read_bytes()
    for unit in (path.parent for path in finished.path.glob("units/*/*/weights.safetensors")):
        other = again.path / unit.relative_to(finished.path)
        for name in ("weights.safetensors", "logits.npz"):
            assert (other / name).read_bytes() == (unit / name).read_bytes()


def test_another_seed_means_others(finished: RunFolder, tmp_path: Path) -> None:
    other = bake(strokes(), tmp_path / "run", test=0.2, seed=1, **QUICKLY)
    assert not np.array_equal(
        arrays_of(other)["out_of_fold_rows"], arrays_of(finished)["out_of_fold_rows"]
    )


def test_an_approach_gives_the_same_whatever_others_run_beside_it(
    finished: RunFolder, tmp_path: Path
) -> None:
    alone = bake(
        strokes(),
        tmp_path / "run",
        test=0.2,
        **QUICKLY
        | {"approaches": ("cnn",)}
        | {"settings": {"cnn": {"epochs": 2} | QUICKLY["settings"]["cnn"]}},
    )
    for part in ("cnn_out_of_fold", "cnn_test"):
        assert np.array_equal(arrays_of(alone)[part], arrays_of(finished)[part])


def test_labels_of_the_test_part_reach_no_fit(finished: RunFolder, tmp_path: Path) -> None:
    official = np.zeros(60, dtype=np.bool_)
    official[arrays_of(finished)["test_rows"]] = True
    clean = strokes(official_test=official)
    poisoned = replace(clean, labels=np.where(official, (clean.labels + 1) % 3, clean.labels))
    one, other = (
        bake(dataset, tmp_path / name, **ONE)
        for name, dataset in (("clean", clean), ("poisoned", poisoned))
    )
    assert arrays_of(one).keys() == arrays_of(other).keys()
    for name, array in arrays_of(one).items():
        assert np.array_equal(array, arrays_of(other)[name])
    a, b = (run.results().approaches[0] for run in (one, other))
    assert a.out_of_fold == b.out_of_fold
    assert a.test != b.test


# -- protocols ---------------------------------------------------------------------


def test_no_folds_score_on_the_official_test_alone(tmp_path: Path) -> None:
    official = np.arange(60) >= 45
    run = bake(strokes(official_test=official), tmp_path / "run", **ONE | {"folds": 0})
    results = run.results()
    assert results.protocol.test == "official"
    assert results.protocol.test_pictures == 15
    (one,) = results.approaches
    assert one.out_of_fold is None
    assert one.folds == []
    assert one.test is not None
    assert one.test.pictures == 15
    index = run.picture_index()
    assert [index.part_names[part] for part in index.parts] == ["training"] * 45 + ["test"] * 15
    assert one.final.curve[0].validation_loss is not None  # its own slice chose the epoch
    assert set(arrays_of(run)) == {"test_rows", "baseline_test"}
    assert arrays_of(run)["test_rows"].tolist() == list(range(45, 60))


def test_copies_share_a_fold() -> None:
    plan = planned(with_copies(strokes(), [0, 1, 2, 3, 4, 5]))
    folds = [set(fold.held_out.tolist()) for fold in plan.parts.folds]
    for row in range(6):
        assert sum({row, 60 + row} <= fold for fold in folds) == 1
    assert len(plan.duplicates) == 6


def test_copies_of_the_official_test_are_kept_out_of_training_and_listed(tmp_path: Path) -> None:
    plain = strokes()
    assert find_duplicates(plain.pictures) == []
    dataset = with_copies(plain, [3, 8])
    dataset = replace(
        dataset,
        names=(*plain.names, "test/a.png", "test/b.png"),
        official_test=np.arange(62) >= 60,
    )
    run = bake(dataset, tmp_path / "run", **ONE)
    results = run.results()
    assert [one.subject for one in results.dataset.left_out] == [plain.names[3], plain.names[8]]
    assert all("copy of a picture" in one.problem for one in results.dataset.left_out)
    assert results.protocol.training_pictures == 58
    assert not {3, 8} & set(arrays_of(run)["out_of_fold_rows"].tolist())
    index = run.picture_index()
    assert [index.part_names[index.parts[row]] for row in (3, 8, 60)] == ["kept out"] * 2 + ["test"]


def test_two_classes_are_enough(tmp_path: Path) -> None:
    run = bake(strokes(classes=2), tmp_path / "run", **ONE)
    scores = run.results().approaches[0].out_of_fold
    assert scores is not None
    assert np.shape(scores.confusion) == (2, 2)


def test_pictures_without_a_label_are_in_no_part(tmp_path: Path) -> None:
    dataset = strokes()
    labels = dataset.labels.copy()
    labels[:5] = UNLABELLED
    run = bake(replace(dataset, labels=labels), tmp_path / "run", **ONE)
    assert arrays_of(run)["out_of_fold_rows"].min() == 5
    assert run.results().dataset.class_counts == np.bincount(labels[5:]).tolist()
    index = run.picture_index()
    assert index.labels[:5] == [UNLABELLED] * 5
    assert {index.part_names[part] for part in index.parts[:5]} == {"kept out"}


def test_pictures_of_many_sizes_and_colours(tmp_path: Path) -> None:
    plain = strokes(30)
    flat, offsets, shapes, at = [], [], [], 0
    for row, picture in enumerate(plain.pictures):
        grown = np.kron(picture, np.ones((1 + row % 3, 1 + row % 3, 1), dtype=np.uint8))
        grown = grown.repeat(3 if row % 2 else 1, axis=2)
        flat.append(grown.reshape(-1))
        offsets.append(at)
        shapes.append(grown.shape)
        at += grown.size
    pictures = Pictures(
        np.concatenate(flat), np.array(offsets, dtype=np.int64), np.array(shapes, dtype=np.int32)
    )
    run = bake(replace(plain, pictures=pictures), tmp_path / "run", mode="photo", **ONE)
    assert sorted(arrays_of(run)["out_of_fold_rows"]) == list(range(30))


# -- settings ----------------------------------------------------------------------


def test_settings_reach_the_approaches(finished: RunFolder) -> None:
    by_name = {one.name: one for one in finished.results().approaches}
    assert by_name["cnn"].settings["filters"] == [8, 8]
    assert by_name["cnn"].settings["epochs"] == 2
    assert by_name["baseline"].settings["epochs"] == 2
    assert "filters" not in by_name["baseline"].settings
    assert {len(fold.curve) for one in by_name.values() for fold in one.folds} == {2}
    assert by_name["cnn"].parameters == 8 * 9 + 16 + 8 * 8 * 9 + 16 + 32 * 3 + 3


def test_settings_of_an_approach_win_over_those_for_all(tmp_path: Path) -> None:
    settings: dict[str, dict[str, object]] = {"": {"epochs": "3"}, "baseline": {"epochs": 1}}
    run = bake(strokes(), tmp_path / "run", **ONE | {"settings": settings})
    assert {len(fold.curve) for fold in run.results().approaches[0].folds} == {1}


def test_a_budget_scales_the_epochs(tmp_path: Path) -> None:
    wish = ONE | {"settings": {}, "folds": 0, "test": 0.6}
    quick, standard = (
        bake(strokes(30), tmp_path / budget, budget=budget, **wish).results().approaches[0].final
        for budget in ("quick", "standard")
    )
    assert 1 < len(quick.curve) < len(standard.curve)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"approaches": ("cnm",)}, "approach cnm: is not known. Did you mean cnn"),
        ({"approaches": ()}, "each can be named once"),
        ({"approaches": ("cnn", "cnn")}, "each can be named once"),
        ({"settings": {"cnn": {"depth": 3}}}, r"cnn\.depth: is not a setting"),
        ({"settings": {"cnn": {"filters": "many"}}}, r"cnn\.filters=many: .* such as 32,64"),
        ({"settings": {"": {"filters": "8"}}}, r"baseline\.filters: is not a setting"),
        ({"settings": {"vit": {"depth": 2}}}, "settings of vit: no such approach takes part"),
        ({"device": "toaster"}, "device toaster: torch cannot use it"),
        ({"precision": "fp8"}, "precision 'fp8': input should be 'auto', 'fp32' or 'bf16'"),
        ({"threads": 0}, "threads 0: input should be greater than or equal to 1"),
        ({"settings": {"": {"epochs": -1}}}, r"baseline\.epochs=-1: .* greater than or equal to 1"),
        ({"seed": -1}, "seed -1: input should be greater than or equal to 0"),
        ({"folds": 1}, "1 is not a number of folds"),
        ({"folds": 0}, "nothing would be scored"),
        ({"folds": 50}, "50 folds, but the largest class has 20"),
        ({"test": 1.5}, r"test 1\.5: input should be less than or equal to 0\.9"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path, wish: dict[str, object], words: str
) -> None:
    with pytest.raises(BakeoffError, match=words):
        bake(strokes(), tmp_path / "run", **QUICKLY | wish)
    assert not (tmp_path / "run").exists()


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="nowhere"):
        bake(tmp_path / "nowhere", tmp_path / "run", **ONE)
    assert not (tmp_path / "run").exists()


def test_a_used_folder_is_refused(finished: RunFolder) -> None:
    before = sorted(finished.path.rglob("*"))
    with pytest.raises(BakeoffError, match="is there already"):
        bake(strokes(), finished.path, **ONE)
    assert sorted(finished.path.rglob("*")) == before


def test_events_are_reported_as_they_are_logged(tmp_path: Path) -> None:
    reported: list[Event] = []
    run = bake(strokes(), tmp_path / "run", on_event=reported.append, **ONE)
    assert reported == list(run.events())
    assert [type(event) for event in reported] == [type(event) for event in run.events()]


def test_a_run_can_start_from_a_folder_and_go_on_from_it(tmp_path: Path) -> None:
    from PIL import Image

    dataset = strokes(30)
    for picture, name in zip(dataset.pictures, dataset.names, strict=True):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).save(path)
    decoded: list[tuple[int, int]] = []
    run = bake(
        tmp_path / "pictures",
        tmp_path / "run",
        on_decoded=lambda done, of: decoded.append((done, of)),
        **ONE,
    )
    assert decoded[-1] == (30, 30)
    before = run.results()
    assert resume(tmp_path / "run").results().approaches[0].out_of_fold == (
        before.approaches[0].out_of_fold
    )


def test_five_hundred_classes_of_two_pictures(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (1000, 8, 8), dtype=np.uint8)
    dataset = Dataset(
        name="many",
        pictures=Pictures.from_array(pictures),
        labels=np.arange(1000, dtype=np.int64) // 2,
        classes=tuple(f"class {number:03d}" for number in range(500)),
        names=tuple(f"{row}.png" for row in range(1000)),
    )
    quickly = {**QUICKLY, "approaches": ("baseline",), "settings": {"": {"epochs": 1}}}
    run = bake(dataset, tmp_path / "run", test=0, **quickly)
    results = run.results()
    assert len(results.dataset.classes) == 500
    assert results.winner.name is None
    assert (run.path / "report.html").stat().st_size < 15_000_000
