"""The commands that take a run elsewhere: push and log."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bakeoff.cli.common import app, console
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
    if source.is_file() or (source / "bundle.json").is_file():
        if approach:
            raise BakeoffError(str(source), "is a bundle already", "Leave --approach out")
        console.print(f"pushed: {upload(source, target, private=private)}", soft_wrap=True)
        return
    from bakeoff.record.folder import RunFolder
    from bakeoff.run.bundles import make_bundle, winner_of

    folder = RunFolder.open(source)
    with TemporaryDirectory(prefix="bakeoff-") as scratch:
        bundle = make_bundle(folder, approach or winner_of(folder), Path(scratch, "bundle"))
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
) -> None:
    """Copy a run's curves, scores and models to MLflow, or its curves to TensorBoard.

    **Examples**

    `bakeoff log runs/digits --mlflow http://localhost:5000` – each approach as a run of MLflow

    `bakeoff log runs/digits --tensorboard logs/digits`, then `tensorboard --logdir logs`
    """
    from bakeoff.bundle.mlflow import log_to_mlflow
    from bakeoff.record.folder import RunFolder
    from bakeoff.record.scalars import TensorBoard, pour, scalars_of

    if not mlflow and not tensorboard:
        raise BakeoffError("bakeoff log", "is not told where to", "Add --mlflow or --tensorboard")
    folder = RunFolder.open(run)
    if tensorboard:
        done = (folder.path / "results.json").is_file()
        results = folder.results() if done else None
        count = pour(scalars_of(folder.events(), results), TensorBoard(tensorboard))
        console.print(f"tensorboard: {count} numbers in {tensorboard}", soft_wrap=True)
    if mlflow:
        for line in log_to_mlflow(folder, mlflow):
            console.print(f"mlflow: {line}", markup=False, soft_wrap=True)
