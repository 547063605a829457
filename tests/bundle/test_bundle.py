"""Bundles of a real run: predictions, checks, and refusals of damaged ones."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bakeoff.bundle import bundle as bundles
from bakeoff.bundle.bundle import Bundle, load
from bakeoff.bundle.manifest import Preparation
from bakeoff.bundle.pack import pack
from bakeoff.bundle.tracing import graph_of
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import final_model
from bakeoff.training.compute import Compute
from bakeoff.training.model import Model, Network
from bakeoff.training.ood import MahalanobisOOD
from bakeoff.training.preprocess import Preprocess

from ..strokes import CLASSES, strokes


@pytest.fixture(scope="module")
def bundle(finished: RunFolder) -> Bundle:
    return load(finished.bundle("cnn"), threads=1)


@pytest.fixture
def copy(finished: RunFolder, tmp_path: Path) -> Path:
    """A bundle to damage."""
    return Path(shutil.copytree(finished.bundle("cnn"), tmp_path / "cnn"))


def change(folder: Path, **fields: Any) -> None:
    """Write other values into bundle.json."""
    path = folder / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


# -- asked --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["baseline", "cnn"])
def test_a_bundle_gives_the_answers_of_the_scored_model(finished: RunFolder, name: str) -> None:
    model = final_model(finished, name)
    some = strokes(40, seed=3).pictures
    large = Pictures.from_array(np.repeat(np.repeat(np.stack(list(some[:4])), 5, 1), 7, 2))
    for pictures in (some, large):
        logits, ood_score = model.judge(pictures, Compute("cpu", 1, bf16=False))
        given, strange, embedding = load(finished.bundle(name)).run(np.stack(list(pictures)))
        scaled = np.exp(logits / float(model.get_buffer("temperature")))
        np.testing.assert_allclose(given, scaled / scaled.sum(1, keepdims=True), atol=1e-4)
        np.testing.assert_allclose(strange, ood_score, rtol=1e-3)
        assert embedding.shape == (len(pictures), model.network.head.in_features)


@pytest.mark.parametrize("name", ["baseline", "cnn"])
def test_on_blank_pictures_nothing_is_drawn(finished: RunFolder, name: str) -> None:
    bundle, model = load(finished.bundle(name)), final_model(finished, name)
    for level in (0, 128, 255):
        blank = np.full((1, 50, 40, 1), level, dtype=np.uint8)
        assert bundle.run(blank)[1].tolist() == [NOTHING_DRAWN]
        _, ood_score = model.judge(Pictures.from_array(blank), Compute("cpu", 1, bf16=False))
        assert ood_score.tolist() == [NOTHING_DRAWN]
        (answer,) = bundle.predict(blank[0])
        assert answer.verdict == "nothing drawn"


def test_a_picture_gives_the_same_answer_in_every_form(bundle: Bundle, tmp_path: Path) -> None:
    drawing = strokes(3).pictures[2]
    image = Image.fromarray(drawing[..., 0])
    image.save(tmp_path / "box.png")
    np.savetxt(tmp_path / "box.csv", drawing[..., 0], fmt="%d", delimiter=",")
    (answer,) = bundle.predict(tmp_path / "box.png")
    assert answer.name == "box.png"
    assert {label for label, _ in answer.ranking} == set(CLASSES)
    for form in (tmp_path / "box.csv", (tmp_path / "box.png").read_bytes(), image, drawing):
        (same,) = bundle.predict(form)
        assert same.ranking == answer.ranking


def test_pictures_of_many_sizes_are_answered_in_order(bundle: Bundle) -> None:
    drawings = [
        np.pad(one, ((n % 3, 0), (0, 0), (0, 0)), constant_values=240)
        for n, one in enumerate(strokes(30).pictures)
    ]
    seen: list[tuple[int, int]] = []
    together = bundle.predict(drawings, on_done=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (30, 30)
    for answer, drawing in zip(together, drawings, strict=True):
        (alone,) = bundle.predict(drawing)
        assert alone.label == answer.label
        assert alone.probability == pytest.approx(answer.probability, abs=1e-4)


def test_pictures_that_are_large_inside_are_run_a_few_at_a_time(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Activations of 21 photos of 260×260 would take 400 MB, and no less time each."""
    side = bundle.manifest.preparation.side
    pictures = strokes(7).pictures
    _, (expected, _, _) = next(bundle.run_all(pictures))
    monkeypatch.setattr(bundles, "INPUT_PIXELS", 3 * side**2)
    batches = [outcome[0] for _, outcome in bundle.run_all(pictures)]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert np.concatenate(batches) == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(bundles, "INPUT_PIXELS", 1)  # less than one
    assert [len(rows) for rows, _ in bundle.run_all(pictures)] == [1] * 7


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 500, 3), (512, 1, 1), (2, 3, 3)])
def test_odd_shapes_are_answered(bundle: Bundle, shape: tuple[int, int, int]) -> None:
    (answer,) = bundle.predict(np.full(shape, 128, dtype=np.uint8))
    assert sum(probability for _, probability in answer.ranking) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["baseline", "cnn"])
