"""What users' own code may be: a network, or an approach; each becomes an approach."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import nn

from bakeoff.approaches.approach import Approach
from bakeoff.approaches.own_network import OwnNetwork, Scaling
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Training
from bakeoff.training.ranges import Side

__all__ = ["approach_of"]

KINDS = "It must be a torch.nn.Module class, or a function that returns a network"


class Declared(BaseModel):
    """What a model says of itself, in a dictionary called `bakeoff`."""

    model_config = ConfigDict(extra="forbid")

    size: Side | None = None
    scaling: Scaling = "unit"
    colour: bool | None = None
    training: dict[str, Any] = {}
    title: str = ""


def approach_of(model: Any, name: str, title: str) -> type[Approach]:
    """An approach of this name from a user's class or function.

    Raises
    ------
    BakeoffError
        It is no model, or what it declares is not understood.
    """
    if isinstance(model, type) and issubclass(model, Approach):
        return type(model.__name__, (model,), {"name": name})
    if isinstance(model, nn.Module):
        raise BakeoffError(
            f"approach {name}",
            f"{title} is one network, and each fold needs a fresh one",
            "Name its class, or a function that returns it",
        )
    if not (
        inspect.isfunction(model) or (isinstance(model, type) and issubclass(model, nn.Module))
    ):
        raise BakeoffError(f"approach {name}", f"{title} is no model ({model!r})"[:300], KINDS)
    return _settled(OwnNetwork, model, name, title)


def _settled(
    base: type[OwnNetwork], factory: Callable[..., Any], name: str, title: str
) -> type[Approach]:
    """The approach whose default settings are those that the model declares."""
    try:
        declared = Declared.model_validate(getattr(factory, "bakeoff", {}))
        training = Training(**declared.training)
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise BakeoffError(
            f"approach {name}",
            f"its dictionary bakeoff is not understood ({problem})",
            f"It may hold {', '.join(Declared.model_fields)}",
        ) from None
    hints = get_type_hints(base, include_extras=True)
    values = {
        "side": declared.size,
        "scaling": declared.scaling,
        "colour": declared.colour,
        "training": training,
    }
    own = [
        (each.name, hints[each.name], field(default=values[each.name]))
        for each in fields(base)
        if each.name in values
    ]
    namespace = {
        "name": name,
        "own_title": declared.title or title,
        "factory": staticmethod(factory),
        "__doc__": inspect.getdoc(factory) or "",
    }
    approach: type[Approach] = make_dataclass(
        title.replace(".", "_"), own, bases=(base,), namespace=namespace, frozen=True, kw_only=True
    )
    return approach
