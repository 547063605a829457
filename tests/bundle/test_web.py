"""Bundles as a static folder: its contents, and what it never replaces."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

from bakeoff.bundle import web
from bakeoff.bundle.bundle import load
from bakeoff.bundle.pack import pack
from bakeoff.bundle.web import export_web
from bakeoff.data.dataset import Dataset
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import make_bundle
from bakeoff.said import Said

from ..strokes import strokes


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page instead of the one in this installation, which may have none."""
    folder = tmp_path / "browser"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "ort.wasm").write_bytes(b"\0asm")
    monkeypatch.setattr(web, "_built", lambda: folder)
    return folder


def found_in(folder: Path) -> set[str]:
    return {one.relative_to(folder).as_posix() for one in folder.rglob("*") if not one.is_dir()}


@pytest.mark.usefixtures("page")
def test_the_folder_has_the_page_and_every_model(finished: RunFolder, tmp_path: Path) -> None:
    out = tmp_path / "a" / "site"
    assert export_web([finished.path], out) == ["baseline", "cnn"]
    assert found_in(out) == {
        ".nojekyll",
        "index.html",
        "assets/ort.wasm",
        "models.json",
        "examples.json",
        "models/baseline/bundle.json",
        "models/baseline/model.onnx",
        "models/cnn/bundle.json",
        "models/cnn/model.onnx",
    }
    listed = json.loads((out / "models.json").read_text())
    assert listed[1] == {
        "name": "cnn",
        "title": load(finished.bundle("cnn")).manifest.title,
        "manifest": "models/cnn/bundle.json",
        "graph": "models/cnn/model.onnx",
    }
    manifest = json.loads((out / listed[1]["manifest"]).read_text())
    graph = (out / listed[1]["graph"]).read_bytes()
    assert hashlib.sha256(graph).hexdigest() == manifest["files"]["model.onnx"]["sha256"]
    assert load(out / "models" / "cnn").verify().same
    assert [one.name for one in out.parent.iterdir()] == ["site"]


def examples_in(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / "examples.json").read_text())
    return found


def on_named_set(run: RunFolder, to: Path, **config: object) -> Path:
    """A copy of a run, as if its pictures were those of a named set."""
    shutil.copytree(run.path, to)
    described = read("digits").description
    assert isinstance(described, Said)
    said = asdict(described.message)
    changes: dict[str, dict[str, object]] = {
        "run.json": config,
        "results.json": {"description": described, "description_said": said},
    }
    for name, changed in changes.items():
        content = json.loads((to / name).read_text())
        (content["dataset"] if name == "results.json" else content).update(changed)
        (to / name).write_text(json.dumps(content))
    return to


@pytest.mark.usefixtures("page")
def test_pictures_of_a_named_set_are_shown_and_private_ones_on_request(
    finished: RunFolder, tmp_path: Path
) -> None:
    out, public = tmp_path / "site", on_named_set(finished, tmp_path / "public")
    unlabelled = on_named_set(finished, tmp_path / "mixed", unlabelled="mine")
    classes = finished.results().dataset.classes
    assert classes[1:]
    for run, wanted, labels in (
        (finished.path, None, []),
        (finished.path, True, classes[:8]),
        (public, None, classes[:8]),
        (public / "bundles" / "cnn", None, classes[:8]),
        (public, False, []),
        (unlabelled, None, []),
    ):
        export_web([run], out, examples=wanted)
        examples = examples_in(out)
        assert [one["label"] for one in examples] == labels
    export_web([public, finished.path, public], out)  # a run is asked once
    assert [one["label"] for one in examples_in(out)] == classes[:4]


