from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
from PIL import Image

from bakeoff.data.catalog import load_named
from bakeoff.data.dataset import Dataset
from bakeoff.data.pictures import Pictures
from bakeoff.errors import LeftOut


def made(labels: list[int], classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 6, 9, 3), dtype=np.uint8)
    return Dataset(
        name="pets",
        pictures=Pictures.from_array(pixels),
        labels=np.asarray(labels, dtype=np.int64),
        classes=classes,
        names=tuple(f"{row}.png" for row in range(len(labels))),
    )


def test_repr_of_a_bundled_set() -> None:
    words = repr(load_named("doodles"))
    first, second = words.splitlines()
    assert first == "Dataset doodles: 1 000 pictures of 28×28, 10 classes"
    assert re.fullmatch(r"  classes: ([\w-]+ 100, ){8}… 2 more", second)


def test_repr_names_groups_test_part_and_what_is_missing() -> None:
    data = replace(
        made([0, 1, 0, -1, 1]),
        groups=np.asarray([0, 0, 1, 1, 1]),
        group_names=("anna", "ben"),
        official_test=np.asarray([False, False, False, False, True]),
        left_out=(LeftOut("a.txt", "it is not a picture", "Remove it"),),
    )
    assert repr(data) == (
        "Dataset pets: 5 pictures of 9×6, 2 classes\n"
        "  classes: cat 2, dog 2\n"
        "  groups: 2\n"
        "  official test part: 1 picture\n"
        "  without a label: 1 picture\n"
        "  left out: 1"
    )


def test_repr_stays_short() -> None:
    names = tuple(f"{'very ' * 100}long {row}" for row in range(500))
    assert len(repr(made(list(range(500)), names))) < 600
    empty = made([0]).take(np.asarray([], dtype=np.int64))
    assert repr(empty) == "Dataset pets: no pictures\n  classes: cat 0, dog 0"
    assert repr(replace(empty, classes=())).endswith("classes: none")


def test_html_shows_the_pictures_and_counts_of_each_class() -> None:
    data = made([0] * 12 + [1, -1], ("<cat>", "dog", "none"))
    page = data._repr_html_()
    assert "<p>pets: 14 pictures of 9×6, 3 classes. without a label: 1 picture</p>" in page
    assert re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td>", page) == [
        ("&lt;cat&gt;", "12"),
        ("dog", "1"),
        ("none", "0"),
    ]
    ten, single = (
        Image.open(io.BytesIO(base64.b64decode(text)))
        for text in re.findall(r"base64,([^\"]+)", page)
    )
    assert (ten.width, single.width) == (500, 50)
    # Each pixel five times larger, in the middle of its square.
    shown = np.asarray(single)[9:39:5, 1:46:5]
    assert np.array_equal(shown, data.pictures[12])


def test_html_of_many_classes_stays_short() -> None:
    data = made(list(range(60)), tuple(f"class{row}" for row in range(60)))
    page = data._repr_html_()
    assert "<td>… 40 classes more</td><td>40</td>" in page
    assert page.count("<img") == 20
