"""Which pictures are chosen: right values on small made arrays."""

from __future__ import annotations

import numpy as np
import pytest

from bakeoff.next import picks
from bakeoff.next.picks import cover, doubt, evened, foremost, likeness, unit_features, worth

NOTHING = np.zeros((0, 2), dtype=np.float32)


def directions(*degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Unit vectors in the plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_doubt_is_one_less_the_margin() -> None:
    sure, torn = [0.9, 0.1, 0.0], [0.4, 0.4, 0.2]
    np.testing.assert_allclose(doubt([np.array([sure, torn])]), [0.2, 1.0], atol=1e-6)


def test_models_that_are_sure_of_different_classes_are_in_doubt() -> None:
    one, other = np.array([[0.95, 0.05]]), np.array([[0.05, 0.95]])
    assert doubt([one, other])[0] == pytest.approx(1.0)
    assert doubt([one, one])[0] == pytest.approx(0.1)


def test_likeness_is_one_for_the_same_and_fades() -> None:
    alike = likeness(directions(0), directions(0, 60, 180))
    np.testing.assert_allclose(alike, [[1.0, np.exp(-0.5), np.exp(-2)]], rtol=1e-5)


def test_of_near_copies_one_is_chosen() -> None:
    pictures = directions(-1, 0, 1, 120, -120)
    chosen = cover(pictures, np.ones(5), NOTHING, 3)
    assert chosen.rows[0] == 1  # the middle of the largest group
    assert sorted(chosen.rows[1:]) == [3, 4]
    assert chosen.stand_for.tolist() == [3, 1, 1]
    assert chosen.nearest[0] == 0.0


def test_what_is_labelled_already_is_not_chosen_again() -> None:
    pictures = directions(0, 2, 4, 90)
    chosen = cover(pictures, np.ones(4), directions(2), 1)
    assert chosen.rows.tolist() == [3]


def test_doubt_counts_more_with_every_label() -> None:
    doubts = np.array([0.0, 1.0], dtype=np.float32)
    np.testing.assert_allclose(worth(doubts, 2, 8), [1.0, 2.0])
    np.testing.assert_allclose(worth(doubts, 2, 80), [0.1, 1.1], rtol=1e-6)
    assert worth(doubts, 2, 0)[0] == 8.0


def test_doubt_decides_between_groups_of_one_size() -> None:
    pictures = directions(0, 2, 90, 92)
    chosen = cover(pictures, np.array([0.1, 0.1, 0.9, 0.9]), NOTHING, 1)
    assert chosen.rows[0] in (2, 3)


def test_no_more_is_chosen_than_there_is() -> None:
    assert sorted(cover(directions(0, 90), np.ones(2), NOTHING, 5).rows) == [0, 1]
    assert cover(NOTHING, np.ones(0), NOTHING, 5).rows.tolist() == []


def test_copies_of_one_picture_are_all_chosen_once() -> None:
    assert sorted(cover(directions(0, 0, 0), np.ones(3), NOTHING, 3).rows) == [0, 1, 2]


def test_many_pictures_are_sampled_the_same_way_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picks, "MOST", 40)
    rng = np.random.default_rng(0)
    (pictures,) = unit_features(rng.normal(size=(100, 3)))
    first = cover(pictures, np.ones(len(pictures)), pictures[:0], 5, seed=3)
    again = cover(pictures, np.ones(len(pictures)), pictures[:0], 5, seed=3)
    assert first.rows.tolist() == again.rows.tolist()
    assert len(set(first.rows.tolist())) == 5


def test_features_are_scaled_together_and_of_length_one() -> None:
    large = np.array([[1000.0, 0.0], [1000.0, 1.0], [3000.0, 0.0]])
    ours, theirs = unit_features(large[:2], large[2:])
    assert ours.shape == (2, 2)
    assert theirs.shape == (1, 2)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([ours, theirs]), axis=1), 1, rtol=1e-5)
    none, other = unit_features(large[:0], large)
    assert none.shape == (0, 2)
    assert np.isfinite(other).all()
    (same,) = unit_features(np.ones((3, 2)))
    assert np.isfinite(same).all()


def test_a_large_group_counts_for_less_than_its_size() -> None:
    pictures = directions(*np.linspace(0, 120, 60), *np.linspace(200, 210, 3))
    weights = evened(pictures)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[60:].min() > 3 * weights[:60].max()
    assert weights[:60].sum() > weights[60:].sum()  # but for more than a small one
    alike = cover(pictures, np.ones(len(pictures)), NOTHING, 2).rows
    uneven = cover(pictures, weights, NOTHING, 2).rows
    assert (alike < 60).tolist() == [True, True]
    assert sorted((uneven < 60).tolist()) == [False, True]


def test_groups_of_one_size_count_alike() -> None:
    pictures = directions(0, 1, 2, 120, 121, 122, 240, 241, 242)
    np.testing.assert_allclose(evened(pictures), 1, atol=0.01)
    assert evened(NOTHING).tolist() == []


def test_how_crowded_a_place_is_follows_from_a_sample_of_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = directions(*np.linspace(0, 120, 80), *np.linspace(200, 220, 20))
    exact = evened(pictures)
    monkeypatch.setattr(picks, "MOST", 40)
    sampled = evened(pictures, seed=3)
    assert sampled.tolist() == evened(pictures, seed=3).tolist()
    np.testing.assert_allclose(sampled, exact, rtol=0.3)


def test_with_many_labels_only_the_most_doubtful_are_chosen_from() -> None:
    assert foremost(2, 0) == 1.0
    assert foremost(2, 8) == pytest.approx(0.25)
    assert foremost(2, 800) < 0.001
    pictures, weights = directions(*range(0, 300, 30)), np.linspace(0.1, 1, 10)
    weights[0] = 0.9  # two groups: a few in doubt, and many that are not
    assert set(cover(pictures, weights, NOTHING, 2, share=0.01).rows.tolist()) <= {0, 7, 8, 9}


def test_of_near_copies_in_doubt_one_is_chosen_from() -> None:
    film, other = directions(*np.linspace(0, 2, 30)), directions(90, 180, 270)
    weights = np.concatenate([np.ones(30), [0.5, 0.4, 0.3]])
    chosen = cover(np.concatenate([film, other]), weights, NOTHING, 3, share=0.0)
    assert sum(row < 30 for row in chosen.rows) == 1
    few = cover(film, np.ones(30), NOTHING, 3, share=0.0)
    assert len(set(few.rows.tolist())) == 3  # where there is nothing else
