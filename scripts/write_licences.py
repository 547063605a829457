"""Write docs/licences.md: the licence of everything that an installation contains.

    python scripts/write_licences.py

It lists the Python packages that bakeoff needs, by extra and with all that they need themselves, as
they are installed here, and the npm packages that are built into the page.
"""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("train", "parquet", "cjk")
COMPILED_IN = {"node_modules/svelte"}  # which is there only to build the page
LONGEST = 60  # characters; some packages put the whole text where its name belongs
HEAD = """# Licences

What an installation contains, and under which licences, as the packages state them. Written by
`python scripts/write_licences.py`; versions are those of `constraints.txt`. The pictures, fonts and
weights that bakeoff brings itself have theirs beside them.
"""


def main() -> None:
    """Write the file."""
    parts, known = [HEAD], set[str]()
    for extra in ("", *EXTRAS):
        names = sorted(needed(extra) - known)
        known.update(names)
        title = f"`bakeoff[{extra}]`, further" if extra else "`bakeoff`"
        parts.append(section(title, [python_row(name) for name in names]))
    parts.append(section("The page", page_rows()))
    text = "\n".join(parts)
    (ROOT / "docs" / "licences.md").write_text(text, encoding="utf-8")


def needed(extra: str) -> set[str]:
    """The packages that bakeoff needs with an extra, directly or not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["optional-dependencies"][extra] if extra else project["dependencies"]
    first = [Requirement(text) for text in asked]
    found: set[str] = set()
    waiting = [(canonicalize_name(one.name), name) for one in first for name in ("", *one.extras)]
    done: set[tuple[str, str]] = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in done:
            continue
        done.add((name, wanted))
        try:
            package = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        found.add(name)
        for text in package.requires or ():
            requirement = Requirement(text)
            environment = {"extra": wanted}
            if requirement.marker is None or requirement.marker.evaluate(environment):
                inner = canonicalize_name(requirement.name)
                waiting += [(inner, one) for one in ("", *requirement.extras)]
    return found


def python_row(name: str) -> tuple[str, str, str]:
    """Name, version and licence of an installed package."""
    package = distribution(name)
    return name, package.version, licence(package)


def licence(package: Distribution) -> str:
    """What the metadata of a package say of its licence."""
    said = package.metadata
    short = said.get("License-Expression") or said.get("License") or ""
    if short and len(short) <= LONGEST and "\n" not in short:
        return short
    kinds = said.get_all("Classifier") or []
    named = [kind.rpartition(" :: ")[2] for kind in kinds if kind.startswith("License ::")]
    return ", ".join(named) or short.split("\n")[0].strip()[:LONGEST] or "see its files"


def page_rows() -> list[tuple[str, str, str]]:
    """Name, version and licence of the npm packages that the page is built from."""
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))
    return sorted(
        (path.rpartition("node_modules/")[2], one["version"], one.get("license", "see its files"))
        for path, one in lock["packages"].items()
        if path in COMPILED_IN or (path and not one.get("dev") and not one.get("optional"))
    )


def section(title: str, rows: list[tuple[str, str, str]]) -> str:
    """A table with its title."""
    lines = [f"| {name} | {version} | {terms} |" for name, version, terms in rows]
    table = "\n".join(["| package | version | licence |", "|---|---|---|", *lines])
    return f"\n## {title}\n\n{table}\n"


if __name__ == "__main__":
    main()
