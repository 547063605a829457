"""A contact sheet of a dataset: a row of pictures for each class, as an image or in a terminal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bakeoff.bundle.lettering import draw_line
from bakeoff.data.dataset import Dataset
from bakeoff.data.image import thumbnail, to_image
from bakeoff.data.preview import class_counts
from bakeoff.data.words import count, spaced

__all__ = ["contact_sheet_image", "first_pictures"]

SIDE = 64  # pixels, of a picture
GAP = 6
NAME = 180  # pixels, for the name of a class
LINE = 20
ACROSS = 10  # pictures of a class
MOST = 100  # classes
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 36), (110, 110, 120)


def contact_sheet_image(dataset: Dataset) -> Image.Image:
    """Draw the name, the count and the first pictures of each class, at most 100 of them."""
    classes = dataset.classes[:MOST]
    left_out = len(dataset.classes) - len(classes)
    width = GAP + NAME + ACROSS * (SIDE + GAP)
    height = GAP + LINE + GAP + len(classes) * (SIDE + GAP) + (LINE if left_out else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw_line(draw, GAP, GAP, f"{dataset.name}: {dataset.description}", INK, width - 2 * GAP)
    counts = class_counts(dataset.labels, dataset.classes)
    top = GAP + LINE + GAP
    for label, name in enumerate(classes):
        draw_line(draw, GAP, top, name, INK, NAME - GAP)
        draw_line(draw, GAP, top + LINE, spaced(int(counts[label])), FAINT, NAME - GAP)
        for place, picture in enumerate(first_pictures(dataset, label, ACROSS)):
            small = thumbnail(to_image(picture).convert("RGB"), SIDE, grow="whole")
            x = GAP + NAME + place * (SIDE + GAP) + (SIDE - small.width) // 2
            sheet.paste(small, (x, top + (SIDE - small.height) // 2))
        top += SIDE + GAP
    if left_out:
        draw_line(draw, GAP, top, f"… {count(left_out, 'class')} more", FAINT, width)
    return sheet


def first_pictures(dataset: Dataset, label: int, most: int) -> list[NDArray[np.uint8]]:
    """The first pictures of a class."""
    rows = np.flatnonzero(dataset.labels == label)[:most]
    return [dataset.pictures[int(row)] for row in rows]
