from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bakeoff.evaluation.compare import (
    TOO_CLOSE,
    choose_winner,
    compare,
    compare_all,
    corrected_resampled_t,
    mcnemar,
    pictures_to_tell,
)
from bakeoff.evaluation.records import Scores
from bakeoff.evaluation.scores import score

Right = NDArray[np.bool_]


def pair(both: int, only_a: int, only_b: int, neither: int = 0) -> tuple[Right, Right]:
    """Two approaches' right answers with these counts."""
    counts = [both, only_a, only_b, neither]
    return np.repeat([True, True, False, False], counts), np.repeat(
        [True, False, True, False], counts
    )


def scored(correct: Mapping[str, Right], labels: NDArray[np.int64]) -> dict[str, Scores]:
    """Scores of approaches that answer the next class wherever they are wrong."""
    count = int(labels.max()) + 1
    classes = [f"class {index}" for index in range(count)]
    return {
        name: score(np.eye(count)[np.where(right, labels, (labels + 1) % count)], labels, classes)
        for name, right in correct.items()
    }


def chosen(correct: Mapping[str, Right], classes: int = 10) -> str | None:
    labels = np.arange(len(next(iter(correct.values())))) % classes
    return choose_winner(scored(correct, labels), compare_all(correct))


def test_mcnemar_counts_and_is_exact() -> None:
    # Twice the chance of 3 heads or fewer in 17 throws: 2 * (1 + 17 + 136 + 680) / 2**17.
    only_a, only_b, p = mcnemar(*pair(400, 14, 3, 14))
    assert (only_a, only_b) == (14, 3)
    assert p == pytest.approx(2 * 834 / 2**17)


def test_without_differences_p_is_one() -> None:
    assert mcnemar(*pair(5, 0, 0, 3)) == (0, 0, 1.0)


def test_mcnemar_needs_the_same_pictures() -> None:
    with pytest.raises(ValueError, match="pictures"):
        mcnemar(np.ones(3, dtype=bool), np.ones(4, dtype=bool))


def test_the_corrected_t_is_that_of_nadeau_and_bengio() -> None:
    # Mean 0.02, variance 0.0001, five folds of 20 from 100:
    # t = 0.02 / sqrt((1/5 + 1/4) * 0.0001) = 2.981 with 4 degrees of freedom.
    gaps = 0.02 + np.array([-1, -1, 0, 1, 1]) * 0.01
    assert corrected_resampled_t(gaps, 80, 20) == pytest.approx(0.0406, abs=1e-4)


def test_it_is_more_cautious_than_the_plain_t() -> None:
    gaps = [0.01, 0.02, 0.03, 0.02, 0.04]
    corrected, plain = corrected_resampled_t(gaps, 80, 20), corrected_resampled_t(gaps, 80, 0)
    assert corrected is not None
    assert plain is not None
    assert corrected > plain


@pytest.mark.parametrize(
    ("gaps", "p"),
    [([], None), ([0.1], None), ([0.1, 0.3 - 0.2], None), ([0.0, 0.0, 0.0], 1.0)],
)
def test_folds_without_variance(gaps: list[float], p: float | None) -> None:
    assert corrected_resampled_t(gaps, 80, 20) == p


def test_a_clear_difference_in_words() -> None:
    one = compare("cnn", "vit", *pair(400, 14, 3, 14))
    assert one.verdict == "a"
    assert one.words == (
        "cnn is better than vit: 14 pictures right that vit gets wrong, 3 the other way round "
        "(p = 0.013)"
    )
    assert one.difference == pytest.approx(11 / 431)
    assert one.resampled_t_p is None
    turned = compare("cnn", "vit", *pair(400, 3, 14, 14))
    assert turned.verdict == "b"
    assert turned.words.startswith("vit is better than cnn: 14 pictures right that cnn gets wrong")


def test_a_small_difference_is_too_close() -> None:
    one = compare("cnn", "transfer", *pair(410, 11, 8, 2))
    assert one.verdict == TOO_CLOSE
    assert one.words == (
        "cnn and transfer are too close to call: 3 pictures apart on 431 (p = 0.65)"
    )
    assert "1 picture apart on 2 (p = 1)" in compare("a", "b", *pair(1, 1, 0)).words
    assert "the same number right of 1 200 (p = 1)" in compare("a", "b", *pair(1196, 2, 2)).words


def test_tiny_p_values_are_shortened() -> None:
    assert compare("cnn", "vit", *pair(0, 60, 0)).words.endswith("(p < 0.001)")


def test_folds_give_the_resampled_t() -> None:
    a, b = pair(6, 3, 1)
    fold_of = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1, 2])
    by_hand = [
        float((a[fold_of == fold].astype(int) - b[fold_of == fold]).mean()) for fold in range(3)
    ]
    one = compare("cnn", "vit", a, b, fold_of)
    assert one.resampled_t_p == corrected_resampled_t(by_hand, 10 - 10 / 3, 10 / 3)


def test_no_pictures() -> None:
    nothing = np.zeros(0, dtype=bool)
    one = compare("cnn", "vit", nothing, nothing, np.zeros(0, dtype=np.int64))
    assert (one.verdict, one.difference, one.resampled_t_p) == (TOO_CLOSE, 0.0, None)


