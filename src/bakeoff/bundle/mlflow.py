"""A run in MLflow: settings, curves, scores, the report, and models that MLflow can serve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bakeoff.bundle.bundle import GRAPH, load
from bakeoff.bundle.graph import INPUT, OUTPUTS
from bakeoff.errors import BakeoffError
from bakeoff.record.folder import RunFolder
from bakeoff.record.scalars import Scalar, scalars_of

__all__ = ["log_to_mlflow"]

AT_ONCE = 1_000  # metrics in a request, at most
LONGEST = 500  # characters of a parameter that every store takes


def log_to_mlflow(folder: RunFolder, uri: str, experiment: str = "bakeoff") -> list[str]:
    """One MLflow run for each approach; returns their names and ids.

    Parameters
    ----------
    folder : of a finished run.
    uri : of the tracking store: ``http://HOST:PORT``, ``sqlite:///FILE`` or a folder.

    Raises
    ------
    BakeoffError
        mlflow is not installed, or the store refuses.
    """
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise BakeoffError("--mlflow", "needs mlflow", "pip install mlflow") from None
    results = folder.results()
    curves = _by_approach(scalars_of(folder.events(), results))
    lines = []
    try:
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(experiment)
        for approach in results.approaches:
            name = f"{folder.path.name} {approach.title}"
            with mlflow.start_run(run_name=name) as run:
                settings = {key: str(value)[:LONGEST] for key, value in approach.settings.items()}
                mlflow.log_params({**settings, "approach": approach.name})
                mlflow.set_tag("dataset", results.dataset.name)
                _log_scalars(run.info.run_id, curves[approach.name])
                for artifact in ("results.json", "report.html"):
                    if (folder.path / artifact).is_file():
                        mlflow.log_artifact(str(folder.path / artifact))
                if folder.bundle(approach.name).is_dir():
                    _log_model(folder.bundle(approach.name))
            lines.append(f"{name}: {run.info.run_id}")
    except (MlflowException, OSError) as error:
        raise BakeoffError(
            f"--mlflow {uri}", f"refuses ({str(error).splitlines()[0][:300]})", "Is it a store?"
        ) from error
    return lines


def _by_approach(scalars: Iterable[Scalar]) -> dict[str, list[Scalar]]:
    found: dict[str, list[Scalar]] = defaultdict(list)
    for scalar in scalars:
        found[scalar.curve.partition("/")[0]].append(scalar)
    return found


def _log_scalars(run: str, scalars: list[Scalar]) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    metrics = [
        Metric(_metric_name(one), one.value, round(one.time * 1000), one.step) for one in scalars
    ]
    for start in range(0, len(metrics), AT_ONCE):
        MlflowClient().log_batch(run, metrics=metrics[start:][:AT_ONCE])


def _metric_name(scalar: Scalar) -> str:
    """MLflow takes letters, digits and few signs."""
    fold = scalar.curve.partition("/")[2]
    name = f"{fold}/{scalar.name}" if fold else scalar.name
    return "".join(char if char.isalnum() or char in "_-./ " else "_" for char in name)


def _log_model(bundle: Path) -> None:
    """The graph, with a signature for pictures of any size: without it, JSON requests fail.

    MLflow guesses float64 for the numbers of a JSON request, and the graph takes uint8.
    """
    import mlflow
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    manifest = load(bundle).manifest
    real: Any = np.dtype(np.float32)
    widths = {OUTPUTS[0]: (-1, len(manifest.classes)), OUTPUTS[1]: (-1,)}
    widths[OUTPUTS[2]] = (-1, manifest.embedding)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.uint8), (-1, -1, -1, -1), INPUT)]),
        outputs=Schema([TensorSpec(real, shape, name) for name, shape in widths.items()]),
    )
    mlflow.onnx.log_model(
        onnx.load(bundle / GRAPH),
        name="model",
        signature=signature,
        metadata={"classes": manifest.classes, "bakeoff": manifest.bakeoff_version},
    )
