#!/usr/bin/env bash
# confidenceinterval gives ten right answers of ten a macro F1 of 0.56 to 1.44, a micro F1 of 1 to 1.
#
# Its default intervals of F1 are normal approximations (Takahashi et al., 2022), which are not cut
# at 1. In the micro average, which is the accuracy here, nothing varies where all is right, so the
# interval has no width; in the macro average of the same answers it is 0.88 wide. Its accuracy, by
# Wilson's interval, is 0.72 to 1, which is what ten pictures can say. Its default bootstrap, BCa,
# gives no numbers at all.
#
# Output seen:
#   confidenceinterval 1.0.5, ten right answers of ten, two classes:
#   accuracy 1.00, 0.72 to 1.00
#   micro F1 1.00, 1.00 to 1.00
#   macro F1 1.00, 0.56 to 1.44
#   accuracy by bootstrap_bca: 1.00, nan to nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  confidenceinterval==1.0.5 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version
from math import isnan

import numpy as np
from confidenceinterval import accuracy_score, f1_score

labels = np.arange(10) % 2


def shown(name: str, result: tuple) -> tuple[float, float]:
    value, (low, high) = result
    print(f"{name} {value:.2f}, {low:.2f} to {high:.2f}")
    return float(low), float(high)


print(f"confidenceinterval {version('confidenceinterval')}, ten right answers of ten, two classes:")
low, high = shown("accuracy", accuracy_score(labels, labels))
assert 0.7 < low < 0.75 and high <= 1
assert shown("micro F1", f1_score(labels, labels, average="micro")) == (1, 1)
low, high = shown("macro F1", f1_score(labels, labels, average="macro"))
assert low < 0.6 and high > 1.4
by_bootstrap = accuracy_score(labels, labels, method="bootstrap_bca")
assert all(map(isnan, shown("accuracy by bootstrap_bca:", by_bootstrap)))
PROGRAM
