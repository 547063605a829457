from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from bakeoff.bundle.bundle import load
from bakeoff.data.decode import decode
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder

from ..strokes import CLASSES, strokes

DRAWINGS = strokes(6).pictures


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(buffer, "PNG")
    return buffer.getvalue()


def matrix(pixels: Any) -> bytes:
    return "\n".join(",".join(map(str, row)) for row in pixels[..., 0].tolist()).encode()


def answers(response: httpx.Response) -> dict[str, list[dict[str, Any]]]:
    assert response.status_code == 200, response.text
    return {one["model"]: one["answers"] for one in response.json()["models"]}


def test_an_answer_as_plain_values_is_what_the_api_returns(
    client: httpx.Client, finished: RunFolder
) -> None:
    (expected,) = load(finished.bundle("cnn")).predict(DRAWINGS[2])
    response = client.post("/api/predict?model=cnn&top=3", content=png(DRAWINGS[2]))
    (returned,) = answers(response)["cnn"]
    plain = json.loads(json.dumps(expected.to_dict()))
    assert plain.keys() == returned.keys()
    assert plain.pop("top") == [
        {"label": one["label"], "probability": pytest.approx(one["probability"], abs=1e-6)}
        for one in returned.pop("top")
    ]
    for name in ("label", "verdict", "words", "possible"):
        assert plain[name] == returned[name]


def test_a_picture_in_every_form_gives_the_same_answer(
    client: httpx.Client, finished: RunFolder
) -> None:
    drawing = DRAWINGS[2]
    (expected,) = load(finished.bundle("cnn")).predict(drawing)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a/box.png", png(drawing))
    forms: list[dict[str, Any]] = [
        {"content": png(drawing)},
        {"content": png(drawing), "headers": {"content-type": "text/html"}},
        {"content": matrix(drawing), "headers": {"content-type": "text/csv"}},
        {"json": {"pixels": drawing[..., 0].tolist()}},
        {"json": drawing.tolist()},
        {"content": archive.getvalue()},
        {"files": {"files": ("../../box.exe", png(drawing))}},
        {"files": {"any": ("m", matrix(drawing))}},
    ]
    for form in forms:
        found = answers(client.post("/api/predict", **form))
        assert list(found) == ["baseline", "cnn"]
        (answer,) = found["cnn"]
        assert answer["label"] == expected.label
        assert answer["words"] == expected.words
        assert answer["probability"] == pytest.approx(expected.probability, abs=1e-6), form


def test_many_files_are_answered_in_order_by_their_own_names(client: httpx.Client) -> None:
    files = [("files", (f"sub/{row}.png", png(one))) for row, one in enumerate(DRAWINGS[:5])]
    found = answers(client.post("/api/predict", files=files))["baseline"]
    assert [one["name"] for one in found] == [f"{row}.png" for row in range(5)]


@pytest.mark.parametrize("channels", [2, 4])
def test_pixels_with_alpha_are_laid_on_white_as_a_file_is(
    client: httpx.Client, channels: int
) -> None:
    alpha = 255 - DRAWINGS[2]  # black ink on nothing, as a canvas has it
    pixels = np.concatenate([np.zeros((12, 12, channels - 1), np.uint8), alpha], axis=-1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    (expected,) = answers(client.post("/api/predict", content=file.getvalue()))["cnn"]
    for body in ({"pixels": pixels.tolist()}, pixels.tolist(), (pixels / 255).tolist()):
        (found,) = answers(client.post("/api/predict", json=body))["cnn"]
        assert found["top"] == expected["top"]
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, *pixels.shape]}
    tensor["data"] = pixels.ravel().tolist()
    response = client.post("/v2/models/cnn/infer", json={"inputs": [tensor]})
    best = max(response.json()["outputs"][0]["data"])
    assert best == pytest.approx(expected["probability"], abs=1e-6)


def test_files_of_the_same_name_are_answered_by_their_paths(client: httpx.Client) -> None:
    paths = ["site_a/1.png", "site_b/1.png", "site_b/2.png", "../../../site_c/3.png"]
    files = [("files", (path, png(one))) for path, one in zip(paths, DRAWINGS, strict=False)]
    found = answers(client.post("/api/predict", files=files))["baseline"]
    assert [one["name"] for one in found] == ["site_a/1.png", "site_b/1.png", "2.png", "3.png"]
    assert [one["path"] for one in found][2:] == ["site_b/2.png", "site_c/3.png"]
    table = client.post("/api/predict", params={"format": "csv"}, files=files).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["path"] for row in rows[:4]] == [one["path"] for one in found]
    broken = [("files", (f"{folder}/x.zip", zipped_twice())) for folder in "ab"]
    response = client.post("/api/predict", files=broken).json()
    expected = [f"{folder}/x.zip/bad.png" for folder in "ab"]
    assert [one["subject"] for one in response["left_out"]] == expected


def zipped_twice() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("good.png", png(DRAWINGS[0]))
        packed.writestr("bad.png", b"\x89PNG\r\n")
    return archive.getvalue()


def test_a_square_table_is_one_picture_and_the_answer_says_so(client: httpx.Client) -> None:
    found = client.post("/api/predict", content=matrix(DRAWINGS[0])).json()
    assert len(found["models"][0]["answers"]) == 1
    assert "read as one picture of 12×12 pixels" in found["notes"][0]
    header = ",".join(f"pixel{place}" for place in range(16))
    rows = [header, *[",".join(["7"] * 16)] * 15]
    found = client.post("/api/predict", content="\n".join(rows)).json()
    assert len(found["models"][0]["answers"]) == 15
    assert found["notes"] == []


