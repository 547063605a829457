"""What to make of a run, in plain words that rules write from its figures."""

from __future__ import annotations

from collections.abc import Iterator

from bakeoff.data.words import spaced
from bakeoff.evaluation.compare import TOO_CLOSE, beats_guessing, guessing, pictures_to_tell
from bakeoff.evaluation.prose import listed, of_pictures, percent, span
from bakeoff.evaluation.records import (
    ClassScore,
    Comparison,
    GroupScore,
    Scores,
    Sentence,
    Verdict,
)
from bakeoff.record.results import ApproachResult, Results

__all__ = ["verdict_of"]

FASTER = 1.5  # times; less is no reason to prefer one
FEW = 2  # classes or pairs that are named
REPEATED = 3  # times that a class must be taken for another before it is worth a word


def verdict_of(results: Results) -> Verdict:
    """Which approach to trust, how sure that is, what it costs, where it fails, what to do next."""
    chosen = _chosen(results)
    scores = _scores(chosen)
    if not beats_guessing(scores, among=len(results.approaches)):
        return Verdict([*_nothing(chosen, scores), *_about_the_set(results)])
    return Verdict(
        [
            Sentence("which", _which(chosen, results)),
            *_sure(chosen),
            Sentence("cost", _cost(chosen, results)),
            *_where(chosen, scores),
            *_next(chosen, scores, results),
        ]
    )


def _scores(one: ApproachResult) -> Scores:
    scores = one.out_of_fold or one.test
    assert scores is not None, "a run scores something"
    return scores


def _chosen(results: Results) -> ApproachResult:
    """The winner; of those too close to call the one that answers fastest."""
    best = max(results.approaches, key=lambda one: _scores(one).accuracy)
    if results.winner.name:
        return next(one for one in results.approaches if one.name == results.winner.name)
    equals = [best, *_tied(best, results)]
    fastest = min(equals, key=lambda one: one.latency.batch_1_ms)
    # A millisecond is no reason: of two that are about as fast, the better one.
    return fastest if _times(best, fastest) >= FASTER else best


def _tied(best: ApproachResult, results: Results) -> list[ApproachResult]:
    names = {
        one.b if one.a == best.name else one.a
        for one in results.comparison
        if best.name in (one.a, one.b) and one.verdict == TOO_CLOSE
    }
    return [one for one in results.approaches if one.name in names]


def _pair(a: ApproachResult, b: ApproachResult, results: Results) -> Comparison:
    return next(one for one in results.comparison if {one.a, one.b} == {a.name, b.name})


def _times(slow: ApproachResult, fast: ApproachResult) -> float:
    return slow.latency.batch_1_ms / max(fast.latency.batch_1_ms, 1e-3)


