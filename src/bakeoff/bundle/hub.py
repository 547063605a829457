"""A bundle as a folder that the Hugging Face Hub renders, and its upload."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bakeoff.bundle.bundle import MANIFEST, read_bundle
from bakeoff.bundle.card import card
from bakeoff.bundle.manifest import Manifest
from bakeoff.errors import BakeoffError
from bakeoff.record.whole import write_folder

__all__ = ["push", "repository_of", "write_hub"]

README, CONFIG = "README.md", "config.json"
LIBRARY = "library_name: onnx\n"


def write_hub(bundles: Sequence[Path], out: Path) -> list[str]:
    """Write the bundle with a card, the widget's examples, and what counts downloads.

    `config.json` has the classes as other image classifiers on the Hub have them (`id2label`).
    The result is still a bundle: `bakeoff.load` reads it.

    Raises
    ------
    BakeoffError
        The bundle cannot be read, or there is something else at `out`.
    """
    (bundle,) = bundles
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file()):
        raise BakeoffError(str(out), "exists and is not a bundle", "Choose another --out")
    manifest, files = read_bundle(bundle)
    if bundle.is_dir():  # its other files, such as the weights for PyTorch
        named = {path.name: path.read_bytes() for path in bundle.iterdir() if path.is_file()}
        files = {**named, **files}
    files = {name: data for name, data in files.items() if name in {*manifest.files, *EXTRA}}
    examples = {f"examples/{number}.png": one.png for number, one in enumerate(manifest.golden)}
    written = {
        **files,
        **{name: _from_base64(png) for name, png in examples.items()},
        MANIFEST: manifest.model_dump_json(indent=1).encode(),
        README: _card(manifest, list(examples)).encode(),
        CONFIG: json.dumps(_config(manifest), indent=1, ensure_ascii=False).encode(),
    }
    write_folder(out, written, replace=True)
    return [f"upload it: hf upload NAME {out}"]


EXTRA = ("model.safetensors",)


def _from_base64(png: str) -> bytes:
    import base64

    return base64.b64decode(png)


def _config(manifest: Manifest) -> dict[str, Any]:
    names = {str(number): name for number, name in enumerate(manifest.classes)}
    return {
        "model_type": "bakeoff",
        "architectures": [manifest.approach],
        "id2label": names,
        "label2id": {name: int(number) for number, name in names.items()},
    }


def _card(manifest: Manifest, examples: list[str]) -> str:
    """The bundle's card, with what its widget shows."""
    widget = "".join(f"- src: {path}\n  example_title: {Path(path).stem}\n" for path in examples)
    return card(manifest).replace(LIBRARY, f"{LIBRARY}widget:\n{widget}", 1)


def repository_of(target: str) -> str:
    """The repository in ``hf:NAME`` or ``hf:OWNER/NAME``.

    Raises
    ------
    BakeoffError
        The text is something else.
    """
    name = target.removeprefix("hf:")
    if not target.startswith("hf:") or not re.fullmatch(r"[\w.-]{1,96}(/[\w.-]{1,96})?", name):
        raise BakeoffError(
            f"bakeoff push {target}", "names no repository", "Use hf:OWNER/NAME or hf:NAME"
        )
    return name


def push(bundle: Path, target: str, *, private: bool = False) -> str:
    """Upload a bundle as `write_hub` writes it, and say where it is.

    The token is that of `hf auth login` or of HF_TOKEN.

    Raises
    ------
    BakeoffError
        huggingface_hub is not installed, or the Hub refuses.
    """
    name = repository_of(target)
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise BakeoffError(
            "bakeoff push", "needs huggingface_hub", "pip install 'bakeoff[hub]'"
        ) from None
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        folder = Path(scratch, "model")
        write_hub([bundle], folder)
        try:
            api = HfApi()
            made = api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(
                repo_id=made.repo_id, folder_path=folder, commit_message="A model made with bakeoff"
            )
        except Exception as error:  # those of its HTTP library, which has changed before
            raise BakeoffError(
                target,
                f"was not taken ({str(error).strip().splitlines()[0][:300]})",
                "Log in with hf auth login, or set HF_TOKEN to a token that may write",
            ) from error
    return str(made)