def test_the_shown_input_is_the_input_of_the_network(finished: RunFolder, name: str) -> None:
    pixels = np.stack(list(strokes(5).pictures))
    with torch.inference_mode():
        prepared = final_model(finished, name).preprocess(torch.from_numpy(pixels)).numpy()
    seen = load(finished.bundle(name)).seen(pixels)
    assert seen.dtype == np.uint8
    np.testing.assert_allclose(seen.transpose(0, 3, 1, 2) / 255, prepared, atol=0.6 / 255)
    assert prepared.max() > 0.9  # there is something to see


def test_the_shown_input_of_a_photo_keeps_its_colours(bundle: Bundle) -> None:
    network = Network(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))
    network.ood = MahalanobisOOD(3, 192).learn(torch.randn(40, 192), torch.arange(40) % 3)
    model = Model(Preprocess(mode="photo", size=8, channels=3), None, network)
    made = Preparation(mode="photo", side=8, channels=3)
    manifest = bundle.manifest.model_copy(update={"preparation": made, "embedding": 192})
    seen = Bundle(manifest, graph_of(model.eval())).seen(
        np.full((2, 16, 8, 3), (250, 100, 0), dtype=np.uint8)
    )
    assert seen.shape == (2, 8, 8, 3)
    assert seen[1, 4, 4].tolist() == [250, 100, 0]
    assert seen[1, 4, 0].tolist() == [128, 128, 128]  # beside an upright one


def test_the_input_is_computed_only_on_request(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    run = bundle._session.run

    def listening(names: list[str], given: Any, options: Any) -> Any:
        asked.append(names)
        return run(names, given, options)

    monkeypatch.setattr(bundle, "_session", SimpleNamespace(run=listening))
    drawing = strokes(1).pictures[0][None]
    bundle.run(drawing)
    bundle.seen(drawing)
    assert asked == [["probabilities", "ood_score", "embedding"], ["prepared"]]


def test_it_verifies_here(bundle: Bundle) -> None:
    verified = bundle.verify()
    assert verified.same
    assert verified.pictures >= 4
    assert verified.max_difference < 1e-4


def test_a_bundle_shows_itself_in_a_few_lines(bundle: Bundle) -> None:
    first, second, third, fourth = repr(bundle).splitlines()
    assert first == f"Bundle cnn: {bundle.manifest.title}"
    assert second == "  3 classes, trained on 48 pictures of strokes"
    assert "(out of fold)" in third
    assert fourth.endswith(" MB")


def test_verify_notices_a_model_that_answers_differently(copy: Path) -> None:
    golden = json.loads((copy / "bundle.json").read_text())["golden"]
    golden[0]["probabilities"] = golden[0]["probabilities"][::-1]
    change(copy, golden=golden)
    assert not load(copy).verify().same


def test_neither_torch_nor_scipy_is_needed(finished: RunFolder) -> None:
    script = (
        "import sys, bakeoff, numpy\n"
        f"bundle = bakeoff.load({str(finished.bundle('cnn'))!r})\n"
        "bundle.predict(numpy.zeros((9, 9)))\n"
        "bundle.verify()\n"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'timm') if name in sys.modules])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert said == "[]\n"


# -- what lies in it ----------------------------------------------------------


