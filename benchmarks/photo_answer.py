"""What the answer for a 12-megapixel photo takes over HTTP, and what the time goes to.

    python benchmarks/photo_answer.py BUNDLE PHOTO > benchmarks/photo_answer.txt

PHOTO is any photo; it is enlarged to 4032×3024, with grain as of a camera, and saved as JPEG. The
page of bakeoff shrinks a photo before it sends it; a program that sends the whole file waits for
its decoding. `draft` is Pillow's decoding of a JPEG at a quarter of its side, which bakeoff does
not use: no browser has it, and the page must see what the server sees.
"""

from __future__ import annotations

import http.client
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import hardware
from PIL import Image
from serving import serving

from bakeoff.bundle.bundle import load
from bakeoff.data.decode import decode

SIZE = (4032, 3024)
GRAIN = 4.0  # levels, standard deviation
ROUNDS, WARM_UP = 25, 3


def main() -> None:
    """Print the median and the 95th percentile of each step."""
    bundle, photo = Path(sys.argv[1]), Path(sys.argv[2])
    data = large_jpeg(photo)
    small = decode(data, "photo")
    model = load(bundle, threads=1)
    print(f"{hardware()}; {bundle.name}, a JPEG of 4032×3024 and {len(data) / 1e6:.1f} MB\n")
    print("| step | median | 95 % |\n|---|---|---|")
    with serving(bundle) as address:
        connection = http.client.HTTPConnection(address)

        def ask() -> None:
            connection.request("POST", "/api/predict", data, {"Content-Type": "image/jpeg"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()

        report("the answer over HTTP", ask)
        connection.close()
    report("to decode and shrink it", lambda: decode(data, "photo"))
    report("of that, Pillow's decoding", lambda: opened(data).load())
    report("with `draft`, a quarter of the side", lambda: drafted(data).load())
    report("the graph, on the shrunk photo", lambda: model.run(small[None]))


def large_jpeg(photo: Path) -> bytes:
    """The photo as a camera of 12 megapixels would have saved it."""
    with Image.open(photo) as image:
        large = image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(0).normal(0, GRAIN, (SIZE[1], SIZE[0], 3))
    pixels = (np.asarray(large) + grain).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def drafted(data: bytes) -> Image.Image:
    image = opened(data)
    image.draft("RGB", (SIZE[0] // 4, SIZE[1] // 4))
    return image


def report(step: str, work: Callable[[], object]) -> None:
    took = []
    for _ in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - started))
    middle, high = np.percentile(took[WARM_UP:], [50, 95])
    print(f"| {step} | {middle:.0f} ms | {high:.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
