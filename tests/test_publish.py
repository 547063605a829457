"""Models and curves go to the Hub, to MLflow and to TensorBoard."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from bakeoff.bundle.bundle import load
from bakeoff.bundle.hub import push, repository_of, write_hub
from bakeoff.cli import app
from bakeoff.errors import BakeoffError
from bakeoff.record.events import EpochEnded, Event, UnitFinished
from bakeoff.record.folder import RunFolder
from bakeoff.record.scalars import Scalar, TensorBoard, Trackio, pour, scalars_of

from .examples import python_of


class Hub(ThreadingHTTPServer):
    """As much of the Hub's API as an upload of small files needs."""

    files: dict[str, bytes]
    tokens: set[str | None]

    class Handler(BaseHTTPRequestHandler):
        server: Hub

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.server.tokens.add(self.headers.get("Authorization"))
            home = f"http://127.0.0.1:{self.server.server_port}/me/digits"
            if self.path == "/api/repos/create":
                self.reply({"url": home, "name": "me/digits", "id": "me/digits"})
            elif self.path == "/api/validate-yaml":
                self.reply({"errors": [], "warnings": []})
            elif "/preupload/" in self.path:
                named = [
                    {**one, "uploadMode": "regular", "shouldIgnore": False}
                    for one in json.loads(body)["files"]
                ]
                self.reply({"files": named})
            elif "/commit/" in self.path:
                for line in body.splitlines():
                    part = json.loads(line)
                    if part["key"] == "file":
                        value = part["value"]
                        self.server.files[value["path"]] = base64.b64decode(value["content"])
                self.reply({"commitUrl": f"{home}/commit/1", "commitOid": "1", "success": True})
            else:
                self.reply({}, 404)

        def do_GET(self) -> None:
            self.reply({"id": "me/digits", "sha": "1", "siblings": []})

        def reply(self, value: object, status: int = 200) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""


