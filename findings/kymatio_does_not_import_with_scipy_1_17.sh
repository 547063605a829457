#!/usr/bin/env bash
# kymatio 0.3.0 installs beside SciPy 1.17 and then fails on import, for 2-D scattering too.
#
# Its requirements have no upper bound. The package imports its 3-D filter bank wherever one of its
# front ends is imported, and that needs scipy.special.sph_harm, which SciPy 1.17 removed (there is
# sph_harm_y). The module of the 2-D transform alone does not need it.
#
# Output seen:
#   kymatio 0.3.0, SciPy 1.17.1
#   kymatio.numpy: ImportError, sph_harm
#   kymatio.scattering2d.frontend.numpy_frontend: (1, 81, 8, 8) coefficients of a 32x32 picture
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kymatio==0.3.0 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import numpy as np

print(f"kymatio {version('kymatio')}, SciPy {version('scipy')}")
try:
    import kymatio.numpy  # noqa: F401
except ImportError as error:
    print("kymatio.numpy: ImportError,", "sph_harm" if "sph_harm" in str(error) else error)
    assert "sph_harm" in str(error)
else:
    raise SystemExit("kymatio.numpy imports")
from kymatio.scattering2d.frontend.numpy_frontend import ScatteringNumPy2D

shape = ScatteringNumPy2D(J=2, shape=(32, 32), L=8)(np.zeros((1, 32, 32))).shape
print(f"kymatio.scattering2d.frontend.numpy_frontend: {shape} coefficients of a 32x32 picture")
PROGRAM
