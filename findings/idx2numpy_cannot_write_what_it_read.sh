#!/usr/bin/env bash
# idx2numpy cannot write an array of 16 or 32 bits that it has read itself.
#
# IDX, the format of MNIST, is big-endian. The reader returns such arrays in that order of bytes, and
# the writer knows only types of the processor's own order: it says that IDX has no such type. Bytes
# are not affected. PyTorch takes no big-endian arrays either.
#
# Output seen:
#   idx2numpy 1.2.3 reads int16 as >i2, int32 as >i4, float32 as >f4, float64 as >f8
#   writing what was read: FormatError 4 times; after astype to the own order: as before
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  idx2numpy==1.2.3 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/array.idx" <<'PROGRAM'
import sys
from importlib.metadata import version

import numpy as np
from idx2numpy import FormatError, convert_from_file, convert_to_file

path, said, refused, again = sys.argv[1], [], 0, []
for kind in ("int16", "int32", "float32", "float64"):
    array = np.arange(6).reshape(2, 3).astype(kind)
    convert_to_file(path, array)
    read = convert_from_file(path)
    assert np.array_equal(read, array)
    said.append(f"{kind} as {read.dtype.str}")
    try:
        convert_to_file(path, read)
    except FormatError:
        refused += 1
    convert_to_file(path, read.astype(kind))
    again.append(np.array_equal(convert_from_file(path), array))
print(f"idx2numpy {version('idx2numpy')} reads {', '.join(said)}")
print(f"writing what was read: FormatError {refused} times;", end=" ")
print("after astype to the own order:", "as before" if all(again) else "different")
assert refused == 4 and all(again) and all(">" in one for one in said)
PROGRAM
