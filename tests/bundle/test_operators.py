"""The operators that a bundle's graph may have are those that the exporter can emit."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import onnx
import onnxscript.function_libs.torch_lib.ops as torch_lib
import pytest
import torch.onnx._internal.exporter._torchlib as own_lib

from bakeoff.bundle.graph import OPERATORS

# Never in a picture classifier: subgraphs and sequences hide what runs, random numbers and losses
# belong to training.
REFUSED = re.compile(
    r"If|Loop|Scan|.*Sequence.*|Optional.*|String.*|Regex.*|.*Loss|Random.*|Multinomial|Bernoulli"
)


def emitted() -> set[str]:
    """Every operator of the standard set in the sources of the exporter."""
    found: set[str] = set()
    for package in (torch_lib, own_lib):
        for path in Path(inspect.getfile(package)).parent.rglob("*.py"):
            found |= set(re.findall(r"\bop\d*\.([A-Z]\w+)\(", path.read_text()))
    standard = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    return found & standard


def test_all_that_the_exporter_emits_is_allowed() -> None:
    operators = {name for name in emitted() if not REFUSED.fullmatch(name)}
    assert len(operators) > 100
    assert operators <= OPERATORS


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_what_is_allowed_is_standard_and_has_no_subgraph(name: str) -> None:
    schema = onnx.defs.get_schema(name)
    assert not REFUSED.fullmatch(name)
    graph = onnx.defs.OpSchema.AttrType.GRAPH
    assert all(attribute.type != graph for attribute in schema.attributes.values())
