from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from bakeoff.bundle.inputs import gather
from bakeoff.errors import BakeoffError, InputError

from ..strokes import strokes

DRAWING = strokes(1).pictures[0]


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_one_picture_in_every_form_is_the_same_pixels(tmp_path: Path) -> None:
    file = tmp_path / "drawing.png"
    file.write_bytes(png(DRAWING[..., 0]))
    matrix = tmp_path / "drawing.csv"
    np.savetxt(matrix, DRAWING[..., 0], fmt="%d", delimiter=",")
    forms: list[Any] = [
        file,
        str(file),
        matrix,
        file.read_bytes(),
        bytearray(file.read_bytes()),
        Image.open(file),
        Image.open(file).convert("RGB"),
        DRAWING,
        DRAWING[..., 0],
        DRAWING[None],
        DRAWING[..., 0].astype(float) / 255,
        DRAWING[..., 0].astype(int),
        [DRAWING],
    ]
    for form in forms:
        found = gather(form)
        assert len(found.pictures) == 1
        assert np.array_equal(found.pictures[0], DRAWING), form
    assert gather(file).names == ("drawing.png",)


def test_a_folder_keeps_names_and_lists_what_cannot_be_read(tmp_path: Path) -> None:
    for place in range(3):
        (tmp_path / f"{place}.png").write_bytes(png(DRAWING[..., 0]))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    found = gather(tmp_path)
    assert found.names == ("0.png", "1.png", "2.png")
    assert [one.subject for one in found.left_out] == ["broken.png"]


