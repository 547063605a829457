#!/usr/bin/env bash
# Saving an AVIF takes the orientation out of the caller's Exif; later files saved with it lie down.
#
# Image.save(..., exif=exif) leaves exif as it is for JPEG, PNG, WebP and TIFF. The AVIF writer of
# Pillow 13.0.0 removes the orientation from the object itself, since AVIF has a box for it. Whoever
# writes one photo in several formats with one Exif loses its orientation in all formats after AVIF.
#
# Output seen:
#   Pillow 13.0.0
#   jpg: orientation 6 afterwards
#   png: orientation 6 afterwards
#   webp: orientation 6 afterwards
#   tif: orientation 6 afterwards
#   avif: orientation None afterwards
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PROGRAM'
import PIL
from PIL import Image

print("Pillow", PIL.__version__)
seen = {}
for kind in ("jpg", "png", "webp", "tif", "avif"):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (16, 8)).save(f"picture.{kind}", exif=exif)
    seen[kind] = exif.get(0x0112)
    print(f"{kind}: orientation {seen[kind]} afterwards")
assert seen == dict.fromkeys(("jpg", "png", "webp", "tif"), 6) | {"avif": None}
PROGRAM
