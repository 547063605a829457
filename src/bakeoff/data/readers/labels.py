"""The texts of a column of labels or groups, as they are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["as_meant"]

# What pandas, R and databases write where a number is missing.
_NO_NUMBER = {"", "nan", "na", "n/a", "<na>", "null", "none"}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def as_meant(texts: Sequence[str]) -> list[str]:
    """The labels of a column; "" is none.

    Texts are texts: "nan", "NA", "None" and "null" are classes (a bread, a country) among them.
    Among numbers they are gaps, and if all numbers are whole, they lose the decimals that pandas
    adds to a column with gaps: 3.0 is 3.

    Parameters
    ----------
    texts : as in the file, without blanks around them.
    """
    gaps = {text for text in set(texts) if text.lower() in _NO_NUMBER}
    numbers = set(texts) - gaps
    if not numbers or not all(map(_NUMBER.fullmatch, numbers)):
        return list(texts)
    meant = dict.fromkeys(gaps, "") | {text: text for text in numbers}
    # "007" is as it is written, and no number has so many digits that a float would change it.
    if all(float(text).is_integer() and abs(float(text)) < 1e15 for text in numbers):
        meant |= {text: text if text.isdecimal() else str(int(float(text))) for text in numbers}
    return [meant[text] for text in texts]
