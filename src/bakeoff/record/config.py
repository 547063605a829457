"""What is asked of a run: one typed record, parsed where it enters and passed on as it is.

`RunOptions` holds what users choose; its descriptions and bounds are those of the command line and
of the API. `RunConfig`, in run.json, adds where the pictures come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bakeoff.approaches.own import OwnEntry, OwnFile, own_file, own_name
from bakeoff.approaches.registry import Entry, entry_of
from bakeoff.data.correction import Correction
from bakeoff.errors import BakeoffError, InputError
from bakeoff.record.results import SCHEMA_VERSION

if TYPE_CHECKING:
    from bakeoff.approaches import Approach

__all__ = ["RECIPE", "ApproachConfig", "Budget", "ConfusionCost", "Mode", "RunConfig", "RunOptions"]

Budget = Literal["quick", "standard", "thorough"]
Mode = Literal["auto", "ink", "photo"]
Setting = bool | int | float | str | list[int] | None

# 2: matrix products resize, drawings have a backbone of their own, photos are cropped.
# 3: a frozen network's norms are part of its weights, fewer photos are corrupted.
# 4: the OOD score of drawings knows other drawings by their class.
# 5: its ridge is fitted in single precision, and others are looked at in another order.
# 6: the OOD score of drawings compares the known classes with one that was never seen.
# 7: CNN and ViT have a stem of wavelets for up to 3 000 pictures.
# 8: a drawing is left out of the OOD score with whichever pen drew it.
# 9: of many drawings a class, the network that learned them looks for strangers too.
RECIPE = 9
DEFAULT_APPROACHES = ("scattering", "cnn", "vit", "transfer")


class ApproachConfig(BaseModel):
    """An approach that takes part, and the settings that differ from its defaults.

    `own` is the file of a user's own model, which runs on this machine: only the command line and
    Python take one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    settings: dict[str, Setting] = {}
    own: OwnFile | None = None

    @property
    def entry(self) -> Entry:
        """The approach itself.

        Raises
        ------
        BakeoffError
            There is none of this name.
        """
        return OwnEntry.of(self.name, self.own) if self.own else entry_of(self.name)

    @property
    def fixed(self) -> bool:
        """Whether it was made elsewhere and is only scored."""
        return self.own is not None and self.own.fixed

    def knowing(self, **pictures: Any) -> ApproachConfig:
        """The same, with what a model that is only scored must know of the pictures."""
        if self.own is None or not self.own.fixed:
            return self
        return self.model_copy(update={"own": self.own.model_copy(update=pictures)})

    def build(self, changes: Mapping[str, object] = {}) -> Approach:
        """The approach with these settings, and `changes` over them."""
        from bakeoff.approaches.settings import configure

        return configure(self.entry, {**self.settings, **changes})


