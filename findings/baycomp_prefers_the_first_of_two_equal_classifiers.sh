#!/usr/bin/env bash
# baycomp says that the first of two classifiers with the same scores is better, with 70 %.
#
# two_on_multiple compares two classifiers over several sets by a Bayesian signed-rank test. With
# equal scores each of its samples should be a tie, one half for either side. Summed in floating
# point, most come out a little below one half, and each counts as a whole vote for the left one. A
# region of practical equivalence (rope=0.01) avoids it. Scores that differ give what they should.
#
# Output seen:
#   baycomp 1.0.3, equal scores on 5 sets: first 0.708, second 0.292
#   … on 20 sets: first 0.701, second 0.299
#   with rope=0.01: equivalent 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  baycomp==1.0.3 numpy==2.4.6 scipy==1.17.1 matplotlib
"$folder/venv/bin/python" - <<'PROGRAM'
from importlib.metadata import version

import numpy as np
from baycomp import two_on_multiple

few, many = np.linspace(0.7, 0.9, 5), np.linspace(0.7, 0.9, 20)
first, _, second = two_on_multiple(few, few, random_state=0)
name = f"baycomp {version('baycomp')}, equal scores on 5 sets"
print(f"{name}: first {first:.3f}, second {second:.3f}")
assert first > 0.6 and second < 0.4
first, _, second = two_on_multiple(many, many, random_state=0)
print(f"… on 20 sets: first {first:.3f}, second {second:.3f}")
assert first > 0.6 and second < 0.4
_, equivalent, _ = two_on_multiple(few, few, rope=0.01, random_state=0)
print(f"with rope=0.01: equivalent {equivalent}")
assert equivalent == 1
PROGRAM
