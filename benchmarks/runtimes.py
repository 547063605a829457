"""The graphs of a run in many runtimes: do they name the same class, and how far are they off?

    python benchmarks/runtimes.py GRAPH.onnx... --mnist t10k-images-idx3-ubyte.gz \
        --digits 10000 --doodles 1000 --batch 50 \
        --in onnxruntime=venvs/ort-1.17/bin/python --in openvino=venvs/ov/bin/python

Each --in names a runtime of `bakeoff verify --runtime` and the Python in which it is installed.
The pictures are MNIST's test pictures, and the bundled doodles in mixed sizes and colours: a new
size for every 25, from 12 to 400 pixels, each half of them in colour. ONNX Runtime's answers, which
the others are compared with, are of this Python.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.bundle.fixed import fixed_graph, fixed_pictures, fixed_shape
from bakeoff.bundle.runtimes import RUNTIMES, answers_of
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

Answers: TypeAlias = NDArray[np.float32]
EACH = 25  # doodles in one shape
VERSION = "import importlib.metadata as m; print(m.version('{}'))"


def pictures_of(mnist: Path, digits: int, doodles: int) -> list[NDArray[np.uint8]]:
    raw = np.frombuffer(gzip.decompress(mnist.read_bytes()), np.uint8, offset=16)
    pictures = [*raw.reshape(-1, 28, 28, 1)[:digits]]
    drawn = read("doodles").pictures
    generator = np.random.default_rng(23)
    for number, row in enumerate(generator.permutation(len(drawn))[:doodles]):
        if number % EACH == 0:
            height, width = generator.integers(12, 400, 2)
            colours = 3 if generator.random() < 0.5 else 1
        image = Image.fromarray(drawn[int(row)][..., 0]).resize((int(width), int(height)))
        pictures.append(np.asarray(image)[..., None].repeat(colours, 2))
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("graphs", nargs="+", type=Path)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--digits", type=int, default=30)
    parser.add_argument("--doodles", type=int, default=30)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--in", dest="environments", action="append", default=[])
    options = parser.parse_args()
    pictures = pictures_of(options.mnist, options.digits, options.doodles)
    shapes = len({picture.shape for picture in pictures[options.digits :]})
    print(
        f"{options.digits} of MNIST's test pictures and {options.doodles} doodles in {shapes} "
        f"shapes; pictures named alike, and the largest difference of a probability\n"
    )
    expected: dict[tuple[Path, bool], Answers] = {}
    print("| runtime | " + " | ".join(path.stem for path in options.graphs) + " |")
    print("|---" * (len(options.graphs) + 1) + "|")
    for environment in options.environments:
        name, python = environment.split("=", 1)
        package, *_ = RUNTIMES[name].package.split()
        command = [python, "-c", VERSION.format(package)]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        fixed = RUNTIMES[name].fixed
        cells = []
        for path in options.graphs:
            if (path, fixed) not in expected:
                own, resized = prepared(path.read_bytes(), pictures, fixed=fixed)
                right = answers_of("onnxruntime", own, resized, batch=1 if fixed else options.batch)
                expected[path, fixed] = np.stack(right)
            batch = 1 if fixed else options.batch
            cells.append(cell(name, python, path, pictures, expected[path, fixed], batch))
            print(f"{name} {version} {path.stem}: {cells[-1]}", file=sys.stderr, flush=True)
        of_one_size = " (fixed graph)" if fixed else ""
        print(f"| {name} {version}{of_one_size} | " + " | ".join(cells) + " |", flush=True)


def prepared(
    graph: bytes, pictures: list[NDArray[np.uint8]], *, fixed: bool
) -> tuple[bytes, list[NDArray[np.uint8]]]:
    """The graph and the pictures as a runtime gets them."""
    if not fixed:
        return graph, pictures
    shape = fixed_shape(graph)
    return fixed_graph(graph, shape), fixed_pictures(pictures, shape)


def cell(
    name: str,
    python: str,
    path: Path,
    pictures: list[NDArray[np.uint8]],
    expected: Answers,
    batch: int,
) -> str:
    graph, resized = prepared(path.read_bytes(), pictures, fixed=RUNTIMES[name].fixed)
    try:
        answers = np.stack(answers_of(name, graph, resized, python=python, batch=batch))
    except BakeoffError as error:
        return error.problem.replace("|", "/")[:60]
    same = int((answers.argmax(1) == expected.argmax(1)).sum())
    return f"{same}/{len(pictures)}, {np.abs(answers - expected).max():.0e}"


if __name__ == "__main__":
    main()
