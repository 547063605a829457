"""What to label next for a finished run, whose bundles answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff.bundle.bundle import Bundle
from bakeoff.bundle.panel import Panel
from bakeoff.data.dataset import UNLABELLED, Dataset
from bakeoff.data.new_labels import joined, unlabelled_rows
from bakeoff.data.pictures import Pictures
from bakeoff.data.read import read_as_found
from bakeoff.errors import BakeoffError
from bakeoff.evaluation.records import NOTHING_DRAWN
from bakeoff.next.ranking import Answered, Candidate, ranking
from bakeoff.record.config import RunConfig
from bakeoff.run.source import read_with_unlabelled

__all__ = ["Waiting", "rank_for_run", "waiting_of"]

COVERED = 2_000  # labelled pictures, at random, that say what is covered: more tell little

OnDone = Callable[[int, int], None]


@dataclass(frozen=True)
class Waiting:
    """Pictures that wait for a label, and those that have one.

    Attributes
    ----------
    dataset : both kinds.
    rows : of those that wait, in the dataset; `Candidate.row` counts in these.
    note : what could not be taken into account; "" if nothing.
    """

    dataset: Dataset
    rows: NDArray[np.int64]
    note: str = ""

    @classmethod
    def of(cls, dataset: Dataset, note: str = "") -> Waiting:
        """Those of a dataset.

        Raises
        ------
        BakeoffError
            Every picture has a label.
        """
        rows = unlabelled_rows(dataset)
        if not rows:
            raise BakeoffError(
                dataset.name,
                f"none of its {len(dataset)} pictures is without a label",
                "Name pictures without a label: bakeoff next RUN more/, or put them beside the "
                "folders of the classes",
            )
        return cls(dataset, np.array(rows, dtype=np.int64), note)

    @property
    def pictures(self) -> Pictures:
        """Those that wait."""
        return self.dataset.pictures.take(self.rows)

    @property
    def labelled(self) -> Pictures:
        """A sample of those that have a label."""
        rows = np.flatnonzero(self.dataset.labels != UNLABELLED)
        if len(rows) > COVERED:
            rows = np.sort(np.random.default_rng(0).permutation(rows)[:COVERED])
        return self.dataset.pictures.take(rows)

    def name(self, candidate: Candidate) -> str:
        """The name of a picture in the dataset."""
        return self.dataset.names[int(self.rows[candidate.row])]


def waiting_of(config: RunConfig, more: Path | None = None) -> Waiting:
    """The pictures of a run that have no label, or those of another source.

    Raises
    ------
    BakeoffError
        The pictures cannot be read, or all have a label.
    """
    if more is not None and (config.unlabelled is None or Path(config.unlabelled) != more):
        further = read_as_found(more, need_labels=False)
        try:
            dataset = read_with_unlabelled(config)
        except BakeoffError as error:  # moved, or no file at all
            note = f"What the run was trained on cannot be read, so it does not count ({error})"
            return Waiting.of(further, note)
        labelled = dataset.take(np.flatnonzero(dataset.labels != UNLABELLED))
        return Waiting.of(joined(labelled, further))
    return Waiting.of(read_with_unlabelled(config))


def rank_for_run(
    bundles: Sequence[Path],
    waiting: Waiting,
    take: int,
    *,
    threads: int | None = None,
    on_done: OnDone = lambda _done, _of: None,
) -> list[Candidate]:
    """What to label next, as the bundles of a run see it; see `ranking`.

    Parameters
    ----------
    bundles : of one run.
    take : how many to choose; strangers come besides.
    threads : CPU threads for each bundle.
    on_done : called with the pictures answered and those to answer, over all bundles.

    Raises
    ------
    BakeoffError
        There are no bundles, or one is damaged.
    """
    panel = Panel(bundles, threads=threads)
    looking = _looking(list(panel.bundles.values()))
    pictures, labelled = waiting.pictures, waiting.labelled
    total = len(panel.bundles) * len(pictures) + len(looking) * len(labelled)
    done = 0
    probabilities: dict[str, NDArray[np.float32]] = {}
    features: list[NDArray[np.float32]] = []
    covered: list[NDArray[np.float32]] = []
    strange = np.zeros(len(pictures))
    blank = np.zeros(len(pictures), dtype=np.bool_)
    for name, bundle in panel.bundles.items():
        shares, scores, embeddings = _outcome(bundle, pictures)
        probabilities[name] = shares
        blank |= scores >= NOTHING_DRAWN
        trust = bundle.manifest.trust
        strange += np.zeros(len(scores)) if trust is None else scores > trust.max_ood_score
        done += len(pictures)
        on_done(done, total)
        if bundle in looking:
            # Of one mean length, so that the embeddings of several models count alike.
            length = np.linalg.norm(embeddings, axis=1).mean() + 1e-12
            features.append(embeddings / length)
            covered.append(_outcome(bundle, labelled)[2] / length)
            done += len(labelled)
            on_done(done, total)
    answered = Answered(
        next(iter(panel.bundles.values())).classes,
        probabilities,
        strange > len(panel.bundles) / 2,
        blank,
    )
    return ranking(
        answered, np.concatenate(features, axis=1), np.concatenate(covered, axis=1), take
    )


def _looking(bundles: Sequence[Bundle]) -> list[Bundle]:
    """Those whose embeddings say how alike pictures are.

    A pretrained network knows more differences than those of the classes; a network that learned
    the classes alone keeps what separates these.
    """
    pretrained = [bundle for bundle in bundles if bundle.manifest.pretrained]
    return pretrained[:1] or list(bundles)


def _outcome(
    bundle: Bundle, pictures: Pictures
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities, OOD scores and embeddings of all pictures."""
    count = len(pictures)
    shares = np.empty((count, len(bundle.classes)), dtype=np.float32)
    scores = np.empty(count, dtype=np.float32)
    embeddings = np.empty((count, bundle.manifest.embedding), dtype=np.float32)
    for rows, outcome in bundle.run_all(pictures):
        shares[rows], scores[rows], embeddings[rows] = outcome
    return shares, scores, embeddings
