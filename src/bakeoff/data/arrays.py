"""Sets that come as arrays: IDX (MNIST's four files) and npz (NumPy's zip)."""

from bakeoff.data.idx import has_idx, looks_like_idx, read_idx
from bakeoff.data.npz import read_npz
from bakeoff.data.parts import ArrayLimits

__all__ = ["ArrayLimits", "has_idx", "looks_like_idx", "read_idx", "read_npz"]
