"""`bakeoff run doodles` where only some memory is allowed.

    sudo python benchmarks/limited.py [MB] > benchmarks/limited.txt

The run gets a control group with a limit of MB (1 500) megabytes for all its processes, on Linux
with version 1 or 2 of control groups; swap does not count as memory where the kernel limits it
apart. It prints what the run says, its exit code, the most memory that the group used, and how many
processes the kernel ended. Exit code 1 if the run failed or any was ended.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import hardware

ROOT = Path("/sys/fs/cgroup")
# Names of the files: the limit, the peak, and the one that counts what was ended.
FILES = {
    1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    2: ("memory.max", "memory.peak", "memory.events"),
}
RUN = [sys.executable, "-m", "bakeoff", "run", "doodles", "--no-open"]


def main() -> None:
    """Run within the limit, and print what came of it."""
    allowed = int(sys.argv[1]) if sys.argv[1:] else 1_500
    version = 1 if (ROOT / "memory").is_dir() else 2
    limit, peak, ended = FILES[version]
    group = (ROOT / "memory" if version == 1 else ROOT) / f"bakeoff-{os.getpid()}"
    group.mkdir()
    try:
        (group / limit).write_text(str(allowed * 1_000_000))
        join = f'echo $$ > "{group}/cgroup.procs" && exec "$@"'
        with tempfile.TemporaryDirectory() as folder:
            command = ["sh", "-c", join, "sh", *RUN, "--out", str(Path(folder, "run"))]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        most = int((group / peak).read_text()) / 1e6
        found = re.search(r"oom_kill (\d+)", (group / ended).read_text())
    finally:
        group.rmdir()
    kills = int(found[1]) if found else 0
    print(f"{hardware()}; {allowed} MB allowed\n")
    print((done.stdout + done.stderr).replace(folder, "…").strip())
    print(f"\nexit code {done.returncode}, peak {most:.0f} MB, ended by the kernel: {kills}")
    sys.exit(bool(done.returncode or kills))


if __name__ == "__main__":
    main()
