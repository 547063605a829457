"""The graphs of a run in many runtimes: do they name the same class, and how far are they off?

    python benchmarks/runtimes.py GRAPH.onnx... --mnist t10k-images-idx3-ubyte.gz --pictures 100 \
        --in onnxruntime=venvs/ort-1.17/bin/python --in openvino=venvs/ov/bin/python

Each --in names a runtime of `bakeoff verify --runtime` and the Python in which it is installed.
Half of the pictures are MNIST's test pictures, half are bundled doodles in mixed sizes and colours.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.bundle.fixed import fixed_graph, fixed_pictures, fixed_shape
from bakeoff.bundle.runtimes import RUNTIMES, answers_of
from bakeoff.data.read import read
from bakeoff.errors import BakeoffError

VERSION = "import importlib.metadata as m; print(m.version('{}'))"


def pictures_of(mnist: Path, count: int) -> list[NDArray[np.uint8]]:
    raw = np.frombuffer(gzip.decompress(mnist.read_bytes()), np.uint8, offset=16)
    pictures = [*raw.reshape(-1, 28, 28, 1)[: count // 2]]
    doodles = read("doodles").pictures
    generator = np.random.default_rng(23)
    for row in generator.permutation(len(doodles))[: count - len(pictures)]:
        height, width = generator.integers(12, 400, 2)
        image = Image.fromarray(doodles[int(row)][..., 0]).resize((int(width), int(height)))
        picture = np.asarray(image)[..., None]
        pictures.append(picture.repeat(3, 2) if generator.random() < 0.5 else picture)
    return pictures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("graphs", nargs="+", type=Path)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--in", dest="environments", action="append", default=[])
    options = parser.parse_args()
    pictures = pictures_of(options.mnist, options.pictures)
    print(f"{len(pictures)} pictures, half of MNIST's test pictures, half doodles of mixed sizes\n")
    print("| runtime | " + " | ".join(path.stem for path in options.graphs) + " |")
    print("|---" * (len(options.graphs) + 1) + "|")
    for environment in options.environments:
        name, python = environment.split("=", 1)
        command = [python, "-c", VERSION.format(RUNTIMES[name].package)]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        cells = [cell(name, python, path.read_bytes(), pictures) for path in options.graphs]
        fixed = " (fixed graph)" if RUNTIMES[name].fixed else ""
        print(f"| {name} {version}{fixed} | " + " | ".join(cells) + " |", flush=True)


def cell(name: str, python: str, graph: bytes, pictures: list[NDArray[np.uint8]]) -> str:
    if RUNTIMES[name].fixed:
        shape = fixed_shape(graph)
        pictures = fixed_pictures(pictures, shape)
    expected = np.stack(answers_of("onnxruntime", graph, pictures))
    if RUNTIMES[name].fixed:
        graph = fixed_graph(graph, shape)
    try:
        answers = np.stack(answers_of(name, graph, pictures, python=python))
    except BakeoffError as error:
        return error.problem.replace("|", "/")[:60]
    same = int((answers.argmax(1) == expected.argmax(1)).sum())
    return f"{same}/{len(pictures)}, {np.abs(answers - expected).max():.0e}"


if __name__ == "__main__":
    main()
