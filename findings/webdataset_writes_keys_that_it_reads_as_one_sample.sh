#!/usr/bin/env bash
# WebDataset's writer takes keys with a dot that its reader joins to one sample.
#
# A sample's key ends at the first dot of the file's name, so scan_0.1, scan_0.2 … are written as
# three samples and read as one of six entries ("1.png", "1.cls", "2.png" …), whose "png" and "cls"
# are missing. TarWriter (1.0.2) does not refuse or escape such keys. Names of files are often
# versions, doses or times, and many people use their stems as keys.
#
# Output seen:
#   webdataset 1.0.2
#   written: ['scan_0.1', 'scan_0.2', 'scan_0.3']
#   read: {'scan_0': ['1.cls', '1.png', '2.cls', '2.png', '3.cls', '3.png']}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check webdataset==1.0.2 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
import webdataset

print("webdataset", version("webdataset"))
keys = [f"scan_0.{number}" for number in (1, 2, 3)]
with webdataset.TarWriter("scans.tar") as writer:
    for number, key in enumerate(keys):
        picture = np.full((4, 4, 3), number, np.uint8)
        writer.write({"__key__": key, "png": picture, "cls": number})
samples = {
    sample["__key__"]: sorted(name for name in sample if not name.startswith("__"))
    for sample in webdataset.WebDataset("scans.tar", shardshuffle=False)
}
print("written:", keys)
print("read:", samples)
assert samples == {"scan_0": [f"{number}.{kind}" for number in (1, 2, 3) for kind in ("cls", "png")]}
PROGRAM
