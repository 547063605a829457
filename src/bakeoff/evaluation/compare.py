"""Tests between approaches: which is better, or that the pictures cannot separate them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, t

from bakeoff.evaluation.records import Comparison, Scores
from bakeoff.said import say

__all__ = [
    "ALPHA",
    "TOO_CLOSE",
    "among_pairs",
    "beats_guessing",
    "choose_winner",
    "compare",
    "compare_all",
    "corrected_resampled_t",
    "equal_within",
    "guessing",
    "holm",
    "mcnemar",
    "paired_interval",
    "pictures_to_tell",
]

ALPHA = 0.05
TOO_CLOSE = "too close to call"
Z = 1.959964  # 2.5 % of a normal distribution lie beyond
TOST_Z = 1.644854  # 5 % of a normal distribution lie beyond
EQUAL = 0.01  # accuracies that differ by less are equal for all that people do with them
POWER = 0.8
HOPELESS = 20  # times the pictures of the run: too many to collect


def mcnemar(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Pictures that only a has right, pictures that only b has right, and the exact p-value.

    McNemar 1947 in its exact form: if a and b were equally good, each picture that exactly one
    has right would be a fair coin toss. p is two-sided, and 1 without such pictures.

    Parameters
    ----------
    correct_a, correct_b : N, whether each answer is right.
    """
    if correct_a.shape != correct_b.shape:
        raise ValueError(f"a answered {correct_a.shape} pictures, b {correct_b.shape}")
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((correct_b & ~correct_a).sum())
    return only_a, only_b, _coin(only_a, only_b)


def corrected_resampled_t(
    differences: ArrayLike, train_size: float, test_size: float
) -> float | None:
    """Two-sided p of the differences between folds, corrected for shared training pictures.

    Folds share most of their training pictures, so their differences vary less than independent
    ones, and a plain t-test is overconfident. Nadeau & Bengio 2003, "Inference for the
    generalization error", increase the variance by test_size / train_size.

    Parameters
    ----------
    differences : k, accuracy of a minus that of b in each fold.
    train_size, test_size : pictures that a fold trains on and is scored on.

    Returns
    -------
    float or None
        None if the folds have no variance to estimate: fewer than two folds, or all with the same
        difference. If that difference is 0, p is 1.
    """
    values = np.asarray(differences, dtype=np.float64)
    folds = len(values)
    if folds < 2:
        return None
    if np.ptp(values) < 1e-12:
        return 1.0 if abs(values[0]) < 1e-12 else None
    spread = math.sqrt((1 / folds + test_size / train_size) * values.var(ddof=1))
    return float(2 * t.sf(abs(values.mean()) / spread, df=folds - 1))


def compare(
    a: str,
    b: str,
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    fold_of: NDArray[np.integer] | None = None,
) -> Comparison:
    """Compare two approaches on the same pictures; significant at p ≤ 0.05 of McNemar's test.

    Parameters
    ----------
    a, b : their names.
    correct_a, correct_b : N, whether each answer is right.
    fold_of : N, the fold that held out each picture; None without folds.
    """
    return compare_all({a: correct_a, b: correct_b}, fold_of)[0]


def compare_all(
    correct: Mapping[str, NDArray[np.bool_]],
    fold_of: NDArray[np.integer] | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Comparison]:
    """Compare every pair of approaches, with verdicts that hold for all pairs at once.

    Among ten pairs of equally good approaches, the chance that at least one has p ≤ 0.05 is 40 %.
    Holm 1979 keeps the risk of any false verdict at 5 %: the smallest p must be ≤ 0.05 / pairs,
    the next ≤ 0.05 / (pairs - 1), and so on until one is not. The p in each record is uncorrected.

    Parameters
    ----------
    correct : for each approach, N, whether each answer is right.
    fold_of : as in `compare`.
    titles : names of the approaches in the words; default: their keys in `correct`.
    """
    pairs = list(combinations(correct, 2))
    counts = [mcnemar(correct[a], correct[b]) for a, b in pairs]
    significant = holm([p for _, _, p in counts])
    return [
        _comparison(a, b, correct[a], correct[b], count, fold_of, differs, len(pairs), titles)
        for (a, b), count, differs in zip(pairs, counts, significant, strict=True)
    ]


