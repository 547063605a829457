"""Pictures of a set that wait for a label."""

from __future__ import annotations

import sys

import httpx
import pytest

from bakeoff.server import children
from bakeoff.server.home import Home

from ...data.pictures_made import drawing, encoded
from .collected import members, upload


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
    said = [{"code": "why.variety", "values": {}}]
    row: dict[str, object] = {"guess": None, "probability": None, "reasons": ["adds variety"]}
    row |= {"said": said, "apart": False}
    rows = [row | {"name": "1.png"}, row | {"name": "gone.png"}]
    program = f"import json, sys; assert sys.argv[1] == 'next'; print(json.dumps({rows!r}))"
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", program))
    answer = page.post("/api/sets/New/next", json={"take": 5})
    assert answer.json() == [row | {"id": "1.png"}]
    assert page.post("/api/sets/Nothing/next", json={}).status_code == 404
    assert page.post("/api/sets/New/next", json={"run": "none"}).status_code == 404
    monkeypatch.setattr(children, "COMMAND", (sys.executable, "-c", "exit('bakeoff: no')"))
    assert page.post("/api/sets/New/next", json={}).json()["detail"] == "no"


def test_a_set_where_nothing_waits_has_nothing_next(page: httpx.Client) -> None:
    upload(page, "Pets", members("cat", "dog"))
    assert page.post("/api/sets/Pets/next", json={}).json() == []
