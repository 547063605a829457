"""Search spaces, bundled and from files."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from bakeoff.approaches import APPROACHES
from bakeoff.approaches.settings import configure
from bakeoff.errors import BakeoffError
from bakeoff.tune import space as space_module
from bakeoff.tune.space import as_text, contains, read_settings, spaces, suggest


@pytest.mark.parametrize("name", list(APPROACHES))
def test_the_space_of_every_approach_contains_its_defaults(name: str) -> None:
    space = spaces((name,))[name]
    assert len(space) >= 5
    assert contains(space)


@pytest.mark.parametrize("name", list(APPROACHES))
def test_every_drawn_setting_is_valid(name: str) -> None:
    space = spaces((name,))[name]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        drawn = suggest(study.ask(), space)
        assert drawn.keys() == space.keys()
        configure(name, drawn)


def test_an_approach_of_another_package_needs_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_module, "files", lambda package: tmp_path)  # it has no cnn.toml
    with pytest.raises(BakeoffError, match="approach cnn: has no search space"):
        spaces(("cnn",))
    space = spaces(("cnn",), written(tmp_path, "[cnn]\npooling = 'max'\n"))["cnn"]
    assert list(space) == ["pooling"]


def written(path: Path, text: str) -> Path:
    file = path / "mine.toml"
    file.write_text(text)
    return file


def test_a_file_narrows_widens_and_fixes(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [cnn]
        filters = [[8, 8], "16,32"]     # a list of lists as well as text
        dropout = 0.1                   # fixed
        kernel_size = { low = 3, high = 7, step = 2 }
        epochs = { low = 4, high = 8 }  # not searched otherwise
        """,
    )
    whole = spaces(("cnn",))["cnn"]
    mine = spaces(("cnn", "vit"), file)
    assert mine["vit"] == spaces(("vit",))["vit"]
    cnn = mine["cnn"]
    assert cnn["filters"].choices == ["8,8", "16,32"]
    assert cnn["dropout"].choices == [0.1]
    assert (cnn["kernel_size"].low, cnn["kernel_size"].high, cnn["kernel_size"].step) == (3, 7, 2)
    assert cnn["epochs"].whole
    assert cnn["learning_rate"] == whole["learning_rate"]
    assert not contains(cnn)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [suggest(study.ask(), cnn) for _ in range(40)]
    assert {settings["kernel_size"] for settings in drawn} == {3, 5, 7}
    assert {settings["epochs"] for settings in drawn} == {4, 5, 6, 7, 8}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[cnn]\nfilters = ['8,x']", "filters=8,x"),
        ("[cnn]\nfilter = ['8']", "Did you mean filters"),
        ("[cnn]\nfilters = []", "has no values"),
        ("[cnn]\ndropout = { low = 0.1 }", "A range has low and high"),
        ("[cnn]\ndropout = { low = 0.1, high = 0.2, odd = 1 }", "A range has low and high"),
        ("[cnn]\ndropout = { low = 0.4, high = 0.2 }", "is not a valid range"),
        ("[cnn]\nlearning_rate = { low = 0, high = 0.2, log = true }", "is not a valid range"),
        ("[cnn]\ndropout = { low = 'a', high = 0.2 }", "must be numbers"),
        ("[cnn]\ndropout = { low = 0.1, high = 2.0 }", "dropout=2.0"),
        ("[vit]\nnum_heads = [1]", "not an approach of this search"),
        ("[cnn", "cannot be read as TOML"),
    ],
)
def test_invalid_spaces_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BakeoffError, match=problem):
        spaces(("cnn",), written(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="cannot be read as TOML"):
        read_settings(tmp_path / "none.toml")


def test_settings_from_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, "epochs = 3\n[cnn]\nfilters = [8, 16]\n")
    assert read_settings(file) == {"": {"epochs": 3}, "cnn": {"filters": [8, 16]}}


def test_former_names_of_settings_are_read(tmp_path: Path) -> None:
    file = written(tmp_path, "paper = 0.2\n[vit]\nhidden = [32]\nlayers = 2\nheads = [1, 2]\n")
    with pytest.warns(FutureWarning) as caught:
        settings = read_settings(file)
    assert f"{file}: hidden is now called embed_dim" in [str(one.message) for one in caught]
    assert len(caught) == 4
    assert settings == {
        "": {"background": 0.2},
        "vit": {"embed_dim": [32], "depth": 2, "num_heads": [1, 2]},
    }
    file = written(tmp_path, "[vit]\nhidden = [32]\n")
    with pytest.warns(FutureWarning):
        space = spaces(("vit",), file)["vit"]
    assert "hidden" not in space
    assert (space["embed_dim"].choices, space["embed_dim"].default) == ([32], 64)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "none"), ([8, 16], "8,16"), ((), ""), (0.5, 0.5), ("max", "max")]
)
def test_settings_as_a_space_writes_them(value: object, text: object) -> None:
    assert as_text(value) == text
