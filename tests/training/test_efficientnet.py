"""EfficientNet-Lite gives what timm's gives, without timm."""

from __future__ import annotations

import pytest
import timm
import torch

from bakeoff.training.backbone import Backbone, features_of, side_of
from bakeoff.training.efficientnet import LITE_SIDES, EfficientNetLite


@pytest.mark.parametrize("name", LITE_SIDES)
@pytest.mark.parametrize("side", [28, 97, 160])
def test_it_is_the_network_of_timm(name: str, side: int) -> None:
    theirs = timm.create_model(name, num_classes=0).eval()
    for value in theirs.state_dict().values():  # norms that do something
        if value.is_floating_point() and value.ndim == 1:
            value.add_(torch.rand_like(value) * 0.2)
    ours = EfficientNetLite(name).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(2, 3, side, side) * 2 - 1
    with torch.inference_mode():
        ours_say, theirs_say = ours(x), theirs(x)
    torch.testing.assert_close(ours_say, theirs_say, rtol=1e-5, atol=1e-6)
    assert theirs_say.std() > 0.01


@pytest.mark.parametrize("name", LITE_SIDES)
def test_what_is_known_of_its_training_is_what_timm_says(name: str) -> None:
    config = vars(timm.create_model(name, num_classes=0))["pretrained_cfg"]
    ours = EfficientNetLite(name).pretrained_cfg
    for key in ("input_size", "mean", "std"):
        assert ours[key] == config[key], key
    assert side_of(name) == config["input_size"][-1]
    assert features_of(name, 96) == 1280


def test_packaged_weights_give_the_features_that_they_give_in_timm() -> None:
    ours = Backbone("tf_efficientnet_lite2", side=96, ink=False).eval()
    theirs = timm.create_model("tf_efficientnet_lite2", num_classes=0).eval()
    theirs.load_state_dict(ours.network.state_dict())
    x = torch.rand(1, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), theirs(x * 2 - 1), rtol=1e-4, atol=1e-5)
