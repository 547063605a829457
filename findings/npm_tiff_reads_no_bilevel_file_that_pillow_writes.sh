#!/usr/bin/env bash
# npm's tiff refuses the 1-bit files that Pillow writes: it does not know the tag's default.
#
# BitsPerSample has the default 1 in TIFF 6.0, and Pillow 13.0.0 leaves the tag out for mode "1", the
# mode of scanned text and forms. The package tiff 7.1.3 then throws "Unsupported bitDepth:
# undefined". With the tag written out, it reads the same file.
#
# Output seen:
#   Pillow 13.0.0, tiff 7.1.3
#   without the tag: Unsupported bitDepth: undefined
#   with the tag: 16 x 8
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cd "$folder"
venv/bin/python - <<'PROGRAM'
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

picture = Image.new("1", (16, 8), 1)
picture.paste(0, (4, 2, 8, 6))
picture.save("without.tif")
tags = ImageFileDirectory_v2()
tags[258] = 1
picture.save("with.tif", tiffinfo=tags)
print(258 in Image.open("without.tif").tag_v2, 258 in Image.open("with.tif").tag_v2)
PROGRAM
npm install --silent --no-audit --no-fund tiff@7.1.3
cat > read.mjs <<'PROGRAM'
import { readFileSync } from "node:fs";
import { decode } from "tiff";

const said = [];
for (const name of ["without", "with"]) {
  try {
    const [page] = decode(readFileSync(`${name}.tif`));
    said.push(`${page.width} x ${page.height}`);
  } catch (error) {
    said.push(error.message);
  }
}
console.log("Pillow 13.0.0, tiff 7.1.3");
console.log(`without the tag: ${said[0]}`);
console.log(`with the tag: ${said[1]}`);
if (!said[0].startsWith("Unsupported bitDepth")) process.exit(1);
PROGRAM
node read.mjs
