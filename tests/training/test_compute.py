import os
import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.training.compute import Compute


def test_the_choice_is_explicit_and_runs_here() -> None:
    compute = Compute.choose()
    assert compute.threads >= 1
    assert torch.ones(2, device=compute.device).sum() == 2


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_threads_default_to_available_cores() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert Compute.choose("cpu").threads == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_an_explicit_number_of_threads_is_applied() -> None:
    before = torch.get_num_threads()
    try:
        Compute.choose("cpu", threads=3).apply()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [0, -1])
def test_fewer_than_one_thread_is_refused(threads: int) -> None:
    with pytest.raises(BakeoffError, match=f"threads {threads}: .* 1 or more"):
        Compute.choose("cpu", threads=threads)


@pytest.mark.parametrize("device", ["toaster", "", "cpu:x", "cuda:99"])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(BakeoffError, match="torch cannot use it here"):
        Compute.choose(device)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(BakeoffError, match=r"precision fp8: is unknown\. Use auto, fp32 or bf16"):
        Compute.choose("cpu", precision="fp8")


@pytest.mark.parametrize(("precision", "bf16"), [("fp32", False), ("bf16", True)])
def test_an_explicit_precision_is_used(precision: str, bf16: bool) -> None:
    compute = Compute.choose("cpu", precision=precision)
    assert compute.bf16 is bf16
    layer = compute.place(nn.Linear(3, 2))
    with compute.autocast():
        assert layer(torch.ones(1, 3)).dtype == (torch.bfloat16 if bf16 else torch.float32)


def test_filters_are_channels_last() -> None:
    filters = Compute("cpu", 1, False).place(nn.Conv2d(4, 4, 3)).weight
    assert filters.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
@pytest.mark.parametrize("keep", [True, False])
def test_freed_memory_is_kept_for_the_next_step(keep: bool) -> None:
    script = (
        "import resource, torch\n"
        "from bakeoff.training.compute import keep_freed_memory\n"
        f"{keep} and keep_freed_memory()\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for step in range(20):\n"
        "    before = faults()\n"
        "    blocks = [torch.ones(2**size, dtype=torch.uint8) for size in range(18, 26)]\n"
        "    del blocks\n"
        "print(faults() - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (int(run.stdout) < 1000) is keep


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such call elsewhere")
def test_kept_memory_can_be_returned() -> None:
    script = (
        "import psutil, torch\n"
        "from bakeoff.training.compute import give_memory_back, keep_freed_memory\n"
        "keep_freed_memory()\n"
        "blocks = [torch.ones(2**25, dtype=torch.uint8) for _ in range(8)]\n"
        "del blocks\n"
        "before = psutil.Process().memory_info().rss\n"
        "give_memory_back()\n"
        "print(before - psutil.Process().memory_info().rss)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(run.stdout) > 2**27  # of 2**28


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such call elsewhere")
@pytest.mark.parametrize(("blocks", "returned"), [(12, True), (2, False)])
def test_only_much_kept_memory_is_returned_between_pieces_of_work(
    blocks: int, returned: bool
) -> None:
    script = (
        "import psutil, torch\n"
        "from bakeoff.heap import bound_kept_memory\n"
        "from bakeoff.training.compute import keep_freed_memory\n"
        "keep_freed_memory()\n"
        f"large = [torch.ones(2**24, dtype=torch.uint8) for _ in range({blocks})]\n"
        "small = [bytes(1000)]\n"  # above them: what is freed lies in the middle of the heap
        "del large\n"
        "before = psutil.Process().memory_info().rss\n"
        "bound_kept_memory()\n"
        "print(before - psutil.Process().memory_info().rss)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (int(run.stdout) > (blocks - 1) * 2**24) is returned


def test_what_a_process_imported_is_no_garbage_when_it_is_ready() -> None:
    program = (
        "import gc\n"
        "from bakeoff.training.compute import ready_process\n"
        "before = len(gc.get_objects())\n"
        "ready_process()\n"
        "print(before, gc.get_freeze_count(), len(gc.get_objects()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    before, frozen, left = map(int, done.stdout.split())
    assert frozen > 0.95 * before > 10_000
    assert left < 0.05 * before
