#!/usr/bin/env bash
# Inside `torch.autocast("cpu", torch.bfloat16)`, torch.cat and torch.stack refuse float16 tensors.
#
# Two tensors of the same type, which need no conversion at all, raise "Unexpected floating
# ScalarType in at::autocast::prioritize" with torch 2.14.1. Sums of them work, and matrix products
# turn them into bfloat16. With autocast to float16, or with autocast disabled as on processors
# where a program does not choose bfloat16, joining works: so code that passes on most laptops
# fails on servers.
#
# Output seen:
#   torch 2.14.1
#   cat, stack without autocast, or in float16: float16 float16 float16 float16
#   cat in bfloat16: Unexpected floating ScalarType in at::autocast::prioritize
#   stack in bfloat16: Unexpected floating ScalarType in at::autocast::prioritize
#   a sum, a matrix product in bfloat16: float16 bfloat16
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import torch

print("torch", torch.__version__.split("+")[0])
x = torch.ones(1, 2, dtype=torch.float16)
join = {"cat": torch.cat, "stack": torch.stack}


def name(y):
    return str(y.dtype).removeprefix("torch.")


seen = []
for autocast in (False, True):
    with torch.autocast("cpu", torch.float16, enabled=autocast):
        seen += [name(function([x, x])) for function in join.values()]
print("cat, stack without autocast, or in float16:", *seen)
assert seen == ["float16"] * 4
with torch.autocast("cpu", torch.bfloat16):
    for called, function in join.items():
        try:
            function([x, x])
        except RuntimeError as error:
            print(f"{called} in bfloat16: {error}")
            assert "Unexpected floating ScalarType" in str(error)
        else:
            raise AssertionError(f"{called} joined them")
    seen = [name(x + x), name(x @ x.T)]
print("a sum, a matrix product in bfloat16:", *seen)
assert seen == ["float16", "bfloat16"]
PROGRAM