def pictures_to_tell(comparison: Comparison, comparisons: int = 1) -> int | None:
    """How many more pictures would probably separate two approaches that are too close to call.

    Connor 1987, "Sample size for testing differences in proportions for the paired-sample
    design": the pictures that McNemar's test needs to find a difference of this size with a power
    of 80 %, if the shares of pictures that only one has right stay the same.

    Parameters
    ----------
    comparison : the pair.
    comparisons : how many pairs are compared; the test is at 0.05 / comparisons.

    Returns
    -------
    int or None
        Rounded up to two significant figures; None if the two are equal, or so similar that more
        than twenty times the present pictures would be needed.
    """
    discordant = (comparison.only_a + comparison.only_b) / comparison.pictures
    gap = abs(comparison.only_a - comparison.only_b) / comparison.pictures
    if gap == 0:
        return None
    sure = float(norm.isf(ALPHA / comparisons / 2)) * math.sqrt(discordant)
    likely = float(norm.isf(1 - POWER)) * math.sqrt(discordant - gap**2)
    more = max(1.0, ((sure + likely) / gap) ** 2 - comparison.pictures)
    if more > HOPELESS * comparison.pictures:
        return None
    step = int(10 ** max(0, math.floor(math.log10(more)) - 1))
    return math.ceil(more / step) * step


def guessing(scores: Scores) -> tuple[str, float]:
    """The most frequent class, and the accuracy of always answering it."""
    frequent = max(scores.per_class, key=lambda score: score.pictures)
    return frequent.name, frequent.pictures / scores.pictures


def beats_guessing(scores: Scores, *, among: int = 1) -> bool:
    """Whether the best of `among` approaches is better than always answering the commonest class.

    The best of several is more often good by chance than a single one, so the exact binomial p
    must be at most 0.05 / `among` (Bonferroni); and the interval, which accounts for copies, must
    lie above the accuracy of guessing.
    """
    _, floor = guessing(scores)
    p = binomtest(scores.correct, scores.pictures, floor, alternative="greater").pvalue
    return scores.interval[0] > floor and bool(p <= ALPHA / among)


def choose_winner(scores: Mapping[str, Scores], comparisons: Sequence[Comparison]) -> str | None:
    """The name of the approach to trust, if the pictures separate it from the others.

    It is the one with the best accuracy, provided that it beats always answering the most
    frequent class and is better than every other by the verdicts of `compare_all`.

    Parameters
    ----------
    scores : of each approach, on the same pictures.
    comparisons : all pairs of them; empty for one approach.

    Raises
    ------
    ValueError
        There are no approaches, or a pair is missing.
    """
    if not scores:
        raise ValueError("there are no approaches to choose from")
    best = max(scores, key=lambda name: scores[name].accuracy)
    if not beats_guessing(scores[best], among=len(scores)):
        return None
    against = _against(best, scores, comparisons)
    return None if any(pair.verdict == TOO_CLOSE for pair in against) else best


def equal_within(only_a: int, only_b: int, pictures: int) -> float:
    """The least margin within which two accuracies are equal, with 95 % confidence.

    Two one-sided tests (TOST: Schuirmann 1987) show equality within a margin if the 90 % interval
    of the difference lies inside it. That of paired shares is Tango's score interval (1998),
    which is not empty where no picture separates the two.

    Parameters
    ----------
    only_a, only_b : pictures that only one of them has right.
    pictures : N.
    """
    if not pictures:
        return 1.0
    return max(_upper(only_a, only_b, pictures, TOST_Z), _upper(only_b, only_a, pictures, TOST_Z))


def paired_interval(only_a: int, only_b: int, pictures: int) -> tuple[float, float]:
    """The 95 % interval of the accuracy of a minus that of b: Tango's score interval (1998).

    Parameters
    ----------
    only_a, only_b : pictures that only one of them has right.
    pictures : N.
    """
    if not pictures:
        return -1.0, 1.0
    return -_upper(only_b, only_a, pictures, Z), _upper(only_a, only_b, pictures, Z)


