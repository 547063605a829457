#!/usr/bin/env bash
# A class that is called "train" or "test tube" makes Hugging Face's imagefolder drop all other classes.
#
# load_dataset("imagefolder") takes words such as train, test, dev and val in the name of a folder or
# file, set off by spaces, dashes, dots or underscores, for splits. Where some files match, it reads
# those alone. A folder of vehicles (plane, ship, train) becomes a split of three pictures, the other
# six are gone, the labels too, and nothing is said.
#
# Output seen:
#   datasets 5.2.0
#   ['plane', 'ship', 'train'] {'train': 3} ['image']
#   ['beaker', 'test tube'] {'test': 3} ['image']
#   ['bus', 'plane', 'ship'] {'train': 9} ['image', 'label']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = str(Path("home").resolve())

import datasets
from PIL import Image

datasets.disable_progress_bars()
print("datasets", datasets.__version__)


def read(*classes):
    folder = Path("_".join(classes).replace(" ", "_"))
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(3):
            Image.new("L", (8, 8), number).save(folder / name / f"{number}.png")
    splits = datasets.load_dataset("imagefolder", data_dir=str(folder))
    columns = sorted(next(iter(splits.values())).features)
    print(list(classes), {name: len(split) for name, split in splits.items()}, columns)
    return {name: len(split) for name, split in splits.items()}, columns


assert read("plane", "ship", "train") == ({"train": 3}, ["image"])
assert read("beaker", "test tube") == ({"test": 3}, ["image"])
assert read("bus", "plane", "ship") == ({"train": 9}, ["image", "label"])
PROGRAM
