#!/usr/bin/env bash
# tifffile and imageio return scans whose 0 means white as negatives; Pillow and OpenCV turn them.
#
# Fax machines and scanners write TIFF with PhotometricInterpretation 0 (white is zero). tifffile
# 2026.3.3 returns the stored numbers, and imageio 2.38.1 reads TIFF with tifffile, so the same page
# is white for two libraries and black for the other two. tifffile's page.photometric tells.
#
# Output seen, the numbers of paper and ink:
#   tifffile 2026.3.3, imageio 2.38.1, OpenCV 5.0.0, Pillow 13.0.0
#   Pillow: 255 0
#   OpenCV: 255 0
#   tifffile: 0 255
#   imageio: 0 255
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tifffile==2026.3.3 imageio==2.38.1 opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import cv2
import imageio
import imageio.v3
import numpy as np
import PIL
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

print(
    f"tifffile {tifffile.__version__}, imageio {imageio.__version__}, "
    f"OpenCV {cv2.__version__}, Pillow {PIL.__version__}"
)
page = np.full((8, 16), 255, np.uint8)
page[2:6, 4:8] = 0
tags = ImageFileDirectory_v2()
tags[262] = 0  # PhotometricInterpretation: WhiteIsZero
Image.fromarray(page).save("page.tif", tiffinfo=tags)
seen = {
    "Pillow": np.asarray(Image.open("page.tif")),
    "OpenCV": cv2.imread("page.tif", cv2.IMREAD_GRAYSCALE),
    "tifffile": tifffile.imread("page.tif"),
    "imageio": imageio.v3.imread("page.tif"),
}
for name, pixels in seen.items():
    print(f"{name}: {pixels[0, 0]} {pixels[3, 5]}")
assert np.array_equal(seen["Pillow"], page)
assert np.array_equal(seen["OpenCV"], page)
assert np.array_equal(seen["tifffile"], 255 - page)
assert np.array_equal(seen["imageio"], 255 - page)
PROGRAM
