#!/usr/bin/env bash
# split-folders gives a class of fewer than ten pictures none of a validation share of 10 %.
#
# It rounds the shares of training and validation down, class by class, and the test part gets all
# that is left: with nine pictures 7, 0 and 2 for shares of 80, 10 and 10 %. Nothing is said; a
# folder for the class is made and stays empty. With many small classes the test part is twice as
# large as asked for.
#
# Output seen:
#   split-folders 0.6.1, 80, 10 and 10 % of 10 classes of 9 pictures: 70, 0 and 20
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check split-folders==0.6.1
"$folder/venv/bin/python" - "$folder" 2> "$folder/progress" <<'PROGRAM'
import sys
from importlib.metadata import version
from pathlib import Path

import splitfolders

folder = Path(sys.argv[1])
for label in range(10):
    (folder / "pictures" / str(label)).mkdir(parents=True)
    for number in range(9):
        (folder / "pictures" / str(label) / f"{number}.png").write_bytes(b"a picture")
splitfolders.ratio(folder / "pictures", output=folder / "parts", ratio=(0.8, 0.1, 0.1))
counts = [len([*(folder / "parts" / part).glob("*/*.png")]) for part in ("train", "val", "test")]
print(f"split-folders {version('split-folders')}, 80, 10 and 10 % of 10 classes of 9 pictures:", end=" ")
print("{}, {} and {}".format(*counts))
assert counts == [70, 0, 20]
assert len([*(folder / "parts" / "val").iterdir()]) == 10
PROGRAM
