"""What this process may use of its machine: cores and memory, also inside a container.

A container sees the cores and the memory of its whole machine; its limits stand in the files of its
control groups (Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1). Each group above it
may have limits too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["available_memory", "cores"]

ROOT = Path("/")


def cores(root: Path = ROOT) -> int:
    """How many cores this process may use, at least one.

    Parameters
    ----------
    root : the folder that has `proc` and `sys`.
    """
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *_cores_of_groups(root)]))


def available_memory(root: Path = ROOT) -> int:
    """Bytes that are free on this machine and within the limits of its containers.

    Parameters
    ----------
    root : the folder that has `proc` and `sys`.
    """
    free: int = psutil.virtual_memory().available
    return max(0, min([free, *_memory_of_groups(root)]))


def _cores_of_groups(root: Path) -> Iterator[int]:
    """Whole cores that each group with a limit may keep busy; a half counts as one."""
    for group in _groups(root, "cpu"):
        with suppress(OSError, ValueError):  # no limit, or no such group here
            if (group / "cpu.max").exists():
                quota, period = (group / "cpu.max").read_text().split()
            else:
                quota = (group / "cpu.cfs_quota_us").read_text()
                period = (group / "cpu.cfs_period_us").read_text()
            if int(quota) > 0:  # version 1 says -1 where there is no limit
                yield math.ceil(int(quota) / int(period))


def _memory_of_groups(root: Path) -> Iterator[int]:
    """Bytes left in each group with a limit; a cache of files is what the system gives up first."""
    for group in _groups(root, "memory"):
        two = (group / "memory.max").exists()
        limit, used, cache = (
            ("memory.max", "memory.current", "inactive_file")
            if two
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )
        with suppress(OSError, ValueError):  # no limit, or no such group here
            left = int((group / limit).read_text()) - int((group / used).read_text())
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            yield left + int(stat.get(cache, 0))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The control groups of this process for a controller, and all above them."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # another system
        return
    for _, controllers, path in (line.split(":", 2) for line in lines if line):
        if controllers and controller not in controllers.split(","):
            continue
        # All controllers of version 2 share one tree.
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        # Inside a container this may be the path on its machine, while its tree starts at the top.
        inside = Path(path.lstrip("/"))
        yield from {top / inside, *(top / above for above in inside.parents)}
