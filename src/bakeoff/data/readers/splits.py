"""The parts of a set, by the names that folders, files and arrays have for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

__all__ = ["SPLITS", "Split", "split_of", "split_of_path"]

Split: TypeAlias = Literal["train", "val", "test"]

# Those of Hugging Face's `datasets`, Keras, MedMNIST and Roboflow, in the order of reading.
SPLITS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
# "trainset" and "testdata" say it in one word.
_WORD = re.compile(
    rf"({'|'.join(sorted(SPLITS, key=len, reverse=True))})"
    r"(set|sets|data|dataset|images?|imgs?|pictures?|samples)?"
)


def split_of(name: str) -> Split | None:
    """The part that a folder or file of this name holds, by a word in it; None if none or several.

    "train", "training_set", "seg_train" and "mnist-train.csv" hold the training part.
    """
    words = re.findall(r"[a-z]+", name.lower())
    splits = {SPLITS[match[1]] for word in words if (match := _WORD.fullmatch(word))}
    return splits.pop() if len(splits) == 1 else None


def split_of_path(path: str) -> Split | None:
    """The part that a file holds, by its name, or else by the nearest folder that says it."""
    parts = reversed(PurePosixPath(path).parts)
    return next((split for part in parts if (split := split_of(part))), None)