def test_a_list_may_mix_forms_and_sizes(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(png(np.zeros((4, 6), dtype=np.uint8)))
    found = gather([file, DRAWING, np.zeros((2, 9, 9), dtype=np.uint8)])
    assert [picture.shape for picture in found.pictures] == [
        (4, 6, 1),
        (12, 12, 1),
        (9, 9, 1),
        (9, 9, 1),
    ]
    assert found.names == ("a.png", "[1]", "[2][0]", "[2][1]")


def test_unreadable_files_among_several_are_listed(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(png(DRAWING[..., 0]))
    (tmp_path / "bad.png").write_bytes(b"")
    found = gather([tmp_path / "bad.png", tmp_path / "good.png"])
    assert found.names == ("good.png",)
    assert [one.subject for one in found.left_out] == ["bad.png"]
    with pytest.raises(BakeoffError, match=r"bad\.png"):
        gather([tmp_path / "bad.png"])


def test_a_large_array_is_shrunk_like_a_large_file() -> None:
    large = np.random.default_rng(0).integers(0, 256, (700, 1030, 3), dtype=np.uint8)
    from_array, from_file = gather(large), gather(png(large))
    assert from_array.pictures[0].shape == (348, 512, 3)
    assert np.array_equal(from_array.pictures[0], from_file.pictures[0])


@pytest.mark.parametrize(
    "given",
    [None, 7, {"a": 1}, np.zeros(5), np.zeros((3, 4, 7, 5)), np.full((4, 4), np.nan), object()],
)
def test_other_objects_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"picture"):
        gather(given)


CANVAS = np.zeros((20, 30, 4), dtype=np.uint8)  # as a web page's canvas returns it
CANVAS[4:9, 3:20] = (0, 0, 0, 255)
CANVAS[9:12, 3:20] = (200, 10, 10, 128)
SHADE = np.ascontiguousarray(CANVAS[..., [1, 3]])


@pytest.mark.parametrize("pixels", [CANVAS, SHADE], ids=["RGBA", "grey and alpha"])
def test_arrays_with_alpha_are_laid_on_white_as_files_are(pixels: Any) -> None:
    expected = gather(png(pixels)).pictures[0]
    assert expected[0, 0].tolist() == [255] * expected.shape[-1]
    forms: list[Any] = [
        pixels,
        pixels[None],
        pixels / 255,
        pixels.astype(float),
        pixels.astype(np.int64),
        [pixels],
        Image.fromarray(pixels),
    ]
    for form in forms:
        read = gather(form)
        assert len(read.pictures) == 1
        assert np.array_equal(read.pictures[0], expected)
    assert len(gather(np.stack([pixels] * 3)).pictures) == 3


@pytest.mark.parametrize("side", [64, 600])
def test_an_array_has_the_pixels_of_its_file(side: int) -> None:
    """Whatever its channels: grey in three channels, black ink on nothing, and large ones too."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (side, side, 1), dtype=np.uint8)
    colour = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    ink = np.concatenate([np.zeros_like(colour), grey], axis=-1)
    for pixels in (grey, grey.repeat(3, axis=-1), colour, ink, np.concatenate([grey, grey], -1)):
        file = png(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        assert np.array_equal(gather(pixels).pictures[0], gather(file).pictures[0])


def table_of(rows: Any, header: str = "") -> bytes:
    lines = [",".join(map(str, row)) for row in rows]
    return "\n".join([header, *lines] if header else lines).encode()


SIXTEEN = np.arange(256, dtype=np.uint8)[::-1].reshape(16, 16)
PIXELS = ",".join(f"pixel{place}" for place in range(16))


def test_a_square_table_is_one_picture_and_says_so() -> None:
    read = gather(table_of(SIXTEEN))
    assert np.array_equal(read.pictures[0][..., 0], SIXTEEN)
    assert "read as one picture of 16×16 pixels" in read.notes[0]
    assert gather(table_of(SIXTEEN[:9])).notes == ()


def test_a_header_says_that_each_row_is_a_picture() -> None:
    # As many lines as columns, with the header among the lines or below it.
    for rows in (15, 16):
        read = gather(table_of(SIXTEEN[:rows], PIXELS))
        assert [picture.shape for picture in read.pictures] == [(4, 4, 1)] * rows
        assert np.array_equal(read.pictures[1].ravel(), SIXTEEN[1])
        assert read.notes == ()


@pytest.mark.parametrize("label", [lambda row: row % 10, lambda row: "ab"[row % 2]])
@pytest.mark.parametrize("end", [0, 1])
def test_labels_say_that_each_row_is_a_picture(label: Any, end: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (65, 64))
    rows = [[*row, label(at)] if end else [label(at), *row] for at, row in enumerate(pixels)]
    read = gather(table_of(rows))
    assert len(read.pictures) == 65
    assert np.array_equal(read.pictures[3].ravel(), pixels[3])


def test_a_square_drawing_whose_side_is_that_of_a_labelled_row_stays_a_picture() -> None:
    drawing = np.random.default_rng(0).integers(0, 2, (65, 65))  # its first column counts 0, 1
    assert len(gather(table_of(drawing)).pictures) == 1
    grey = np.random.default_rng(0).integers(0, 256, (65, 65))
    grey[:, 0] = grey[:, -1] = 0
    assert len(gather(table_of(grey)).pictures) == 1


def fill(folder: Path, names: str = "200.png 201.png", extra: bytes = b"") -> None:
    folder.mkdir(parents=True)
    for name in names.split():
        (folder / name).write_bytes(png(DRAWING[..., 0]))
    if extra:
        (folder / "broken.png").write_bytes(extra)


def test_names_that_repeat_become_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fill(Path("a"), extra=b"\x89PNG\r\n")
    fill(Path("b"), "200.png only.png", extra=b"\x89PNG\r\n")
    both = gather(["a", "./b/"])
    assert both.names == ("a/200.png", "201.png", "b/200.png", "only.png")
    assert both.paths == ("a/200.png", "a/201.png", "b/200.png", "b/only.png")
    assert [refusal.subject for refusal in both.left_out] == ["a/broken.png", "b/broken.png"]
    files = gather(["a/200.png", Path("b/200.png"), "b/only.png", "a/broken.png", "b/broken.png"])
    assert files.names == ("a/200.png", "b/200.png", "only.png")
    assert [refusal.subject for refusal in files.left_out] == ["a/broken.png", "b/broken.png"]
    alone = gather(["a"])
    assert (alone.names, alone.paths) == (("200.png", "201.png"), ("a/200.png", "a/201.png"))


def test_rows_of_tables_and_members_of_archives_have_paths_too(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        fill(tmp_path / folder)
        (tmp_path / folder / "t.csv").write_bytes(table_of(SIXTEEN[:2], PIXELS))
        with zipfile.ZipFile(tmp_path / f"{folder}.zip", "w") as archive:
            archive.write(tmp_path / folder / "200.png", "200.png")
    tables = gather([tmp_path / "a" / "t.csv", tmp_path / "b" / "t.csv"])
    assert tables.names[0] == f"{tmp_path.as_posix()}/a/t.csv row 2"
    assert len(set(tables.names)) == 4
    archives = gather([tmp_path / "a.zip", tmp_path / "b.zip"])
    expected = tuple(f"{tmp_path.as_posix()}/{folder}.zip/200.png" for folder in "ab")
    assert archives.names == archives.paths == expected
    packed = [(tmp_path / f"{folder}.zip").read_bytes() for folder in "ab"]
    assert gather(packed).names == ("[0]/200.png", "[1]/200.png")


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BakeoffError, match="empty"):
        gather([])
    with pytest.raises(BakeoffError):
        gather(tmp_path / "missing.png")


def test_an_array_of_too_many_pixels_is_refused_before_it_is_copied() -> None:
    with pytest.raises(InputError, match="60000×1000"):
        gather(np.broadcast_to(np.uint8(0), (60_000, 1000)))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)))
def test_any_grey_array_of_bytes_is_taken_as_it_is(array: Any) -> None:
    assert np.array_equal(gather(array).pictures[0][..., 0], array)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_a_clear_refusal(data: bytes) -> None:
    with pytest.raises(BakeoffError, match="picture"):
        gather(data)
