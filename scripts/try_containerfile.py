"""Do the steps of the Containerfile in a fresh Debian, where no container engine runs, and measure.

    sudo python scripts/try_containerfile.py [BUNDLE...]

Needs mmdebstrap (or --root TAR, a root that it made), bubblewrap or root for chroot, and a package
mirror. It prints the size of the image above its base, and the memory of a server of the bundles
that runs as the image's user on a read-only root.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
TARGET_MB, MEMORY_MB = 350, 1024
PORT = 8471


@dataclass
class Stage:
    """What one FROM begins: a root, and the settings for what runs in it."""

    folder: Path
    workdir: str = "/"
    user: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def run(self, command: list[str], *, user: int | None = None) -> None:
        """Run a command in the root, as `RUN` does."""
        subprocess.run(self.inside(command, user=user), check=True, env=self.env())

    def inside(self, command: list[str], *, user: int | None = None) -> list[str]:
        """The command line that runs a command in the root."""
        user = self.user if user is None else user
        line = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(command)}"
        who = [f"--userspec={user}:{user}"] if user else []
        chroot = shutil.which("chroot") or "/usr/sbin/chroot"  # whatever the image's PATH is
        return [chroot, *who, str(self.folder), "/bin/sh", "-c", line]

    def env(self) -> dict[str, str]:
        """Its environment, and what lets pip and apt reach a mirror from here."""
        path = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
        mirrors = {
            name: value
            for name, value in os.environ.items()
            if name.lower().endswith("_proxy") or name.startswith(("PIP_", "npm_"))
        }
        return {"DEBIAN_FRONTEND": "noninteractive", **mirrors, **path, **self.environment}


def steps(text: str) -> list[tuple[str, str]]:
    """The instructions of a Containerfile, each with what follows it."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    lines = [line.strip() for line in joined.splitlines() if line.strip()]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def perform(work: Path, base: Path, trusted: list[Path]) -> Stage:
    """Every step of every stage; the last stage is the image."""
    stages: dict[str, Stage] = {}
    stage = Stage(work)
    for instruction, text in steps((ROOT / "Containerfile").read_text()):
        print(f"{instruction} {text}", file=sys.stderr, flush=True)
        words = shlex.split(text)
        if instruction == "FROM":
            name = words[2] if "AS" in words else f"stage{len(stages)}"
            stage = stages[name] = Stage(work / name)
            stage.folder.mkdir()
            subprocess.run(["tar", "xf", str(base), "-C", str(stage.folder)], check=True)
            _reach_network(stage, trusted)
        elif instruction == "RUN":
            stage.run(["/bin/sh", "-c", text], user=stage.user)
        elif instruction == "COPY":
            _copy(stage, stages, words)
        elif instruction == "WORKDIR":
            stage.workdir = text
            stage.folder.joinpath(text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            stage.environment |= dict(word.split("=", 1) for word in words)
        elif instruction == "USER":
            stage.user = int(text)
        elif instruction == "HEALTHCHECK":
            stage.health = json.loads(text[text.index("[") :])
        elif instruction in ("ENTRYPOINT", "CMD"):
            value = json.loads(text)
            stage.entrypoint = value if instruction == "ENTRYPOINT" else stage.entrypoint
            stage.command = value if instruction == "CMD" else stage.command
        else:
            assert instruction == "EXPOSE", instruction
    return stage


def _reach_network(stage: Stage, trusted: list[Path]) -> None:
    """What an engine gives every container: name resolution; here also the mirror's settings."""
    for path in (Path("/etc/resolv.conf"), Path("/etc/hosts"), *trusted):
        target = stage.folder / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, target)