def test_a_bundle_records_the_scores(finished: RunFolder, bundle: Bundle) -> None:
    (result,) = (one for one in finished.results().approaches if one.name == "cnn")
    manifest = bundle.manifest
    assert manifest.classes == list(CLASSES)
    assert [one.on for one in manifest.scores] == ["out of fold", "test"]
    assert result.out_of_fold is not None
    assert manifest.scores[0].accuracy == result.out_of_fold.accuracy
    assert manifest.trust == result.trust
    assert {"torch", "onnx", "onnxruntime", "opset"} == set(manifest.made_with)
    assert manifest.trained_on.fingerprint == strokes().fingerprint()
    card = (finished.bundle("cnn") / "README.md").read_text()
    assert f"{result.out_of_fold.accuracy:.2%}" in card
    assert card.startswith("---\nlibrary_name: onnx\n")


def test_no_path_of_this_machine_is_in_it(finished: RunFolder) -> None:
    for path in finished.bundle("cnn").iterdir():
        data = path.read_bytes()
        for trace in (str(Path.home()), str(finished.path), "site-packages", "/bakeoff/training"):
            assert trace.encode() not in data, path.name


def test_one_file_loads_like_the_folder(finished: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "cnn.bakeoff"
    pack(finished.bundle("cnn"), file)
    drawing = strokes(1).pictures[0]
    assert load(file).predict(drawing) == load(finished.bundle("cnn")).predict(drawing)
    first = file.read_bytes()
    pack(finished.bundle("cnn"), file)
    assert file.read_bytes() == first


# -- refused ------------------------------------------------------------------


def cut_graph(folder: Path) -> None:
    data = (folder / "model.onnx").read_bytes()
    (folder / "model.onnx").write_bytes(data[:-7])


def link_graph(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("/etc/hostname")


def lose_graph(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def break_json(folder: Path) -> None:
    (folder / "bundle.json").write_bytes(b'{"classes": [')


def swell_json(folder: Path) -> None:
    (folder / "bundle.json").write_bytes(b" " * 20_000_001)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (cut_graph, "its checksum differs"),
        (link_graph, "its checksum differs|cannot be read"),
        (lose_graph, "cannot be read"),
        (break_json, "damaged or of another version"),
        (swell_json, "larger than 20 MB"),
        (lambda folder: change(folder, schema_version=99), "from a newer bakeoff"),
        (lambda folder: change(folder, schema_version=0), "schema_version"),
        (lambda folder: change(folder, run="rm -rf"), "run"),
        (lambda folder: change(folder, classes=["a", "a", "b"]), "twice"),
        (lambda folder: change(folder, classes=["a", "b"]), "golden"),
        (lambda folder: change(folder, files={}), r"model\.onnx is missing"),
    ],
)
def test_a_damaged_bundle_is_refused(
    copy: Path, damage: Callable[[Path], None], problem: str
) -> None:
    damage(copy)
    with pytest.raises(BakeoffError, match=problem):
        load(copy)


def test_a_graph_of_other_classes_is_refused(copy: Path) -> None:
    golden = [
        one | {"probabilities": [0.5, 0.5]}
        for one in json.loads((copy / "bundle.json").read_text())["golden"]
    ]
    change(copy, classes=["a", "b"], golden=golden)
    with pytest.raises(BakeoffError, match="output probabilities contradicts"):
        load(copy).predict(strokes(1).pictures[0])


def test_a_graph_whose_input_contradicts_the_manifest_is_refused(copy: Path) -> None:
    change(copy, preparation={"mode": "ink", "side": 7, "channels": 1})
    with pytest.raises(BakeoffError, match="output prepared contradicts"):
        load(copy).seen(strokes(1).pictures[0][None])


def test_an_archive_cannot_write_outside_its_folder(finished: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "evil.bakeoff"
    pack(finished.bundle("cnn"), file)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../escaped.txt", "x")
    assert load(file).classes == list(CLASSES)
    assert not list(tmp_path.parent.rglob("escaped.txt"))


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_no_bundle_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BakeoffError, match=r"does not exist|is not a bundle"):
        load(tmp_path / name)


def test_a_run_of_several_approaches_needs_the_name_of_one(finished: RunFolder) -> None:
    with pytest.raises(BakeoffError, match=r"holds 2 bundles.*bundles/baseline"):
        load(finished.path)
