#!/usr/bin/env bash
# One EXIF orientation, three behaviours of OpenCV 5: JPEG, PNG and WebP are turned, AVIF is not, and
# a turned TIFF that is not square is not read at all.
#
# cv2.imread applies the orientation by default. In 5.0.0 it ignores that of AVIF, and for a TIFF with
# orientation 6 it logs "'original_ptr == real_mat.data' must be 'true'" and returns None, also with
# IMREAD_IGNORE_ORIENTATION. Phones and scanners write such files.
#
# Output seen, height and width of a picture of 16 by 8 that is to be turned by 90 degrees:
#   OpenCV 5.0.0, Pillow 13.0.0
#   jpg (16, 8)
#   png (16, 8)
#   webp (16, 8)
#   avif (8, 16)
#   tif None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import cv2
import numpy as np
import PIL
from PIL import Image, ImageOps

print(f"OpenCV {cv2.__version__}, Pillow {PIL.__version__}")
pixels = np.full((8, 16, 3), 255, np.uint8)
pixels[:4] = 0
seen = {}
for kind in ("jpg", "png", "webp", "avif", "tif"):
    orientation = Image.Exif()
    orientation[0x0112] = 6
    Image.fromarray(pixels).save(f"turned.{kind}", exif=orientation)
    assert ImageOps.exif_transpose(Image.open(f"turned.{kind}")).size == (8, 16)
    read = cv2.imread(f"turned.{kind}")
    seen[kind] = None if read is None else read.shape[:2]
for kind, shape in seen.items():
    print(kind, shape)
assert seen == dict.fromkeys(("jpg", "png", "webp"), (16, 8)) | {"avif": (8, 16), "tif": None}
flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
assert cv2.imread("turned.tif", flags) is None
PROGRAM
