"""The example notebook runs, and its page shows what it showed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from .scripts import script

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples/notebook.ipynb"
# As it stands, and what a test that runs all cells in a few seconds has instead.
CUTS = {"[:30]": "[:8]", '"epochs": 20': '"epochs": 2', "folds=3": "folds=2"}


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    return script("write_notebook")


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def test_the_notebook_is_short_and_its_page_is_current(writer: ModuleType, notebook: Any) -> None:
    assert len(notebook.cells) < 20
    text, pictures = writer.rendered(notebook)
    assert text == (ROOT / "docs/notebook.md").read_text(encoding="utf-8"), (
        "run scripts/write_notebook.py"
    )
    kept = {path.name for path in (ROOT / "docs/screens").glob("notebook-*.webp")}
    assert kept == set(pictures)
    assert len(kept) >= 6
    assert NOTEBOOK.stat().st_size < 300_000
    assert '"stderr"' not in NOTEBOOK.read_text(encoding="utf-8")  # it names folders


def test_every_cell_runs_on_fewer_drawings(notebook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for whole, few in CUTS.items():
        assert whole in code
        code = code.replace(whole, few)
    names: dict[str, Any] = {}
    exec(compile(code, NOTEBOOK.name, "exec"), names)
    assert names["lines"][2:]
    assert set(names["models"].predict(names["picture"])) == {"scattering", "cnn"}


@pytest.mark.long
def test_the_notebook_runs_as_it_is(writer: ModuleType) -> None:
    shown = writer.run(NOTEBOOK)
    for cell in shown.cells:
        assert all(output.output_type != "error" for output in cell.get("outputs", []))
    text, pictures = writer.rendered(shown)
    assert len(pictures) >= 6
    assert "CNN from scratch" in text
