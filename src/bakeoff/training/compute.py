"""Device, threads and number format of the arithmetic."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.heap import return_kept_memory
from bakeoff.machine import cores

__all__ = ["Compute", "give_memory_back", "keep_freed_memory", "processor", "ready_process"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Compute:
    """One choice for a whole run: threads and number format change the last bits of a sum.

    Attributes
    ----------
    device : a torch device, such as "cpu", "cuda" or "mps".
    threads : CPU threads of one operation.
    bf16 : train in bfloat16 where an operation supports it. Scoring is always in float32.
    """

    device: str
    threads: int
    bf16: bool

    @classmethod
    def choose(
        cls, device: str = "auto", threads: int | None = None, precision: str = "auto"
    ) -> Compute:
        """The fastest choice on this machine: CUDA, else MPS, else every core of the CPU.

        Parameters
        ----------
        device : "auto" or a torch device.
        threads : None: one for each core that this process may use.
        precision : "fp32", "bf16", or "auto": bf16 where the processor multiplies it natively.

        Raises
        ------
        BakeoffError
            The device cannot be used, or a value is unknown.
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
                "Omit --device, or use --device cpu",
            ) from None
        if precision not in ("auto", "fp32", "bf16"):
            raise BakeoffError(f"precision {precision}", "is unknown", "Use auto, fp32 or bf16")
        if threads is not None and threads < 1:
            raise BakeoffError(f"threads {threads}", "is too few", "Use 1 or more")
        bf16 = precision == "bf16" or (precision == "auto" and _multiplies_bf16(device))
        return cls(device, threads or cores(), bf16)

    def apply(self) -> None:
        """Set the number of threads of this process."""
        torch.set_num_threads(self.threads)

    def place(self, module: Module) -> Module:
        """The module on the device, in the memory layout that multiplies fastest."""
        return module.to(self.device).to(memory_format=torch.channels_last)

    def autocast(self) -> AbstractContextManager[object]:
        """The context for forward passes in training."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.bf16)


def ready_process() -> None:
    """Make this process ready to train; call it only in one that bakeoff started, after imports.

    What is imported is no garbage: each later search for garbage would take 0.2 s to see that.
    """
    keep_freed_memory()
    gc.freeze()


def keep_freed_memory() -> None:
    """Let this process keep the memory that each training step frees, for the next step.

    glibc returns large blocks to the system at once, and every page of the next block is a page
    fault. Does nothing with another C library. Call it only in a process that bakeoff started:
    other programs may need their memory back.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            libc.mallopt(option, 1 << 30)


def give_memory_back() -> None:
    """Return unused memory to the system, before something else needs it."""
    gc.collect()
    return_kept_memory()


def processor() -> str:
    """The processor's model name where the system reports it; else its type, such as "arm64"."""
    cpuinfo = Path("/proc/cpuinfo")  # platform.processor() is often empty on Linux
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    named = (line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _multiplies_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch has no public function for this; if it is missing, float32 is always right.
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device == "cpu" and bool(supported())
