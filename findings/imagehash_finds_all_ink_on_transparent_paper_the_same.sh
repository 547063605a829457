#!/usr/bin/env bash
# ImageHash gives all drawings in black ink on transparent paper one hash, so all are duplicates.
#
# Each hash begins with convert("L"), which drops the transparency: what a drawing program saves as
# black ink on nothing becomes a black picture. On white paper the same drawings lie far apart.
#
# Output seen:
#   ImageHash 4.3.2, white paper: 3 different average, 3 perceptual, 3 difference, 3 wavelet hashes
#   transparent paper: 1, 1, 1, 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  ImageHash==4.3.2 pillow==13.0.0 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PROGRAM'
from importlib.metadata import version

import imagehash
from PIL import Image, ImageDraw

INK = (0, 0, 0, 255)
HASHES = (imagehash.average_hash, imagehash.phash, imagehash.dhash, imagehash.whash)


def drawings(paper: tuple[int, ...]) -> list[Image.Image]:
    sheets = [Image.new("RGBA", (64, 64), paper) for _ in range(3)]
    line, ring, box = map(ImageDraw.Draw, sheets)
    line.line([(5, 5), (60, 60)], fill=INK, width=5)
    ring.ellipse([10, 10, 54, 54], outline=INK, width=5)
    box.rectangle([8, 20, 50, 40], fill=INK)
    return sheets


def different(paper: tuple[int, ...]) -> list[int]:
    return [len({str(hashed(sheet)) for sheet in drawings(paper)}) for hashed in HASHES]


white, transparent = different((255, 255, 255, 255)), different((0, 0, 0, 0))
names = ("average", "perceptual", "difference", "wavelet")
each = ", ".join(f"{count} {name}" for count, name in zip(white, names))
print(f"ImageHash {version('ImageHash')}, white paper: {each.replace(' ', ' different ', 1)} hashes")
print("transparent paper:", ", ".join(map(str, transparent)))
assert white == [3] * 4 and transparent == [1] * 4
PROGRAM
