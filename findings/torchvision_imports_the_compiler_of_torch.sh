#!/usr/bin/env bash
# `import torchvision` imports torch's compiler (torch._dynamo), although nothing is compiled.
#
# torchvision 0.29.1 asks torch._dynamo, in one of its operators, whether a compiler could be used.
# That brings in a thousand modules and more, among them sympy, which `import torch` alone does not.
# Whatever imports torchvision pays for it too: `import timm` does, for its data transforms, even by
# a program that only builds networks.
#
# Output seen (the memory is of Linux on one machine):
#   torch 2.14.1: compiler False, sympy False
#   torchvision 0.29.1: compiler True, sympy True, more than 500 further modules: True
#   180 MB more
#   timm 1.0.31: torchvision True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  torch==2.14.1 torchvision==0.29.1 timm==1.0.31 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import sys
from importlib.metadata import version
from pathlib import Path


def megabytes() -> int:
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * 4096 // 10**6 if pages.exists() else 0


def imported(name: str) -> bool:
    return name in sys.modules


import torch

print(f"torch {version('torch').split('+')[0]}:", end=" ")
print(f"compiler {imported('torch._dynamo')}, sympy {imported('sympy')}")
assert not imported("torch._dynamo") and not imported("sympy")
modules, memory = len(sys.modules), megabytes()
import torchvision

more = len(sys.modules) - modules
print(f"torchvision {version('torchvision').split('+')[0]}:", end=" ")
print(f"compiler {imported('torch._dynamo')}, sympy {imported('sympy')},", end=" ")
print(f"more than 500 further modules: {more > 500}")
print(f"{megabytes() - memory} MB more")
assert imported("torch._dynamo") and imported("sympy") and more > 500
PROGRAM
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import sys
from importlib.metadata import version

import timm

print(f"timm {version('timm')}: torchvision {'torchvision' in sys.modules}")
assert "torchvision" in sys.modules
PROGRAM
