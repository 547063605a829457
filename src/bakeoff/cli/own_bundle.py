"""The bundle of a run for the commands that take it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bakeoff.record.folder import RunFolder

__all__ = ["is_bundle", "own_bundle"]


def is_bundle(path: Path) -> bool:
    """Whether it is a bundle, as a file or a folder, and no run."""
    return path.is_file() or (path / "bundle.json").is_file()


@contextmanager
def own_bundle(
    folder: RunFolder,
    approach: str | None,
    *,
    variant: Literal["fp16", "int8"] | None = None,
    neighbours: bool = False,
) -> Iterator[Path]:
    """A run's bundle of an approach, or of the winner, or one from its weights for this block.

    The run's own needs no PyTorch. One that holds training pictures goes nowhere unasked.

    Raises
    ------
    BakeoffError
        The run is not finished, or has no such approach.
    """
    from bakeoff.bundle.neighbours import FILE as NEIGHBOURS

    name = approach or folder.winner()
    own = folder.bundle(name)
    if not variant and not neighbours and not (own / NEIGHBOURS).exists() and is_bundle(own):
        yield own
        return
    from bakeoff.run.bundles import make_bundle

    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        path = Path(scratch, name)
        yield make_bundle(folder, name, path, variant=variant, neighbours=neighbours)
