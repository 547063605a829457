"""Run examples/notebook.ipynb and render it, with its pictures, as docs/notebook.md.

    python scripts/write_notebook.py

The notebook keeps what it showed, so that it can be read where it is stored.
"""

from __future__ import annotations

import base64
import io
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples/notebook.ipynb"
PAGE, PICTURES = ROOT / "docs/notebook.md", ROOT / "docs/screens"
PREFERRED = ("image/png", "text/markdown", "text/html", "text/plain")


def main() -> None:
    """Run the notebook, and write both files."""
    notebook = run(NOTEBOOK)
    nbformat.write(notebook, NOTEBOOK)
    for old in PICTURES.glob("notebook-*.webp"):
        old.unlink()
    text, pictures = rendered(notebook)
    PAGE.write_text(text, encoding="utf-8")
    for name, data in pictures.items():
        (PICTURES / name).write_bytes(data)


def run(path: Path) -> Any:
    """The notebook with its outputs, run by this interpreter; a cell that fails raises."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}})
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable  # whatever `python3` is elsewhere
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
        if cell.cell_type == "code":  # warnings name folders of this machine
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
        for output in cell.get("outputs", []):
            if output.output_type in ("display_data", "execute_result"):
                best = next(form for form in PREFERRED if form in output.data)
                value = output.data[best]
                if best == "text/html":  # pictures in the text would double the file
                    value = re.sub(r"<img[^>]*>", "", value)
                kept = {best: value, "text/plain": output.data.get("text/plain", "")}
                output.data = nbformat.from_dict(kept)
    return notebook


def rendered(notebook: Any) -> tuple[str, dict[str, bytes]]:
    """As Markdown, and its pictures by name."""
    parts = ["<!-- Written by scripts/write_notebook.py from examples/notebook.ipynb. -->"]
    pictures: dict[str, bytes] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"notebook-{len(pictures) + 1}.webp"
                pictures[name] = webp(base64.b64decode(data["image/png"]))
                parts.append(f"![What the cell above shows](screens/{name})")
            elif "text/markdown" in data:
                parts.append(data["text/markdown"])
            elif "text/html" in data:
                parts.append(plain(data["text/html"]))
    return "\n\n".join(parts) + "\n", pictures


def webp(data: bytes) -> bytes:
    """A picture, smaller."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.convert("RGB").save(out, "webp", quality=85)
    return out.getvalue()


def plain(html: str) -> str:
    """HTML without styles, which Markdown pages drop."""
    return re.sub(r" style=(['\"]).*?\1", "", html)


if __name__ == "__main__":
    main()