def _upper(mine: int, other: int, pictures: int, z: float) -> float:
    """The upper end of Tango's interval at `z` standard errors."""
    low, high = (mine - other) / pictures, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _tango(mine, other, pictures, middle) > -z:
            low = middle
        else:
            high = middle
    return high


def _tango(mine: int, other: int, pictures: int, gap: float) -> float:
    """The score statistic of the hypothesis that the shares differ by `gap`."""
    square = 2 * pictures
    linear = -mine - other + (square - mine + other) * gap
    constant = -other * gap * (1 - gap)
    share = (math.sqrt(max(0.0, linear**2 - 4 * square * constant)) - linear) / (2 * square)
    variance = pictures * (2 * share + gap * (1 - gap))
    apart = mine - other - pictures * gap
    return apart / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, apart)


def _comparison(
    a: str,
    b: str,
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    count: tuple[int, int, float],
    fold_of: NDArray[np.integer] | None,
    significant: bool,
    pairs: int,
    titles: Mapping[str, str] | None,
) -> Comparison:
    title_a, title_b = _called(a, titles), _called(b, titles)
    only_a, only_b, p = count
    pictures = len(correct_a)
    verdict = TOO_CLOSE
    within = equal_within(only_a, only_b, pictures)
    if significant:
        verdict = "a" if only_a > only_b else "b"
        better, worse = (title_a, title_b) if verdict == "a" else (title_b, title_a)
        words = say(
            "pair.better",
            better=better,
            worse=worse,
            more=max(only_a, only_b),
            fewer=min(only_a, only_b),
            p=p,
        )
    else:
        apart = abs(only_a - only_b)
        words = say(
            "pair.close" if apart else "pair.same",
            a=title_a,
            b=title_b,
            **({"apart": apart} if apart else {}),
            pictures=pictures,
            p=p,
            among=among_pairs(p, pairs),
        )
        if within <= EQUAL:
            words = say("pair.equal", pair=words)
    return Comparison(
        a=a,
        b=b,
        pictures=pictures,
        only_a=only_a,
        only_b=only_b,
        difference=(only_a - only_b) / pictures if pictures else 0.0,
        mcnemar_p=p,
        resampled_t_p=None if fold_of is None else _over_folds(correct_a, correct_b, fold_of),
        verdict=verdict,
        words=words,
        equal_within=within,
    )


def _over_folds(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], fold_of: NDArray[np.integer]
) -> float | None:
    _, fold, sizes = np.unique(fold_of, return_inverse=True, return_counts=True)
    gaps = np.bincount(fold, correct_a.astype(np.float64) - correct_b, minlength=len(sizes))
    scored = float(sizes.mean()) if len(sizes) else 0.0
    return corrected_resampled_t(gaps / sizes, len(fold_of) - scored, scored)


def holm(p_values: Sequence[float]) -> list[bool]:
    """Which of several p values are significant at 0.05 for all of them at once (Holm 1979)."""
    significant = [False] * len(p_values)
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] > ALPHA / (len(p_values) - rank):
            break
        significant[index] = True
    return significant


def _coin(heads: int, tails: int) -> float:
    return float(binomtest(heads, heads + tails).pvalue) if heads + tails else 1.0


def _against(
    best: str, scores: Mapping[str, Scores], comparisons: Sequence[Comparison]
) -> list[Comparison]:
    against = {
        pair.b if pair.a == best else pair.a: pair
        for pair in comparisons
        if best in (pair.a, pair.b)
    }
    if missing := set(scores) - set(against) - {best}:
        raise ValueError(f"{best} was not compared with {', '.join(sorted(missing))}")
    return [against[name] for name in scores if name != best]


def among_pairs(p: float, pairs: int) -> str:
    """Why a low p is not significant; else "", as p = 0.03 would look like a mistake without it."""
    return say("pair.among", n=pairs) if p <= ALPHA else ""


def _called(name: str, titles: Mapping[str, str] | None) -> str:
    return (titles or {}).get(name, name)
