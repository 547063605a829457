"""Any timm backbone: its width, its side, its weights, and its graph."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from bakeoff.approaches import Task, Transfer
from bakeoff.bundle.graph import INPUT, check_graph
from bakeoff.bundle.tracing import graph_of
from bakeoff.errors import BakeoffError
from bakeoff.training.backbone import Backbone, features_of
from bakeoff.training.model import Model

from .tasks import logits, task

# Small members of families that differ: features widened after pooling, grids of positions that
# follow the size, normalisation of their own, attention in windows, several resolutions.
QUICK = ["lcnet_035"]
FAMILIES = [
    "convnextv2_atto",
    "csatv2",
    "deit3_small_patch16_224",
    "edgenext_xx_small",
    "efficientvit_b0",
    "eva02_tiny_patch14_224",
    "fastvit_t8",
    "ghostnetv3_050",
    "hgnetv2_b0",
    "inception_next_atto",
    "levit_128s",
    "mambaout_femto",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small_035",
    "mobilevit_xxs",
    "regnetx_002",
    "repvit_m0_9",
    "swin_tiny_patch4_window7_224",
    "tiny_vit_5m_224",
    "vit_small_patch14_dinov2",
    "vit_tiny_patch16_224",
    "xcit_nano_12_p16_224",
]
SIDES = {"levit_128s": 224}  # its weights are for one grid of positions


def with_random_weights(name: str, folder: Path) -> Path:
    """A file of weights as a user would have it: for the size and classes of the model's own."""
    import timm

    torch.manual_seed(0)
    path = folder / f"{name}.safetensors"
    save_file(timm.create_model(name).state_dict(), path)
    return path


def exported_alike(name: str, folder: Path) -> None:
    """Train nothing, export, and compare ONNX Runtime with PyTorch for pictures of two sizes."""
    photos = Task(classes=5, pictures=100, side=32, channels=3, mode="photo")
    weights = str(with_random_weights(name, folder))
    approach = Transfer(backbone=name, weights=weights, side=SIDES.get(name))
    torch.manual_seed(0)
    model = Model(approach.preprocess(photos), approach.frozen(photos), approach.build(photos))
    graph = graph_of(model.eval())
    check_graph(graph, name)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for shape in ((2, 40, 56, 3), (1, 130, 160, 1)):
        pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
        with torch.inference_mode():
            expected = model(torch.from_numpy(pixels)).numpy()
        answer = session.run(["probabilities"], {INPUT: pixels})[0]
        np.testing.assert_allclose(answer, expected, atol=1e-4)


@pytest.mark.parametrize("name", QUICK)
def test_a_family_is_exported(name: str, tmp_path: Path) -> None:
    exported_alike(name, tmp_path)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")  # of timm: deprecated and slow calls
@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_is_exported(name: str, tmp_path: Path) -> None:
    exported_alike(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "width"),
    [("mobilenetv3_small_050", 1024), ("lcnet_035", 1280), ("vit_tiny_patch16_224", 192)],
)
@pytest.mark.parametrize("side", [64, 96])
def test_the_width_is_that_of_the_features(name: str, width: int, side: int) -> None:
    assert features_of(name, side) == width


def test_a_size_that_a_backbone_does_not_take_is_refused() -> None:
    with pytest.raises(BakeoffError, match="does not take pictures of 6 pixels") as refused:
        features_of("vit_tiny_patch16_224", 6)
    assert "transfer.side=224" in str(refused.value)


def test_each_config_has_its_own_normalisation(tmp_path: Path) -> None:
    name = "mobilevit_xxs"  # its pictures are 0…1
    path = with_random_weights(name, tmp_path)
    backbone = Backbone(name, side=64, ink=False, weights=str(path))
    assert backbone.get_buffer("mean").flatten().tolist() == [0.0, 0.0, 0.0]
    assert backbone.get_buffer("deviation").flatten().tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_weights_from_a_file_or_a_folder(suffix: str, kind: str, tmp_path: Path) -> None:
    import timm

    theirs = timm.create_model("resnet10t")
    names = {".safetensors": "model.safetensors", ".bin": "pytorch_model.bin"}
    path = tmp_path / names.get(suffix, f"best{suffix}")
    if suffix == ".safetensors":
        save_file(theirs.state_dict(), path)
    else:
        torch.save({"state_dict": theirs.state_dict()}, path)
    if kind == "folder" and suffix == ".pth":
        with pytest.raises(BakeoffError, match=r"nor a folder with model\.safetensors"):
            Backbone("resnet10t", side=64, ink=False, weights=str(tmp_path))
        return
    source = path if kind == "file" else tmp_path
    own = Backbone("resnet10t", side=64, ink=False, weights=str(source)).network.state_dict()
    assert torch.equal(own["conv1.0.weight"], theirs.state_dict()["conv1.0.weight"])


def test_a_folder_as_the_hub_stores_it_is_a_backbone(tmp_path: Path) -> None:
    import timm

    theirs = timm.create_model("resnet10t")
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    config = {
        "architecture": "resnet10t",
        "num_classes": 1000,
        "num_features": 512,
        "pretrained_cfg": {
            "input_size": [3, 64, 64],
            "mean": [0.1, 0.2, 0.3],
            "std": [0.4, 0.5, 0.6],
            "num_classes": 1000,
            "first_conv": "conv1.0",
            "classifier": "fc",
        },
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    local = Transfer(backbone=f"local-dir:{tmp_path}", side=64)
    assert logits(local, task()).shape == (2, 3)
    backbone = local.frozen(task())
    assert isinstance(backbone, Backbone)
    np.testing.assert_allclose(backbone.get_buffer("mean").flatten(), [0.1, 0.2, 0.3], rtol=1e-6)


def test_weights_that_do_not_fit_are_refused_by_file(tmp_path: Path) -> None:
    path = with_random_weights("lcnet_035", tmp_path)
    with pytest.raises(BakeoffError, match=r"lcnet_035\.safetensors.*does not fit resnet10t"):
        Backbone("resnet10t", side=64, ink=False, weights=str(path))


def test_weights_for_one_size_are_refused_at_another(tmp_path: Path) -> None:
    path = with_random_weights("levit_128s", tmp_path)
    with pytest.raises(BakeoffError, match="for pictures of 64 pixels") as refused:
        Backbone("levit_128s", side=64, ink=False, weights=str(path))
    assert "transfer.side" in str(refused.value)


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    import pathlib

    path = tmp_path / "weights.pth"
    torch.save({"state_dict": pathlib.PurePosixPath("x")}, path)
    with pytest.raises(BakeoffError, match="without running its code"):
        Backbone("resnet10t", side=64, ink=False, weights=str(path))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match=r"none\.safetensors.*is neither a file"):
        Transfer(backbone="resnet10t", weights=str(tmp_path / "none.safetensors")).frozen(task())


def test_the_weights_of_a_timm_model_are_not_for_the_sketch_network(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="needs a timm model"):
        Transfer(weights=str(tmp_path)).frozen(task())
