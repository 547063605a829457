#!/usr/bin/env bash
# `import scipy.sparse` imports numpy.f2py, which wraps Fortran, and numpy.testing.
#
# NumPy loads these two when they are first used. scipy 1.17.1 star-imports numpy in one of its
# layers (scipy._lib.array_api_compat.numpy), and `from numpy import *` asks for every name in
# numpy.__all__, so it loads both. numpy.f2py takes charset_normalizer along, where something such
# as requests has installed it. scipy.stats, scipy.ndimage, scipy.spatial and scipy.fft do the
# same; scipy.special too. Only the time to import suffers: 0.06 of 0.11 s for scipy.sparse here.
#
# Output seen (the seconds are of processor time, on an AMD EPYC with 2 cores):
#   numpy 2.4.6: f2py False, testing False
#   from numpy import *: f2py True, testing True
#   scipy 1.17.1, scipy.sparse: f2py True, testing True, charset_normalizer True
#   scipy.special: f2py True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  scipy==1.17.1 numpy==2.4.6 charset_normalizer==3.4.4
python="$folder/venv/bin/python"
"$python" - <<'PROGRAM'
import sys

import numpy


def shown(*names: str) -> str:
    return ", ".join(f"{name.rpartition('.')[2]} {name in sys.modules}" for name in names)


print(f"numpy {numpy.__version__}: {shown('numpy.f2py', 'numpy.testing')}")
assert "numpy.f2py" not in sys.modules and "numpy.testing" not in sys.modules
exec("from numpy import *", {})
print(f"from numpy import *: {shown('numpy.f2py', 'numpy.testing')}")
assert "numpy.f2py" in sys.modules and "numpy.testing" in sys.modules
PROGRAM
"$python" - <<'PROGRAM'
import sys

import scipy
import scipy.sparse

names = ("numpy.f2py", "numpy.testing", "charset_normalizer")
found = ", ".join(f"{name.rpartition('.')[2]} {name in sys.modules}" for name in names)
print(f"scipy {scipy.__version__}, scipy.sparse: {found}")
assert all(name in sys.modules for name in names)
PROGRAM
"$python" - <<'PROGRAM'
import sys

import scipy.special

print(f"scipy.special: f2py {'numpy.f2py' in sys.modules}")
assert "numpy.f2py" in sys.modules
PROGRAM
