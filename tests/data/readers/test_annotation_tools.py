"""Exports of annotation tools, in the exact layouts of files that these tools wrote."""

import json
from pathlib import Path
from typing import Any

import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from ..pictures_made import save, why

FOUR = {"a": "ant", "b": "bee", "c": "ant", "d": "bee"}


def labelled(path: Path) -> dict[str, str]:
    data = read(path)
    return {n: data.classes[i] for n, i in zip(data.names, data.labels.tolist(), strict=True)}


def pictures(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        save(folder / name, number)
    return folder


def annotation(number: int, *choices: str, **others: Any) -> dict[str, Any]:
    value = {"choices": list(choices)}
    result = {"id": "x1", "type": "choices", "value": value, "origin": "manual"}
    result |= {"from_name": "choice", "to_name": "image"}
    return {"id": number, "completed_by": number, "result": [result], "lead_time": 2.5, **others}


def studio(name: str, *annotations: dict[str, Any], uploaded: str = "1f3a0b9c-") -> dict[str, Any]:
    return {
        "id": 7,
        "annotations": list(annotations),
        "file_upload": f"{uploaded}{name}.png",
        "data": {"image": f"/data/upload/1/{uploaded}{name}.png", "camera": "front"},
        "predictions": [],
        "project": 1,
    }


def test_label_studio(tmp_path: Path) -> None:
    pictures(tmp_path / "pics", *(f"{name}.png" for name in FOUR))
    tasks = [studio(name, annotation(1, label)) for name, label in FOUR.items()]
    (tmp_path / "project-1-at-2026.json").write_text(json.dumps(tasks))
    assert labelled(tmp_path) == {f"pics/{n}.png": v for n, v in FOUR.items()}
    assert labelled(tmp_path / "project-1-at-2026.json") == labelled(tmp_path)
    words = "Label Studio (project-1-at-2026.json), 4 pictures"
    assert read(tmp_path, group="camera").description.startswith(words)


def test_label_studio_with_the_pictures_as_they_were_uploaded(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"1f3a0b9c-{name}.png" for name in FOUR))
    tasks = [studio(name, annotation(1, label)) for name, label in FOUR.items()]
    tasks[0]["data"]["image"] = "/data/local-files/?d=my%20set/1f3a0b9c-a.png"
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    assert len(labelled(tmp_path)) == 4


def test_people_who_disagree(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png", "d.png", "e.png")
    tasks = [
        studio("a", annotation(1, "ant"), annotation(2, "ant"), annotation(3, "bee")),
        studio("b", annotation(1, "bee"), annotation(2, "ant", was_cancelled=True)),
        studio("c", annotation(1, "ant"), annotation(2, "bee")),
        studio("d", annotation(1, "bee")),
        studio("e", annotation(1, "ant")),
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    data = read(tmp_path)
    assert labelled(tmp_path) == {"a.png": "ant", "b.png": "bee", "d.png": "bee", "e.png": "ant"}
    assert dict(data.doubts) == {"a.png": "its labels differ (ant 2, bee 1)"}
    assert why(data.left_out) == {"c.png": "its labels differ, without a majority (ant 1, bee 1)"}


def test_label_studio_json_min_and_csv(tmp_path: Path) -> None:
    rows = [
        {
            "image": f"/data/upload/1/1f3a0b9c-{name}.png",
            "id": number,
            "choice": label,
            "annotator": 1 + number % 2,
            "annotation_id": 10 + number,
            "created_at": "2026-11-02T10:00:00.000000Z",
            "updated_at": "2026-11-02T10:00:05.000000Z",
            "lead_time": 1.5 + number,
        }
        for number, (name, label) in enumerate([*FOUR.items(), ("a", "bee"), ("a", "ant")])
    ]
    pictures(tmp_path / "min", *(f"{name}.png" for name in FOUR))
    (tmp_path / "min" / "export.json").write_text(json.dumps(rows))
    pictures(tmp_path / "csv", *(f"{name}.png" for name in FOUR))
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    (tmp_path / "csv" / "export.csv").write_text("\n".join(lines))
    for name in ("min", "csv"):
        assert labelled(tmp_path / name) == {f"{n}.png": v for n, v in FOUR.items()}
        assert dict(read(tmp_path / name).doubts) == {"a.png": "its labels differ (ant 2, bee 1)"}


def test_several_choices_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    tasks = [studio("a", annotation(1, "ant")), studio("b", annotation(1, "ant", "bee"))]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    with pytest.raises(BakeoffError, match=r"task 7: '.*b\.png' has several classes \(ant, bee\)"):
        read(tmp_path)


def test_edge_impulse(tmp_path: Path) -> None:
    files = []
    for category, folder in (("training", "training"), ("testing", "testing")):
        for name, label in FOUR.items():
            path = f"{folder}/{name}.1f3a0b9c.png"
            save(tmp_path / path)
            files.append(
                {
                    "path": path,
                    "name": name,
                    "category": category,
                    "enabled": True,
                    "label": {"type": "label", "label": label},
                    "metadata": {"site": "home"},
                }
            )
    (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": files}))
    data = read(tmp_path)
    assert data.description.startswith("Edge Impulse (info.labels), 8 pictures")
    assert labelled(tmp_path)["testing/b.1f3a0b9c.png"] == "bee"
    assert data.official_test is not None
    assert data.official_test.tolist() == [True] * 4 + [False] * 4


def test_fiftyone(tmp_path: Path) -> None:
    for name in FOUR:
        save(tmp_path / "data" / f"{name}.jpg")
    numbers = {name: int(label == "bee") for name, label in FOUR.items()}
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"classes": ["ant", "bee"], "labels": numbers}))
    assert labelled(tmp_path) == {f"data/{n}.jpg": v for n, v in FOUR.items()}
    labels.write_text(json.dumps({"classes": None, "labels": FOUR}))
    assert labelled(tmp_path) == {f"data/{n}.jpg": v for n, v in FOUR.items()}
    with_more = {n: {"label": v, "confidence": None} for n, v in FOUR.items()}
    labels.write_text(json.dumps({"classes": None, "labels": with_more}))
    assert labelled(tmp_path) == {f"data/{n}.jpg": v for n, v in FOUR.items()}


@pytest.mark.parametrize(
    "content",
    [
        {"labels": {"0": "cat", "1": "dog"}},
        {"classes": ["cat", "dog"]},
        {"files": [{"path": "elsewhere.png", "label": {"label": "x"}}]},
        [{"data": {"image": "a.png"}}],
        "labels",
    ],
)
def test_other_json_beside_class_folders(tmp_path: Path, content: object) -> None:
    for name in ("cat", "dog"):
        pictures(tmp_path / name, "x.png", "y.png")
    (tmp_path / "info.json").write_text(json.dumps(content))
    assert read(tmp_path).description.startswith("class folders")


def test_pictures_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text(json.dumps([studio("a", annotation(1, "ant"))]))
    with pytest.raises(BakeoffError, match=r"export\.json: it names pictures .*none of them"):
        read(tmp_path / "export.json")
