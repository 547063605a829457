"""Sets that are uploaded whole."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.server.home import Home

from ...data.pictures_made import class_folders, drawing, encoded
from ..test_security import refused, zipped
from .collected import PNG, members, nothing_is_left, upload, uri


def test_a_zip_becomes_a_set_that_can_be_read(page: httpx.Client, home: Home) -> None:
    packed = zipped({f"my pictures/{k}": v for k, v in members("cat", "dog").items()})
    response = upload(page, "Pets 1", {"pets.zip": packed})
    assert response.status_code == 201, response.text
    assert response.json() == {
        "name": "Pets 1",
        "description": "class folders, 6 pictures",
        "description_said": {
            "code": "set.description",
            "values": {
                "parts": [
                    {"code": "layout.folders", "values": {}},
                    {"code": "set.onlyPictures", "values": {"n": 6}},
                ]
            },
        },
        "pictures": 6,
        "classes": [{"name": "cat", "count": 3}, {"name": "dog", "count": 3}],
        "group": None,
        "groups": [],
        "left_out": [],
        "editable": True,
        "unlabelled": 0,
        "missing": None,
        "missing_said": None,
    }
    assert page.get("/api/sets").json() == [response.json()]
    assert page.get("/api/sets/Pets 1").json() == response.json()
    assert len(read(home.sets / "Pets 1")) == 6
    assert page.delete("/api/sets/Pets 1").status_code == 204
    assert nothing_is_left(home)


def test_what_other_tools_export_is_a_set(page: httpx.Client, home: Home) -> None:
    """A table beside folders that are no classes, a project in a zip, arrays in two files."""
    pictures = {f"img/{index}.png": encoded(drawing(index)) for index in range(4)}
    table = {"labels.csv": b"name,label\n0,a\n1,b\n2,a\n3,b\n"}
    project = {f"{name}-!-{n}.jpg": encoded(drawing(n), "JPEG") for name in "ab" for n in range(2)}
    project["manifest.json"] = b'{"type": "image", "appdata": {}}'
    arrays = {}
    pixels: np.ndarray[Any, Any] = np.zeros((4, 8, 8), np.uint8)
    for name, array in {"x.npy": pixels, "y.npy": np.arange(4) % 2}.items():
        file = io.BytesIO()
        np.save(file, array)
        arrays[name] = file.getvalue()
    for name, files, words in (
        ("table", {**pictures, **table}, "pictures named by labels.csv"),
        ("project", {"my.tm": zipped(project)}, "Teachable Machine project"),
        ("arrays", arrays, "npy files"),
    ):
        found = upload(page, name, files)
        assert found.status_code == 201, found.text
        assert found.json()["description"].startswith(words)
        assert [one["count"] for one in found.json()["classes"]] == [2, 2]
        assert not found.json()["editable"]
        assert page.get(f"/api/sets/{name}").json() == found.json()
    page.delete("/api/sets/table")
    assert sorted(path.name for path in home.sets.iterdir()) == ["arrays", "project"]


def test_a_dropped_folder_says_the_class_in_its_file_names(page: httpx.Client) -> None:
    files = {f"dropped/{name}": data for name, data in members("cat", "dog").items()}
    found = upload(page, "dropped", files | {"dropped/cat/broken.png": b""}).json()
    assert found["classes"] == [{"name": "cat", "count": 3}, {"name": "dog", "count": 3}]
    assert [one["subject"] for one in found["left_out"]] == ["cat/broken.png"]
    assert page.get("/api/sets/dropped").json() == found


def test_a_table_is_a_set_without_editing(page: httpx.Client) -> None:
    rows = ["label," + ",".join(f"pixel{i}" for i in range(16))]
    rows += [f"{row % 2}," + ",".join(str(10 * row + i) for i in range(16)) for row in range(8)]
    found = upload(page, "table", {"train.csv": "\n".join(rows).encode()})
    assert found.status_code == 201, found.text
    assert found.json()["classes"] == [{"name": "0", "count": 4}, {"name": "1", "count": 4}]
    assert found.json()["editable"] is False
    assert page.get("/api/sets/table").json() == found.json()
    body = {"label": "0", "picture": uri(PNG)}
    refused(page.post("/api/sets/table/pictures", json=body), 409, "not consist of class folders")
    refused(page.get("/api/sets/table/pictures"), 409, "not consist of class folders")
    refused(page.get("/api/sets/table/pictures/train.csv"), 409, "not consist of class folders")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.txt": b"hello"}, "holds no pictures"),
        ({"a.zip": zipped({"a.txt": b"hello"})}, "no pictures"),
        ({"a.zip": b"PK\x03\x04" + b"junk" * 20}, "damaged"),
        (members("cat") | {"dog/a.txt": b"hello"}, "at least two classes"),
        ({"../../cat/1.png": PNG, "/etc/cat/2.png": PNG}, "holds no pictures"),
        ({}, "no files"),
    ],
)
def test_unreadable_uploads_are_refused_and_leave_nothing(
    page: httpx.Client, home: Home, files: dict[str, bytes], words: str
) -> None:
    fields = [("name", (None, b"bad"))] + [("files", one) for one in files.items()]
    refused(page.post("/api/sets", files=fields), 400, words)
    assert nothing_is_left(home)


def test_names_that_leave_the_folder_are_left_out(page: httpx.Client, home: Home) -> None:
    files = members("cat", "dog") | {"../../evil.png": PNG, "C:\\x\\evil.png": PNG}
    found = upload(page, "mixed", files).json()
    assert "leads out" in found["left_out"][0]["problem"]
    inside = home.sets / "mixed"
    assert all(path.is_relative_to(inside) for path in home.path.rglob("evil*"))
    assert not (home.path.parent / "evil.png").exists()


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "a\\b", ".hidden", "con", "x" * 61, "a\0b", "-a"]
)
def test_an_invalid_name_is_refused(page: httpx.Client, home: Home, name: str) -> None:
    refused(upload(page, name, members("cat", "dog")), 400, "is not a valid name for a set")
    body = {"label": "a", "picture": uri(PNG)}
    assert page.post("/api/sets/%2e%2e/pictures?create=true", json=body).status_code in (400, 404)
    assert nothing_is_left(home)


def test_a_name_that_is_taken_is_refused(page: httpx.Client) -> None:
    assert upload(page, "pets", members("cat", "dog")).status_code == 201
    refused(upload(page, "pets", members("cat", "dog")), 409, "The set pets exists already")
    refused(upload(page, "mnist", members("cat", "dog")), 409, "built-in set")


def test_a_zip_bomb_is_refused(page: httpx.Client, home: Home) -> None:
    bomb = zipped({f"cat/{row}.bmp": b"\0" * 1_000_000 for row in range(9)})
    assert len(bomb) < 20_000
    refused(upload(page, "bomb", {"bomb.zip": bomb}), 400, "unpacks to more than")
    many = zipped({f"cat/{row}.png": PNG for row in range(13)})
    refused(upload(page, "many", {"many.zip": many}), 400, "more than 12 files")
    assert nothing_is_left(home)


def test_a_body_that_is_too_large_is_refused(page: httpx.Client, home: Home) -> None:
    grain = np.random.default_rng(0).integers(0, 256, 1_500_000, dtype=np.uint8).tobytes()
    refused(upload(page, "large", {"a.bin": grain + grain}), 413, "larger than 2 MB")
    refused(upload(page, "large", {"a.bin": grain}), 400, "holds no pictures")
    many = {f"cat/{row}.png": PNG for row in range(13)}
    refused(upload(page, "many", many), 413, "more than 12 files")
    assert nothing_is_left(home)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"a" * 1001,
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n' * 21 + b"--x--",
        ),
    ],
)
def test_a_broken_form_is_refused(page: httpx.Client, home: Home, kind: str, body: bytes) -> None:
    response = page.post("/api/sets", content=body, headers={"content-type": kind})
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert nothing_is_left(home)


def test_sets_put_there_by_hand_are_seen(page: httpx.Client, home: Home) -> None:
    class_folders(home.sets / "by hand", "cat", "dog")
    (home.sets / "odd").mkdir()
    (home.sets / "odd" / "notes.txt").write_text("hello")
    (home.sets / "train-test" / "train").mkdir(parents=True)
    class_folders(home.sets / "parts" / "train", "cat", "dog")
    class_folders(home.sets / "parts" / "test", "cat", "dog")
    found = {one["name"]: one for one in page.get("/api/sets").json()}
    assert found["by hand"]["pictures"] == 6
    assert "holds no pictures" in found["odd"]["missing"]
    assert found["parts"]["pictures"] == 12
    assert found["parts"]["editable"] is False


# -- picture by picture ------------------------------------------------------------
