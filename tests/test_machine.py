"""Cores and memory that a container leaves to its processes, as Linux shows them in files."""

import os
from pathlib import Path

import psutil
import pytest

from bakeoff.machine import available_memory, cores

MB = 1_000_000


def tree(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A folder with /proc/self/cgroup and these files below /sys/fs/cgroup."""
    every = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{one}": files[one] for one in files}
    for name, text in every.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def version_2(group: str, limit: str, used: int, cache: int = 0) -> dict[str, str]:
    names = ("memory.max", "memory.current", "memory.stat")
    texts = (limit, str(used * MB), f"anon 1\ninactive_file {cache * MB}")
    return {f"{group}/{name}": text for name, text in zip(names, texts, strict=True)}


def version_1(group: str, limit: int, used: int, cache: int = 0) -> dict[str, str]:
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    texts = (str(limit * MB), str(used * MB), f"cache 1\ntotal_inactive_file {cache * MB}")
    return {f"memory/{group}/{name}": text for name, text in zip(names, texts, strict=True)}


def version_1_cores(group: str, quota: int) -> dict[str, str]:
    return {f"cpu/{group}/cpu.cfs_quota_us": str(quota), f"cpu/{group}/cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("groups", "files", "left"),
    [
        ("0::/", version_2("", "100000000", used=60, cache=10), 50),
        ("0::/a/b", version_2("a/b", "max", 1) | version_2("a", "100000000", 70), 30),
        ("0::/a/b", version_2("a/b", "20000000", 1) | version_2("a", "100000000", 70), 19),
        ("0::/docker/of_the_machine", version_2("", "100000000", 40), 60),
        ("0::/full", version_2("full", "100000000", 101), 0),
        ("4:memory:/a\n1:cpu:/\n0::/", version_1("a", 100, used=60, cache=10), 50),
        ("4:cpu,memory:/docker/of_the_machine", version_1("", 90, 40), 50),
    ],
)
def test_memory_is_what_each_group_above_leaves(
    tmp_path: Path, groups: str, files: dict[str, str], left: int
) -> None:
    assert available_memory(tree(tmp_path, groups, files)) == left * MB


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/", version_2("", "max", used=60)),
        ("4:memory:/", version_1("", 9_223_372_036_854, used=60)),
        ("3:pids:/a", version_1("a", 100, used=60)),  # no controller of memory
        ("0::/a", {"a/memory.max": "100000000"}),  # what is used cannot be read
        ("", {}),
    ],
)
def test_without_a_limit_memory_is_what_the_machine_has(
    tmp_path: Path, groups: str, files: dict[str, str]
) -> None:
    left = available_memory(tree(tmp_path, groups, files))
    assert left == pytest.approx(psutil.virtual_memory().available, abs=500 * MB)


@pytest.mark.parametrize(
    ("groups", "files", "count"),
    [
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/a", {"a/cpu.max": "max 100000", "cpu.max": "50000 100000"}, 1),
        ("1:cpu,cpuacct:/a", version_1_cores("a", 20_000), 1),
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("1:cpu:/", version_1_cores("", -1), None),
        ("0::/", {"cpu.max": "99900000 100000"}, None),  # more than there are
    ],
)  # fmt: skip
def test_cores_are_what_each_group_above_allows(
    tmp_path: Path, groups: str, files: dict[str, str], count: int | None
) -> None:
    every = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert cores(tree(tmp_path, groups, files)) == (count or every)


def test_a_limit_of_some_cores_counts_half_a_core_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cores(tree(tmp_path, "0::/", {"cpu.max": "250000 100000"})) == 3


def test_another_system_has_no_groups(tmp_path: Path) -> None:
    assert available_memory(tmp_path) > 0
    assert cores(tmp_path) >= 1
