"""Coverage-guided fuzzing of the functions that read untrusted bytes, with Atheris.

    python scripts/fuzz.py decode -max_total_time=60
    python scripts/fuzz.py table -runs=100000 corpus/

Further arguments are passed to libFuzzer. Any outcome but a result or a `BakeoffError` is a bug;
its input is saved as crash-….
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import atheris
import numpy as np
from PIL import Image

with atheris.instrument_imports(include=["bakeoff"]):
    from bakeoff.bundle.inputs import InputLimits, from_bytes
    from bakeoff.data.archive import ArchiveLimits
    from bakeoff.data.decode import FORMATS, Limits, decode
    from bakeoff.data.readers.lines import TableLimits
    from bakeoff.errors import BakeoffError

LIMITS = InputLimits(
    picture=Limits(max_bytes=1_000_000, max_pixels=1_000_000),
    archive=ArchiveLimits(max_members=20, max_bytes=1_000_000),
    table=TableLimits(max_bytes=1_000_000, max_line_bytes=1_000_000, max_matrix_bytes=1_000_000),
)


def one_picture(data: bytes) -> None:
    """Decode bytes as a picture file."""
    try:
        pixels = decode(data, "picture", LIMITS.picture)
    except BakeoffError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] in (1, 3)


def one_table(data: bytes) -> None:
    """Read bytes in whatever form they are, mostly a CSV of pixels."""
    try:
        inputs = from_bytes(data, "table", LIMITS)
    except BakeoffError:
        return
    assert len(inputs.names) == len(inputs.pictures) > 0


def seeds(target: str) -> list[bytes]:
    """A few valid inputs to start from."""
    if target == "table":
        header = ",".join(f"pixel{place}" for place in range(9))
        rows = [
            "0,1,2\n3,4,5\n6,7,255\n",
            f"label,{header}\n1,0,0,0,9,9,9,0,0,0\n",
            "0;0.5\n1;1e-3\n",
        ]
        return [row.encode() for row in rows]
    encoded = []
    for kind in FORMATS:
        buffer = io.BytesIO()
        Image.new("RGB", (5, 4), (200, 100, 0)).save(buffer, kind)
        encoded.append(buffer.getvalue())
    return encoded


def main() -> None:
    """Fuzz one target until libFuzzer stops."""
    targets = {"decode": one_picture, "table": one_table}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"usage: fuzz.py {{{','.join(targets)}}} [libFuzzer's arguments]")
    target = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as corpus:
        for place, seed in enumerate(seeds(target)):
            Path(corpus, f"seed{place}").write_bytes(seed)
        atheris.Setup([*sys.argv, corpus], targets[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
