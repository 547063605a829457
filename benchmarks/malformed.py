"""100 000 malformed bodies sent to a real server on loopback, and its responses.

    python benchmarks/malformed.py RUN > benchmarks/malformed.txt

RUN has bundles. Every body is a corrupted valid body (PNG, JPEG, CSV, JSON, form, zip or Open
Inference Protocol): bytes flipped, removed, doubled or swapped, wrong lengths, or pure noise; sent
over four connections with a time limit of ten seconds each. Expected: no 5xx, no hang, and in the
end at most 20 % more memory than after the first thousand.
"""

from __future__ import annotations

import http.client
import io
import json
import re
import subprocess
import sys
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
from measure import hardware
from PIL import Image

from bakeoff.bundle.golden import golden_pictures

BODIES, FIRST, LINES, LIMIT = 100_000, 1_000, 4, 10

Sent = tuple[str, dict[str, str], bytes]


def main() -> None:
    """Print the number of responses by status, and memory before and after."""
    command = [sys.executable, "-m", "bakeoff", "serve", sys.argv[1], "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "it is piped"
        address = next(
            found[1] for line in process.stdout if (found := re.search(r"http://([\d.:]+)", line))
        )
        time.sleep(2)
        server = psutil.Process(process.pid)
        _all(address, 0, FIRST)
        before = server.memory_info().rss
        started = time.perf_counter()
        counts = _all(address, FIRST, FIRST + BODIES)
        took = time.perf_counter() - started
        after = server.memory_info().rss
        process.terminate()
    print(f"{hardware()}\n")
    print(f"{BODIES} malformed bodies in {took:.0f} s\n")
    print("| answer | times |\n|---|---|")
    for answer, times in sorted(counts.items()):
        print(f"| {answer} | {times} |")
    print(f"\nmemory: {before / 1e6:.0f} MB before, {after / 1e6:.0f} MB after")


def _all(address: str, start: int, end: int) -> Counter[str]:
    with ThreadPoolExecutor(LINES) as pool:
        parts = pool.map(lambda line: _line(address, range(start + line, end, LINES)), range(LINES))
        return sum(parts, Counter())


def _line(address: str, seeds: range) -> Counter[str]:
    counts: Counter[str] = Counter()
    connection = http.client.HTTPConnection(address, timeout=LIMIT)
    for seed in seeds:
        path, headers, body = spoiled(np.random.default_rng(seed))
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            response.read()
            counts[str(response.status)] += 1
        except TimeoutError:
            counts["no answer in time"] += 1
            connection.close()
        except (http.client.HTTPException, OSError):
            counts["the server hung up"] += 1
            connection.close()
    return counts


def spoiled(rng: np.random.Generator) -> Sent:
    """A valid request, and then something wrong with it."""
    path, headers, body = VALID[int(rng.integers(len(VALID)))]
    data = bytearray(body)
    match int(rng.integers(6)):
        case 0:
            for place in rng.integers(0, len(data), rng.integers(1, 20)):
                data[place] = int(rng.integers(256))
        case 1:
            del data[int(rng.integers(len(data))) :]
        case 2:
            data += data[int(rng.integers(len(data))) :]
        case 3:
            start, end = sorted(rng.integers(0, len(data), 2).tolist())
            data[start:end] = rng.bytes(int(rng.integers(0, 200)))
        case 4:
            data = bytearray(rng.bytes(int(rng.integers(0, 3000))))
        case _:
            text = bytes(data)
            numbers = list(re.finditer(rb"\d+", text))
            if numbers:
                one = numbers[int(rng.integers(len(numbers)))]
                lie = [b"-1", b"1e999", b"NaN", b"99999999999", b"0", b'"x"'][int(rng.integers(6))]
                data = bytearray(text[: one.start()] + lie + text[one.end() :])
    return path, headers, bytes(data)


def _valid() -> list[Sent]:
    def file(kind: str, picture: int) -> bytes:
        pixels = golden_pictures()[picture]
        buffer = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, kind)
        return buffer.getvalue()

    pixels = golden_pictures()[0][..., 0]
    matrix = "\n".join(",".join(map(str, row)) for row in pixels.tolist()).encode()
    row = ",".join(map(str, pixels.reshape(-1).tolist()))
    header = ",".join(f"pixel{place}" for place in range(pixels.size))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.png", file("PNG", 0))
        archive.writestr("b/two.jpg", file("JPEG", 3))
    form = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="%d.png"\r\n\r\n%b\r\n'
        % (place, file("PNG", place))
        for place in range(2)
    )
    question = {
        "inputs": [
            {
                "name": "pixels",
                "datatype": "UINT8",
                "shape": [1, 28, 28, 1],
                "data": pixels.reshape(-1).tolist(),
            }
        ]
    }
    plain = "/api/predict"
    return [
        (plain, {}, file("PNG", 0)),
        (plain, {}, file("JPEG", 3)),
        (plain, {}, file("GIF", 1)),
        (plain, {}, file("TIFF", 2)),
        (plain, {}, file("WEBP", 4)),
        (plain, {}, file("BMP", 1)),
        (plain, {"Content-Type": "text/csv"}, matrix),
        (plain, {"Content-Type": "text/csv"}, f"{header}\n{row}\n{row}\n".encode()),
        (plain, {}, json.dumps({"pixels": pixels.tolist()}).encode()),
        (plain, {}, packed.getvalue()),
        (plain, {"Content-Type": "multipart/form-data; boundary=x"}, form + b"--x--\r\n"),
        ("/v2/models/cnn/infer", {}, json.dumps(question).encode()),
    ]


VALID = _valid()

if __name__ == "__main__":
    main()
