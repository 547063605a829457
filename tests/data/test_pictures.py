"""Pictures in one flat buffer, and the writer that puts them on disk."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.pictures import PictureWriter

SQUARE = np.arange(12, dtype=np.uint8).reshape(2, 6, 1)
COLOUR = np.arange(45, dtype=np.uint8).reshape(5, 3, 3)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_pictures_of_any_size_come_back_from_disk(temporary: Path) -> None:
    writer = PictureWriter()
    writer.append(SQUARE)
    writer.append(COLOUR)
    assert len(writer) == 2
    pictures = writer.finish()
    del writer
    gc.collect()
    assert len(list(temporary.iterdir())) == 1
    np.testing.assert_array_equal(pictures[0], SQUARE)
    np.testing.assert_array_equal(pictures[1:][0], COLOUR)
    assert pictures.nbytes == 57
    assert pictures.channels == 3


def test_the_file_goes_with_the_last_view_of_it(temporary: Path) -> None:
    writer = PictureWriter()
    writer.append(SQUARE)
    pictures = writer.finish()
    view = pictures.take(np.array([0]))
    del writer, pictures
    gc.collect()
    np.testing.assert_array_equal(view[0], SQUARE)
    del view
    gc.collect()
    assert not list(temporary.iterdir())


def test_an_abandoned_writer_leaves_no_file(temporary: Path) -> None:
    writer = PictureWriter()
    writer.append(SQUARE)
    assert len(list(temporary.iterdir())) == 1
    del writer
    gc.collect()
    assert not list(temporary.iterdir())