def _copy(stage: Stage, stages: dict[str, Stage], words: list[str]) -> None:
    source = ROOT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).removeprefix("--from=")].folder
    *names, into = words
    for name in names:
        path = source / name.lstrip("/")
        target = stage.folder / str(Path(stage.workdir, into)).lstrip("/")
        if path.is_dir():
            ignored = shutil.ignore_patterns("node_modules", "__pycache__", ".git")
            if name == "src":
                ignored = shutil.ignore_patterns("__pycache__", "web")
            shutil.copytree(path, target, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            target = target / path.name if into.endswith("/") else target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def size_mb(folder: Path) -> float:
    """What the files of a root take, each counted once."""
    seen: set[int] = set()
    total = 0
    for path in folder.rglob("*"):
        status = path.lstat()
        if not path.is_dir() and status.st_ino not in seen:
            seen.add(status.st_ino)
            total += status.st_size
    return total / 1e6


def serve(image: Stage, bundles: list[Path]) -> dict[str, float]:
    """Serve from a read-only root as the image's user; what the server's memory came to."""
    models = image.folder / "models"
    for number, bundle in enumerate(bundles):
        name = f"{number}-{bundle.name}"
        (shutil.copytree if bundle.is_dir() else shutil.copy)(bundle, models / name)
    names = [f"/models/{path.name}" for path in sorted(models.iterdir())]
    command = [*image.entrypoint, *names, "--host", "127.0.0.1"]
    # A mount namespace of its own: the root read-only, /tmp in memory, as compose.yaml has it.
    root = shlex.quote(str(image.folder))
    mounts = (
        f"mount --bind {root} {root} && mount -t tmpfs tmpfs {root}/tmp "
        f"&& mount -o remount,ro,bind {root} && exec {shlex.join(image.inside(command))}"
    )
    with subprocess.Popen(
        ["unshare", "--mount", "/bin/sh", "-c", mounts], env=image.env()
    ) as server:
        try:
            _wait()
            subprocess.run(image.inside(image.health), check=True, env=image.env())
            status = Path(f"/proc/{server.pid}/status").read_text()
            owner = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)
            assert owner is not None
            assert int(owner[1]) == image.user, "it runs as the image's user"
            before = _memory(server.pid)
            for _ in range(50):
                _ask(ROOT / "docs/screens/try.png")
            return before | {
                f"{name} after 50 requests": mb for name, mb in _memory(server.pid).items()
            }
        finally:
            server.terminate()
            server.wait()


def _wait() -> None:
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=5).read()
        except OSError:
            time.sleep(1)
        else:
            return
    raise SystemExit("the server does not answer")


def _ask(picture: Path) -> None:
    request = Request(f"http://127.0.0.1:{PORT}/api/predict", data=picture.read_bytes())
    assert json.loads(urlopen(request, timeout=60).read())


def _memory(pid: int) -> dict[str, float]:
    text = Path(f"/proc/{pid}/status").read_text()
    sizes = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE))
    return {"memory": int(sizes["VmRSS"]) / 1024, "its peak": int(sizes["VmHWM"]) / 1024}


def main() -> None:
    """Build, measure the image, and serve from it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path)
    parser.add_argument(
        "--root", type=Path, help="a tar of Debian trixie; else mmdebstrap makes one"
    )
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="settings of a mirror")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bakeoff-image-") as scratch:
        work = Path(scratch)
        work.chmod(0o755)
        base = given.root
        if base is None:
            base = work / "trixie.tar"
            subprocess.run(["mmdebstrap", "--variant=minbase", "trixie", str(base)], check=True)
        image = perform(work, base.resolve(), given.also)
        plain = work / "base"
        plain.mkdir()
        subprocess.run(["tar", "xf", str(base.resolve()), "-C", str(plain)], check=True)
        above = size_mb(image.folder) - size_mb(plain)
        print(f"above the base: {above:.0f} MB of {TARGET_MB} MB")
        used = serve(image, given.bundles)
        for name, mb in used.items():
            print(f"{len(given.bundles)} models, {name}: {mb:.0f} MB")
        raise SystemExit(above > TARGET_MB or max(used.values()) > MEMORY_MB)


if __name__ == "__main__":
    main()