def test_rows_of_a_table_come_with_their_class_and_their_picture(client: httpx.Client) -> None:
    header = ",".join(["label", *(f"pixel{place}" for place in range(144))])
    rows = [f"{'ab'[at]},{','.join(map(str, DRAWINGS[at].reshape(-1)))}" for at in range(2)]
    body = "\n".join([header, *rows])
    given = client.post("/api/predict", content=body).json()["pictures"]
    assert given == [{"label": "a", "picture": None}, {"label": "b", "picture": None}]
    given = client.post("/api/predict?pictures=true", content=body).json()["pictures"]
    shown = base64.b64decode(given[1]["picture"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(decode(shown, "shown")[..., 0], DRAWINGS[1].reshape(12, 12))
    # A large picture has a file of its own.
    large = np.zeros((300, 300, 1), np.uint8)
    files = [("files", ("a.png", to_png(large))), ("files", ("b.csv", body.encode()))]
    given = client.post("/api/predict?pictures=true", files=files).json()["pictures"]
    assert [one["label"] for one in given] == [None, "a", "b"]
    assert [one["picture"] is None for one in given] == [True, False, False]


def test_a_table_gives_an_answer_a_row(client: httpx.Client) -> None:
    header = ",".join(f"pixel{place}" for place in range(144))
    rows = [",".join(map(str, one.reshape(-1))) for one in DRAWINGS]
    found = answers(client.post("/api/predict", content="\n".join([header, *rows])))["cnn"]
    assert len(found) == 6
    alone = answers(client.post("/api/predict", content=png(DRAWINGS[4])))["cnn"]
    assert found[4]["probability"] == pytest.approx(alone[0]["probability"], abs=1e-4)


def test_models_and_number_of_classes_can_be_chosen(client: httpx.Client) -> None:
    response = client.post(
        "/api/predict", params={"model": "cnn", "top": 2}, content=png(DRAWINGS[0])
    )
    found = answers(response)
    assert list(found) == ["cnn"]
    (answer,) = found["cnn"]
    assert len(answer["top"]) == 2
    assert answer["top"][0] == {"label": answer["label"], "probability": answer["probability"]}
    unknown = client.post("/api/predict", params={"model": "../cnn"}, content=png(DRAWINGS[0]))
    assert unknown.status_code == 404


def test_a_query_with_the_defaults_changes_nothing(client: httpx.Client) -> None:
    plain = answers(client.post("/api/predict", content=png(DRAWINGS[1])))
    assert answers(client.post("/api/predict?top=3&format=json", content=png(DRAWINGS[1]))) == plain
    assert client.post("/api/predict?top=0", content=png(DRAWINGS[1])).status_code == 422


def test_as_csv_it_opens_in_a_spreadsheet(client: httpx.Client) -> None:
    named = {"files": ("=cmd.png", png(DRAWINGS[0]))}
    response = client.post("/api/predict", params={"format": "csv", "top": 1}, files=named)
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["model"] for row in rows] == ["baseline", "cnn"]
    assert rows[0]["picture"] == "'=cmd.png"  # no formula


def test_a_broken_picture_among_several_is_listed(client: httpx.Client) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("good.png", png(DRAWINGS[0]))
        packed.writestr("bad.png", b"\x89PNG\r\n")
        packed.writestr("page.html", b"<html><script>")
    found = client.post("/api/predict", content=archive.getvalue()).json()
    assert [one["subject"] for one in found["left_out"]] == ["bad.png", "page.html"]
    assert len(found["models"][0]["answers"]) == 1


def test_many_clients_at_once_get_the_answers_they_get_alone(client: httpx.Client) -> None:
    alone = [answers(client.post("/api/predict", content=png(one)))["cnn"][0] for one in DRAWINGS]

    def ask(turn: int) -> bool:
        body = png(DRAWINGS[turn % 6])
        (found,) = answers(httpx.post(f"{client.base_url}/api/predict", content=body))["cnn"]
        expected = alone[turn % 6]
        return bool(
            found["label"] == expected["label"]
            and abs(found["probability"] - expected["probability"]) < 1e-4
        )

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(96)))


def test_models_are_described(client: httpx.Client, finished: RunFolder) -> None:
    found = client.get("/api/models").json()
    assert [one["name"] for one in found] == ["baseline", "cnn"]
    scores = finished.results().approaches[0].out_of_fold
    assert scores is not None
    assert found[0]["classes"] == list(CLASSES)
    assert found[0]["accuracy"] == pytest.approx(scores.accuracy)


def test_metrics_count_requests_and_verdicts(client: httpx.Client) -> None:
    client.post("/api/predict", content=png(DRAWINGS[0]))
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    assert 'bakeoff_requests_total{route="/api/predict",status="200"}' in text
    assert 'bakeoff_request_seconds_bucket{le="0.004",route="/api/predict"}' in text
    assert 'bakeoff_pictures_total{model="cnn",verdict=' in text
    assert "nowhere" not in text  # paths from clients never become labels


def test_openapi_has_an_example_of_every_form(client: httpx.Client) -> None:
    found = client.get("/openapi.json").json()
    content = found["paths"]["/api/predict"]["post"]["requestBody"]["content"]
    example = content["application/json"]["example"]
    assert client.post("/api/predict", json=example).status_code == 200
    table = content["text/csv"]["example"]
    assert client.post("/api/predict", content=table).status_code == 200
    assert client.get("/docs").status_code == 404  # it would load scripts from another site
