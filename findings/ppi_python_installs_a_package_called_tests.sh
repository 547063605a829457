#!/usr/bin/env bash
# ppi-python 0.2.3 installs its tests as a top-level package "tests", which then shadows that of
# whoever runs a program from a folder other than that of their own tests.
#
# "import tests" finds the current folder first, but a console script (pytest without -m) or a worker
# started elsewhere has site-packages first, and a project's own "from tests.helpers import ..." fails
# there with "No module named 'tests.helpers'".
#
# Output seen:
#   ppi-python 0.2.3
#   top-level packages of its wheel: ppi_py, tests
#   a script elsewhere, with the project on the path after site-packages: ModuleNotFoundError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ppi-python==0.2.3
mkdir -p "$folder/project/tests" "$folder/elsewhere"
touch "$folder/project/tests/__init__.py" "$folder/project/tests/helpers.py"
cd "$folder/elsewhere"
"$folder/venv/bin/python" -W ignore - "$folder/project" <<'PROGRAM'
import sys
from importlib.metadata import files, version

print(f"ppi-python {version('ppi-python')}")
tops = {path.parts[0] for path in files("ppi-python") if path.suffix == ".py"}
print("top-level packages of its wheel:", ", ".join(sorted(tops)))
assert tops == {"ppi_py", "tests"}, tops
sys.path.append(sys.argv[1])
try:
    import tests.helpers  # noqa: F401
except ModuleNotFoundError as error:
    print("a script elsewhere, with the project on the path after site-packages:", type(error).__name__)
else:
    raise SystemExit("the project's own tests are found")
PROGRAM