def _nothing(best: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    frequent, floor = guessing(scores)
    yield Sentence(
        "which",
        "There is nothing to learn here, as far as these pictures can tell: no approach is surely "
        f"better than always answering “{frequent}”, which is right for {percent(floor)}.",
    )
    yield Sentence(
        "sure",
        f"The best, {best.title}, has {percent(scores.accuracy)} of "
        f"{of_pictures(scores.pictures)} right, and might have {span(scores.interval)} of others.",
    )
    yield Sentence(
        "next",
        "Look at the pictures class by class: are the labels those of the pictures, and can a "
        "person tell the classes apart? If so, bring more pictures of each.",
    )


def _which(chosen: ApproachResult, results: Results) -> str:
    scores = _scores(chosen)
    seen = "that its models had not seen" if chosen.out_of_fold else "of the locked test"
    has = f"it has {percent(scores.accuracy)} of {of_pictures(scores.pictures)} right {seen}"
    others = [one for one in results.approaches if one is not chosen]
    if not others:
        return f"{chosen.title} can be used: {has}. No other approach was tried."
    tied = _tied(chosen, results)
    if not tied:
        runner_up = max(others, key=lambda one: _scores(one).accuracy)
        pair = _pair(chosen, runner_up, results)
        return (
            f"Trust {chosen.title}: {has}, and is surely better than all others; "
            f"{runner_up.title} is {of_pictures(abs(pair.only_a - pair.only_b))} behind."
        )
    titles = listed([one.title for one in tied])
    slowest = max(tied, key=lambda one: _times(one, chosen))
    reason = (
        f" It answers {_times(slowest, chosen):.0f} times as fast as {slowest.title}."
        if _times(slowest, chosen) >= FASTER
        else ""
    )
    return f"Take {chosen.title}: {has}; {titles} cannot be told from it with so few.{reason}"


def _sure(chosen: ApproachResult) -> Iterator[Sentence]:
    scores = _scores(chosen)
    text = (
        f"Of other pictures like these, expect it to have {span(scores.interval)} right (95 % "
        "interval)"
    )
    if chosen.out_of_fold and chosen.test:
        text += f". {_locked(chosen.out_of_fold, chosen.test)}"
    yield Sentence("sure", f"{text}.")
    error, luck = scores.calibration_error, scores.calibration_null_level
    if luck is not None and error > luck:
        stated = sum(one.confidence * one.pictures for one in scores.reliability) / scores.pictures
        way = "surer than it should be" if stated > scores.accuracy else "less sure than it could"
        yield Sentence(
            "sure",
            f"It is {way}: its stated confidences are {100 * error:.1f} points off in the mean, "
            f"where luck explains {100 * luck:.1f}.",
        )
    measured = chosen.trust.measured if chosen.trust else None
    if measured and measured.sure_right is not None:
        yield Sentence(
            "sure",
            f"It is sure of {percent(measured.sure)} of pictures, and of these it has "
            f"{percent(measured.sure_right)} right.",
        )


def _locked(out_of_fold: Scores, test: Scores) -> str:
    has = f"{percent(test.accuracy)} of {of_pictures(test.pictures)}"
    if test.interval[1] < out_of_fold.interval[0]:
        says = "is worse, so its pictures differ from the others"
    elif test.interval[0] > out_of_fold.interval[1]:
        says = "is better, so its pictures differ from the others"
    else:
        says = "agrees"
    return f"The locked test, opened once, {says}: {has}"


def _cost(chosen: ApproachResult, results: Results) -> str:
    seconds = chosen.seconds.folds + chosen.seconds.final
    text = (
        f"It learned in {_duration(seconds)}, weighs {_size(chosen.bytes)} and answers in "
        f"{chosen.latency.batch_1_ms:.2g} ms a picture here"
    )
    others = [one for one in results.approaches if one is not chosen]
    if others:
        fastest = min(others, key=lambda one: one.latency.batch_1_ms)
        if _times(chosen, fastest) >= FASTER:
            text += f"; {fastest.title} is {_times(chosen, fastest):.0f} times as fast"
    return f"{text}."


def _where(chosen: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    if scores.correct == scores.pictures:
        yield Sentence("where", "It has none of these pictures wrong.")
    if weak := _weak(scores):
        named = listed([f"{one.name} ({percent(one.accuracy)})" for one in weak])
        yield Sentence("where", f"It fails most often at {named}.")
    often = [pair for pair in chosen.confused if pair.count >= REPEATED][:FEW]
    if often:
        named = listed([f"{one.truth} for {one.answer} {one.count} times" for one in often])
        yield Sentence("where", f"It takes {named}.")
    for group in _weak_groups(scores):
        yield Sentence(
            "where",
            f"On {group.name} it is worse than on the rest: {percent(group.accuracy)} of "
            f"{of_pictures(group.pictures)}.",
        )
    if chosen.robustness:
        yield Sentence("where", chosen.robustness.words, see="robustness")


def _weak(scores: Scores) -> list[ClassScore]:
    """Classes that are surely worse than the whole, or else the worst; none where all is right."""
    problem = [one for one in scores.per_class if one.pictures and one.accuracy < scores.accuracy]
    surely = [one for one in problem if one.interval[1] < scores.accuracy]
    return sorted(surely or problem, key=lambda one: one.accuracy)[: FEW if surely else 1]


def _weak_groups(scores: Scores) -> list[GroupScore]:
    return sorted(
        (one for one in scores.per_group if one.interval[1] < scores.accuracy),
        key=lambda one: one.accuracy,
    )[:FEW]


def _next(chosen: ApproachResult, scores: Scores, results: Results) -> Iterator[Sentence]:
    found = list(_about_the_set(results))
    if weak := [one for one in _weak(scores) if one.interval[1] < scores.accuracy]:
        found.append(
            Sentence(
                "next",
                f"Bring more pictures of {listed([one.name for one in weak])} first.",
                see="class",
                name=weak[0].name,
            )
        )
    if groups := _weak_groups(scores):
        names = listed([one.name for one in groups])
        found.append(
            Sentence(
                "next",
                f"Beware of {names}, and bring more such pictures, of every class.",
                see="group",
                name=groups[0].name,
            )
        )
    elif results.dataset.groups and not results.protocol.leave_one_group_out:
        found.append(
            Sentence(
                "next",
                "How it fares on a group that it never saw is not known: "
                "run again with --leave-one-group-out.",
            )
        )
    if chosen.learning:
        found.append(Sentence("next", chosen.learning.words, see="learning"))
    tied = _tied(chosen, results)
    needed = [
        pictures_to_tell(_pair(chosen, one, results), len(results.comparison)) for one in tied
    ]
    known = [one for one in needed if one is not None]
    if known:
        found.append(
            Sentence(
                "next",
                f"About {spaced(max(known))} more pictures would likely tell it from "
                f"{listed([one.title for one, more in zip(tied, needed, strict=True) if more])}.",
            )
        )
    yield from found or [
        Sentence("next", "Nothing presses: try it on pictures that are not of this set.")
    ]


def _about_the_set(results: Results) -> Iterator[Sentence]:
    health = results.health
    if health is None:
        return
    if health.suspects:
        first = health.suspects[0]
        yield Sentence(
            "next",
            f"Look at the {len(health.suspects)} labels that the models doubt, the first of them "
            f"“{first.name}”, labelled {first.label}, which looks like {first.proposed}: "
            "corrections.csv lists them."
            if len(health.suspects) > 1
            else f"Look at “{first.name}”: it is labelled {first.label} and looks like "
            f"{first.proposed}.",
            see="suspects",
        )
    for one in health.shortcuts:
        if one.predicts == "class":
            yield Sentence("next", one.words)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _size(size: int) -> str:
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
