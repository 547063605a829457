#!/usr/bin/env bash
# Installing anvil-uplink breaks PyTables, and with it pandas' HDF5: both own the folder `tables`.
#
# The wheel of anvil-uplink 0.7.0 has the top-level packages anvil, google, facebook and tables. pip
# installs it over tables 3.11.1 without a word, `import tables` then gives Anvil's data tables, and
# `tables.open_file` is gone. (Its google/__init__.py joins the folder of Google's own packages, too.)
#
# Output seen:
#   tables 3.11.1
#   before: open_file is there
#   anvil-uplink 0.7.0
#   after: open_file is not there; tables has app_tables
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tables==3.11.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PROGRAM'
import tables

print("tables", tables.__version__)
assert hasattr(tables, "open_file")
print("before: open_file is there")
PROGRAM
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check anvil-uplink==0.7.0
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import tables

print("anvil-uplink", version("anvil-uplink"))
assert not hasattr(tables, "open_file")
assert hasattr(tables, "app_tables")
print("after: open_file is not there; tables has app_tables")
PROGRAM
