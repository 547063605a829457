"""Made-up evidence: consistent learning curves, robustness, health and verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.health import Health, Odd, Shortcut, Suspect
from bakeoff.evaluation.records import (
    CorruptionResult,
    CurvePoint,
    Forecast,
    LearningCurve,
    Robustness,
    Scores,
    Sentence,
    Verdict,
)

# What is done to a picture, how much of it at each of five strengths, and how much it hurts.
CORRUPTIONS = (
    ("shift", "moved to a side", ("2 %", "4 %", "8 %", "12 %", "16 %"), 0.12),
    ("turn", "turned", ("3°", "6°", "12°", "18°", "25°"), 0.2),
    ("scale", "made smaller", ("95 %", "90 %", "80 %", "70 %", "60 %"), 0.15),
    ("thinner", "drawn with a thinner pen", ("1", "2", "3", "4", "5"), 0.3),
    ("thicker", "drawn with a thicker pen", ("1", "2", "3", "4", "5"), 0.1),
    ("blur", "blurred", ("0.5 px", "1 px", "1.5 px", "2 px", "3 px"), 0.18),
    ("noise", "made noisy", ("2 %", "4 %", "8 %", "12 %", "16 %"), 0.26),
    ("contrast", "made paler", ("90 %", "75 %", "60 %", "45 %", "30 %"), 0.08),
    ("light", "lit unevenly", ("10 %", "20 %", "30 %", "45 %", "60 %"), 0.35),
    ("squares", "put on squared paper", ("5 %", "10 %", "15 %", "20 %", "30 %"), 0.6),
    ("occlusion", "partly covered", ("5 %", "10 %", "15 %", "20 %", "30 %"), 0.4),
    ("jpeg", "saved as JPEG", ("q 80", "q 60", "q 40", "q 20", "q 10"), 0.05),
)  # fmt: skip


def with_uncertainty(scores: Scores) -> Scores:
    """The same scores with the intervals of newer versions."""
    error = scores.calibration_error
    return replace(
        scores,
        loss_interval=(0.85 * scores.loss, 1.2 * scores.loss),
        calibration_interval=(0.7 * error, 1.5 * error),
        calibration_null_level=0.031,
        per_group=[
            replace(one, confidence=min(0.999, one.accuracy + 0.12 - 0.1 * place))
            for place, one in enumerate(scores.per_group)
        ],
    )


def learning_curve(accuracy: float, pictures: int) -> LearningCurve:
    """A curve that ends at the measured score."""
    floor, exponent = 0.3 * (1 - accuracy), 0.5
    scale: float = (1 - accuracy - floor) * pictures**exponent

    def expected(size: int) -> float:
        expectation: float = 1 - floor - scale * size**-exponent
        return max(0.02, expectation)

    def point(size: int, fits: int) -> CurvePoint:
        wobble = 0.01 * np.sin(size)
        found = min(1.0, max(0.0, expected(size) + float(wobble)))
        half = min(0.2, 1 / size**0.5)
        return CurvePoint(size, found, (max(0.0, found - half), min(1.0, found + half)), fits)

    sizes = [max(10, pictures >> halvings) for halvings in (4, 3, 2, 1, 0)]
    forecasts = [
        Forecast(
            times=float(times),
            pictures=times * pictures,
            accuracy=expected(times * pictures),
            interval=(
                expected(times * pictures) - 0.012 * times,
                min(1.0, expected(times * pictures) + 0.006 * times),
            ),
        )
        for times in (2, 4)
    ]
    return LearningCurve(
        points=[point(size, 5 if size < pictures else 3) for size in dict.fromkeys(sizes)],
        floor=floor,
        scale=scale,
        exponent=exponent,
        forecasts=forecasts,
        words=(
            f"More pictures would help: with {2 * pictures} instead of {pictures}, expect "
            f"{100 * forecasts[0].accuracy:.1f} % instead of {100 * accuracy:.1f} %."
        ),
    )


def robustness(accuracy: float, pictures: int, hardiness: float) -> Robustness:
    """Twelve corruptions; a more robust approach loses less to each."""
    corruptions = [
        CorruptionResult(
            name=name,
            words=words,
            strengths=list(strengths),
            accuracy=[
                max(0.08, accuracy - cost * (1.4 - hardiness) * (step / 5) ** 1.5)
                for step in range(1, 6)
            ],
        )
        for name, words, strengths, cost in CORRUPTIONS
    ]
    means = {one.name: float(np.mean(one.accuracy)) for one in corruptions}
    weakest = sorted(means, key=means.__getitem__)[:3]
    words_of = {one.name: one.words for one in corruptions}
    return Robustness(
        pictures=pictures,
        clean=accuracy,
        mean=float(np.mean(list(means.values()))),
        corruptions=corruptions,
        weakest=weakest,
        words=(
            f"Weakest where pictures are {words_of[weakest[0]]} ({100 * means[weakest[0]]:.0f} % "
            f"right), {words_of[weakest[1]]} or {words_of[weakest[2]]}; "
            f"as they are, it gets {100 * accuracy:.1f} % right."
        ),
    )


def health(
    names: Sequence[str],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    approaches: Sequence[str],
    groups: Sequence[str],
) -> Health:
    """Seven suspects, three outliers, and a style that the background predicts."""
    suspects = [
        Suspect(
            index=row,
            name=names[row],
            label=classes[labels[row]],
            proposed=classes[(labels[row] + 1) % len(classes)],
            quality=0.004 + 0.03 * place,
            agree=list(approaches[: 1 + (len(approaches) - 1) * (place % 2)]),
        )
        for place, row in enumerate(range(5, min(len(names), 40), 5))
    ]
    odd = [
        Odd(row, names[row], classes[labels[row]], what, why)
        for row, what, why in (
            (1, "empty", "All of its pixels are of nearly the same brightness."),
            (3, "inverted", "It is white on black, where most others are black on white."),
            (7, "unlike the others", "It is further from its nearest neighbours than 99.9 % are."),
        )
    ]
    shortcuts = [
        Shortcut(
            "group", "background", 0.71, (0.66, 0.76), 0.36,
            "The background alone tells the group in 71.0 % of the pictures, where chance has "
            "36.0 %: compare groups with care.",
        ),
        Shortcut(
            "class", "background", 0.19, (0.13, 0.25), 0.12,
            "The background alone tells the class in 19.0 % of the pictures, where chance has "
            "12.0 %.",
        ),
    ]  # fmt: skip
    return Health(
        odd=odd,
        suspects=suspects,
        shortcuts=shortcuts[0 if groups else 1 :],
        words=[
            f"{len(suspects)} labels are doubtful: the models, which never saw these pictures, "
            "say otherwise.",
            "3 pictures are odd: 1 empty, 1 inverted, 1 unlike the others.",
            "The background gives some of it away.",
        ],
    )


def verdict(best: str, accuracy: float, found: Health, weak: str) -> Verdict:
    """Six sentences, one of them about improving a class."""
    return Verdict(
        [
            Sentence("which", f"{best} gets {100 * accuracy:.1f} % right."),
            Sentence("sure", "The order is not settled: two are too close to call."),
            Sentence("cost", "It takes 0.6 MB and 4.2 ms a picture."),
            Sentence("where", f"It fails most on “{weak}”."),
            Sentence(
                "next",
                f"Look at the {len(found.suspects)} doubtful labels, and mend them.",
                "suspects",
            ),
            Sentence("next", f"Add pictures of “{weak}”.", "class", weak),
            Sentence(
                "next", "The learning curve still rises: twice the pictures would help.", "learning"
            ),
        ],
        f"Too close to call. We'd use {best}: it gets the most right.",
        best,
    )
