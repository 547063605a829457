"""Sets on a server: uploaded whole, or collected picture by picture."""

from __future__ import annotations

import io
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.data.decode import decode
from bakeoff.data.read import read
from bakeoff.server import children
from bakeoff.server.home import Home
from bakeoff.server.limits import Bounds

from ..data.pictures_made import class_folders, drawing, encoded
from ..page.pictures import packed, photo
from .conftest import serving
from .test_security import refused, zipped

PNG = encoded(drawing(0))
BOUNDS = Bounds(body_mb=1, set_mb=2, set_files=12)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path, open=True)


@pytest.fixture
def page(home: Home) -> Iterator[httpx.Client]:
    with serving(None, home=home, bounds=BOUNDS) as client:
        yield client


def uri(data: bytes) -> str:
    return f"data:image/png;base64,{b64encode(data).decode()}"


def members(*classes: str, each: int = 3) -> dict[str, bytes]:
    return {
        f"{name}/{index}.png": encoded(drawing(5 * number + index))
        for number, name in enumerate(classes)
        for index in range(each)
    }


def upload(client: httpx.Client, name: str, files: dict[str, bytes]) -> httpx.Response:
    parts = [("files", (called, data)) for called, data in files.items()]
    return client.post("/api/sets", data={"name": name}, files=parts)


def nothing_is_left(home: Home) -> bool:
    return not home.sets.exists() or list(home.sets.iterdir()) == []


# -- whole sets --------------------------------------------------------------------


def test_a_zip_becomes_a_set_that_can_be_read(page: httpx.Client, home: Home) -> None:
    packed = zipped({f"my pictures/{k}": v for k, v in members("cat", "dog").items()})
    response = upload(page, "Pets 1", {"pets.zip": packed})
    assert response.status_code == 201, response.text
    assert response.json() == {
        "name": "Pets 1",
        "description": "class folders, 6 pictures",
        "pictures": 6,
        "classes": [{"name": "cat", "count": 3}, {"name": "dog", "count": 3}],
        "group": None,
        "groups": [],
        "left_out": [],
        "editable": True,
        "unlabelled": 0,
        "missing": None,
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


def test_a_set_is_drawn(page: httpx.Client, home: Home) -> None:
    address = "/api/sets/drawn/pictures"
    refused(page.post(address, json={"label": "ä", "picture": uri(PNG)}), 404, "no set 'drawn'")
    ids: list[str] = []
    for label, group in [("ä", "ann"), ("ä", "ben"), ("two words", "ann"), ("two words", "ben")]:
        body = {"label": label, "group": group, "picture": uri(encoded(drawing(len(ids))))}
        response = page.post(address, json=body, params={"create": "true"})
        assert response.status_code == 201, response.text
        assert response.json()["label"] == label
        ids.append(response.json()["id"])
    drawn = ("ä/ann--0001", "ä/ben--0002", "two words/ann--0001", "two words/ben--0002")
    assert ids == [f"{one}.png" for one in drawn]
    found = page.get("/api/sets/drawn").json()
    assert (found["group"], found["groups"]) == ("^(.+)--", ["ann", "ben"])
    assert found["missing"] is None
    dataset = read(home.sets / "drawn", group=found["group"])
    assert dataset.group_names == ("ann", "ben")
    assert [one["id"] for one in page.get(address).json()] == sorted(ids)
    assert page.get(address).json()[0]["group"] in ("ann", "ben")
    with Image.open(io.BytesIO(page.get(f"{address}/{ids[2]}").content)) as image:
        np.testing.assert_array_equal(np.asarray(image), drawing(2))
    assert page.delete(f"{address}/{ids[2]}").status_code == 204
    assert page.get("/api/sets/drawn").json()["classes"][0] == {"name": "two words", "count": 1}
    assert "two pictures each" in page.get("/api/sets/drawn").json()["missing"]
    assert page.delete(f"{address}/{ids[3]}").status_code == 204
    assert [one["name"] for one in page.get("/api/sets/drawn").json()["classes"]] == ["ä"]
    refused(page.get(f"{address}/{ids[3]}"), 404, "no picture")
    body = {"label": "ä", "picture": uri(PNG)}
    assert page.post(address, json=body).json() == {
        "id": "ä/0003.png",
        "label": "ä",
        "group": None,
    }
    assert page.get("/api/sets/drawn").json()["group"] is None  # one has none


def moved(page: httpx.Client, name: str, pictures: list[str], label: str) -> list[str]:
    response = page.post(f"/api/sets/{name}/move", json={"pictures": pictures, "label": label})
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.json()]


