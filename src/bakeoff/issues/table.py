"""The table of issue finders, in the order of their sentences in the report."""

from __future__ import annotations

from bakeoff.issues import classes, copies, doubts, groups, label_errors, left_out, odd, shortcuts
from bakeoff.issues.issue import Finder

__all__ = ["FINDERS"]

FINDERS: dict[str, Finder] = {
    "left out": left_out.find,
    "odd": odd.find_odd,
    "outliers": odd.find_outliers,
    "copies": copies.find_copies,
    "copies in the test": copies.find_copies_in_test,
    "annotators": doubts.find,
    "label errors": label_errors.find,
    "classes": classes.find,
    "groups": groups.find,
    "shortcuts": shortcuts.find,
}
