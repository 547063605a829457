#!/usr/bin/env bash
# huggingface_hub merges the results of a model card that differ only in the dataset's name.
#
# ModelCard.load(p).save(q) groups results by task and dataset before it writes them. Two results
# with the same dataset type, config, split and revision become one, under the name of the first,
# so the figures of a locked test end below "out of fold". A `split` of their own keeps them apart.
#
# Output seen:
#   huggingface_hub 2.4.0
#   without split: [('pictures, out of fold', [0.9, 0.8])]
#   with split: [('pictures, out of fold', [0.9]), ('pictures, locked test', [0.8])]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PROGRAM'
from pathlib import Path

import huggingface_hub
import yaml
from huggingface_hub import ModelCard


def saved_again(splits):
    results = [
        {
            "task": {"type": "image-classification"},
            "dataset": {"type": "pictures", "name": f"pictures, {name}", **split},
            "metrics": [{"type": "accuracy", "value": value}],
        }
        for (name, value), split in zip(
            [("out of fold", 0.9), ("locked test", 0.8)], splits, strict=True
        )
    ]
    head = yaml.safe_dump({"model-index": [{"name": "cnn", "results": results}]})
    Path("before.md").write_text(f"---\n{head}---\n# cnn\n")
    ModelCard.load("before.md").save("after.md")
    [index] = yaml.safe_load(Path("after.md").read_text().split("---")[1])["model-index"]
    return [
        (result["dataset"]["name"], [metric["value"] for metric in result["metrics"]])
        for result in index["results"]
    ]


print("huggingface_hub", huggingface_hub.__version__)
without = saved_again([{}, {}])
with_split = saved_again([{"split": "train"}, {"split": "test"}])
print("without split:", without)
print("with split:", with_split)
assert without == [("pictures, out of fold", [0.9, 0.8])]
assert with_split == [("pictures, out of fold", [0.9]), ("pictures, locked test", [0.8])]
PROGRAM
