"""A model from outside is tried on a few pictures before anything trains."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bakeoff.approaches import Approach, Task
from bakeoff.approaches.own_estimator import EstimatorBody, OwnEstimator
from bakeoff.approaches.registry import OURS
from bakeoff.bundle.bundle import load
from bakeoff.data.pictures import Pictures
from bakeoff.errors import BakeoffError
from bakeoff.record.config import ApproachConfig
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess

__all__ = ["FEW", "try_own"]

FEW = 4  # pictures
EACH = 12  # of each class, for what is fitted at once: two folds of five, and a neighbour


def try_own(config: ApproachConfig, task: Task, pictures: Pictures, *, exported: bool) -> None:
    """Refuse a user's model that could not be trained, scored or exported.

    Parameters
    ----------
    pictures : `FEW` of those to train on.
    exported : the run is to leave bundles.

    Raises
    ------
    BakeoffError
        Its input or output has an unsuitable shape or type, an answer is not a number, it has
        nothing to train, or ONNX cannot express it.
    """
    if config.own is None and config.name in {entry.name for entry in OURS}:
        return
    if config.own is not None and config.own.fixed and Path(config.own.path).suffix != ".onnx":
        load(Path(config.own.path))  # checks it as any bundle
    approach = config.build()
    torch.manual_seed(0)
    preprocess, frozen = approach.preprocess(task).eval(), approach.frozen(task)
    with torch.inference_mode():
        x = torch.cat(
            [_prepared(approach, preprocess, pictures[row]) for row in range(len(pictures))]
        )
        x = x if frozen is None else frozen.eval()(x)
    if isinstance(approach, OwnEstimator):
        _try_estimator(approach, task, x)
        return
    network = approach.build(task)
    answers = _answers(approach, network.eval(), x.clone(), task.classes)
    if not approach.fits_itself(network):
        _refuse_untrainable(approach, network.train(), x.clone(), answers)
    if exported and approach.exports(network):
        network = approach.build(task).eval()
        _refuse_unexportable(approach, nn.Sequential(network), x.clone())


def _try_estimator(approach: OwnEstimator, task: Task, x: Tensor) -> None:
    """Fit it on numbers like those of a few pictures of each class, and let it answer."""
    features = x.float().flatten(1)
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(EACH * task.classes) % len(features)
    noise = torch.rand(len(rows), features.shape[1], generator=generator)
    x = features[rows] + noise * features.std()
    y = torch.arange(len(rows)) % task.classes
    network = approach.build(task)
    assert isinstance(network.body, EstimatorBody), "`build` makes one"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what does not converge on noise
        network.body.learn(x.numpy(), y.numpy(), seed=0, subject=f"approach {approach.name}")
    _answers(approach, network.eval(), x[:FEW], task.classes)


def _prepared(approach: Approach, preprocess: Preprocess, picture: object) -> Tensor:
    pixels = torch.as_tensor(picture)[None]
    try:
        x: Tensor = preprocess(pixels)
    except Exception as error:  # it is other people's code
        raise _refusal(approach, "its preprocessing fails", error) from error
    wanted = (1, preprocess.channels, preprocess.size, preprocess.size)
    if tuple(x.shape) != wanted:
        raise BakeoffError(
            f"approach {approach.name}",
            f"its preprocessing makes {tuple(x.shape)} of a picture; {wanted} is expected",
            "Return N×C×S×S; declare another size with bakeoff = {'size': S}",
        )
    if not (x.isfinite().all() and x.min() >= 0 and x.max() <= 1):
        raise BakeoffError(
            f"approach {approach.name}",
            f"its preprocessing makes numbers from {x.min():.3g} to {x.max():.3g}",
            "Return 0…1, and scale further inside the network",
        )
    return x


def _answers(approach: Approach, network: Network, x: Tensor, classes: int) -> Tensor:
    try:
        with torch.inference_mode():
            answers: Tensor = network.body(x)
            width = network.head.in_features
            if answers.shape == (len(x), width):
                answers = network.head(answers)
                width = classes
    except Exception as error:  # it is other people's code
        raise _refusal(approach, f"it fails for an input of {tuple(x.shape)}", error) from error
    if answers.shape != (len(x), width):
        raise BakeoffError(
            f"approach {approach.name}",
            f"it returns {tuple(answers.shape)} for {len(x)} pictures of {classes} classes; "
            f"{(len(x), classes)} is expected",
            "Let its last layer have as many outputs as there are `classes`",
        )
    if not answers.isfinite().all():
        raise BakeoffError(
            f"approach {approach.name}",
            "some of its answers are not finite numbers, before any training",
            "Look for a logarithm or a division by zero, and at its scaling",
        )
    return answers


def _refuse_untrainable(approach: Approach, network: Network, x: Tensor, answers: Tensor) -> None:
    labels = answers.argmin(1)
    try:
        loss = F.cross_entropy(network(x), labels)
        trains = loss.requires_grad
        if trains:
            loss.backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # it is other people's code
        raise _refusal(approach, "a step of training fails", error) from error
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    if not trains or not gradients:
        raise BakeoffError(
            f"approach {approach.name}",
            "it has no parameter that training could change",
            "Give it layers with weights, or a `fit` of its own",
        )
    if not all(gradient.isfinite().all() for gradient in gradients):
        raise BakeoffError(
            f"approach {approach.name}",
            "a step of training makes numbers that are not finite",
            "Look for a square root or a logarithm at zero",
        )


def _refuse_unexportable(approach: Approach, network: nn.Module, x: Tensor) -> None:
    """Trace the network alone, which takes a part of the time that the whole graph takes."""
    from bakeoff.bundle.tracing import OPSET

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations within torch
            torch.onnx.export(
                network,
                (x,),
                dynamo=True,
                opset_version=OPSET,
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
                verbose=False,
                optimize=False,
            )
    except Exception as error:  # it is other people's code
        raise _refusal(approach, "ONNX cannot express it", error) from error


def _refusal(approach: Approach, problem: str, error: BaseException) -> BakeoffError:
    reason = str(error.__cause__ or error).strip() or type(error).__name__
    return BakeoffError(
        f"approach {approach.name}",
        f"{problem} ({type(error).__name__}: {reason.splitlines()[0][:300]})",
        "Use operations that torch.onnx.export supports, or ask for no bundles: --no-bundles"
        if problem.startswith("ONNX")
        else "Its input is N×C×S×S as it declares it; see docs/your-own-model.md",
    )
