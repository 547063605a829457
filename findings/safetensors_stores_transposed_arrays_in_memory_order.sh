#!/usr/bin/env bash
# safetensors.numpy stores arrays that are views with the right shape and the numbers in wrong places.
#
# save and save_file (0.8.0) write the memory of an array from its first number on, whatever its
# strides. A transposed weight, or every second row, is read back with other numbers, and nothing is
# raised. safetensors.torch refuses such tensors. np.ascontiguousarray before saving helps.
#
# Output seen:
#   safetensors 0.8.0
#   transposed: saved [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]], loaded [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
#   every second: saved [0.0, 2.0, 4.0], loaded [0.0, 1.0, 2.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import numpy as np
import safetensors
from safetensors.numpy import load, save

print("safetensors", safetensors.__version__)
for name, array in (
    ("transposed", np.arange(6.0).reshape(2, 3).T),
    ("every second", np.arange(6.0)[::2]),
):
    loaded = load(save({name: array}))[name]
    print(f"{name}: saved {array.tolist()}, loaded {loaded.tolist()}")
    assert loaded.shape == array.shape
    assert not np.array_equal(loaded, array)
    assert np.array_equal(load(save({name: np.ascontiguousarray(array)}))[name], array)
PROGRAM
