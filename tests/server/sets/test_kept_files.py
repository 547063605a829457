"""The files of a set are the very files that were given."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.data.decode import decode
from bakeoff.data.read import read
from bakeoff.server.home import Home

from ...page.pictures import packed, photo
from ..test_security import refused
from .collected import PNG, members, upload, uri


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
