"""How long reading takes, and how much memory, beside the tools that do no more than decode.

    python benchmarks/reading.py [SMALL [LARGE]] > benchmarks/reading.txt

SMALL grey PNGs of 28×28 in ten class folders (100 000), read by `bakeoff.read` and by torchvision's
`ImageFolder`, which decodes each once, one after the other, without keeping it. LARGE JPEGs of
4000×3000 (20), read by `bakeoff.read`, and by Pillow in as many threads as there are cores: once
as they are, once with `draft`, which decodes to the smallest size of at least 512 that JPEG offers;
both then average to 512. The files were just written, so they are in the cache of the disk.
Each row is a process of its own; memory is the highest after the imports, above what they took.
Seconds are of the clock and of all processors; the latter, on a machine that other programs keep
busy, are what is compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measure import hardware
from PIL import Image

SIDE = 512


def main() -> None:
    """Write the pictures, then print a row for each way of reading."""
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2], Path(sys.argv[3]))
        return
    small, large = (int(text) for text in (*sys.argv[1:3], *("100000", "20")[len(sys.argv) - 1 :]))
    print(f"{hardware()}; {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        _write_small(Path(folder, "small"), small)
        _write_large(Path(folder, "large"), large)
        print(f"{small} PNGs of 28×28\n")
        _rows(Path(folder, "small"), ("ImageFolder", "bakeoff"))
        print(f"\n{large} JPEGs of 4000×3000\n")
        _rows(Path(folder, "large"), ("Pillow, draft", "Pillow", "bakeoff"))


def _rows(folder: Path, ways: tuple[str, ...]) -> None:
    print(f"{'':14}  seconds  of processor  of the first  MB above the imports  progress calls")
    first = 0.0
    for way in ways:
        command = [sys.executable, __file__, "--one", way, str(folder)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, work, megabytes, calls = json.loads(out)
        first = first or work
        share = f"{work:12.1f}  {work / first:12.2f}"
        print(f"{way:14}  {seconds:7.1f}  {share}  {megabytes:20.0f}  {calls:14}")
        sys.stdout.flush()


def _one(way: str, folder: Path) -> None:
    calls = 0

    def progress(_done: int, _of: int) -> None:
        nonlocal calls
        calls += 1

    if way == "bakeoff":
        from bakeoff.data.read import read

        work = lambda: read(folder, progress=progress)
    elif way == "ImageFolder":
        from torchvision.datasets import ImageFolder

        work = lambda: _decode_each(ImageFolder(str(folder)))
    else:
        work = lambda: _with_pillow(folder, draft="draft" in way)
    before, start, busy = _peak(), time.perf_counter(), time.process_time()
    kept = work()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    print(json.dumps([seconds, busy, _peak() - before, calls]))
    del kept


def _decode_each(dataset: object) -> None:
    for index in range(len(dataset)):  # type: ignore[arg-type]
        np.asarray(dataset[index][0])  # type: ignore[index]


def _with_pillow(folder: Path, *, draft: bool) -> None:
    def decode(path: Path) -> None:
        with Image.open(path) as image:
            if draft:
                image.draft("RGB", (SIDE, SIDE))
            image.load()
            small = image.convert("RGB")
            small.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=None)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, sorted(folder.rglob("*.jpg"))))


def _peak() -> float:
    """The most memory that this process has had, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def _write_small(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 256, (64, 28, 28), dtype=np.uint8)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
    for index in range(count):
        pixels = np.full((28, 28), 255, dtype=np.uint8)
        top, left = rng.integers(2, 12, 2)
        pixels[top : top + 14, left : left + 12] = ink[index % 64, :14, :12]
        Image.fromarray(pixels).save(folder / str(index % 10) / f"{index:06d}.png")


def _write_large(folder: Path, count: int) -> None:
    """Smooth colours with some grain, at the quality of a phone."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 30, 40, 3), dtype=np.uint8)
    for index in range(count):
        path = folder / "ab"[index % 2] / f"{index:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(coarse[index]).resize((4000, 3000), Image.Resampling.BICUBIC)
        grain = rng.integers(-6, 7, (3000, 4000, 1), dtype=np.int16)
        pixels = (np.asarray(image, dtype=np.int16) + grain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, quality=90)


if __name__ == "__main__":
    main()
