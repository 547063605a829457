"""What is asked of a run: parsed at the door, and read back from disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bakeoff.approaches import CNN, ViT
from bakeoff.errors import BakeoffError
from bakeoff.record.config import DEFAULT_APPROACHES, ApproachConfig, RunConfig, RunOptions
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import SCHEMA_VERSION


def parsed(**options: Any) -> RunConfig:
    return RunConfig.parse(source="digits", **options)


def test_names_and_settings_become_approaches() -> None:
    config = parsed(
        approaches=("baseline", "cnn"),
        settings={"": {"epochs": "3"}, "cnn": {"epochs": 5, "filters": "8,16", "dropout": "0.5"}},
    )
    assert config.approaches == (
        ApproachConfig(name="baseline", settings={"epochs": 3}),
        ApproachConfig(name="cnn", settings={"epochs": 5, "filters": [8, 16], "dropout": 0.5}),
    )
    assert config.names == ("baseline", "cnn")
    assert config.source == "digits"
    cnn = config.approach("cnn").build()
    assert isinstance(cnn, CNN)
    assert (cnn.filters, cnn.dropout, cnn.training.epochs) == ((8, 16), 0.5, 5)
    changed = config.approach("cnn").build({"epochs": 7})
    assert (changed.training.epochs, cnn.training.epochs) == (7, 5)


def test_approaches_with_their_own_settings_are_taken_as_they_are() -> None:
    objects = [{"name": "cnn", "settings": {"epochs": "3"}}, ApproachConfig(name="baseline")]
    assert parsed(approaches=objects) == parsed(
        approaches=("cnn", "baseline"), settings={"cnn": {"epochs": 3}}
    )


def test_without_approaches_all_of_ours_take_part() -> None:
    assert parsed().names == DEFAULT_APPROACHES
    config = parsed(settings={"vit": {"depth": 2}})
    assert config.names == DEFAULT_APPROACHES
    assert config.approach("vit").settings == {"depth": 2}
    assert config.approach("cnn").settings == {}


def test_a_parsed_config_is_parsed_to_itself() -> None:
    config = parsed(
        approaches=("cnn",), settings={"cnn": {"batch_norm": "false", "augment": 1}}, folds=3
    )
    assert config.approach("cnn").settings == {"batch_norm": False, "augment": 1.0}
    assert RunConfig.parse(**dict(config)) == config
    assert RunConfig.parse(**config.model_dump()) == config


def test_former_names_of_settings_and_options_are_still_read() -> None:
    with pytest.warns(FutureWarning, match=r"vit\.hidden is now called vit\.embed_dim"):
        config = parsed(approaches=("vit",), settings={"vit": {"hidden": "16"}}, brittleness=False)
    assert config.approach("vit").settings == {"embed_dim": 16}
    assert config.robustness is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fold": 3}, r"option fold: is not known\. Options are .*folds, .* and settings"),
        ({"budget": "endless"}, r"budget 'endless': input should be 'quick', 'standard' or"),
        ({"folds": "many"}, r"folds 'many': input should be a valid integer"),
        ({"folds": -1}, r"folds -1: input should be greater than or equal to 0"),
        ({"test": 0.95}, r"test 0\.95: input should be less than or equal to 0\.9"),
        ({"seed": 2**63}, r"seed \d+: input should be less than"),
        ({"approaches": "cnn"}, r"approaches 'cnn': input should be a valid tuple"),
        ({"approaches": (3,)}, r"approaches\.0"),
        ({"approaches": ("--out=/tmp/x",)}, r"approaches\.0\.name '--out=/tmp/x'"),
        ({"approaches": ()}, r"approaches \(none\): each can be named once"),
        (
            {"approaches": ("cnn", "vit", "cnn")},
            r"approaches cnn, vit, cnn: each can be named once",
        ),
        ({"approaches": ("cnm",)}, r"approach cnm: is not known\. Did you mean cnn\?"),
        (
            {"approaches": ("cnn",), "settings": {"vit": {"depth": 2}}},
            r"settings of vit: no such approach takes part.* The approaches of this run are cnn",
        ),
        ({"settings": {"cnn": {"depth": 3}}}, r"cnn\.depth: is not a setting"),
        ({"settings": {"cnn": {"epochs": "2.5"}}}, r"cnn\.epochs=2\.5: .* whole number"),
        ({"settings": {"": {"epochs": 0}}}, r"scattering\.epochs=0: .* greater than or equal to 1"),
        ({"curve": True, "folds": 0}, r"learning curve: it is scored on what folds hold out"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BakeoffError, match=words):
        parsed(**options)


def test_a_curve_can_be_drawn_from_groups_without_folds() -> None:
    assert parsed(curve=True, folds=0, leave_one_group_out=True).curve


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parsed().folds = 3


def test_every_option_is_described() -> None:
    assert all(field.description for field in RunOptions.model_fields.values())


# -- on disk -----------------------------------------------------------------------


def test_run_json_gives_the_config_back(tmp_path: Path) -> None:
    config = parsed(
        approaches=("cnn", "vit"),
        settings={"": {"epochs": 3, "augment": 1}, "cnn": {"pool_after": None, "batch_norm": True}},
        test=0.25,
        threads=2,
    )
    run = RunFolder.create(tmp_path / "run", config)
    assert run.config == config
    assert repr(run.config) == repr(config)  # 1, 1.0 and True are equal, and not the same
    written = json.loads((run.path / "run.json").read_bytes())
    assert written["schema_version"] == SCHEMA_VERSION
    settings = {"epochs": 3, "augment": 1.0}
    assert written["approaches"][1] == {"name": "vit", "settings": settings, "own": None}
    assert "settings" not in written


def test_run_json_of_schema_1_is_still_read(tmp_path: Path) -> None:
    document = {
        "schema_version": 1,
        "source": "/home/ann/drawings",
        "group": None,
        "corrections": [],
        "approaches": ["baseline", "vit"],
        "settings": {"": {"epochs": "3"}, "vit": {"epochs": 4, "layers": 2, "hidden": "16"}},
        "folds": 4,
        "seed": 7,
        "test": 0.2,
        "keep_groups": False,
        "leave_one_group_out": False,
        "device": "auto",
        "threads": 1,
        "precision": "auto",
        "mode": "auto",
        "budget": "quick",
        "bundles": True,
        "neighbours": False,
        "curve": False,
        "brittleness": False,
        "fingerprint": "0123",
    }
    (tmp_path / "run.json").write_text(json.dumps(document))
    config = RunFolder.open(tmp_path).config
    assert config.schema_version == SCHEMA_VERSION
    assert config.names == ("baseline", "vit")
    assert config.approach("baseline").build().training.epochs == 3
    with pytest.warns(FutureWarning, match=r"is now called vit\."):
        vit = config.approach("vit").build()
    assert isinstance(vit, ViT)
    assert (vit.training.epochs, vit.depth, vit.embed_dim) == (4, 2, 16)
    assert config.robustness is False
    assert (config.folds, config.seed, config.test, config.threads) == (4, 7, 0.2, 1)
    assert (config.budget, config.keep_groups, config.fingerprint) == ("quick", False, "0123")