def test_pictures_get_another_class(page: httpx.Client, home: Home) -> None:
    for label, group in (("cat", None), ("cat", "ann"), ("dog", None)):
        form = {"label": label} | ({"group": group} if group else {})
        page.post(
            "/api/sets/moved/pictures?create=true", data=form, files={"file": PNG}
        ).raise_for_status()
    before = [page.get(f"/api/sets/moved/pictures/{one}").content for one in ("cat/0001.png",)]
    # One name is free among the dogs, the other is taken.
    assert moved(page, "moved", ["cat/ann--0002.png"], "dog") == ["dog/ann--0002.png"]
    assert moved(page, "moved", ["cat/0001.png"], "dog") == ["dog/0003.png"]
    assert page.get("/api/sets/moved/pictures/dog/0003.png").content == before[0]
    found = page.get("/api/sets/moved/pictures").json()
    assert {(one["label"], one["group"]) for one in found} == {("dog", None), ("dog", "ann")}
    assert not (home.sets / "moved" / "cat").exists()  # an empty class is gone
    # A class is renamed by moving all of it; what is there already stays as it is.
    everything = [one["id"] for one in found]
    again = moved(page, "moved", everything, "wolf")
    assert moved(page, "moved", again, "wolf") == again


def test_a_move_is_checked_before_anything_moves(page: httpx.Client, home: Home) -> None:
    page.post(
        "/api/sets/kept/pictures?create=true", data={"label": "cat"}, files={"file": PNG}
    ).raise_for_status()
    for pictures, label, status in (
        (["cat/0001.png", "cat/none.png"], "dog", 404),
        (["../kept/cat/0001.png"], "dog", 404),
        (["cat/0001.png"], "a/b", 400),
        (["cat/0001.png"], "..", 400),
    ):
        answer = page.post("/api/sets/kept/move", json={"pictures": pictures, "label": label})
        assert answer.status_code == status, answer.text
    assert (home.sets / "kept" / "cat" / "0001.png").is_file()
    assert page.post("/api/sets/no/move", json={"pictures": [], "label": "a"}).status_code == 404


def test_names_from_macos_are_found_and_extended(page: httpx.Client, home: Home) -> None:
    apart = unicodedata.normalize("NFD", "thé")
    upload(page, "drinks", {"drinks.zip": zipped(members("tea", apart))})
    address = "/api/sets/drinks/pictures"
    response = page.post(address, json={"label": "thé", "picture": uri(PNG)})
    assert response.status_code == 201, response.text
    folders = (home.sets / "drinks").iterdir()
    assert sorted(folder.name for folder in folders if folder.is_dir()) == [
        "tea",
        apart,
    ]
    assert page.get("/api/sets/drinks").json()["classes"][1] == {"name": "thé", "count": 4}
    ids = [one["id"] for one in page.get(address).json()]
    assert response.json()["id"] in ids
    assert all(page.get(f"{address}/{one}").status_code == 200 for one in ids)
    assert page.delete(f"{address}/thé/0.png").status_code == 204
    assert not (home.sets / "drinks" / apart / "0.png").exists()


