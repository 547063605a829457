"""Restrict a shell to AVX2, to measure on a newer processor what most laptops have.

    eval "$(python benchmarks/avx2.py FOLDER)"

PyTorch, oneDNN, OpenBLAS and NumPy each have a variable for that. ONNX Runtime has none: it reads
from the processor which registers the system keeps (`xgetbv`, Intel's manual, volume 1, section
14.3). So FOLDER gets a copy of the installed ONNX Runtime in which this instruction is replaced by
`mov al, 7`: the registers of x87, SSE and AVX, but not those of AVX-512 or AMX. What is printed
sets the variables and puts the copy first on Python's path.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

READ_REGISTERS = bytes.fromhex("31c9 0f01d0")  # xor ecx, ecx; xgetbv
AVX_ALONE = bytes.fromhex("31c9 b007 90")  # xor ecx, ecx; mov al, 7; nop
VARIABLES = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # names of NumPy 2.4
}


def main() -> None:
    """Print the commands for the shell."""
    folder = Path(sys.argv[1]).resolve()
    installed = find_spec("onnxruntime")
    assert installed
    assert installed.origin
    if not (folder / "onnxruntime").exists():  # a copy in use must not change
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            copy = Path(unfinished) / "onnxruntime"
            shutil.copytree(Path(installed.origin).parent, copy)
            (library,) = (copy / "capi").glob("onnxruntime_pybind11_state*")
            code = library.read_bytes()
            assert READ_REGISTERS in code, "this build asks in another way"
            library.write_bytes(code.replace(READ_REGISTERS, AVX_ALONE))
            copy.rename(folder / "onnxruntime")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    for name, value in {**VARIABLES, "PYTHONPATH": path}.items():
        print(f"export {name}='{value}'")


if __name__ == "__main__":
    main()
