#!/usr/bin/env bash
# Pillow's area average depends on the picture's shape: tall pictures are averaged downwards first.
#
# Image.resize with BOX averages along one axis, rounds to 8 bits, and averages along the other.
# Which axis comes first changes the rounding. In Pillow 13.0 it is the horizontal one for a wide
# picture and the vertical one for a tall picture, so code that repeats the two passes in one fixed
# order (horizontal first) is off by one for tall pictures only.
#
# Output seen:
#   Pillow 13.0.0
#   640x300 to 512x240: 0.00% of values differ from two passes, across first, by at most 0
#   300x640 to 240x512: 0.76% of values differ from two passes, across first, by at most 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PROGRAM'
import numpy as np
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
generator = np.random.default_rng(0)
shares = []
for (width, height), (small, low) in (((640, 300), (512, 240)), ((300, 640), (240, 512))):
    picture = Image.fromarray(generator.integers(0, 256, (height, width), dtype=np.uint8))
    once = np.asarray(picture.resize((small, low), Image.Resampling.BOX)).astype(int)
    across = picture.resize((small, height), Image.Resampling.BOX)
    twice = np.asarray(across.resize((small, low), Image.Resampling.BOX)).astype(int)
    apart = np.abs(once - twice)
    shares.append((apart > 0).mean())
    print(
        f"{width}x{height} to {small}x{low}: {shares[-1]:.2%} of values differ from two passes, "
        f"across first, by at most {apart.max()}"
    )
    assert apart.max() <= 1
downwards = picture.resize((width, low), Image.Resampling.BOX)
assert (np.asarray(downwards.resize((small, low), Image.Resampling.BOX)) == once).all()
assert shares[0] == 0
assert 0.001 < shares[1] < 0.1
PROGRAM
