"""Bundles as a static folder: its contents, and what it never replaces."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from bakeoff.bundle import web
from bakeoff.bundle.bundle import load
from bakeoff.bundle.pack import pack
from bakeoff.bundle.web import export_web
from bakeoff.data.dataset import Dataset
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.run.bundles import make_bundle

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
