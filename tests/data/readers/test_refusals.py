"""What refusals say: what was taken for what, the files that were seen, and what would work."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..pictures_made import class_folders, save
from .arrays_made import noise


def refused(path: Path) -> BakeoffError:
    with pytest.raises(BakeoffError) as caught:
        read(path)
    return caught.value


def test_one_class_names_its_folder_and_the_files_that_may_hold_labels(tmp_path: Path) -> None:
    class_folders(tmp_path / "set", "images")
    (tmp_path / "set" / "labels.xml").write_text("<labels/>")
    (tmp_path / "set" / "README.txt").write_text("about")
    error = refused(tmp_path / "set")
    assert error.problem == (
        "at least two classes with training pictures are needed; found 1; the folder 'images' "
        "was taken for a class; labels.xml names none of these pictures with one class each"
    )


def test_one_class_whose_names_show_more(tmp_path: Path) -> None:
    for index in range(3):
        save(tmp_path / "pics" / f"cat.{index}.png", index)
        save(tmp_path / "pics" / f"dog.{index}.png", 3 + index)
    hint = refused(tmp_path).hint
    assert hint.startswith("If 'cat.0.png' shows a cat, use --label '^(.+?)")
    assert read(tmp_path, label=hint.split("'")[3]).classes == ("cat", "dog")


def test_loose_pictures_beside_a_table_of_something_else(tmp_path: Path) -> None:
    for index in range(3):
        save(tmp_path / f"{index}.png", index)
    (tmp_path / "about.json").write_text('{"made": "by hand"}')
    assert "about.json names none of these pictures" in refused(tmp_path).problem


def cifar(folder: Path, names: dict[str, str], **extra: object) -> Path:
    """Pickles in the layout of cifar-10-batches-py, or of Datumaro 1.13.12's `cifar`."""
    folder.mkdir()
    for name, labels in names.items():
        batch = {"data": noise(4, 3 * 64), labels: [0, 1, 0, 1], "filenames": ["x"] * 4}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {"label_names": ["ant", "bee"], **extra}
    (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return folder


def test_pickles_are_refused_with_the_command_that_converts_them(tmp_path: Path) -> None:
    names = {"data_batch_1": "labels", "data_batch_2": "labels", "test_batch": "labels"}
    folder = cifar(tmp_path / "cifar", names)
    error = refused(folder)
    assert error.problem == "it is a Python pickle, which can run any code when it is opened"
    assert refused(folder / "data_batch_1").hint == error.hint
    command = error.hint.partition("in their folder: ")[2]
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, shell=True, cwd=folder, env=here, check=True)
    data = read(folder / "cifar.npz")
    assert (len(data), data.classes) == (12, ("ant", "bee"))
    assert data.official_test is not None
    assert data.official_test.sum() == 4
    assert np.array_equal(np.sort(data.pictures[0].ravel()), np.sort(noise(4, 192)[0]))
