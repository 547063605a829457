"""Which approach is better, or that the pictures cannot tell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest, norm, t

from bakeoff.data.words import spaced
from bakeoff.evaluation.prose import listed, of_pictures, percent, span
from bakeoff.evaluation.records import Comparison, Scores, Winner

__all__ = [
    "ALPHA",
    "TOO_CLOSE",
    "beats_guessing",
    "choose_winner",
    "compare",
    "compare_all",
    "corrected_resampled_t",
    "guessing",
    "mcnemar",
    "pictures_to_tell",
]

ALPHA = 0.05
TOO_CLOSE = "too close to call"
POWER = 0.8
HOPELESS = 20  # times the pictures at hand: nobody gathers so many more to settle a tie


def mcnemar(correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Pictures right with a alone, with b alone, and the exact two-sided p of the two.

    McNemar 1947 in its exact form: were a and b equally good, each picture
    that parts them would fall to either side like a coin. p is 1 where none
    parts them.

    Parameters
    ----------
    correct_a, correct_b : N, whether each answered each picture right.
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

    Folds share most of what they train on, so their differences vary less
    than independent ones would and a plain t-test is far too sure. Nadeau &
    Bengio 2003, "Inference for the generalization error", enlarge the
    variance by test_size / train_size.

    Parameters
    ----------
    differences : k, accuracy of a less that of b in each fold.
    train_size, test_size : pictures that a fold trains on and is scored on.

    Returns
    -------
    float or None
        None where folds say nothing of chance: fewer than two of them, or all
        with the same difference. If that difference is nothing, p is 1.
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
    """Two approaches on the same pictures, called at p ≤ 0.05 of the exact McNemar test.

    Parameters
    ----------
    a, b : their names.
    correct_a, correct_b : N, whether each answered each picture right.
    fold_of : N, the fold that scored each picture; None where there are no folds.
    """
    return compare_all({a: correct_a, b: correct_b}, fold_of)[0]


def compare_all(
    correct: Mapping[str, NDArray[np.bool_]],
    fold_of: NDArray[np.integer] | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Comparison]:
    """Every pair of approaches, with verdicts that hold for all pairs at once.

    Of ten pairs of equals, one differs by luck at p ≤ 0.05 two times in five.
    Holm 1979 keeps the risk of any such false verdict at 5 %: the smallest p
    must be ≤ 0.05 / pairs, the next ≤ 0.05 / (pairs - 1), and so on until one
    is not. The p in each record is the plain one.

    Parameters
    ----------
    correct : for each approach, N, whether it answered each picture right.
    fold_of : as in `compare`.
    titles : what the words call each approach; else its name.
    """
    pairs = list(combinations(correct, 2))
    counts = [mcnemar(correct[a], correct[b]) for a, b in pairs]
    called = _holm([p for _, _, p in counts])
    return [
        _comparison(a, b, correct[a], correct[b], count, fold_of, is_called, len(pairs), titles)
        for (a, b), count, is_called in zip(pairs, counts, called, strict=True)
    ]


def pictures_to_tell(comparison: Comparison, comparisons: int = 1) -> int | None:
    """How many more pictures would likely settle a comparison that was too close to call.

    Connor 1987, "Sample size for testing differences in proportions for the
    paired-sample design": as many as McNemar's test needs to find a
    difference of this size four times in five, were the shares of pictures
    that part the two to stay what they are.

    Parameters
    ----------
    comparison : the pair.
    comparisons : among how many; the first of them is called at 0.05 / comparisons.

    Returns
    -------
    int or None
        Rounded up to two figures; None where the two are equal, or so nearly
        that it would take more than twenty times the pictures at hand.
    """
    parted = (comparison.only_a + comparison.only_b) / comparison.pictures
    gap = abs(comparison.only_a - comparison.only_b) / comparison.pictures
    if gap == 0:
        return None
    sure = float(norm.isf(ALPHA / comparisons / 2)) * math.sqrt(parted)
    likely = float(norm.isf(1 - POWER)) * math.sqrt(parted - gap**2)
    more = max(1.0, ((sure + likely) / gap) ** 2 - comparison.pictures)
    if more > HOPELESS * comparison.pictures:
        return None
    step = int(10 ** max(0, math.floor(math.log10(more)) - 1))
    return math.ceil(more / step) * step


def guessing(scores: Scores) -> tuple[str, float]:
    """The most frequent class, and the share of pictures that always answering it has right."""
    frequent = max(scores.per_class, key=lambda one: one.pictures)
    return frequent.name, frequent.pictures / scores.pictures


def beats_guessing(scores: Scores, *, among: int = 1) -> bool:
    """Whether the best among so many approaches is better than knowing the class sizes alone.

    The best of several is high by luck more often than one is, so the exact binomial p must be
    below 0.05 / `among` (Bonferroni); and the interval, which knows of copies, must lie above.
    """
    _, floor = guessing(scores)
    by_luck = binomtest(scores.correct, scores.pictures, floor, alternative="greater").pvalue
    return scores.interval[0] > floor and bool(by_luck <= ALPHA / among)


def choose_winner(
    scores: Mapping[str, Scores],
    comparisons: Sequence[Comparison],
    titles: Mapping[str, str] | None = None,
) -> Winner:
    """The approach to trust, if the pictures can tell which.

    It is the one with the best accuracy, provided that it beats what needs no
    pictures at all (always answering the most frequent class) and is better
    than every other by the verdicts of `compare_all`. Where it is not, no one
    is named, and `why` says who is too close to call and what to do.

    Parameters
    ----------
    scores : of each approach, on the same pictures.
    comparisons : all pairs of them; empty for one approach.
    titles : what the words call each approach; else its name.
    """
    if not scores:
        raise ValueError("there are no approaches to choose from")
    best = max(scores, key=lambda name: scores[name].accuracy)
    record = scores[best]
    frequent, floor = guessing(record)
    leader, share = _called(best, titles), percent(record.accuracy)
    stands = f"{leader} has {share} of {spaced(record.pictures)} pictures right"
    if not beats_guessing(record, among=len(scores)):
        return Winner(
            None,
            f"There is nothing to learn here, as far as {spaced(record.pictures)} pictures can "
            f"tell: nothing surely beats always answering “{frequent}”, which is right for "
            f"{percent(floor)}. {leader} has {share} right (95 % interval "
            f"{span(record.interval)}). Look at the mistakes and the labels, and bring "
            "more pictures of each class.",
        )
    if len(scores) == 1:
        return Winner(
            best,
            f"{stands}, against {percent(floor)} for always answering “{frequent}”. "
            "It is the only approach of this run: add another to learn whether it is a good one.",
        )
    against = _against(best, scores, comparisons)
    tied = [name for name, one in against.items() if one.verdict == TOO_CLOSE]
    beaten = [_called(name, titles) for name in against if name not in tied]
    if not tied:
        return Winner(best, f"{stands} and is better than {listed(beaten)}.")
    even = listed([_called(name, titles) for name in (best, *tied)])
    parts = "; ".join(against[name].words for name in tied)
    better = f" It is better than {listed(beaten)}." if beaten else ""
    return Winner(
        None,
        f"{stands}, but that does not settle it: {parts}.{better} Prefer the cheapest or simplest "
        f"of {even}{_more([against[name] for name in tied], len(comparisons))}.",
    )


def _comparison(
    a: str,
    b: str,
    correct_a: NDArray[np.bool_],
    correct_b: NDArray[np.bool_],
    count: tuple[int, int, float],
    fold_of: NDArray[np.integer] | None,
    called: bool,
    pairs: int,
    titles: Mapping[str, str] | None,
) -> Comparison:
    one, other = _called(a, titles), _called(b, titles)
    only_a, only_b, p = count
    pictures = len(correct_a)
    verdict = TOO_CLOSE
    if called:
        verdict = "a" if only_a > only_b else "b"
    if called:
        better, worse = (one, other) if verdict == "a" else (other, one)
        words = (
            f"{better} is better than {worse}: {of_pictures(max(only_a, only_b))} right that "
            f"{worse} gets wrong, {spaced(min(only_a, only_b))} the other way (p {_p(p)})"
        )
    else:
        apart = abs(only_a - only_b)
        gap = f"{of_pictures(apart)} apart on" if apart else "equally many right of"
        # Without this, p = 0.03 beside "too close to call" reads like a slip.
        among = f", not enough among {pairs} comparisons" if p <= ALPHA else ""
        words = f"{one} and {other} are {TOO_CLOSE}: {gap} {spaced(pictures)} (p {_p(p)}{among})"
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
    )


def _over_folds(
    correct_a: NDArray[np.bool_], correct_b: NDArray[np.bool_], fold_of: NDArray[np.integer]
) -> float | None:
    _, fold, sizes = np.unique(fold_of, return_inverse=True, return_counts=True)
    gaps = np.bincount(fold, correct_a.astype(np.float64) - correct_b, minlength=len(sizes))
    scored = float(sizes.mean()) if len(sizes) else 0.0
    return corrected_resampled_t(gaps / sizes, len(fold_of) - scored, scored)


def _holm(p_values: Sequence[float]) -> list[bool]:
    called = [False] * len(p_values)
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[index] > ALPHA / (len(p_values) - rank):
            break
        called[index] = True
    return called


def _coin(heads: int, tails: int) -> float:
    return float(binomtest(heads, heads + tails).pvalue) if heads + tails else 1.0


def _against(
    best: str, scores: Mapping[str, Scores], comparisons: Sequence[Comparison]
) -> dict[str, Comparison]:
    met = {}
    for one in comparisons:
        if best in (one.a, one.b):
            met[one.b if one.a == best else one.a] = one
    if missing := set(scores) - set(met) - {best}:
        raise ValueError(f"{best} was not compared with {', '.join(sorted(missing))}")
    return {name: met[name] for name in scores if name != best}


def _more(tied: Sequence[Comparison], comparisons: int) -> str:
    """The other thing to do about a tie, as the end of a sentence."""
    needed = [pictures_to_tell(one, comparisons) for one in tied]
    known = [more for more in needed if more is not None]
    if len(known) < len(needed):
        return ": they are so nearly equal that no number of pictures in reach would tell"
    return (
        f", or bring about {spaced(max(known))} more pictures: were they to differ "
        "as they do on these, that would likely settle it"
    )


def _called(name: str, titles: Mapping[str, str] | None) -> str:
    return (titles or {}).get(name, name)


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"