def test_corrections_are_kept_in_an_uploaded_set(page: httpx.Client, home: Home) -> None:
    upload(page, "pets", members("cat", "dog"))
    jpeg = encoded(drawing(9), "JPEG")
    form = {"label": "cat"}
    response = page.post("/api/sets/pets/pictures", data=form, files={"file": ("a.jpg", jpeg)})
    assert response.status_code == 201, response.text
    kept = home.sets / "pets" / response.json()["id"]
    assert (kept.name, kept.read_bytes()) == ("0003.jpg", jpeg)
    assert page.get("/api/sets/pets").json()["pictures"] == 7
    grouped = form | {"group": "ann"}
    page.post("/api/sets/pets/pictures", data=grouped, files={"file": ("a.jpg", jpeg)})
    assert page.get("/api/sets/pets").json()["groups"] == ["ann"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_the_very_file_is_kept_and_can_be_saved(page: httpx.Client, home: Home, kind: str) -> None:
    """Also with an orientation and colours of its own, and larger than what models are given."""
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = photo(600, 400).convert("P") if kind == "GIF" else photo(600, 400)
    more = {"exif": exif.tobytes()} if kind in ("JPEG", "PNG", "WEBP") else {}
    data = packed(wide, kind, **more)
    address = "/api/sets/given/pictures"
    body = {"label": "cat", "picture": uri(data)}
    form = page.post(f"{address}?create=true", data={"label": "cat"}, files={"file": ("a", data)})
    kept = [form.json()["id"], page.post(address, json=body).json()["id"]]
    for one in kept:
        assert (home.sets / "given" / one).read_bytes() == data
        saved = page.get(f"{address}/{one}", params={"original": "true"})
        assert saved.content == data
        # No browser may show it: it could be taken for a page of this server.
        assert saved.headers["content-type"] == "application/octet-stream"
        assert saved.headers["content-disposition"] == "attachment"
        assert "sandbox" in saved.headers["content-security-policy"]
        shown = page.get(f"{address}/{one}")
        with Image.open(io.BytesIO(shown.content)) as image:
            assert (image.format, max(image.size)) == ("PNG", 512)
    page.post(address, json={"label": "dog", "picture": uri(PNG)})
    np.testing.assert_array_equal(
        read(home.sets / "given").pictures[0], decode(data, "what the models are given")
    )
    page.post("/api/sets/given/move", json={"pictures": kept, "label": "dog"})
    ending = Path(kept[0]).suffix
    assert (home.sets / "given" / "dog" / f"0002{ending}").read_bytes() == data


def test_only_pictures_can_be_saved(page: httpx.Client, home: Home) -> None:
    upload(page, "pets", members("cat", "dog"))
    (home.sets / "pets" / "cat" / "0.png").write_bytes(b"<script>alert(1)</script>")
    refused(page.get("/api/sets/pets/pictures/cat/0.png?original=true"), 409, "a web page")


def test_the_pictures_of_a_set_have_at_most_so_many_bytes(page: httpx.Client, home: Home) -> None:
    large = packed(photo(600, 300), "BMP")  # 540 kB, and a set may have 8 MB
    files = {"file": ("a.bmp", large)}
    address = "/api/sets/large/pictures?create=true"
    for _ in range(2):
        response = page.post(address, data={"label": "cat"}, files=files)
        assert response.status_code == 201, response.text
    more = home.sets / "large" / "cat" / "more.bmp"
    more.write_bytes(large + bytes(6_500_000))
    refused(page.post(address, data={"label": "cat"}, files=files), 409, "at most 8 MB together")
    too_large = page.post(address, data={"label": "cat"}, files={"file": ("a", bytes(1_100_000))})
    refused(too_large, 413, "larger than 1 MB")


@pytest.mark.parametrize(
    "label",
    [
        "",
        " ",
        "..",
        ".a",
        "a/b",
        "a\\b",
        "a:b",
        "a\nb",
        "x\0",
        "train",
        "Test",
        "desktop.ini",
        "x" * 61,
        "𝄞" * 60,
        "nul",
        "a.",
        "a--b",
        "-a",
        "\u202e",
        "__MACOSX",
    ],
)
def test_an_invalid_label_is_refused(page: httpx.Client, home: Home, label: str) -> None:
    body = {"label": label, "picture": uri(PNG)}
    response = page.post("/api/sets/drawn/pictures?create=true", json=body)
    assert response.status_code == 400, response.text
    body = {"label": "fine", "group": label or "--", "picture": uri(PNG)}
    response = page.post("/api/sets/drawn/pictures?create=true", json=body)
    assert response.status_code == 400, response.text
    assert nothing_is_left(home)


@pytest.mark.parametrize(
    "body",
    [
        {"label": "a"},
        {"label": "a", "picture": "x"},
        {"label": "a", "picture": "data:image/png;base64,%%%"},
        {"label": "a", "picture": uri(b"")},
        {"label": "a", "picture": uri(b"<svg/>")},
        {"label": "a", "picture": uri(PNG[:50])},
        {"label": 3, "picture": uri(PNG)},
    ],
)
def test_an_invalid_picture_is_refused(
    page: httpx.Client, home: Home, body: dict[str, object]
) -> None:
    response = page.post("/api/sets/drawn/pictures?create=true", json=body)
    assert response.status_code == 400, response.text
    assert nothing_is_left(home)
    form = page.post("/api/sets/drawn/pictures?create=true", files={"file": ("a", PNG)})
    refused(form, 400, "label: Field required")


@pytest.mark.parametrize(
    "picture",
    [
        "../cat/0.png",
        "..%2f..%2fsecret.png",
        "%2e%2e/secret.png",
        "cat",
        "x/0.png",
        "cat/0.png/x",
        ".set.json",
        "cat/link.png",
        "%00",
    ],
)
def test_a_picture_is_found_by_name_and_never_by_path(
    page: httpx.Client, home: Home, picture: str
) -> None:
    (home.path / "secret.png").write_bytes(PNG)
    upload(page, "pets", members("cat", "dog"))
    (home.sets / "pets" / "cat" / "link.png").symlink_to(home.path / "secret.png")
    assert page.get(f"/api/sets/pets/pictures/{picture}").status_code in (404, 405)
    assert page.delete(f"/api/sets/pets/pictures/{picture}").status_code in (404, 405)
    assert (home.path / "secret.png").exists()


def test_a_damaged_picture_is_reported(page: httpx.Client, home: Home) -> None:
    upload(page, "pets", members("cat", "dog"))
    (home.sets / "pets" / "cat" / "0.png").write_bytes(PNG[:60])
    refused(page.get("/api/sets/pets/pictures/cat/0.png"), 409, "damaged")


def test_a_set_is_bounded(page: httpx.Client) -> None:
    assert upload(page, "full", members("cat", "dog", each=6)).status_code == 201
    body = {"label": "cat", "picture": uri(PNG)}
    refused(page.post("/api/sets/full/pictures", json=body), 409, "at most 12 pictures")
    refused(page.get("/api/sets/none"), 404, "no set 'none'")
    assert page.get("/api/sets/none").json()["lists"] == "/api/sets"


def test_other_sites_and_servers_without_a_home_keep_nothing(
    page: httpx.Client, tmp_path: Path
) -> None:
    body = {"label": "a", "picture": uri(PNG)}
    evil = {"origin": "http://evil.example"}
    address = "/api/sets/drawn/pictures?create=true"
    refused(page.post(address, json=body, headers=evil), 403, "other sites")
    for home in (None, Home(tmp_path, open=False)):
        with serving(None, home=home) as client:
            refused(client.post(address, json=body), 403, "--allow-training")
            refused(upload(client, "pets", members("cat", "dog")), 403, "--allow-training")
            refused(client.get("/api/sets"), 403, "--allow-training")
            assert client.get("/api/training").json()["possible"] is False


# -- pictures that wait for a label ------------------------------------------------


def flat(count: int) -> dict[str, bytes]:
    return {f"new/{index}.png": encoded(drawing(index)) for index in range(count)}


def test_pictures_without_a_class_wait_and_get_one(page: httpx.Client, home: Home) -> None:
    response = upload(page, "New", flat(4))
    assert response.status_code == 201, response.text
    summary = response.json()
    assert (summary["pictures"], summary["unlabelled"], summary["editable"]) == (0, 4, True)
    assert summary["missing"] is not None
    waiting = page.get("/api/sets/New/waiting").json()
    assert [one["id"] for one in waiting] == ["0.png", "1.png", "2.png", "3.png"]
    assert {one["label"] for one in waiting} == {None}
    asked = {"pictures": ["0.png", "2.png"], "label": "cat"}
    moved = page.post("/api/sets/New/move", json=asked).json()
    assert [one["id"] for one in moved] == ["cat/0.png", "cat/2.png"]
    assert page.get("/api/sets/New").json()["classes"] == [{"name": "cat", "count": 2}]
    assert page.get("/api/sets/New").json()["unlabelled"] == 2
    back = page.post("/api/sets/New/move", json={"pictures": ["cat/0.png"], "label": None})
    assert back.json() == [{"id": "0.png", "label": None, "group": None}]
    assert (home.sets / "New" / "0.png").is_file()
    assert page.get("/api/sets/New").json()["unlabelled"] == 3
    page.post("/api/sets/New/move", json={"pictures": ["cat/2.png"], "label": None})
    assert page.get("/api/sets/New").json()["classes"] == []  # an empty class is gone


def test_what_to_label_next_is_asked_of_the_command(
    page: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(page, "New", flat(3))
    row = {"guess": None, "probability": None, "reasons": ["many like this"], "apart": False}
    rows = [row | {"name": "1.png"}, row | {"name": "gone.png"}]
    said = f"import json, sys; assert sys.argv[1] == 'next'; print(json.dumps({rows!r}))"
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", said))
    answer = page.post("/api/sets/New/next", json={"take": 5})
    assert answer.json() == [row | {"id": "1.png"}]
    assert page.post("/api/sets/Nothing/next", json={}).status_code == 404
    assert page.post("/api/sets/New/next", json={"run": "none"}).status_code == 404
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", "exit('bakeoff: no')"))
    assert page.post("/api/sets/New/next", json={}).json()["detail"] == "no"


def test_a_set_where_nothing_waits_has_nothing_next(page: httpx.Client) -> None:
    upload(page, "Pets", members("cat", "dog"))
    assert page.post("/api/sets/Pets/next", json={}).json() == []
