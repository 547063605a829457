"""WebDataset, as webdataset 1.0.2's ShardWriter writes it: the .cls before the .jpg."""

import io
import json
import tarfile
from pathlib import Path

from bakeoff.data.read import read

from ..pictures_made import class_folders, drawing, encoded, why


def shard(path: Path, first: int, count: int, *, notes: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index in range(first, first + count):
            parts = {"cls": str(index % 2).encode(), "jpg": encoded(drawing(index), "JPEG")}
            if notes:
                text = json.dumps({"label": "ab"[index % 2], "site": f"s{index % 3}", "box": [1]})
                parts = {"jpg": parts["jpg"], "json": text.encode()}
            for ending, data in parts.items():
                member = tarfile.TarInfo(f"sample{index:06d}.{ending}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def test_one_shard(tmp_path: Path) -> None:
    data = read(shard(tmp_path / "train-000000.tar", 0, 4))
    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert data.names[0] == "sample000000.jpg"
    assert data.description.startswith("WebDataset (in train-000000.tar), 4 pictures")
    assert data.left_out == ()


def test_several_shards_with_names_of_the_classes(tmp_path: Path) -> None:
    for number in range(3):
        shard(tmp_path / "plain" / f"{number:06d}.tar", 4 * number, 4)
    (tmp_path / "plain" / "classes.txt").write_text("ant\nbee\n")
    data = read(tmp_path / "plain")
    assert (len(data), data.classes) == (12, ("ant", "bee"))
    for part in ("train", "val", "test"):
        shard(tmp_path / "parts" / f"set-{part}-000000.tar", 0, 4)
    data = read(tmp_path / "parts")
    assert data.official_test is not None
    assert data.official_test.sum() == 4


def test_labels_in_json(tmp_path: Path) -> None:
    path = shard(tmp_path / "shard.tar", 0, 6, notes=True)
    data = read(path, group="site")
    assert (data.classes, data.group_names) == (("a", "b"), ("s0", "s1", "s2"))
    assert read(path, label="site").classes == ("s0", "s1", "s2")


def test_samples_without_a_label(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    with tarfile.open(shard(tmp_path / "shard.tar", 0, 6)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "sample000005.cls").unlink()
    data = read(folder)
    assert len(data) == 5
    assert why(data.left_out) == {"sample000005.jpg": "neither a .cls nor a .json gives its class"}


def test_notes_beside_pictures_in_class_folders(tmp_path: Path) -> None:
    folder = class_folders(tmp_path, "ant", "bee")
    for path in list(folder.rglob("*.png")):  # as labelme leaves them
        path.with_suffix(".json").write_text('{"shapes": [], "imagePath": "x.png"}')
    assert read(folder).description.startswith("class folders")
