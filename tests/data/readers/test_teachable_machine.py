"""Projects of Teachable Machine, in the layout that its site saved in November 2026."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..pictures_made import drawing, encoded, why


def project(path: Path, kind: str = "image", others: Mapping[str, bytes] = {}) -> Path:
    """A .tm file: stored, 224×224 JPEGs, and a manifest without names of classes."""
    manifest = {"type": kind, "version": "2.4.10", "appdata": {"trainEpochs": 50}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for label in ("Class 1", "a-!-b", "Für/Hunde"):
            for index in range(3):
                picture = encoded(drawing(index, height=224, width=224), "JPEG")
                archive.writestr(f"{label}-!-{index}.jpg", picture)
        for name, data in others.items():
            archive.writestr(name, data)
    return path


def test_an_image_project(tmp_path: Path) -> None:
    data = read(project(tmp_path / "My project.tm"))
    assert data.classes == ("Class 1", "Für/Hunde", "a-!-b")
    assert data.labels.tolist() == [0, 0, 0, 2, 2, 2, 1, 1, 1]
    assert data.names[0] == "Class 1-!-0.jpg"
    assert data.description.startswith(
        "Teachable Machine project (in My project.tm), 9 pictures of 224×224, 3 classes"
    )
    assert data.left_out == ()


def test_what_is_no_picture_of_it_is_listed(tmp_path: Path) -> None:
    others = {"loose.jpg": encoded(drawing(), "JPEG"), "Class 1-!-9.jpg": b"broken"}
    path = tmp_path / "project.tm"
    data = read(project(path, others=others))
    assert len(data) == 9
    assert why(data.left_out) == {
        "loose.jpg": "no name of the form CLASS-!-NUMBER gives its class",
        "Class 1-!-9.jpg": "it looks like a text file, not like JPEG, PNG, BMP, GIF, WebP or TIFF",
    }


@pytest.mark.parametrize(("kind", "noun"), [("audio", "sounds"), ("pose", "poses")])
def test_other_projects_are_refused_by_name(tmp_path: Path, kind: str, noun: str) -> None:
    with pytest.raises(BakeoffError, match=rf"project of {noun} \({kind}\), not of pictures"):
        read(project(tmp_path / "project.tm", kind))


def test_a_manifest_of_something_else(tmp_path: Path) -> None:
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
        for index in range(2):
            (tmp_path / label / f"{index}.png").write_bytes(encoded(drawing(index)))
    (tmp_path / "manifest.json").write_text('{"type": "image", "name": "an app"}')
    assert read(tmp_path).description.startswith("class folders")