def test_holm_is_stricter_with_more_pairs() -> None:
    a, b = pair(400, 14, 3, 14)
    alone = compare_all({"a": a, "b": b})
    assert alone[0].verdict == "a"
    # The same p = 0.013 among six pairs would have to be below 0.05 / 6.
    crowd = compare_all({"a": a, "b": b, "c": a.copy(), "d": b.copy()})
    assert [one.verdict for one in crowd] == [TOO_CLOSE] * 6
    assert crowd[0].mcnemar_p == alone[0].mcnemar_p
    assert crowd[0].words.endswith("(p = 0.013, not significant among 6 comparisons)")


def test_holm_is_less_strict_for_the_second_smallest_p() -> None:
    a, b, c = np.ones((3, 100), dtype=bool)
    a[0] = b[1:10] = c[0] = c[5:18] = False
    clear, second, close = sorted(
        compare_all({"a": a, "b": b, "c": c}), key=lambda one: one.mcnemar_p
    )
    assert clear.mcnemar_p == pytest.approx(2 / 2**13)
    # Bonferroni would ask 0.05 / 3 of this one too; Holm asks 0.05 / 2.
    assert second.mcnemar_p == pytest.approx(22 / 2**10)
    assert [one.verdict for one in (clear, second, close)] == ["a", "a", TOO_CLOSE]


@given(st.integers(0, 2**32 - 1))
def test_verdicts_do_not_depend_on_the_order_of_names(seed: int) -> None:
    rng = np.random.default_rng(seed)
    correct = {name: rng.random(80) < rate for name, rate in {"a": 0.9, "b": 0.7, "c": 0.5}.items()}
    there = {
        frozenset((one.a, one.b)): {"a": one.a, "b": one.b}.get(one.verdict)
        for one in compare_all(correct)
    }
    back = {
        frozenset((one.a, one.b)): {"a": one.a, "b": one.b}.get(one.verdict)
        for one in compare_all(dict(reversed(correct.items())))
    }
    assert there == back


def test_pictures_to_tell_have_a_power_of_80_percent() -> None:
    one = compare("a", "b", *pair(900, 40, 25, 35))
    more = pictures_to_tell(one)
    assert more == 1300
    rng = np.random.default_rng(0)
    shares = np.array([900, 40, 25, 35]) / 1000
    called = [
        compare("a", "b", *pair(*(int(n) for n in rng.multinomial(1000 + more, shares)))).verdict
        for _ in range(300)
    ]
    assert 0.72 < called.count("a") / 300 < 0.88


def test_more_comparisons_need_more_pictures() -> None:
    one = compare("a", "b", *pair(900, 40, 25, 35))
    alone, among_six = pictures_to_tell(one), pictures_to_tell(one, 6)
    assert alone is not None
    assert among_six is not None
    assert among_six > alone


def test_equals_cannot_be_separated() -> None:
    assert pictures_to_tell(compare("a", "b", *pair(90, 5, 5))) is None
    assert pictures_to_tell(compare("a", "b", *pair(0, 5001, 5000))) is None
    assert pictures_to_tell(compare("a", "b", *pair(410, 11, 10))) is None


def test_the_winner_is_better_than_every_other() -> None:
    a, b = pair(370, 60, 0)
    assert chosen({"vit": b, "cnn": a, "baseline": b & (np.arange(430) % 3 > 0)}) == "cnn"


def test_a_tie_names_no_winner() -> None:
    a, b = pair(407, 14, 5, 5)
    assert chosen({"cnn": a, "transfer": b, "baseline": a & (np.arange(431) % 3 > 0)}) is None
    a, b = pair(410, 9, 9, 3)
    assert chosen({"cnn": a, "transfer": b}) is None


def test_chance_is_not_a_winner_even_alone() -> None:
    labels = np.repeat([0, 1], [70, 30])
    right = np.arange(100) % 4 > 0
    for correct in ({"cnn": right}, {"cnn": right, "vit": right & (labels == 0)}):
        assert choose_winner(scored(correct, labels), compare_all(correct)) is None


def test_a_single_approach_wins() -> None:
    assert chosen({"cnn": np.arange(100) % 10 > 0}) == "cnn"


def test_the_winner_needs_approaches_and_all_pairs() -> None:
    with pytest.raises(ValueError, match="no approaches"):
        choose_winner({}, [])
    right = np.ones(50, dtype=bool)
    with pytest.raises(ValueError, match="cnn was not compared with vit"):
        choose_winner(scored({"cnn": right, "vit": right}, np.arange(50) % 5), [])


def test_the_words_use_titles() -> None:
    rng = np.random.default_rng(0)
    correct = {
        "cnn": rng.random(400) < 0.9,
        "vit": rng.random(400) < 0.9,
        "plain": rng.random(400) < 0.3,
    }
    titles = {"cnn": "CNN from scratch", "vit": "Vision Transformer"}
    comparisons = compare_all(correct, titles=titles)
    assert comparisons[0].words.startswith("CNN from scratch and Vision Transformer are too close")
    assert comparisons[1].words.startswith("CNN from scratch is better than plain")
    words = " ".join(one.words for one in comparisons)
    assert not {"cnn", "vit"} & set(words.split())
