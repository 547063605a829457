"""Sets that are collected picture by picture."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.data.read import read
from bakeoff.server.home import Home

from ...data.pictures_made import drawing, encoded
from ..conftest import serving
from ..test_security import refused, zipped
from .collected import PNG, members, nothing_is_left, upload, uri


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
