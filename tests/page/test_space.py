"""Spaces on Hugging Face: the folders of docs/deploy.md, served as a Space serves them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import numpy as np
import yaml
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from bakeoff.bundle.pack import pack
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder

from ..shared import free_port
from .conftest import hosted

SPACE = Path(__file__).resolve().parents[2] / "deploy" / "space"
HOST = "me-digits.hf.space"
TOKEN = "a-secret-of-the-space"


def test_a_static_space_answers_inside_the_hub_s_page(
    page: Page, exported: Path, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    """The Hub serves the files and shows the page in a frame of another site."""
    space = tmp_path / "space"
    shutil.copytree(exported / "some" / "where", space)
    shutil.copy(SPACE / "static.md", space / "README.md")
    header = yaml.safe_load((space / "README.md").read_text().split("---")[1])
    assert (space / header["app_file"]).is_file()
    (tmp_path / "hub").mkdir()
    picture = tmp_path / "digit.png"
    picture.write_bytes(to_png(digits[3]))
    with hosted(space) as address, hosted(tmp_path / "hub") as hub:
        frame = f"<iframe src='{address}' width=1200 height=800 allow='camera'></iframe>"
        (tmp_path / "hub" / "index.html").write_text(f"<link rel=icon href=data:,>{frame}")
        page.goto(hub)
        inside = page.frame_locator("iframe")
        cnn = inside.get_by_role("article", name="CNN from scratch")
        expect(cnn).to_be_visible(timeout=60_000)
        inside.get_by_label("Pictures, a zip, or a CSV of pixels").set_input_files(picture)
        expect(cnn.locator("[data-answer]")).to_have_text("3")


@contextmanager
def started(models: Path, port: int) -> Iterator[str]:
    """The address of what the CMD of the Dockerfile starts, with its settings; not in a container.

    Only folders and ports are others, and it listens to this machine alone.
    """
    text = (SPACE / "Dockerfile").read_text()
    (start,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    (settings,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    (copied,) = re.findall(r"^COPY .* (\S+)$", text, re.MULTILINE)
    (exposed,) = re.findall(r"^EXPOSE (\d+)$", text, re.MULTILINE)
    home = models.parent / "home"
    home.mkdir()
    for theirs, ours in (
        (copied, str(models)),
        ("--home /tmp", f"--home {home}"),
        ("0.0.0.0", "127.0.0.1"),
        (exposed, str(port)),
    ):
        assert theirs in start
        start = start.replace(theirs, ours)
    environment = {
        **os.environ,
        **dict(word.split("=", 1) for word in shlex.split(settings)),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SPACE_HOST": HOST,
        "BAKEOFF_TOKEN": TOKEN,
    }
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(["/bin/sh", "-c", start], env=environment) as process:
        try:
            for _ in range(300):
                with suppress(httpx.TransportError):
                    httpx.get(f"{address}/healthz")
                    break
                assert process.poll() is None
                time.sleep(0.05)
            yield address
        finally:
            process.terminate()


def test_a_docker_space_answers_who_has_its_token(
    trained: RunFolder, digits: NDArray[np.uint8], tmp_path: Path
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for name in ("baseline", "cnn"):
        pack(trained.bundle(name), models / f"{name}.bakeoff")
    picture = to_png(digits[3])
    with started(models, free_port()) as address:
        # The Hub's proxy passes the name of the Space on.
        allowed = {"Host": HOST, "Authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(f"{address}/api/predict", content=picture, headers=allowed)
        assert {one["model"] for one in answer.json()["models"]} == {"baseline", "cnn"}, answer.text
        for one in answer.json()["models"]:
            assert one["answers"][0]["label"] == "3"
        without = httpx.post(f"{address}/api/predict", content=picture, headers={"Host": HOST})
        assert without.status_code == 401
        page = httpx.get(address, headers={"Host": HOST})
        assert page.status_code == 200
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        training = httpx.post(f"{address}/api/training", json={"set": "none"}, headers=allowed)
        assert training.status_code == 403, training.text
