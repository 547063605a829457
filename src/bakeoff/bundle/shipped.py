"""Traces that come with the package, so that the first run on a machine need not trace them.

They are the parts that most runs have in common, and whole graphs for the commonest sets.
`scripts/make_traces.py` makes them. As a trace is known by its form alone, it serves all versions
of PyTorch; `tracing` uses none whose answers are not the model's.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["SHIPPED", "packed", "shipped"]

SHIPPED = Path(__file__).with_name("traces.tar.xz")


@cache
def shipped() -> Mapping[str, bytes]:
    """The graphs by the `form_of` their parts; none if this package was built without them."""
    if not SHIPPED.is_file():
        return {}
    with tarfile.open(SHIPPED) as archive:
        return {
            entry.name.removesuffix(".onnx"): file.read()
            for entry in archive
            if (file := archive.extractfile(entry))
        }


def packed(traces: Mapping[str, bytes]) -> bytes:
    """Traces by form as such an archive: the same traces give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for form, trace in sorted(traces.items()):
            entry = tarfile.TarInfo(f"{form}.onnx")
            entry.size = len(trace)
            archive.addfile(entry, io.BytesIO(trace))
    return buffer.getvalue()
