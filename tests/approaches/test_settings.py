"""Settings as text and as values, to the fields of an approach."""

from __future__ import annotations

import json

import pytest

from bakeoff.approaches import APPROACHES, CNN, Transfer, ViT
from bakeoff.approaches.settings import configure, flat_settings, parse_settings
from bakeoff.errors import BakeoffError


def test_texts_are_sorted_by_approach() -> None:
    texts = ["cnn.filters=32,64", "epochs=5", "cnn.dropout = 0.5 ", "transfer.backbone=a=b"]
    assert parse_settings(texts) == {
        "cnn": {"filters": "32,64", "dropout": "0.5"},
        "": {"epochs": "5"},
        "transfer": {"backbone": "a=b"},
    }
    assert parse_settings([]) == {}


@pytest.mark.parametrize("text", ["epochs", "cnn.=3", "=3", "cmn.epochs=3", "cnn.a.b=3"])
def test_texts_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(BakeoffError, match=r"--set cnn\.epochs=20"):
        parse_settings([text])


def test_own_and_training_settings_from_text() -> None:
    approach = configure(
        "cnn",
        {
            "filters": "32, 64,",
            "pool_after": "2",
            "pooling": "average",
            "batch_norm": "false",
            "dropout": "0.5",
            "side": "20",
            "epochs": "5",
            "learning_rate": "1e-4",
            "mirror": "true",
        },
    )
    assert isinstance(approach, CNN)
    assert approach.filters == (32, 64)
    assert approach.pool_after == (2,)
    assert approach.pooling == "average"
    assert not approach.batch_norm
    assert approach.dropout == 0.5
    assert approach.side == 20
    assert approach.training.epochs == 5
    assert approach.training.learning_rate == 1e-4
    assert approach.training.mirror is True
    assert approach.training.weight_decay == CNN().training.weight_decay


def test_values_of_the_right_type_and_none() -> None:
    approach = configure("cnn", {"filters": [8, 9], "pool_after": None, "patience": 3})
    assert isinstance(approach, CNN)
    assert (approach.filters, approach.pool_after) == ((8, 9), None)
    assert approach.training.patience == 3
    vit = configure("vit", {"patch": "NONE", "dropout": 1 / 3})
    assert isinstance(vit, ViT)
    assert (vit.patch, vit.dropout) == (None, 1 / 3)
    transfer = configure("transfer", {"backbone": "none", "dense": ""})
    assert isinstance(transfer, Transfer)
    assert (transfer.backbone, transfer.dense) == ("none", ())


@pytest.mark.parametrize("name", APPROACHES)
def test_nothing_changed_is_the_default(name: str) -> None:
    assert configure(name, {}) == APPROACHES[name].load()()


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("cmn", {}, "Did you mean cnn"),
        ("perceptron-of-1958", {}, "There are scattering, baseline, cnn, vit, transfer"),
        ("cnn", {"filter": 3}, "Did you mean filters"),
        ("cnn", {"zzz": 3}, "cnn has augment, "),
        ("cnn", {"training": 3}, "is not a setting"),
        ("cnn", {"filters": "a,b"}, "whole numbers with commas"),
        ("cnn", {"pooling": "min"}, "It takes max or average"),
        ("cnn", {"batch_norm": "perhaps"}, "true or false"),
        ("cnn", {"dropout": "much"}, "It takes a number"),
        ("cnn", {"epochs": "2.5"}, "It takes a whole number or none"),
        ("cnn", {"kernel_size": "none"}, "It takes a whole number"),
        ("transfer", {"backbone": 3}, "It takes a name"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, settings: dict[str, object], words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        configure(name, settings)


@pytest.mark.parametrize("name", APPROACHES)
def test_flat_settings_are_plain_json_and_come_back(name: str) -> None:
    own = {"dropout": 0.3} if name in ("cnn", "vit", "transfer") else {}
    approach = configure(name, {"epochs": 7, **own})
    flat = flat_settings(approach)
    assert {"side", "learning_rate", "epochs"} <= set(flat)
    assert configure(name, json.loads(json.dumps(flat))) == approach


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("scattering", {"scales": 7}),
        ("scattering", {"orientations": 1}),
        ("scattering", {"grid": 0}),
        ("scattering", {"nuisance": -0.1}),
        ("baseline", {"cells": 0}),
        ("baseline", {"orientations": 1}),
        ("cnn", {"filters": "8,0"}),
        ("cnn", {"kernel_size": -1}),
        ("cnn", {"pool_after": "0"}),
        ("cnn", {"dense": (0,)}),
        ("cnn", {"dropout": 1}),
        ("cnn", {"dropout": "nan"}),
        ("cnn", {"side": 1}),
        ("vit", {"patch": -1}),
        ("vit", {"embed_dim": 0}),
        ("vit", {"num_heads": 0}),
        ("vit", {"depth": 0}),
        ("vit", {"key_width": 0}),
        ("vit", {"value_width": -2}),
        ("vit", {"mlp_ratio": 0}),
        ("transfer", {"dropout": -0.1}),
        ("transfer", {"dense": "0"}),
        ("cnn", {"epochs": 0}),
        ("cnn", {"batch_size": -1}),
        ("cnn", {"learning_rate": 0}),
        ("cnn", {"learning_rate": "inf"}),
        ("cnn", {"weight_decay": -1}),
        ("cnn", {"label_smoothing": 1}),
        ("cnn", {"augment": -1}),
        ("cnn", {"patience": 0}),
    ],
)
def test_what_is_out_of_range_is_refused(name: str, settings: dict[str, object]) -> None:
    setting = next(iter(settings))
    with pytest.raises(BakeoffError, match=rf"{name}\.{setting}=.*should (be|have)"):
        configure(name, settings)
