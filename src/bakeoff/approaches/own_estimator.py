"""A scikit-learn estimator or pipeline of the user's, on pixels or on our features."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.approaches.approach import Approach, Task
from bakeoff.approaches.own_network import called, epoch_of, identity_head
from bakeoff.approaches.registry import APPROACHES, entry_of
from bakeoff.approaches.sklearn_graph import NotConvertedError, converted, scores_of
from bakeoff.errors import BakeoffError
from bakeoff.training.fit import Fitted, Training
from bakeoff.training.graph_body import LEAST, GraphBody
from bakeoff.training.model import Network
from bakeoff.training.preprocess import Preprocess
from bakeoff.training.sources import FeatureSource, Source

__all__ = ["PIXELS", "EstimatorBody", "OwnEstimator", "is_estimator"]

PIXELS = "pixels"
# Other people's packages whose classes an estimator is made of; others are its own.
NUMERIC = ("sklearn", "numpy", "scipy")


def is_estimator(model: Any) -> bool:
    """Whether it is a scikit-learn classifier, or the class of one."""
    scores = hasattr(model, "predict_proba") or hasattr(model, "decision_function")
    known = isinstance(model, type) or scores
    return known and all(hasattr(model, each) for each in ("fit", "predict", "get_params"))


@dataclass(frozen=True, kw_only=True)
class OwnEstimator(Approach):
    """An estimator that is fitted on what a picture is turned into.

    Attributes
    ----------
    features : "pixels", as prepared for our networks and flattened, or the name of an approach
        with a frozen part, such as transfer, scattering or baseline: what that makes of pictures.
    """

    factory: ClassVar[Callable[..., Any]]
    own_title: ClassVar[str] = ""
    input_settings: ClassVar[tuple[str, ...]] = ("side", "features")

    features: str = PIXELS

    @property
    def title(self) -> str:
        return self.own_title or self.name

    @property
    def _donor(self) -> Approach | None:
        """The approach whose features it is fitted on."""
        if self.features == PIXELS:
            return None
        if self.features not in APPROACHES:
            raise BakeoffError(
                f"{self.name}.features={self.features}",
                "is neither pixels nor an approach",
                f"There are {', '.join((PIXELS, *APPROACHES))}",
            )
        return entry_of(self.features).load()(side=self.side, training=self.training)

    def preprocess(self, task: Task) -> Preprocess:
        donor = self._donor
        return super().preprocess(task) if donor is None else donor.preprocess(task)

    def frozen(self, task: Task) -> nn.Module:
        donor = self._donor
        frozen = nn.Flatten() if donor is None else donor.frozen(task)
        if frozen is None:
            raise BakeoffError(
                f"{self.name}.features={self.features}",
                "has no features that are made once for all folds",
                "Use transfer, scattering, baseline or pixels",
            )
        return frozen

    def frozen_is_eye(self, task: Task) -> bool:
        donor = self._donor
        return donor is not None and donor.frozen_is_eye(task)

    def background(self, task: Task) -> float:
        """None without views, which alone are drawn on other paper."""
        return super().background(task) if self.views else 0.0

    def pretrained(self, task: Task) -> str:
        donor = self._donor
        return "" if donor is None else donor.pretrained(task)

    def build(self, task: Task) -> Network:
        return Network(
            EstimatorBody(partial(self.make, task), task.classes), identity_head(task.classes)
        )

    def schedule(self, pictures: int, task: Task) -> Training:
        return replace(super().schedule(pictures, task), epochs=1)

    def fits_itself(self, network: Network) -> bool:  # noqa: ARG002
        return True

    def make(self, task: Task, seed: int) -> Any:
        """A fresh estimator, with this seed where it takes one and has none."""
        preprocess = self.preprocess(task)
        estimator = called(
            self.name,
            self.title,
            type(self).factory,
            classes=task.classes,
            channels=preprocess.channels,
            size=preprocess.size,
        )
        if not is_estimator(estimator):
            raise BakeoffError(
                f"approach {self.name}",
                f"{self.title} has no predict_proba and no decision_function",
                "Use a classifier, or wrap it in CalibratedClassifierCV",
            )
        seeds = {
            name: seed % 2**31
            for name, value in estimator.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        return estimator.set_params(**seeds)

    def fit(self, network: Network, source: Source, labels: Tensor, **how: Any) -> Fitted:
        """Fit the estimator on all views of the training pictures."""
        assert isinstance(source, FeatureSource), "it has a frozen part"
        assert isinstance(network.body, EstimatorBody), "`build` makes one"
        started = time.perf_counter()
        train, validation, weights = how["train"], how["validation"], how["weights"]
        views = source.features[:, train].float().cpu()
        network.body.learn(
            views.flatten(0, 1).numpy(),
            labels[train].repeat(len(views)).numpy(),
            seed=how["seed"],
            weights=None if weights is None else weights[train].repeat(len(views)).numpy(),
            subject=f"approach {self.name}",
        )
        network.eval()
        answers = network(source.plain(train).cpu())
        unseen = network(source.plain(validation).cpu()) if len(validation) else None
        epoch = epoch_of(answers, labels[train], unseen, labels[validation], started)
        how["on_epoch"](epoch)
        return Fitted(network, [epoch], 1, validation, unseen)


class EstimatorBody(GraphBody):
    """N×D features to N×K logits of an estimator: by its graph, or by itself if it has none.

    Parameters
    ----------
    make : a fresh estimator from a seed.
    classes : K.
    """

    stored: Tensor
    reason: Tensor

    def __init__(self, make: Callable[[int], Any], classes: int) -> None:
        super().__init__()
        self.make, self.count = make, classes
        self.register_buffer("stored", torch.empty(0, dtype=torch.uint8))
        self.register_buffer("reason", torch.empty(0, dtype=torch.uint8))
        self._estimator: Any = None

    def learn(
        self,
        x: NDArray[np.float32],
        y: NDArray[np.int64],
        *,
        seed: int,
        weights: NDArray[np.float32] | None = None,
        subject: str = "the estimator",
    ) -> None:
        """Fit an estimator and keep it.

        Parameters
        ----------
        x, y : N×D features and their N class numbers.
        weights : N, how much each picture counts.

        Raises
        ------
        BakeoffError
            It cannot be fitted, knows no weights, or its answers are not finite.
        """
        estimator = self.make(seed)
        how = {} if weights is None else _weighted(estimator, weights, subject)
        try:
            estimator.fit(x, y, **how)
            scores, _ = scores_of(estimator, x[:1])
        except Exception as error:  # it is other people's code
            raise BakeoffError(
                subject,
                f"its fit fails for {len(x)} pictures with {x.shape[1]} features each "
                f"({type(error).__name__}: {str(error).strip()[:300]})",
                "It is fitted on float32 numbers and class numbers",
            ) from error
        known = len(estimator.classes_)
        if scores.shape != (1, known) or not np.isfinite(scores).all():
            raise BakeoffError(
                subject,
                f"it answers {scores.tolist()} for one picture of {known} classes",
                "Let it answer as many finite numbers as there are classes",
            )
        try:
            self.set(converted(estimator, x, self.count))
        except NotConvertedError as error:
            self.stored, self.reason = (
                _as_tensor(_dumped(estimator)),
                _as_tensor(str(error).encode()),
            )
            self._estimator = estimator

    @property
    def without_graph(self) -> str:
        reason = _as_bytes(self.reason).decode()
        return f"cannot be converted to ONNX ({reason})" if reason else ""

    @property
    def learned(self) -> int:
        """Of an estimator without a graph: its size in numbers of four bytes."""
        return super().learned if len(self.graph) else len(self.stored) // 4

    def forward(self, x: Tensor) -> Tensor:
        if len(self.graph):
            return super().forward(x)
        if self._estimator is None:
            self._estimator = _loaded(_as_bytes(self.stored), self.make(0))
        scores, shares = scores_of(self._estimator, x.detach().float().cpu().numpy())
        logits = np.log(np.maximum(scores, LEAST)) if shares else scores
        every = np.full((len(scores), self.count), np.log(LEAST), dtype=np.float32)
        every[:, self._estimator.classes_] = logits
        return torch.from_numpy(every).to(x.device)


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def _as_bytes(tensor: Tensor) -> bytes:
    return tensor.cpu().numpy().tobytes()


def _weighted(estimator: Any, weights: NDArray[np.float32], subject: str) -> dict[str, Any]:
    """What to pass to `fit` so that each picture counts as much as it should."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    last, prefix = estimator, ""
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    if not has_fit_parameter(last, "sample_weight"):
        raise BakeoffError(
            subject, "its fit takes no sample_weight", "Run it without balance and without costs"
        )
    return {f"{prefix}sample_weight": weights}


def _dumped(estimator: Any) -> bytes:
    data: bytes = _skops().dumps(estimator)
    return data


def _loaded(data: bytes, fresh: Any) -> Any:
    """The estimator that `_dumped` stored, of classes from the packages that `fresh` is made of."""
    skops = _skops()
    packages = {type(each).__module__.partition(".")[0] for each in _parts(fresh)}
    types = skops.get_untrusted_types(data=data)
    trusted = [each for each in types if each.partition(".")[0] in {*packages, *NUMERIC}]
    return skops.loads(data, trusted=trusted)


def _parts(estimator: Any) -> list[Any]:
    return [estimator, *estimator.get_params(deep=True).values()]


def _skops() -> Any:
    try:
        import skops.io
    except ImportError:
        raise BakeoffError(
            "a scikit-learn model that has no ONNX form",
            "needs skops, which stores it without pickle",
            "pip install 'bakeoff[sklearn]'",
        ) from None
    return skops.io
