"""The commands that take a run elsewhere: push and log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bakeoff.cli.common import app, console
from bakeoff.cli.own_bundle import is_bundle, own_bundle
from bakeoff.errors import BakeoffError

__all__ = ["log", "push"]


@app.command()
def push(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|BUNDLE", help="The folder of a run, or a bundle.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="hf:NAME", help="A model on the Hugging Face Hub.")
    ],
    approach: Annotated[
        str | None, typer.Option("--approach", "-a", help="Which approach. Default: the winner.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Only you see the model, if it is new.")
    ] = False,
) -> None:
    """Upload a model with its card to the Hugging Face Hub, as your account there.

    **Examples**

    `bakeoff push runs/digits hf:digits --private` – the winner, for yourself

    `bakeoff push digits.bakeoff hf:my-school/digits` – a bundle, for everyone
    """
    from bakeoff.bundle.hub import push as upload
    from bakeoff.bundle.hub import repository_of

    repository_of(target)  # refused before anything is made
    if is_bundle(source):
        if approach:
            raise BakeoffError(str(source), "is a bundle already", "Leave --approach out")
        console.print(f"pushed: {upload(source, target, private=private)}", soft_wrap=True)
        return
    from bakeoff.record.folder import RunFolder

    with own_bundle(RunFolder.open(source), approach) as bundle:
        console.print(f"pushed: {upload(bundle, target, private=private)}", soft_wrap=True)


@app.command()
def log(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    mlflow: Annotated[
        str | None, typer.Option(metavar="URI", help="A tracking store of MLflow.")
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder that TensorBoard watches.")
    ] = None,
    trackio: Annotated[
        str | None, typer.Option(metavar="PROJECT", help="A project of Trackio on this machine.")
    ] = None,
) -> None:
    """Copy a run's curves, scores and models to MLflow, or its curves to TensorBoard or Trackio.

    **Examples**

    `bakeoff log runs/digits --mlflow http://localhost:5000` – each approach as a run of MLflow

    `bakeoff log runs/digits --tensorboard logs/digits`, then `tensorboard --logdir logs`

    `bakeoff log runs/digits --trackio digits`, then `trackio show --project digits`
    """
    from bakeoff.bundle.mlflow import log_to_mlflow
    from bakeoff.record.folder import RunFolder
    from bakeoff.record.scalars import Sink, TensorBoard, Trackio, pour, scalars_of

    if not mlflow and not tensorboard and not trackio:
        hint = "Add --mlflow, --tensorboard or --trackio"
        raise BakeoffError("bakeoff log", "is not told where to", hint)
    folder = RunFolder.open(run)
    sinks: list[tuple[str, Sink]] = []
    if tensorboard:
        sinks.append((f"in {tensorboard}", TensorBoard(tensorboard)))
    if trackio:
        sinks.append((f"in the project {trackio} of Trackio", Trackio(trackio)))
    results = folder.results() if (folder.path / "results.json").is_file() else None
    for place, sink in sinks:
        count = pour(scalars_of(folder.events(), results), sink)
        console.print(f"curves: {count} numbers {place}", markup=False, soft_wrap=True)
    if mlflow:
        for line in log_to_mlflow(folder, mlflow):
            console.print(f"mlflow: {line}", markup=False, soft_wrap=True)
