"""What users' own code may be: a network, or an approach; each becomes an approach."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field, fields, make_dataclass
from functools import partial
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from bakeoff.approaches.approach import Approach
from bakeoff.approaches.own_estimator import PIXELS, OwnEstimator, is_estimator
from bakeoff.approaches.own_keras import is_keras
from bakeoff.approaches.own_network import OwnNetwork, Scaling, accepted
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Training
from bakeoff.training.ranges import Side

__all__ = ["approach_of"]

KINDS = (
    "It must be a torch.nn.Module class, a scikit-learn classifier, or a function that returns one "
    "of them"
)
EXAMPLE = {"classes": 3, "channels": 1, "size": 32}  # to see what a function returns


class Declared(BaseModel):
    """What a model says of itself, in a dictionary called `bakeoff`."""

    model_config = ConfigDict(extra="forbid")

    size: Side | None = None
    scaling: Scaling = "unit"
    colour: bool | None = None
    features: str = PIXELS
    views: Annotated[int, Field(ge=0, le=15)] = 0
    training: dict[str, Any] = {}
    title: str = ""


FOR_NETWORKS, FOR_ESTIMATORS = ("scaling", "colour"), ("features", "views")


def approach_of(model: Any, name: str, title: str) -> type[Approach]:
    """An approach of this name from a user's class, function, or scikit-learn estimator.

    Raises
    ------
    BakeoffError
        It is no model, or what it declares is not understood.
    """
    if isinstance(model, type) and issubclass(model, Approach):
        return type(model.__name__, (model,), {"name": name})
    if isinstance(model, nn.Module) or is_keras(model):
        raise BakeoffError(
            f"approach {name}",
            f"{title} is one network, and each fold needs a fresh one",
            "Name its class, or a function that returns it",
        )
    if is_estimator(model):
        factory = model if isinstance(model, type) else partial(_cloned, model)
        return _settled(OwnEstimator, factory, name, title, declares=model)
    if isinstance(model, type) and issubclass(model, nn.Module):
        return _settled(OwnNetwork, model, name, title)
    if not inspect.isfunction(model):
        raise BakeoffError(f"approach {name}", f"{title} is not a model ({model!r})"[:300], KINDS)
    base = OwnEstimator if is_estimator(_example(model)) else OwnNetwork
    return _settled(base, model, name, title)


def _example(function: Callable[..., Any]) -> Any:
    """What a function returns for some task; None if it fails, which is reported for the real."""
    with suppress(Exception):
        return function(**accepted(function, EXAMPLE))
    return None


def _cloned(estimator: Any) -> Any:
    from sklearn.base import clone

    return clone(estimator)


def _settled(
    base: type[OwnNetwork | OwnEstimator],
    factory: Callable[..., Any],
    name: str,
    title: str,
    *,
    declares: Any = None,
) -> type[Approach]:
    """The approach whose default settings are those that the model declares."""
    declares = factory if declares is None else declares
    others = FOR_ESTIMATORS if base is OwnNetwork else FOR_NETWORKS
    try:
        declared = Declared.model_validate(getattr(declares, "bakeoff", {}))
        if misplaced := sorted(declared.model_fields_set & {*others}):
            raise TypeError(f"{misplaced[0]} is for other kinds of models")
        training = Training(**declared.training)
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise BakeoffError(
            f"approach {name}",
            f"its dictionary bakeoff is not understood ({problem})",
            f"It may hold {', '.join(one for one in Declared.model_fields if one not in others)}",
        ) from None
    hints = get_type_hints(base, include_extras=True)
    values = {
        "side": declared.size,
        "scaling": declared.scaling,
        "colour": declared.colour,
        "features": declared.features,
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
        "views": declared.views,
        "__doc__": inspect.getdoc(declares) or "",
    }
    approach: type[Approach] = make_dataclass(
        title.replace(".", "_"), own, bases=(base,), namespace=namespace, frozen=True, kw_only=True
    )
    return approach
