"""The formats of `bakeoff export`, and one that another package adds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from bakeoff.bundle import conversions
from bakeoff.bundle.bundle import load
from bakeoff.bundle.exporters import EXPORTERS, exporter_names, find_exporter
from bakeoff.bundle.graph import OUTPUTS
from bakeoff.bundle.pack import pack
from bakeoff.cli.common import main
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder

PLUGIN = """
from pathlib import Path
from bakeoff.bundle import conversions
from bakeoff.bundle.bundle import load
from bakeoff.bundle.exporters import Exporter

def write(bundles, out: Path):
    (bundle,) = bundles
    out.write_text("\\n".join(load(bundle).classes))
    return [f"{bundle.name} has {len(load(bundle).classes)} classes"]

labels = Exporter("the class names, one per line", write)
not_one = "a text"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package, as the import system sees it, that adds exporters."""
    site = tmp_path / "site-packages"
    info = site / "another-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: another\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[bakeoff.exporters]\n"
        "labels = another_exporter:labels\n"
        "broken = no_such_module_at_all:labels\n"
        "text = another_exporter:not_one\n"
    )
    (site / "another_exporter.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "another_exporter", raising=False)


def bakeoff(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["bakeoff", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0


@pytest.mark.usefixtures("package")
def test_another_package_adds_a_format(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exporter_names() == [*EXPORTERS, "labels", "broken", "text"]
    out = tmp_path / "labels.txt"
    bakeoff(monkeypatch, "export", finished.bundle("cnn"), "--to", "labels", "--out", out)
    assert out.read_text().splitlines() == load(finished.bundle("cnn")).classes
    assert "cnn has 3 classes" in capsys.readouterr().out


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "plug-in broken .* cannot be imported"),
        ("text", "plug-in text: is not an Exporter"),
        (
            "tflite",
            "--to tflite: is not a known format. Use bundle, onnx, fixed, openvino, litert, ",
        ),
    ],
)
def test_a_format_that_cannot_be_used_is_refused(name: str, words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        find_exporter(name)


def test_a_bundle_is_copied_or_packed(finished: RunFolder, tmp_path: Path) -> None:
    source = finished.bundle("cnn")
    export = EXPORTERS["bundle"].write
    export([source], tmp_path / "copy")
    for path in source.iterdir():
        assert (tmp_path / "copy" / path.name).read_bytes() == path.read_bytes()
    export([source], tmp_path / "cnn.bakeoff")
    assert load(tmp_path / "cnn.bakeoff").verify().same
    before = sorted(source.iterdir())
    export([source], source)  # onto itself
    assert sorted(source.iterdir()) == before


def test_onnx_is_the_graph_alone(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "cnn.onnx"
    bakeoff(monkeypatch, "export", finished.path, "-a", "cnn", "--to", "onnx", "--out", out)
    assert out.read_bytes() == (finished.bundle("cnn") / "model.onnx").read_bytes()
    outputs = onnx.load(out).graph.output
    assert tuple(value.name for value in outputs[:3]) == OUTPUTS
    assert "classes: " in capsys.readouterr().out


def precious(folder: Path) -> Path:
    path = folder / "precious"
    path.mkdir()
    (path / "essay.txt").write_text("x")
    return path


def essay(folder: Path) -> Path:
    path = folder / "essay.txt"
    path.write_text("x")
    return path


@pytest.mark.parametrize(
    ("to", "make", "words"),
    [
        ("bundle", precious, "exists and is not a bundle"),
        ("onnx", precious, "exists and is not an ONNX file"),
        ("onnx", essay, "exists and is not an ONNX file"),
    ],
)
def test_no_other_file_is_overwritten(
    finished: RunFolder, tmp_path: Path, to: str, make: Callable[[Path], Path], words: str
) -> None:
    out = make(tmp_path)
    with pytest.raises(BakeoffError, match=words):
        EXPORTERS[to].write([finished.bundle("cnn")], out)
    assert [path.read_text() for path in tmp_path.rglob("essay.txt")] == ["x"]


def test_a_packed_bundle_is_not_packed_again(finished: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "cnn.bakeoff"
    pack(finished.bundle("cnn"), file)
    with pytest.raises(BakeoffError, match="is packed already"):
        EXPORTERS["bundle"].write([file], tmp_path / "again.bakeoff")


def test_the_help_text_lists_every_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "600")
    bakeoff(monkeypatch, "export", "--help")
    shown = capsys.readouterr().out
    for name, exporter in EXPORTERS.items():
        assert f"{name}: {exporter.makes}" in shown


def test_openvino_files_answer_as_the_bundle_does(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "new" / "digits.xml"
    bakeoff(monkeypatch, "export", finished.bundle("cnn"), "--to", "openvino", "--out", out)
    assert "off in a probability" in capsys.readouterr().out
    assert {path.name for path in out.parent.iterdir()} == {"digits.xml", "digits.bin"}
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 24, 1), dtype=np.uint8)
    program = (
        "import sys; sys.modules['openvino_telemetry'] = None; import numpy, openvino; "
        "model = openvino.Core().compile_model(sys.argv[1], 'CPU', "
        "{'INFERENCE_PRECISION_HINT': 'f32'}); "
        "pixels = numpy.load(sys.argv[2]); "
        "numpy.save(sys.argv[2], model({'pixels': pixels})['probabilities'])"
    )
    np.save(tmp_path / "x.npy", pixels)
    command = [sys.executable, "-c", program, str(out), str(tmp_path / "x.npy")]
    subprocess.run(command, check=True)
    expected = [answer.probability for answer in load(finished.bundle("cnn")).predict([*pixels])]
    np.testing.assert_allclose(np.load(tmp_path / "x.npy").max(1), expected, atol=1e-4)


@pytest.mark.parametrize("runtime", ["openvino", "tract", "onnxruntime"])
def test_a_bundle_is_verified_in_another_runtime(
    finished: RunFolder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    runtime: str,
) -> None:
    bakeoff(monkeypatch, "verify", finished.bundle("cnn"), "--runtime", runtime)
    assert f"golden pictures in {runtime}, probabilities at most" in capsys.readouterr().out


def test_a_runtime_that_answers_otherwise_is_refused(
    finished: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As if no difference at all were allowed."""
    monkeypatch.setattr(conversions, "CLOSE", 0.0)
    out = tmp_path / "digits.xml"
    for arguments, words in (
        (("export", "--to", "openvino", "--out", out), "--to openvino: answers differ by"),
        (("verify", "--runtime", "openvino"), "cnn: answers differently in openvino"),
    ):
        command, *options = arguments
        monkeypatch.setattr(
            sys, "argv", ["bakeoff", command, str(finished.bundle("cnn")), *map(str, options)]
        )
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert words in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


@pytest.mark.parametrize(
    ("to", "name", "words"),
    [
        ("openvino", "digits.bin", r"does not end in \.xml"),
        ("fixed", "digits", r"does not end in \.onnx"),
        ("litert", "digits.lite", r"does not end in \.tflite"),
        ("coreml", "digits.mlmodel", r"does not end in \.mlpackage"),
        ("openvino", "folder.xml", "is a folder"),
    ],
)
def test_a_path_of_another_format_is_refused(
    tmp_path: Path, to: str, name: str, words: str
) -> None:
    (tmp_path / "folder.xml").mkdir()
    with pytest.raises(BakeoffError, match=words):
        EXPORTERS[to].write([tmp_path], tmp_path / name)
