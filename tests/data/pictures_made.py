"""Real picture files, made on the spot."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.errors import LeftOut


def drawing(seed: int = 0, *, height: int = 12, width: int = 16) -> NDArray[np.uint8]:
    """H×W grey: a dark box on white paper."""
    pixels = np.full((height, width), 255, dtype=np.uint8)
    top = 1 + seed % 4
    pixels[top : top + 4, 3:9] = 10 + seed % 40
    return pixels


def encoded(pixels: NDArray[Any] | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def save(path: Path, seed: int = 0) -> Path:
    """A drawing in a PNG file, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(drawing(seed)))
    return path


def class_folders(root: Path, *classes: str, each: int = 3) -> Path:
    """`root` with a folder of drawings for every class."""
    for number, name in enumerate(classes):
        for index in range(each):
            save(root / name / f"style{index % 2}_{index}.png", number * each + index)
    return root


def why(left_out: tuple[LeftOut, ...]) -> dict[str, str]:
    return {record.subject: record.problem for record in left_out}


def write_csv(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def never(done: int, of: int) -> None:
    raise AssertionError(f"{done} of {of} were decoded")