class ConfusionCost(BaseModel):
    """What it costs to answer `answer` for a picture of class `truth`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    truth: str
    answer: str
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RunOptions(BaseModel):
    """What users choose of a run. A new option is a field here and a widget on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approaches: Annotated[
        tuple[ApproachConfig, ...],
        Field(max_length=20, description="The approaches of the run, in this order."),
    ] = tuple(ApproachConfig(name=name) for name in DEFAULT_APPROACHES)
    group: Annotated[
        str | None,
        Field(
            max_length=200,
            description="How pictures are grouped: the name of a column, a regular expression on "
            "the file name, folder (the level below the class), or taken (photos of one camera, "
            "each within a minute of another).",
        ),
    ] = None
    label: Annotated[
        str | None,
        Field(
            max_length=200,
            description="How the class of a picture is found where that is not clear: the name of "
            "a column, or a regular expression on the file name.",
        ),
    ] = None
    folds: Annotated[
        int,
        Field(
            ge=0,
            le=1000,
            description="Folds of the cross-validation; 0 scores on the test set only.",
        ),
    ] = 5
    test: Annotated[
        float | None,
        Field(
            ge=0,
            le=0.9,
            description="Share of the locked test set. Default: the official test set if there is "
            "one, else a fifth in sets of 600 pictures or more.",
        ),
    ] = None
    keep_groups: Annotated[
        bool | None,
        Field(
            description="Keep the pictures of a group in one fold, or not. Default: where there "
            "are enough groups, and enough with each class.",
        ),
    ] = None
    leave_one_group_out: Annotated[
        bool,
        Field(description="Instead of folds, score each group by models that never saw it."),
    ] = False
    budget: Annotated[
        Budget,
        Field(
            description="How long to train: quick for a first look, thorough for the last points."
        ),
    ] = "standard"
    mode: Annotated[
        Mode,
        Field(description="How pictures are preprocessed: ink (drawings, digits) or photo."),
    ] = "auto"
    seed: Annotated[
        int,
        Field(ge=0, lt=2**63, description="Seed of the split, the networks and the augmentation."),
    ] = 0
    device: Annotated[
        str, Field(max_length=40, description="Where to train: auto, cpu, cuda or mps.")
    ] = "auto"
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=1024,
            description="CPU threads of each fit; they change the last bits of the numbers. "
            "Default: one, where there are enough fits for all cores.",
        ),
    ] = None
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        Field(description="Number format of training; scoring is always fp32."),
    ] = "auto"
    bundles: Annotated[bool, Field(description="Leave a bundle of every approach.")] = True
    neighbours: Annotated[
        bool,
        Field(
            description="Put small training pictures into each bundle, to show the nearest ones "
            "beside an answer. Anyone who gets the bundle gets those pictures.",
        ),
    ] = False
    curve: Annotated[
        bool,
        Field(
            description="Train on an eighth, a quarter and a half of the pictures too, and "
            "forecast what more pictures would gain; takes two to three times as long.",
        ),
    ] = False
    metric: Annotated[
        Literal["auto", "accuracy", "balanced_accuracy", "macro_f1", "cost"],
        Field(
            description="The metric that ranks the approaches. auto: accuracy; where a class has "
            "five times the pictures of another or more, balanced_accuracy; with costs, cost.",
        ),
    ] = "auto"
    cost: Annotated[
        tuple[ConfusionCost, ...],
        Field(
            max_length=1_000_000,
            description="What it costs to answer one class for a picture of another. Without an "
            "entry, right answers cost 0 and wrong ones 1.",
        ),
    ] = ()
    robustness: Annotated[
        bool,
        Field(description="Score each approach on rotated, blurred, shaded … pictures too."),
    ] = True
    pseudo_label: Annotated[
        bool,
        Field(
            description="Train each model again on its own sure answers about the pictures "
            "without a label, and keep that only where held-out pictures show a gain; takes two "
            "to four times as long.",
        ),
    ] = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the approaches that take part."""
        return tuple(approach.name for approach in self.approaches)

    def approach(self, name: str) -> ApproachConfig:
        """The approach of this name that takes part."""
        return next(approach for approach in self.approaches if approach.name == name)

    @property
    def trained_twice(self) -> tuple[str, ...]:
        """The approaches that are trained again with pseudo labels."""
        return tuple(one.name for one in self.approaches if self.pseudo_label and not one.fixed)

    @model_validator(mode="before")
    @classmethod
    def _from_names(cls, given: Any) -> Any:
        """Take names with settings by approach too, as people write them and schema 1 held them."""
        if not isinstance(given, Mapping):
            return given
        options = {FORMER_OPTIONS.get(key, key): value for key, value in given.items()}
        settings = options.pop("settings", None) or {}
        approaches = options.get("approaches", DEFAULT_APPROACHES)
        if not settings and "approaches" not in options:
            return options
        if isinstance(approaches, str) or not isinstance(approaches, Sequence):
            return options  # pydantic says what is wrong with it
        options["approaches"] = _merged(approaches, settings)
        return options


FORMER_OPTIONS = {"brittleness": "robustness"}


def _merged(approaches: Sequence[Any], settings: Mapping[str, Mapping[str, object]]) -> list[Any]:
    """Names as configs with their settings; those under "" are for all."""
    if not isinstance(settings, Mapping) or not all(
        isinstance(own, Mapping) for own in settings.values()
    ):
        raise InputError(
            "settings", "they are not settings by approach", 'Give them as {"cnn": {"epochs": 20}}'
        )
    names = [approach for approach in approaches if isinstance(approach, str)]
    if settings and len(names) < len(approaches):
        raise InputError(
            "settings",
            "they are beside approaches that hold settings of their own",
            "Give the approaches by name, or put the settings into each",
        )
    absent = set(settings) - {"", *names}
    if absent and names:
        for name in names:
            _known(name)  # a name that is misspelled is the likelier cause
        raise InputError(
            f"settings of {min(absent)}",
            "no such approach takes part in this run",
            f"The approaches of this run are {', '.join(names)}",
        )
    return [
        {
            "name": approach,
            "settings": _plain({**settings.get("", {}), **settings.get(approach, {})}),
        }
        if isinstance(approach, str)
        else approach
        for approach in approaches
    ]


def _known(name: str) -> None:
    try:
        entry_of(name)
    except BakeoffError as error:
        raise InputError(error.subject, error.problem, error.hint) from None


def _plain(settings: Mapping[str, object]) -> dict[str, object]:
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()
    }


class RunConfig(RunOptions):
    """All that is asked of a run; with the same pictures and machine, the same numbers follow.

    `unlabelled` is a source of pictures without labels. `corrections` are held as such, so that
    the table they came from may change or go; among them are labels of such pictures.
    `fingerprint` is that of the pictures, once they are read; `unlabelled_fingerprint` that of the
    pictures without a label, where pseudo labels are wanted. `recipe` counts the ways in which
    versions of bakeoff prepared pictures: weights of one do not fit the models of another.
    """

    schema_version: int = SCHEMA_VERSION
    source: str
    unlabelled: str | None = None
    corrections: tuple[Correction, ...] = ()
    fingerprint: str = ""
    unlabelled_fingerprint: str = ""
    recipe: int = RECIPE

    def check_recipe(self, path: Path) -> None:
        """Refuse to train beside weights and trials that another recipe made, at `path`.

        They could even fit by their shapes, and give wrong answers.

        Raises
        ------
        BakeoffError
            This was begun with another recipe.
        """
        if self.recipe != RECIPE:
            raise BakeoffError(
                str(path),
                "was begun by a version of bakeoff that prepared pictures in another way",
                "Its results, report and bundles stay as they are; start a new one to train more",
            )

    @classmethod
    def parse(cls, **given: Any) -> RunConfig:
        """From what was asked, settings as text included: checked here, and nowhere after.

        Raises
        ------
        BakeoffError
            An option or a setting is not known or out of bounds, or the options make no run.
        """
        from bakeoff.approaches.settings import typed_settings

        config = cls.asked(**given)
        names = config.names
        if not names or len(set(names)) < len(names):
            raise BakeoffError(
                f"approaches {', '.join(names) or '(none)'}",
                "each can be named once, and there must be at least one",
                "Say, for example, --approach cnn --approach baseline",
            )
        if config.curve and not (config.folds or config.leave_one_group_out):
            raise BakeoffError(
                "learning curve",
                "it is scored on what folds hold out, and there are none",
                "Ask for 2 folds or more",
            )
        if config.pseudo_label and not (config.folds or config.leave_one_group_out):
            raise BakeoffError(
                "pseudo labels",
                "their gain is measured on what folds hold out, and there are none",
                "Ask for 2 folds or more",
            )
        if config.metric == "cost" and not config.cost:
            raise BakeoffError(
                "metric cost", "no costs were given", "Name a table of them with --cost costs.csv"
            )
        typed = tuple(
            approach.model_copy(
                update={"settings": typed_settings(approach.entry, approach.settings)}
            )
            for approach in config.approaches
        )
        return config.model_copy(update={"approaches": typed})

    @classmethod
    def asked(cls, **given: Any) -> RunConfig:
        """The same with settings left as they are: `parse` checks them, and needs torch for it.

        Raises
        ------
        BakeoffError
            An option is not known or out of bounds.
        """
        named, own = _own_files(given.get("approaches"))
        try:
            config = cls.model_validate(given if named is None else {**given, "approaches": named})
        except ValidationError as error:
            raise _misfit(error) from None
        settled = tuple(
            approach.model_copy(update={"own": file.settled()})
            if (file := own.get(approach.name) or approach.own)
            else approach
            for approach in config.approaches
        )
        return config.model_copy(update={"approaches": settled})


def _own_files(approaches: Any) -> tuple[list[Any] | None, dict[str, OwnFile]]:
    """Approaches with the names of own models for their paths, and the files of these."""
    if isinstance(approaches, str) or not isinstance(approaches, Sequence):
        return None, {}
    own = {
        name: file
        for approach in approaches
        if isinstance(approach, str)
        and (name := own_name(approach))
        and (file := own_file(approach))
    }
    named = [(own_name(each) or each) if isinstance(each, str) else each for each in approaches]
    return named, own


def _misfit(error: ValidationError) -> BakeoffError:
    """The first thing that does not fit, as a refusal."""
    first = error.errors()[0]
    refusal = first.get("ctx", {}).get("error")
    if isinstance(refusal, BakeoffError):  # it names subject, problem and hint already
        return refusal
    option = ".".join(str(part) for part in first["loc"]) or "options"
    if first["type"] == "extra_forbidden":
        return BakeoffError(
            f"option {option}",
            "is not known",
            f"Options are {', '.join(sorted(RunOptions.model_fields))} and settings",
        )
    problem = first["msg"]
    return BakeoffError(
        f"{option} {first['input']!r}"[:200],
        problem[0].lower() + problem[1:],
        f"See bakeoff run --help for what {option.partition('.')[0]} takes",
    )
