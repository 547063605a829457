"""An alarm when pictures come that are unlike those that a model learned from.

A conformal test martingale (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world",
2005): as long as the pictures that are answered are like the training pictures, the share of
earlier pictures whose OOD score is as high as that of the next one is a random number between 0
and 1, whatever the scores. A gambler bets that it is small. He begins with 1, and in a game that
is fair or worse he ever gets to 20 with a probability of at most 5 % (Ville 1939), however many
pictures come.

Pictures do not come in a random order: one person draws several. So the game is made a little worse
than fair: scores of any height may be `TOLERANCE` times as frequent as among earlier pictures
without the gambler winning on average.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from random import Random

from bakeoff.evaluation.prose import listed

__all__ = ["FALSE_ALARMS", "KEPT", "TOLERANCE", "Drift", "drift_words", "kept_scores", "shuffled"]

FALSE_ALARMS = 0.05
KEPT = 1_000  # held-out scores in a bundle: 8 kB
MOST_SCORES = 10_000  # that the next one is compared with: 0.4 MB and 2 µs
REPEATS = 1_000  # pictures among which one that comes again is not counted again
# 10 000 digits of MNIST in their order, writer by writer, raise an alarm after 1 372 with 1 (fair),
# none with 1.5 or 2; another kind is noticed two pictures later.
TOLERANCE = 2.0
# A bet on a share p pays power * p ** (power - 1): 1 on average in a fair game, and at most
# TOLERANCE ** (1 - power) if no share is more frequent than TOLERANCE allows, by which it is
# divided. A part of its money is wagered each time: all of it grows fastest if every picture is
# odd, 0.3 if one in a few is. The first bet keeps the money.
BETS = ((1.0, 0.0), *((power, part) for power in (0.2, 0.4, 0.7) for part in (1.0, 0.3)))
PATIENCE = 100.0  # pictures after which the gambler begins to hold back for what comes later
MOST = 1e12  # evidence: more says no more


class Drift:
    """The evidence that pictures are unlike the training pictures, one picture after the other.

    Its state does not grow: at most `MOST_SCORES` scores, of which one leaves at random with each
    that comes, itself included. That leaves the shares independent. Money moves between the
    bets, the more slowly the longer the game, as in the "simple jumper" of Vovk et al. ("Retrain or
    not retrain: conformal test martingales for change-point detection", 2021), so that pictures
    which change late are noticed too.

    Not for several threads at once.

    Parameters
    ----------
    held_out : OOD scores of training pictures by models that had not seen them.
    """

    def __init__(self, held_out: Collection[float], seed: int = 0) -> None:
        self.pictures = 0
        self.alarm_after: int | None = None
        self._scores = sorted(held_out)
        self._watches = bool(self._scores)
        self._random = Random(seed)  # noqa: S311 - ties, not secrets
        self._money = [1 / len(BETS)] * len(BETS)
        self._recent: deque[float] = deque(maxlen=REPEATS)
        self._known: set[float] = set()

    @property
    def evidence(self) -> float:
        """The money: 1 at the start, and 20 says that 5 % of fair games ever have so much."""
        return sum(self._money)

    @property
    def alarm(self) -> bool:
        """Whether the alarm was ever raised."""
        return self.alarm_after is not None

    def add(self, scores: Iterable[float], models: int = 1) -> None:
        """Look at the OOD scores of further pictures.

        Parameters
        ----------
        scores : in an order that says nothing of the pictures; see `shuffled`.
        models : how many watch the same pictures: all of them together raise a false alarm with
            a probability of `FALSE_ALARMS` at most.
        """
        if not self._watches:
            return
        for score in scores:
            if not self._is_new(score):
                continue
            self.pictures += 1
            self._bet(self._share(score))
            if self.alarm_after is None and self.evidence >= models / FALSE_ALARMS:
                self.alarm_after = self.pictures

    def _is_new(self, score: float) -> bool:
        """False for the very score of a recent picture: somebody sent it again."""
        if score in self._known:
            return False
        if len(self._recent) == REPEATS:
            self._known.discard(self._recent[0])
        self._recent.append(score)
        self._known.add(score)
        return True

    def _share(self, score: float) -> float:
        """The share of scores as high as this one, itself included; ties are broken at random."""
        count = len(self._scores)
        low, high = bisect_left(self._scores, score), bisect_right(self._scores, score)
        share = (count - high + self._random.random() * (high - low + 1)) / (count + 1)
        insort(self._scores, score)
        if count >= MOST_SCORES:
            del self._scores[self._random.randrange(count + 1)]
        return max(share, 1e-12)

    def _bet(self, share: float) -> None:
        moved = 1 / (PATIENCE + self.pictures)
        shared = moved * self.evidence / len(BETS)
        self._money = [
            ((1 - moved) * money + shared)
            * (1 - part + part * power * (TOLERANCE * share) ** (power - 1))
            for money, (power, part) in zip(self._money, BETS, strict=True)
        ]
        if (total := self.evidence) > MOST:
            self._money = [money * MOST / total for money in self._money]


def shuffled(scores: Iterable[float]) -> list[float]:
    """The scores of pictures that came together, in an order that says nothing of them.

    Files of a folder come class by class, and classes differ in their scores.
    """
    mixed = [float(score) for score in scores]
    Random(0).shuffle(mixed)  # noqa: S311 - the same pictures always say the same
    return mixed


def kept_scores(scores: Iterable[float]) -> list[float]:
    """Those that a bundle keeps: a random `KEPT` of them, with five digits, in order.

    A random part compares like all of them; quantiles would be more regular than pictures are.
    """
    finite = [float(score) for score in scores if math.isfinite(score)]
    if len(finite) > KEPT:
        finite = Random(0).sample(finite, KEPT)  # noqa: S311 - the same run, the same bundle
    return sorted(float(f"{score:.5g}") for score in finite)


def drift_words(watched: Mapping[str, Drift]) -> str:
    """What the alarm says of models by name; "" as long as it says nothing."""
    after = {name: drift.alarm_after for name, drift in watched.items() if drift.alarm_after}
    if not after:
        return ""
    return (
        f"These pictures are of another kind than those that {listed(list(after))} learned from "
        f"(noticed after {min(after.values())}). How often answers are right on such pictures is "
        "not known: label some of them to find out."
    )
