#!/usr/bin/env bash
# PyOD's nearest neighbours call a tenth of the pictures outliers, and of the same ones none.
#
# PyOD 3.6.7: `KNN(contamination=0.1, method="mean").fit(x)` leaves each picture out of its own
# neighbours for `decision_scores_`, `labels_` and the threshold that follows from them. `predict(x)`
# does not know the pictures again: each is its own nearest neighbour, at distance 0, so scores of x
# fall and hardly any reaches the threshold. New pictures are scored as those of `labels_`. So labels
# of a set by `fit(x).predict(x)`, as is usual in scikit-learn, are wrong; `labels_` are right.
#
# Output seen, on scikit-learn's digits, even rows to fit, odd rows new:
#   pyod 3.6.7
#   neighbours 1: labels_ 10.0 %, predict of the same 0.0 %, predict of new ones 10.2 %
#   neighbours 5: labels_ 10.0 %, predict of the same 0.1 %, predict of new ones 12.1 %
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyod==3.6.7 scikit-learn==1.9.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version

from pyod.models.knn import KNN
from sklearn.datasets import load_digits

x = load_digits().data / 16
fitted, new = x[::2], x[1::2]
print("pyod", version("pyod"))
for neighbours in (1, 5):
    found = KNN(contamination=0.1, n_neighbors=neighbours, method="mean").fit(fitted)
    shares = found.labels_.mean(), found.predict(fitted).mean(), found.predict(new).mean()
    print(
        f"neighbours {neighbours}: labels_ {shares[0]:.1%}, predict of the same {shares[1]:.1%}, "
        f"predict of new ones {shares[2]:.1%}".replace("%", " %")
    )
    assert shares[0] > 0.09
    assert shares[1] < 0.02
    assert shares[2] > 0.05
PROGRAM
