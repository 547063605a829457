#!/usr/bin/env bash
# McNemar's test finds two models with the same answers to differ beyond doubt, p = 0.
#
# The test counts the pictures that only one of two models gets right, b and c. Where there are none
# the continuity correction of mlxtend's default, and of statsmodels with exact=False, makes
# (|b - c| - 1)² / (b + c) = 1 / 0 of it: an infinite statistic. The exact tests give p = 1; pingouin
# refuses such a table. Two models of the same kind often agree on a small test set.
#
# Output seen:
#   mlxtend 0.25.0: default inf, p = 0.0; exact p = 1.0
#   statsmodels 0.15.0: corrected inf, p = 0.0; exact p = 1.0; uncorrected p = nan
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  mlxtend==0.25.0 statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'PROGRAM'
from importlib.metadata import version
from math import isnan

import numpy as np
from mlxtend.evaluate import mcnemar, mcnemar_table
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels

labels = np.arange(20) % 2
answers = labels.copy()
answers[0] = 1 - answers[0]  # one of twenty is wrong
table = mcnemar_table(labels, answers, answers)
statistic, p = mcnemar(table)
exact = mcnemar(table, exact=True)[1]
print(f"mlxtend {version('mlxtend')}: default {statistic}, p = {p}; exact p = {exact}")
assert (statistic, p, exact) == (float("inf"), 0, 1)

corrected = mcnemar_of_statsmodels(table, exact=False)
exact = mcnemar_of_statsmodels(table).pvalue
plain = mcnemar_of_statsmodels(table, exact=False, correction=False).pvalue
print(f"statsmodels {version('statsmodels')}: corrected {corrected.statistic},", end=" ")
print(f"p = {corrected.pvalue}; exact p = {exact}; uncorrected p = {plain}")
assert (corrected.statistic, corrected.pvalue, exact) == (float("inf"), 0, 1) and isnan(plain)
PROGRAM
