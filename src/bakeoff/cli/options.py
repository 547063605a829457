"""Options of several commands; those of a run are made from the fields of `RunOptions`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import annotated_types
import typer

from bakeoff.errors import BakeoffError
from bakeoff.record.config import RunOptions

__all__ = [
    "Approaches",
    "AsJson",
    "ConfigFile",
    "Corrections",
    "Costs",
    "Estimate",
    "Labels",
    "Open",
    "Out",
    "Resume",
    "Sets",
    "SettingsFile",
    "Source",
    "Unlabelled",
    "WithNeighbours",
    "Workers",
    "refuse_options_beside",
    "takes_run_options",
]

Command = TypeVar("Command", bound=Callable[..., Any])

Open = Annotated[
    bool,
    typer.Option(
        "--open/--no-open",
        help="Open a browser, if there is a screen: a run is served while it goes on, a report "
        "opens when it is written.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder for the run. Default: runs/NAME-DATE-TIME."),
]
Source = Annotated[
    str | None,
    typer.Argument(
        help="A folder, a CSV, IDX, npz, Parquet, zip or tar file, or a named set: doodles.",
        show_default=False,
    ),
]
Resume = Annotated[
    Path | None, typer.Option(help="Continue this interrupted run instead of starting one.")
]
ConfigFile = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Take SOURCE and all options from this JSON file: the run.json of another run, or - "
        "for standard input.",
        show_default=False,
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="Settings from a TOML file, such as the one bakeoff tune writes; --set overrides it.",
        dir_okay=False,
    ),
]
Estimate = Annotated[
    bool,
    typer.Option("--estimate", help="Only estimate how long it would take here; write nothing."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the estimate as JSON, in seconds.")]
Approaches = Annotated[
    list[str] | None,
    typer.Option(
        "--approach",
        "-a",
        help="Train this approach; may be given several times. Your own model is "
        "my_net.py:MyNet. Default: scattering, cnn, vit and transfer.",
    ),
]
Corrections = Annotated[
    Path | None,
    typer.Option(
        help="Labels to change and pictures to leave out, as bakeoff check proposes them; the "
        "source stays as it is.",
        dir_okay=False,
    ),
]
Unlabelled = Annotated[
    Path | None,
    typer.Option(
        help="Further pictures without a label: after the run they are ranked by how much their "
        "labels would help, as bakeoff next does.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="Labels for pictures without one: the next.csv of bakeoff next, filled in.",
        dir_okay=False,
    ),
]
Costs = Annotated[
    Path | None,
    typer.Option(
        "--cost",
        help="What confusions cost: a CSV with the columns truth, answer and cost. It decides the "
        "winner, and answers are those of least expected cost.",
        dir_okay=False,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="APPROACH.SETTING=VALUE",
        help="Change a setting, such as cnn.filters=32,64 or, for all approaches, epochs=20.",
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        "-w",
        metavar="WHICH",
        help="Which workers train: N or local:N for N processes, ray or ray://HOST:PORT for a "
        "cluster. auto: as many processes as are worth starting. The numbers are the same.",
    ),
]
WithNeighbours = Annotated[
    bool,
    typer.Option("--with-neighbours", help=RunOptions.model_fields["neighbours"].description),
]

# Options whose names on the command line do not follow from their fields.
FLAGS = {
    "keep_groups": "--keep-groups/--mix-groups",
    "neighbours": "--with-neighbours",
}


def takes_run_options(
    *names: str, minimum: dict[str, int] | None = None, **defaults: object
) -> Callable[[Command], Command]:
    """Give a command options of a run, in place of its ``**options``.

    Parameters
    ----------
    names : fields of `RunOptions`.
    minimum : the lower bounds of options for which the command needs more than a run does.
    defaults : those that differ from the defaults of a run.
    """

    def expand(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                parameters += [_parameter(name, minimum or {}, defaults) for name in names]
            else:
                keyword = inspect.Parameter.KEYWORD_ONLY
                parameters.append(parameter.replace(kind=keyword))
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    return expand


def _parameter(
    name: str, minimum: dict[str, int], defaults: dict[str, object]
) -> inspect.Parameter:
    """An option for Typer, from the type, bounds, default and description of a field."""
    field = RunOptions.model_fields[name]
    bounds: dict[str, Any] = {}
    for rule in field.metadata:
        if isinstance(rule, annotated_types.Ge):
            bounds["min"] = minimum.get(name, rule.ge)
        elif isinstance(rule, annotated_types.Le):
            bounds["max"] = rule.le
    words = name.replace("_", "-")
    flag = f"--{words}/--no-{words}" if field.default is True else f"--{words}"
    option = typer.Option(
        FLAGS.get(name, flag),
        help=field.description,
        show_default=field.default is not None,
        **bounds,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=defaults.get(name, field.default),
        annotation=Annotated[field.annotation, option],
    )


def refuse_options_beside(context: typer.Context, subject: str, *allowed: str) -> None:
    """Refuse further options beside one that determines them all.

    Parameters
    ----------
    subject : the option and its value, such as ``--resume RUN``.
    allowed : parameters that may be given nevertheless.
    """
    given = [
        name
        for name in context.params
        if (origin := context.get_parameter_source(name)) and origin.name == "COMMANDLINE"
        if name not in allowed
    ]
    if given:
        raise BakeoffError(
            subject,
            f"keeps to what was asked then, so {', '.join(given)} cannot be changed here",
            "Leave these options out, or name the pictures to start a run",
        )
