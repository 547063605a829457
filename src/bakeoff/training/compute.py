"""Where the arithmetic happens: device, threads and number format, chosen on purpose."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from bakeoff.errors import BakeoffError

__all__ = ["Compute", "cores", "give_memory_back", "keep_freed_memory", "processor"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """One choice for a whole run. Thread count and format change the last bits of a sum.

    Attributes
    ----------
    device : a torch device, such as "cpu", "cuda" or "mps".
    threads : CPU threads inside one operation.
    bf16 : train in bfloat16 where an operation allows it. Scoring is always float32.
    """

    device: str
    threads: int
    bf16: bool

    @classmethod
    def choose(
        cls, device: str = "auto", threads: int | None = None, precision: str = "auto"
    ) -> Compute:
        """The best of this machine: CUDA, else MPS, else every core of the processor.

        Parameters
        ----------
        device : "auto" or a torch device.
        threads : None for one for each core this process may use.
        precision : "auto" takes bf16 where the processor multiplies it natively;
            "fp32" and "bf16" are taken at their word.
        """
        if device == "auto":
            device = (
                "cuda"
                if torch.cuda.is_available()
                else "mps"
                if torch.backends.mps.is_available()
                else "cpu"
            )
        try:
            torch.empty(1, device=device)
        except (RuntimeError, AssertionError) as error:
            raise BakeoffError(
                f"device {device}",
                f"torch cannot use it here ({str(error).splitlines()[0]})",
                "Leave --device out, or say --device cpu",
            ) from None
        if precision not in ("auto", "fp32", "bf16"):
            raise BakeoffError(f"precision {precision}", "is not known", "Say auto, fp32 or bf16")
        if threads is not None and threads < 1:
            raise BakeoffError(f"threads {threads}", "is no number of threads", "Say 1 or more")
        bf16 = precision == "bf16" or (precision == "auto" and _multiplies_bf16(device))
        return cls(device, threads or cores(), bf16)

    def apply(self) -> None:
        """Make this choice hold for the process."""
        torch.set_num_threads(self.threads)

    def place(self, module: Module) -> Module:
        """The module on the device, its filters laid out the way they multiply fastest."""
        return module.to(self.device).to(memory_format=torch.channels_last)

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which training's forward passes run."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.bf16)


def keep_freed_memory() -> None:
    """Let this process keep what each step of training frees, for the next one.

    glibc gives large blocks back at once, and every page of the next is fetched anew. Does
    nothing where there is another C library. It is for a process of our own: others may want
    their memory back.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            libc.mallopt(option, 1 << 30)


def give_memory_back() -> None:
    """Let go of what is kept but not used, before something else wants much of it."""
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def processor() -> str:
    """The name its maker gave it, where the system tells; else its kind, such as "arm64"."""
    told = Path("/proc/cpuinfo")  # platform.processor() is empty on many a Linux
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _multiplies_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch has no public name for this question; without an answer, float32 is always right.
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device == "cpu" and bool(asked())