@pytest.fixture
def bundle(finished: RunFolder) -> Path:
    """That of a small run."""
    return next(path.parent for path in finished.path.glob("bundles/*/bundle.json"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A stand-in for the Hub on this machine."""
    server = Hub(("127.0.0.1", 0), Hub.Handler)
    server.files, server.tokens = {}, set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_folder_for_the_hub_is_a_bundle_with_a_card(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "hub"
    write_hub([bundle], out)
    manifest = load(out).manifest
    header = yaml.safe_load((out / "README.md").read_text().split("---")[1])
    assert header["pipeline_tag"] == "image-classification"
    assert (out / header["widget"][0]["src"]).read_bytes()[1:4] == b"PNG"
    config = json.loads((out / "config.json").read_text())
    assert list(config["id2label"].values()) == manifest.classes
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    with pytest.raises(BakeoffError, match="exists and is not a bundle"):
        write_hub([bundle], tmp_path / "other")


def test_names_of_repositories() -> None:
    assert repository_of("hf:me/digits") == "me/digits"
    for text in ("me/digits", "hf:", "hf:a/b/c", "hf:../x y"):
        with pytest.raises(BakeoffError, match="names no repository"):
            repository_of(text)


@pytest.fixture
def pushed_to(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Where `bakeoff push` uploads to."""
    from huggingface_hub import HfApi

    def to_stand_in(**_: object) -> HfApi:
        return HfApi(endpoint=f"http://127.0.0.1:{hub.server_port}", token="hf_x")

    monkeypatch.setattr("huggingface_hub.HfApi", to_stand_in)
    return hub


def test_a_push_uploads_the_folder(bundle: Path, pushed_to: Hub) -> None:
    address = push(bundle, "hf:me/digits")
    assert address.endswith("/me/digits")
    assert {"README.md", "bundle.json", "config.json", "model.onnx"} <= set(pushed_to.files)
    assert pushed_to.files["model.onnx"] == (bundle / "model.onnx").read_bytes()
    assert pushed_to.tokens == {"Bearer hf_x"}


def test_a_run_is_pushed_with_the_bundle_that_it_has(
    finished: RunFolder, pushed_to: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakeoff.run.bundles.make_bundle", None)
    arguments = ["bakeoff", "push", str(finished.path), "hf:me/digits", "--approach", "cnn"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit, match="0"):
        app()
    assert pushed_to.files["model.onnx"] == (finished.bundle("cnn") / "model.onnx").read_bytes()


EVENTS = [
    EpochEnded(
        approach="cnn",
        fold="fold 1",
        number=number,
        of=2,
        learning_rate=0.1,
        train_loss=1 / number,
        train_accuracy=0.5,
        validation_loss=None if number == 1 else 0.25,
        validation_accuracy=None,
        seconds=1,
    )
    for number in (1, 2)
] + [UnitFinished(approach="cnn", fold="fold 1", seconds=1, best_epoch=2, accuracy=0.75)]


def test_scalars_follow_the_epochs() -> None:
    scalars = list(scalars_of(EVENTS))
    assert [(one.name, one.step, one.value) for one in scalars if "loss" in one.name] == [
        ("train_loss", 1, 1.0),
        ("train_loss", 2, 0.5),
        ("validation_loss", 2, 0.25),
    ]
    assert scalars[-1].curve == "cnn/fold 1"
    assert (scalars[-1].name, scalars[-1].step, scalars[-1].value) == ("accuracy", 2, 0.75)


def test_tensorboard_reads_what_is_written(tmp_path: Path) -> None:
    from tensorboardX.proto.event_pb2 import Event

    count = pour(scalars_of(EVENTS), TensorBoard(tmp_path))
    assert count == 8
    (file,) = (tmp_path / "cnn/fold 1").iterdir()
    found = [Event.FromString(record) for record in records(file.read_bytes())]
    values = [(one.step, v.tag, v.simple_value) for one in found for v in one.summary.value]
    assert (2, "train_loss", 0.5) in values
    assert len(values) == count


WITH_TRACKIO = """
import json, sys
from pydantic import TypeAdapter
from bakeoff.record.events import Event
from bakeoff.record.scalars import Trackio, pour, scalars_of

events = TypeAdapter(list[Event]).validate_json(sys.stdin.read())
print(pour(scalars_of(events), Trackio("digits")))
"""


def test_trackio_reads_what_is_written(tmp_path: Path) -> None:
    python = python_of("gradio")  # where trackio is
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path)}

    def answered(*words: str | Path, given: str = "") -> str:
        return subprocess.run(
            words, input=given, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    events = TypeAdapter(list[Event]).dump_json([*EVENTS]).decode()
    assert answered(python, "-c", WITH_TRACKIO, given=events).split()[0] == "8"
    asked = ["--project", "digits", "--run", "cnn/fold 1", "--metric", "train_loss", "--json"]
    metric = json.loads(answered(Path(python).with_name("trackio"), "get", "metric", *asked))
    assert [(one["step"], one["value"]) for one in metric["values"]] == [(1, 1.0), (2, 0.5)]


def test_a_place_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(BakeoffError, match="--trackio: needs trackio"):
        Trackio("digits")
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(BakeoffError, match="--tensorboard: needs tensorboardX"):
        TensorBoard(Path())


def records(data: bytes) -> Iterator[bytes]:
    """Those of an event file: length, its checksum, the record, its checksum."""
    while data:
        length = int.from_bytes(data[:8], "little")
        yield data[12 : 12 + length]
        data = data[16 + length :]


def test_a_sink_is_closed_when_it_fails() -> None:
    class Full:
        closed = False

        def add(self, scalar: Scalar) -> None:
            raise OSError("disk full")

        def close(self) -> None:
            self.closed = True

    sink = Full()
    with pytest.raises(OSError, match="disk full"):
        pour(scalars_of(EVENTS), sink)
    assert sink.closed


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_scores_curves_and_a_model(
    finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database would need all of mlflow
    import mlflow

    from bakeoff.bundle.mlflow import log_to_mlflow

    lines = log_to_mlflow(finished, (tmp_path / "store").as_uri())
    assert len(lines) == len(finished.results().approaches)
    run = mlflow.get_run(lines[0].rpartition(": ")[2])
    approach = finished.results().approaches[0]
    assert approach.out_of_fold is not None
    assert run.data.metrics["out_of_fold_accuracy"] == approach.out_of_fold.accuracy
    models = mlflow.search_logged_models(output_format="list")
    info = mlflow.models.get_model_info(models[0].model_uri)
    assert "uint8" in str(info.signature)
