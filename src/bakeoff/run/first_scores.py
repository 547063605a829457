"""What is known of a run before it is finished, so that people can use it while it goes on.

As soon as an approach has its folds, its final fit and its graph, it is scored out of fold, its
bundle is written, and the results so far are left beside the run. Nothing here sees the locked
test, and nothing is read back by the run: whether it is killed before or after changes no figure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from bakeoff.bundle.bundle import load
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.prose import listed
from bakeoff.evaluation.records import Winner
from bakeoff.heap import return_kept_memory
from bakeoff.record.events import ApproachScored, now
from bakeoff.record.folder import RunFolder
from bakeoff.record.results import ApproachResult, Latency, Preliminary, Results
from bakeoff.run.bundles import RunFacts, final_model, make_early
from bakeoff.run.plan import Plan
from bakeoff.run.summary import machine_summary, probabilities_of
from bakeoff.scoring.compared import compared
from bakeoff.scoring.scored import Scored
from bakeoff.version import __version__
from bakeoff.workers.cost import latency_of_bundle, latency_of_model
from bakeoff.workers.units import Tell

__all__ = ["FirstScores"]


class FirstScores:
    """The approaches of a run as they are scored; call it with the name of each.

    Parameters
    ----------
    folder, plan : of the run.
    titles : of all approaches, by name.
    to_make : the approaches that get a bundle.
    score : scores an approach by what its folds held out.
    tell : called when one is scored.

    Attributes
    ----------
    bundles : what came of each bundle that was to be made: an error, or None.
    """

    def __init__(
        self,
        folder: RunFolder,
        plan: Plan,
        titles: dict[str, str],
        to_make: Collection[str],
        score: Callable[[str], Scored],
        tell: Tell,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.titles = titles
        self.to_make = to_make
        self.score = score
        self.tell = tell
        self.bundles: dict[str, BakeoffError | None] = {}
        self._scored: dict[str, Scored] = {}
        self._results: dict[str, ApproachResult] = {}
        # A finished run that is asked for more keeps its results until it has new ones.
        self._wanted = not (folder.path / "results.json").is_file()
        self._created = now()

    def __call__(self, name: str) -> None:
        """Score an approach and leave what is known of the run so far."""
        if not self._wanted:
            return
        one = self._scored[name] = self.score(name)
        facts = RunFacts.of(self.plan, None)
        bundle = self._bundle(one, facts)
        size, latency = self.folder.bundle_bytes(name), self._latency(bundle, name)
        self._results[name] = one.result(bytes=size, macs=None, latency=latency)
        if one.out_of_fold is not None:
            self._write(facts)
        return_kept_memory()
        scores = one.out_of_fold
        self.tell(
            ApproachScored(
                approach=name,
                accuracy=scores.accuracy if scores else None,
                interval=scores.interval if scores else None,
                bundle=None if bundle is None else str(bundle),
            )
        )

    def _bundle(self, one: Scored, facts: RunFacts) -> Path | None:
        """Make the bundle; one that cannot be made is reported when the run is finished."""
        if one.name not in self.to_make:
            return None
        try:
            make_early(self.folder, one, facts, self.plan.dataset)
        except BakeoffError as error:
            self.bundles[one.name] = error
            return None
        self.bundles[one.name] = None
        return self.folder.bundle(one.name)

    def _latency(self, bundle: Path | None, name: str) -> Latency:
        picture, threads = self.plan.data.dataset.pictures[0], self.plan.compute.threads
        if bundle is not None:
            return latency_of_bundle(load(bundle, threads=threads), picture, threads, hurried=True)
        return latency_of_model(final_model(self.folder, name), picture, hurried=True)

    def _write(self, facts: RunFacts) -> None:
        plan = self.plan
        scored = [self._scored[name] for name in plan.config.names if name in self._scored]
        both = compared(scored, plan.parts, plan.dataset, plan.config)
        preliminary = Preliminary(
            to_come=[name for name in plan.config.names if name not in self._scored],
            words=self._words(),
        )
        results = Results(
            bakeoff_version=__version__,
            created=self._created,
            finished=facts.finished,
            machine=machine_summary(plan.compute),
            dataset=facts.dataset,
            protocol=facts.protocol,
            approaches=[self._results[one.name] for one in scored],
            comparison=both["comparison"],
            headline=both["headline"],
            winner=Winner(None, preliminary.words),
            preliminary=preliminary,
        )
        self.folder.save_preliminary(results, probabilities_of(plan.parts, scored))

    def _words(self) -> str:
        plan = self.plan
        to_come = [title for name, title in self.titles.items() if name not in self._scored]
        if plan.smaller is not None:
            to_come.append("the learning curves")
        if len(plan.data.corrupted):
            to_come.append("the corruption benchmark")
        if len(plan.parts.test):
            to_come.append("the locked test")
        return f"Still to come: {listed([*to_come, 'the verdict'])}."
