#!/usr/bin/env bash
# fastprogress, the progress bar of fastai, imports a web framework since version 1.1: `import
# fastprogress` loads fasthtml and starlette, and its installation adds uvicorn and two
# packages for SQLite. What freezes or audits a fastai environment lists a web server. Version 1.0.3
# of 2023 needs nothing at all.
#
# Seen with fastprogress 1.1.6, python-fasthtml 0.14.14 and Python 3.11:
#   fastprogress 1.0.3 imports none of these
#   fastprogress 1.1.6 imports fasthtml, starlette
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seen() {
    python3 -m venv "$folder/$1"
    "$folder/$1/bin/pip" install --quiet --disable-pip-version-check "fastprogress==$1" python-fasthtml==0.14.14
    "$folder/$1/bin/python" - << 'PYTHON'
import sys
from importlib.metadata import version

import fastprogress

web = sorted({"fasthtml", "starlette"} & set(sys.modules))
print(f"fastprogress {version('fastprogress')} imports {', '.join(web) or 'none of these'}")
PYTHON
}
found=$(seen 1.0.3; seen 1.1.6)
printf '%s\n' "$found"
[ "$found" = "fastprogress 1.0.3 imports none of these
fastprogress 1.1.6 imports fasthtml, starlette" ]
