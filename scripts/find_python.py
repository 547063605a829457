"""Print the first Python of these versions that this machine has.

    python scripts/find_python.py VERSION ...

The exit code is 1 if it has none of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["interpreter"]


def interpreter(version: str) -> str | None:
    """A Python of this version, such as 3.13: one on the path, or one of pyenv, that runs."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    places = [shutil.which(f"python{version}")]
    places += [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    asks = ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    for place in filter(None, places):
        said = subprocess.run([place, *asks], capture_output=True, text=True, check=False)  # noqa: S603
        if said.stdout.strip() == version:
            return place
    return None


def main() -> int:
    """Print a path."""
    found = next(filter(None, map(interpreter, sys.argv[1:])), None)
    if found is not None:
        print(found)
    return int(found is None)


if __name__ == "__main__":
    sys.exit(main())
