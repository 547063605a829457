"""Out-of-distribution pictures: how many of them a model of MNIST's digits refuses.

    bakeoff run MNIST --folds 0 --out RUN
    python benchmarks/strangers.py RUN MNIST FASHION > benchmarks/strangers.txt

FASHION is a folder with Fashion-MNIST's IDX files. Out of distribution are its test part; slightly
rotated letters in Pillow's own font, without those that look like digits (I, O, Q, S, Z, B, l, i,
o, q, s, z, b, g); the bundled doodles; pixel noise, and smooth noise. Thresholds come from an inner
slice of the training part; the digits are the official test part, opened for this measurement
only. Sets are the possible classes of an answer.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

import numpy as np
from measure import hardware
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bakeoff.bundle.answer import Answers
from bakeoff.bundle.inputs import Inputs
from bakeoff.bundle.panel import Panel
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read

COUNT = 2000
LETTERS = [one for one in string.ascii_letters if one not in "IOQSZBlioqszbg"]


def main() -> None:
    """Print a row for each model, and a column for each kind of picture."""
    run, mnist, fashion = sys.argv[1:]
    panel = Panel([Path(run)])
    digits = read(mnist)
    assert digits.official_test is not None, "MNIST has a test part"
    known = digits.take(np.flatnonzero(digits.official_test))
    clothes = read(fashion)
    assert clothes.official_test is not None, "so has Fashion-MNIST"
    rng = np.random.default_rng(0)
    strangers = {
        "clothes": clothes.take(np.flatnonzero(clothes.official_test)[:COUNT]).pictures,
        "letters": _pictures([_letter(rng) for _ in range(COUNT)]),
        "doodles": read("doodles").pictures,
        "noise": Pictures.from_array(rng.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)),
        "smooth noise": _pictures([_smooth(rng) for _ in range(COUNT)]),
    }
    print(f"{hardware()}\n")
    print("| model | digits refused | truth in set (stated) | sets of one |", end="")
    print(f" {' | '.join(strangers)} | refused, mean |")
    print("|---" * (5 + len(strangers)) + "|")
    for name, bundle in panel.bundles.items():
        trust = bundle.manifest.trust
        assert trust is not None, "an inner slice sets thresholds"
        answers = bundle.answer(Inputs(known.names, known.pictures))
        truths = [known.classes[label] for label in known.labels]
        held = np.mean([truth in one.possible for one, truth in zip(answers, truths, strict=True)])
        single = np.mean([len(one.possible) == 1 for one in answers])
        shares = [
            _refused(bundle.answer(Inputs(("",) * len(pictures), pictures)))
            for pictures in strangers.values()
        ]
        cells = [f"{_refused(answers):.2%}", f"{held:.2%} ({1 - trust.error_rate:.2%})"]
        cells += [f"{single:.1%}", *(f"{one:.1%}" for one in shares), f"{np.mean(shares):.1%}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _refused(answers: Answers) -> float:
    return float(np.mean([one.verdict == "out of distribution" for one in answers]))


def _letter(rng: np.random.Generator) -> NDArray[np.uint8]:
    size = float(rng.uniform(60, 90))
    page = Image.new("L", (112, 112))
    draw = ImageDraw.Draw(page)
    text = str(rng.choice(LETTERS))
    font = ImageFont.load_default(size)
    stroke = int(rng.integers(0, 3))
    draw.text((56, 56), text, fill=255, font=font, anchor="mm", stroke_width=stroke)
    page = page.rotate(float(rng.uniform(-12, 12)), Image.Resampling.BILINEAR)
    return np.asarray(page.resize((28, 28), Image.Resampling.BOX))


def _smooth(rng: np.random.Generator) -> NDArray[np.uint8]:
    noise = Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8))
    blurred = np.asarray(noise.filter(ImageFilter.GaussianBlur(2))).astype(float)
    stretched = (blurred - blurred.min()) / np.ptp(blurred) * 255
    return stretched.astype(np.uint8)


def _pictures(arrays: list[NDArray[np.uint8]]) -> Pictures:
    return Pictures.from_array(np.stack(arrays))


if __name__ == "__main__":
    main()
