"""The verdict on a run in plain words, written by rules from its scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bakeoff.evaluation.compare import TOO_CLOSE, beats_guessing, guessing, pictures_to_tell
from bakeoff.evaluation.prose import cannot_be_scored
from bakeoff.evaluation.ranking import (
    beats_constant,
    in_words,
    ranked,
    span_in_words,
    value,
)
from bakeoff.evaluation.records import (
    ClassScore,
    Comparison,
    GroupScore,
    Scores,
    Sentence,
    Trust,
    Verdict,
)
from bakeoff.record.results import ApproachResult, Results
from bakeoff.said import Message, Said, say

__all__ = ["verdict_of", "with_verdict"]

FASTER = 1.5  # times as fast; a smaller difference is no reason to prefer an approach
FEW = 2  # classes or pairs to name, at most
SURE = ("which", "sure")  # what a verdict begins with: which approach, and how certain that is
REPEATED = 3  # times that a class must be mistaken for another to be mentioned


def verdict_of(results: Results) -> Verdict:
    """Which approach to trust, how certain that is, its cost, where it fails, what to do next."""
    trained = [one for one in results.approaches if not one.fixed]
    if trained and len(trained) < len(results.approaches):
        verdict = verdict_of(_among(trained, results))
        after = 1 + max(n for n, one in enumerate(verdict.sentences) if one.about in SURE)
        sentences = [*verdict.sentences[:after], *_of_fixed(results), *verdict.sentences[after:]]
        return replace(verdict, sentences=sentences)
    if not any(one.out_of_fold or one.test for one in results.approaches):
        unscored = Sentence("which", say("which.noScore"))
        return Verdict([unscored, *_too_few()], say("headline.tooFew"))
    chosen = _chosen(results)
    scores = _scores(chosen)
    if not _beats_guessing(scores, results):
        best = _best(results)
        nothing = _nothing(best, _scores(best))
        return Verdict(
            [*nothing, *_unscored(results), *_about_the_set(results)],
            say("headline.guessing"),
        )
    return Verdict(
        [
            Sentence("which", _which(chosen, results)),
            *_by_metric(chosen, results),
            *_sure(chosen),
            *_pseudo(chosen),
            *_unscored(results),
            Sentence("cost", _cost(chosen, results)),
            *_where(chosen, scores),
            *_next(chosen, scores, results),
        ],
        _headline(chosen, results),
        chosen.name,
    )


def _among(approaches: list[ApproachResult], results: Results) -> Results:
    """The same results, of these approaches only."""
    names = {one.name for one in approaches}
    pairs = [one for one in results.comparison if {one.a, one.b} <= names]
    return results.model_copy(update={"approaches": approaches, "comparison": pairs})


def _of_fixed(results: Results) -> Iterator[Sentence]:
    """What was only scored cannot win: nobody knows what it has seen."""
    for one in results.approaches:
        if one.fixed and (scores := one.out_of_fold or one.test):
            yield Sentence(
                "sure",
                say(
                    "fixed.part",
                    title=one.title,
                    accuracy=scores.accuracy,
                    pictures=scores.pictures,
                    pretrained=_with_message(one.pretrained, one.pretrained_said),
                ),
            )


def _with_message(text: str, message: Message | None) -> str:
    return text if message is None else Said(text, message)


def with_verdict(results: Results) -> Results:
    """The results with their verdict, which also says why the winner won."""
    verdict = verdict_of(results)
    winner = replace(results.winner, why=verdict.why)
    return results.model_copy(update={"verdict": verdict, "winner": winner})


def _scores(result: ApproachResult) -> Scores:
    scores = result.out_of_fold or result.test
    assert scores is not None, "either all approaches have scores or none"
    return scores


def _by_accuracy(results: Results) -> bool:
    return results.headline is None or results.headline.name == "accuracy"


def _order(results: Results) -> list[ApproachResult]:
    """The approaches by the headline metric, the best first."""
    by_name = {one.name: one for one in results.approaches}
    scores = {name: _scores(one) for name, one in by_name.items()}
    return [by_name[name] for name in ranked(scores, results.headline)]


def _best(results: Results) -> ApproachResult:
    return _order(results)[0]


def _beats_guessing(scores: Scores, results: Results) -> bool:
    if results.headline is None or _by_accuracy(results):
        return beats_guessing(scores, among=len(results.approaches))
    return beats_constant(scores, results.headline)


def _by_metric(chosen: ApproachResult, results: Results) -> Iterator[Sentence]:
    """What ranks the approaches, where that is not accuracy."""
    record, scores = results.headline, _scores(chosen)
    if record is None or _by_accuracy(results):
        return
    yield Sentence(
        "sure",
        say(
            "sure.metric",
            metric=record.title,
            why=record.why,
            value=in_words(value(scores, record), record),
            interval=span_in_words(scores, record),
            guess=record.guess,
            guessing=in_words(record.guessing, record),
        ),
    )


def _chosen(results: Results) -> ApproachResult:
    """The winner; if several are too close to call, the fastest of them."""
    best = _best(results)
    if results.winner.name:
        return next(one for one in results.approaches if one.name == results.winner.name)
    equals = [best, *_tied(best, results)]
    fastest = min(equals, key=lambda one: one.latency.batch_1_ms)
    # A millisecond is no reason: among equally fast approaches, the most accurate.
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


def _too_few() -> Iterator[Sentence]:
    yield Sentence("sure", say("sure.unknown"))
    yield Sentence("next", say("next.secondPicture"))


def _nothing(best: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    frequent, floor = guessing(scores)
    yield Sentence("which", say("which.guessing", label=frequent, share=floor))
    yield Sentence(
        "sure",
        say(
            "sure.best",
            title=best.title,
            accuracy=scores.accuracy,
            pictures=scores.pictures,
            interval=scores.interval,
        ),
    )
    yield Sentence("next", say("next.look"))


def _headline(chosen: ApproachResult, results: Results) -> Said:
    others = [one for one in results.approaches if one is not chosen]
    if not others:
        return say("headline.only", title=chosen.title)
    tied = _tied(chosen, results)
    if not tied and len(others) == 1:
        return say("headline.trust", title=chosen.title, other=others[0].title)
    if not tied:
        return say("headline.trustAll", title=chosen.title)
    times = max(_times(one, chosen) for one in tied)
    if times >= FASTER:
        return say("headline.faster", title=chosen.title, times=times)
    if results.headline is None or _by_accuracy(results):
        return say("headline.most", title=chosen.title)
    extreme = "headline.highest" if results.headline.higher_is_better else "headline.lowest"
    return say(extreme, title=chosen.title, metric=results.headline.title.lower())


def _which(chosen: ApproachResult, results: Results) -> Said:
    scores = _scores(chosen)
    has = say(
        "which.has" if chosen.out_of_fold else "which.hasTest",
        title=chosen.title,
        accuracy=scores.accuracy,
        pictures=scores.pictures,
    )
    others = [one for one in results.approaches if one is not chosen]
    if not others:
        return say("which.alone", has=has)
    tied = _tied(chosen, results)
    if not tied:
        runner_up = next(one for one in _order(results) if one is not chosen)
        pair = _pair(chosen, runner_up, results)
        if not _by_accuracy(results):
            words = Said(pair.words, pair.said) if pair.said else pair.words
            return say("which.pair", has=has, pair=words)
        behind = abs(pair.only_a - pair.only_b)
        return say("which.behind", has=has, title=runner_up.title, pictures=behind)
    titles = [one.title for one in tied]
    slowest = max(tied, key=lambda one: _times(one, chosen))
    times = _times(slowest, chosen)
    if times < FASTER:
        return say("which.close", has=has, titles=titles)
    return say("which.closeFaster", has=has, titles=titles, times=times, slowest=slowest.title)


def _sure(chosen: ApproachResult) -> Iterator[Sentence]:
    scores = _scores(chosen)
    expected = say("sure.expect", interval=scores.interval)
    if (more := scores.powered) is not None:
        expected = say(
            "sure.expectPowered",
            interval=scores.interval,
            pictures=more.pictures,
            powered=more.interval,
        )
    yield Sentence("sure", expected)
    if chosen.out_of_fold and chosen.test:
        yield Sentence("sure", _locked(chosen.out_of_fold, chosen.test))
    error, by_chance = scores.calibration_error, scores.calibration_null_level
    if by_chance is not None and error > by_chance:
        confident = sum(part.confidence * part.pictures for part in scores.reliability)
        over = confident / scores.pictures > scores.accuracy
        code = "sure.overconfident" if over else "sure.underconfident"
        yield Sentence("sure", say(code, error=error, chance=by_chance))
    if chosen.trust is not None:
        yield from _trusted(chosen.trust)


def _pseudo(chosen: ApproachResult) -> Iterator[Sentence]:
    if chosen.pseudo is not None:
        yield Sentence("sure", chosen.pseudo.words, said=chosen.pseudo.said)


def _trusted(trust: Trust) -> Iterator[Sentence]:
    measured = trust.measured
    if trust.sure is not None and trust.sure.least_probability is None:
        yield Sentence("sure", say("sure.never", rate=trust.sure.error_rate))
    elif measured and measured.sure_right is not None:
        often = say("sure.often", share=measured.sure, right=measured.sure_right)
        yield Sentence("sure", often)
    if measured and measured.others:
        others = measured.others
        yield Sentence(
            "sure",
            say(
                "sure.others",
                n=others.pictures,
                refused=others.refused,
                sure=others.sure,
            ),
        )


def _locked(out_of_fold: Scores, test: Scores) -> Said:
    code = "sure.testAgrees"
    if test.interval[1] < out_of_fold.interval[0]:
        code = "sure.testWorse"
    elif test.interval[0] > out_of_fold.interval[1]:
        code = "sure.testBetter"
    return say(code, accuracy=test.accuracy, pictures=test.pictures)


def _cost(chosen: ApproachResult, results: Results) -> Said:
    cost = {
        "seconds": chosen.seconds.folds + chosen.seconds.final,
        "bytes": chosen.bytes,
        "ms": chosen.latency.batch_1_ms,
    }
    others = [one for one in results.approaches if one is not chosen]
    if others:
        fastest = min(others, key=lambda one: one.latency.batch_1_ms)
        if (times := _times(chosen, fastest)) >= FASTER:
            return say("cost.faster", **cost, fastest=fastest.title, times=times)
    return say("cost.takes", **cost)


def _unscored(results: Results) -> Iterator[Sentence]:
    if results.protocol.unscored:
        yield Sentence("sure", cannot_be_scored(results.protocol.unscored))


def _where(chosen: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    if scores.correct == scores.pictures:
        yield Sentence("where", say("where.none"))
    if few := [f"{one.name} ({one.pictures})" for one in scores.per_class if one.too_few]:
        yield Sentence("where", say("where.tooFew", classes=few))
    if weak := _weak(scores):
        named = [say("where.right", name=one.name, accuracy=one.accuracy) for one in weak]
        yield Sentence("where", say("where.fails", classes=named))
    often = [pair for pair in chosen.confused if pair.count >= REPEATED][:FEW]
    if often:
        named = [
            say("where.mistake", truth=one.truth, answer=one.answer, n=one.count) for one in often
        ]
        yield Sentence("where", say("where.mistakes", pairs=named))
    for group in _weak_groups(scores):
        yield Sentence(
            "where",
            say(
                "where.group",
                group=group.name,
                accuracy=group.accuracy,
                pictures=group.pictures,
            ),
        )
    if chosen.robustness:
        found = chosen.robustness
        yield Sentence("where", found.words, see="robustness", said=found.said)


def _weak(scores: Scores) -> list[ClassScore]:
    """Classes clearly below the overall accuracy, or else the worst; none if all is right."""
    scored = [one for one in scores.per_class if one.pictures and not one.too_few]
    below = [one for one in scored if one.accuracy < scores.accuracy]
    clearly = [score for score in below if score.interval[1] < scores.accuracy]
    return sorted(clearly or below, key=lambda score: score.accuracy)[: FEW if clearly else 1]


def _weak_groups(scores: Scores) -> list[GroupScore]:
    return sorted(
        (one for one in scores.per_group if one.interval[1] < scores.accuracy),
        key=lambda one: one.accuracy,
    )[:FEW]


def _next(chosen: ApproachResult, scores: Scores, results: Results) -> Iterator[Sentence]:
    advice = list(_about_the_set(results))
    if weak := [score for score in _weak(scores) if score.interval[1] < scores.accuracy]:
        advice.append(
            Sentence(
                "next",
                say("next.addFirst", classes=[score.name for score in weak]),
                see="class",
                name=weak[0].name,
            )
        )
    if groups := _weak_groups(scores):
        advice.append(
            Sentence(
                "next",
                say("next.groups", groups=[one.name for one in groups]),
                see="group",
                name=groups[0].name,
            )
        )
    elif results.dataset.groups and not results.protocol.leave_one_group_out:
        advice.append(Sentence("next", say("next.newGroup")))
    if chosen.learning:
        curve = chosen.learning
        advice.append(Sentence("next", curve.words, see="learning", said=curve.said))
    tied = _tied(chosen, results)
    needed = (
        []
        if not _by_accuracy(results)
        else [
            pictures_to_tell(_pair(chosen, one, results), len(results.comparison)) for one in tied
        ]
    )
    known = [one for one in needed if one is not None]
    if known:
        titles = [one.title for one, more in zip(tied, needed, strict=True) if more]
        advice.append(Sentence("next", say("next.separate", pictures=max(known), titles=titles)))
    yield from advice or [Sentence("next", say("next.nothing"))]


def _about_the_set(results: Results) -> Iterator[Sentence]:
    health = results.health
    if health is None:
        return
    if health.suspects:
        first = health.suspects[0]
        names = {"name": first.name, "label": first.label, "proposed": first.proposed}
        several = len(health.suspects)
        text = (
            say("next.suspects", n=several, **names)
            if several > 1
            else say("next.suspect", **names)
        )
        yield Sentence("next", text, see="suspects")
    for shortcut in health.shortcuts:
        if shortcut.predicts == "class":
            yield Sentence("next", shortcut.words, said=shortcut.said)
