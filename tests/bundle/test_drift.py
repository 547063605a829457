from __future__ import annotations

import random

import numpy as np
import pytest

from bakeoff.bundle.bundle import load
from bakeoff.bundle.drift import (
    KEPT,
    MOST_SCORES,
    REPEATS,
    TOLERANCE,
    Drift,
    drift_words,
    kept_scores,
    shuffled,
)
from bakeoff.bundle.inputs import gather
from bakeoff.bundle.panel import Panel
from bakeoff.record.folder import RunFolder

from ..strokes import strokes


def scores(count: int, seed: int = 0, shift: float = 0.0) -> list[float]:
    drawn: list[float] = np.random.default_rng(seed).normal(shift, 1, count).tolist()
    return drawn


def test_pictures_like_those_of_the_training_raise_no_alarm() -> None:
    raised = 0
    for seed in range(60):
        drift = Drift(scores(40, seed), seed)
        drift.add(scores(600, 1000 + seed))
        raised += drift.alarm
    assert raised <= 7  # 3 expected at most; 8 or more have a probability of 1 %


@pytest.mark.parametrize(("before", "most"), [(0, 15), (3000, 40)])
def test_another_kind_is_noticed_also_late(before: int, most: int) -> None:
    drift = Drift(scores(200))
    drift.add(scores(before, 1))
    assert not drift.alarm
    drift.add(scores(200, 2, shift=2.5))
    assert drift.alarm_after is not None
    assert before < drift.alarm_after <= before + most


def test_the_shares_are_independent_of_the_scores_that_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With room for nine scores, each share is uniform and the next says nothing of it."""
    monkeypatch.setattr("bakeoff.bundle.drift.MOST_SCORES", 9)
    pairs = []
    for seed in range(1500):
        drift = Drift(scores(9, seed), seed)
        one, two, three = (drift._share(score) for score in scores(3, 5000 + seed))
        assert len(drift._scores) == 9
        pairs.append((one, two, three))
    shares = np.array(pairs)
    assert np.abs(np.quantile(shares, [0.1, 0.5, 0.9], axis=0) - [[0.1], [0.5], [0.9]]).max() < 0.05
    assert np.abs(np.corrcoef(shares.T) - np.eye(3)).max() < 0.08


def test_bets_win_nothing_on_average() -> None:
    """Whatever was won so far, and if small shares are twice as frequent as in a fair game."""
    shares = (np.arange(1_000) + 0.5) / 1_000
    for history in ((), (0.01, 0.4), (0.9,) * 50):
        means = []
        for frequent in (1.0, TOLERANCE):
            after = []
            for share in shares / frequent:
                drift = Drift([0.0])
                for earlier in history:
                    drift._bet(earlier)
                had = drift.evidence
                drift._bet(float(share))
                after.append(drift.evidence / had)
            means.append(np.mean(after))
        # The sum misses a part of what the smallest shares pay.
        assert means[0] < means[1]
        assert 0.9 < means[1] <= 1


def test_a_few_odd_pictures_at_once_are_no_other_kind() -> None:
    """One person in ten, with thirty pictures each, has the handwriting of the upper half."""
    rng = np.random.default_rng(0)
    drift = Drift(scores(500))
    for _ in range(60):
        some = rng.normal(size=30)
        drift.add((np.abs(some) if rng.random() < 0.1 else some).tolist())
    assert not drift.alarm


def test_the_state_is_bounded() -> None:
    drift = Drift(scores(MOST_SCORES))
    drift.add(scores(REPEATS + 500, 1))
    assert len(drift._scores) == MOST_SCORES
    assert len(drift._known) == len(drift._recent) == REPEATS
    drift.add([100.0 + number for number in range(2000)])
    assert drift.evidence <= 1.01e12


def test_a_picture_that_comes_again_counts_once() -> None:
    drift = Drift(scores(100))
    drift.add([1.9] * 500)
    assert (drift.pictures, drift.alarm) == (1, False)
    mixed = Drift(scores(100))
    mixed.add([1.9, *scores(REPEATS, 3), 1.9])
    assert mixed.pictures == REPEATS + 2  # so long ago that it is forgotten


def test_more_models_need_more_evidence() -> None:
    """Four of them together raise a false alarm no more often than one."""
    one, four = Drift(scores(100)), Drift(scores(100))
    odd = scores(40, 1, shift=1.5)
    one.add(odd)
    four.add(odd, models=4)
    assert one.alarm_after is not None
    assert four.alarm_after is not None
    assert one.alarm_after < four.alarm_after


def test_without_scores_there_is_no_alarm() -> None:
    drift = Drift([])
    drift.add(scores(100, shift=9))
    assert (drift.pictures, drift.alarm) == (0, False)
    assert drift.evidence == pytest.approx(1)
    assert drift_words({"cnn": drift}) == ""


def test_a_folder_that_is_sorted_by_class_raises_no_alarm() -> None:
    sorted_by_class = sorted(scores(2000, 1), reverse=True)
    drift = Drift(scores(500))
    drift.add(sorted_by_class)
    assert drift.alarm
    drift = Drift(scores(500))
    drift.add(shuffled(sorted_by_class))
    assert not drift.alarm


def test_a_bundle_keeps_a_random_part_of_the_scores() -> None:
    many = [*scores(5000), float("inf"), float("nan")]
    kept = kept_scores(many)
    assert len(kept) == KEPT
    assert kept == sorted(kept)
    assert np.mean(kept) == pytest.approx(0, abs=0.1)
    assert np.std(kept) == pytest.approx(1, abs=0.1)
    few = kept_scores([2.0, 1.2345678])
    assert few == [1.2346, 2.0]


def test_bundles_know_the_scores_of_what_folds_held_out(finished: RunFolder) -> None:
    for name in ("baseline", "cnn"):
        bundle = load(finished.bundle(name))
        unseen = np.concatenate(
            [finished.load_unit(name, fold)[1]["ood_score"] for fold in ("fold 1", "fold 2")]
        )
        assert bundle.manifest.held_out_scores == pytest.approx(np.sort(unseen), rel=1e-4)


def test_a_panel_notices_another_kind_of_picture(finished: RunFolder) -> None:
    panel = Panel([finished.path])
    alike = panel.drift(panel.answer(gather(list(strokes(12, seed=5).pictures))))
    assert drift_words(alike) == ""
    rng = random.Random(0)
    noise = [np.frombuffer(rng.randbytes(28 * 28), np.uint8).reshape(28, 28) for _ in range(40)]
    watched = panel.drift(panel.answer(gather(noise)))
    assert all(drift.alarm for drift in watched.values())
    assert drift_words(watched).startswith(
        "These pictures are of another kind than those that baseline and cnn learned from (noticed"
    )