@pytest.mark.usefixtures("page")
def test_an_example_is_its_pixels_and_nothing_else(finished: RunFolder, tmp_path: Path) -> None:
    export_web([finished.path], tmp_path / "site", examples=True)
    for one in examples_in(tmp_path / "site"):
        kind, _, data = str(one["picture"]).partition(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            assert image.format == "PNG"
            assert not image.info
            assert max(image.size) <= 96


@pytest.mark.usefixtures("page")
def test_pictures_that_are_wanted_must_be_there(finished: RunFolder, tmp_path: Path) -> None:
    packed = tmp_path / "cnn.bakeoff"
    pack(finished.bundle("cnn"), packed)
    with pytest.raises(BakeoffError, match="no example pictures"):
        export_web([packed], tmp_path / "site", examples=True)
    run = on_named_set(finished, tmp_path / "public")
    shutil.rmtree(run / "pictures")
    export_web([packed, run], tmp_path / "site")  # not wanted, only allowed
    assert examples_in(tmp_path / "site") == []
    with pytest.raises(BakeoffError, match="pictures"):
        export_web([run], tmp_path / "site", examples=True)


@pytest.mark.usefixtures("page")
def test_packed_bundles_keep_their_neighbours_and_get_unique_names(
    finished: RunFolder, tmp_path: Path
) -> None:
    dataset: Dataset = strokes()
    file = make_bundle(
        finished, "cnn", tmp_path / "50% #1?.bakeoff", neighbours=True, dataset=dataset
    )
    assert load(file).neighbours is not None
    out = tmp_path / "site"
    names = export_web([finished.bundle("cnn"), file, finished.bundle("cnn")], out)
    assert names == ["cnn", "50% #1?", "cnn 2"]
    assert {"bundle.json", "model.onnx", "neighbours.safetensors"} == found_in(
        out / "models" / "50% #1?"
    )
    for one in json.loads((out / "models.json").read_text()):
        assert not set(one["graph"]) & set(" #?")  # it is an address, not a path
        assert (out / unquote(one["graph"])).is_file()
        assert (out / unquote(one["manifest"])).is_file()


def test_an_older_one_is_replaced(finished: RunFolder, page: Path, tmp_path: Path) -> None:
    out = tmp_path / "site"
    out.mkdir()
    export_web([finished.path], out)
    (page / "assets" / "ort.wasm").unlink()
    (page / "assets" / "ort-2.wasm").write_bytes(b"")
    export_web([finished.bundle("cnn")], out)
    assert "assets/ort-2.wasm" in found_in(out)
    assert not {"assets/ort.wasm", "models/baseline/model.onnx"} & found_in(out)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("precious", ["essay.txt", ".git/HEAD", "index.html"])
def test_anything_else_is_left_alone(finished: RunFolder, tmp_path: Path, precious: str) -> None:
    out = tmp_path / "site"
    if precious == ".git/HEAD":
        export_web([finished.bundle("cnn")], out)  # and then published with Git
    path = out / precious
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    before = found_in(out)
    with pytest.raises(BakeoffError, match="exists and") as refused:
        export_web([finished.bundle("cnn")], out)
    assert refused.value.hint == "Choose another --out"
    assert path.read_text() == "x"
    assert found_in(out) == before
    with pytest.raises(BakeoffError, match="exists and is a file"):
        export_web([finished.bundle("cnn")], path)


@pytest.mark.usefixtures("page")
def test_an_unreadable_bundle_leaves_nothing(finished: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "cut.bakeoff"
    pack(finished.bundle("cnn"), file)
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(BakeoffError, match=r"cut\.bakeoff"):
        export_web([finished.bundle("cnn"), file], tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_missing_page_is_reported(finished: RunFolder, page: Path, tmp_path: Path) -> None:
    (page / "index.html").unlink()
    with pytest.raises(BakeoffError, match="the page: is not built") as refused:
        export_web([finished.bundle("cnn")], tmp_path / "site")
    assert "pip install --editable" in refused.value.hint
    assert not (tmp_path / "site").exists()


def test_the_page_is_looked_for_in_the_package() -> None:
    built = Path(str(web._built()))
    assert built.parts[-3:] == ("bakeoff", "web", "browser")
