from pathlib import Path

import h5py
import numpy as np
import pytest

from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

from .arrays_made import noise


def usps(path: Path) -> Path:
    """The layout of Kaggle's usps.h5: train and test, floats of 0 to 1, digits of 0 to 9."""
    with h5py.File(path, "w") as file:
        for part, count in (("train", 6), ("test", 4)):
            group = file.create_group(part)
            group["data"] = (noise(count, 256) / 255).astype(np.float32)
            group["target"] = np.arange(count) % 2
    return path


def test_usps(tmp_path: Path) -> None:
    data = read(usps(tmp_path / "usps.h5"))
    assert data.description.startswith("HDF5, 10 pictures of 16×16, 2 classes, official test of 4")
    assert np.array_equal(data.pictures[0].reshape(-1), noise(6, 256)[0])


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    other = usps(tmp_path / "other.h5")
    raw = tmp_path / "raw"
    raw.write_bytes(bytes(4 * 64))
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        file["images"] = h5py.ExternalLink(str(other), "train/data")
        file["labels"] = np.arange(6) % 2
        outside = [(str(raw), 0, 4 * 64)]
        file.create_dataset("x", (4, 64), dtype=np.uint8, external=outside)
        layout = h5py.VirtualLayout((6, 256), np.float32)
        layout[:] = h5py.VirtualSource(str(other), "train/data", (6, 256))
        file.create_virtual_dataset("data", layout)
        file["soft"] = h5py.SoftLink("/labels")
    with pytest.raises(BakeoffError, match="none of its arrays is called images"):
        read(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = usps(tmp_path / "usps.h5")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BakeoffError, match="it is not an HDF5 file, or damaged"):
        read(path)
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(BakeoffError, match="none of its datasets is called images: weights"):
        read(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**7, 4096), dtype=np.uint8, chunks=True)
    with pytest.raises(BakeoffError, match="more bytes than can be read"):
        read(path)
