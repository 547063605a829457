from __future__ import annotations

import base64
import io

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.bundle.bundle import load
from bakeoff.record.folder import RunFolder

from .test_predict import DRAWINGS, png

PNG = "data:image/png;base64,"


def test_an_explanation_of_every_model(client: httpx.Client, finished: RunFolder) -> None:
    response = client.post("/api/explain?neighbours=2", content=png(DRAWINGS[2]))
    assert response.status_code == 200
    models = {one["model"]: one for one in response.json()["models"]}
    assert list(models) == ["baseline", "cnn"]
    expected = load(finished.bundle("cnn")).explain(DRAWINGS[2]).occlusion
    assert models["cnn"]["label"] == expected.label
    assert models["cnn"]["drops"] == pytest.approx(expected.drops, abs=1e-4)
    assert models["cnn"]["neighbours"] == []
    one = client.post("/api/explain?model=cnn", content=png(DRAWINGS[0]))
    assert [each["model"] for each in one.json()["models"]] == ["cnn"]


def test_a_picture_as_every_model_sees_it(client: httpx.Client, finished: RunFolder) -> None:
    response = client.post("/api/seen", content=png(DRAWINGS[2]))
    assert response.status_code == 200
    models = {one["model"]: one for one in response.json()["models"]}
    assert list(models) == ["baseline", "cnn"]
    for name, one in models.items():
        assert one["picture"].startswith(PNG)
        with Image.open(io.BytesIO(base64.b64decode(one["picture"].removeprefix(PNG)))) as image:
            shown = np.asarray(image)
        assert one["size"] == len(shown)
        expected = load(finished.bundle(name)).seen(DRAWINGS[2][None])[0, ..., 0]
        np.testing.assert_allclose(shown.astype(int), expected, atol=1)
    form = {"files": ("box.png", png(DRAWINGS[2]))}
    (alone,) = client.post("/api/seen?model=cnn", files=form).json()["models"]
    assert alone == models["cnn"]


@pytest.mark.parametrize("path", ["/api/explain", "/api/seen"])
def test_only_one_picture_is_explained_at_a_time(client: httpx.Client, path: str) -> None:
    files = [("files", (f"{row}.png", png(DRAWINGS[row]))) for row in range(2)]
    response = client.post(path, files=files)
    assert response.status_code == 400
    assert "Send one" in response.json()["detail"]
    assert client.post(path, content=b"no picture").status_code == 400
    assert client.post(f"{path}?model=x", content=png(DRAWINGS[0])).status_code == 404


def test_explanations_have_the_limits_of_predictions(client: httpx.Client) -> None:
    assert client.post("/api/seen", content=b"x" * 3_000_000).status_code == 413
    assert client.get("/api/seen").status_code == 405
