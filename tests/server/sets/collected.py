"""Pictures for sets, and how a client sends them."""

from __future__ import annotations

from base64 import b64encode

import httpx

from bakeoff.server.home import Home

from ...data.pictures_made import drawing, encoded

PNG = encoded(drawing(0))


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
