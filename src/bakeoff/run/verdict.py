"""The verdict on a run in plain words, written by rules from its scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bakeoff.data.words import spaced
from bakeoff.evaluation.compare import TOO_CLOSE, beats_guessing, guessing, pictures_to_tell
from bakeoff.evaluation.prose import cannot_be_scored, listed, of_pictures, percent, span
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

__all__ = ["verdict_of", "with_verdict"]

FASTER = 1.5  # times as fast; a smaller difference is no reason to prefer an approach
FEW = 2  # classes or pairs to name, at most
NO_SCORE = (
    "Nothing could be scored: each class has one picture, and a model that has not seen it has not "
    "seen the class. The models were trained and can be used."
)
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
        return Verdict([Sentence("which", NO_SCORE), *_too_few()], "Too few pictures for a score.")
    chosen = _chosen(results)
    scores = _scores(chosen)
    if not _beats_guessing(scores, results):
        best = _best(results)
        nothing = _nothing(best, _scores(best))
        return Verdict(
            [*nothing, *_unscored(results), *_about_the_set(results)],
            "No approach is clearly better than guessing.",
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
                f"{one.title} has {percent(scores.accuracy)} of {of_pictures(scores.pictures)} "
                f"right and takes no part in the verdict. {one.pretrained}",
            )


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
        f"{record.title} ranks the approaches: {record.why} It has "
        f"{in_words(value(scores, record), record)} (95 % interval "
        f"{span_in_words(scores, record)}); always answering {record.guess} has "
        f"{in_words(record.guessing, record)}.",
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
    yield Sentence("sure", "How often the models are right, and which is best, is unknown.")
    yield Sentence("next", "Add a second picture of each class: then each model can be scored.")


def _nothing(best: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    frequent, floor = guessing(scores)
    yield Sentence(
        "which",
        f"Always answering “{frequent}” is right for {percent(floor)} of the pictures.",
    )
    yield Sentence(
        "sure",
        f"The best, {best.title}, has {percent(scores.accuracy)} of "
        f"{of_pictures(scores.pictures)} right; on other pictures like these, expect "
        f"{span(scores.interval)} (95 % interval).",
    )
    yield Sentence(
        "next",
        "Look at the pictures class by class: are the labels right, and can a person separate the "
        "classes? If so, add more pictures of each.",
    )


def _headline(chosen: ApproachResult, results: Results) -> str:
    others = [one for one in results.approaches if one is not chosen]
    if not others:
        return f"{chosen.title} is the only approach that was trained."
    tied = _tied(chosen, results)
    if not tied:
        beaten = others[0].title if len(others) == 1 else "all others"
        return f"Trust {chosen.title}: it is clearly better than {beaten}."
    times = max(_times(one, chosen) for one in tied)
    reason = f"it is {_factor(times)}× faster" if times >= FASTER else _most(results)
    return f"Too close to call. We'd use {chosen.title}: {reason}."


def _most(results: Results) -> str:
    if results.headline is None or _by_accuracy(results):
        return "it has the most right"
    extreme = "highest" if results.headline.higher_is_better else "lowest"
    return f"it has the {extreme} {results.headline.title.lower()}"


def _which(chosen: ApproachResult, results: Results) -> str:
    scores = _scores(chosen)
    seen = "that its models had not seen" if chosen.out_of_fold else "of the locked test"
    has = (
        f"{chosen.title} has {percent(scores.accuracy)} of {of_pictures(scores.pictures)} right "
        f"{seen}"
    )
    others = [one for one in results.approaches if one is not chosen]
    if not others:
        return f"{has}. Add other approaches to compare it with."
    tied = _tied(chosen, results)
    if not tied:
        runner_up = next(one for one in _order(results) if one is not chosen)
        pair = _pair(chosen, runner_up, results)
        if not _by_accuracy(results):
            return f"{has}. {pair.words}."
        return f"{has}; {runner_up.title} is {of_pictures(abs(pair.only_a - pair.only_b))} behind."
    titles = listed([one.title for one in tied])
    slowest = max(tied, key=lambda one: _times(one, chosen))
    times = _times(slowest, chosen)
    reason = (
        f" It answers {_factor(times)} times as fast as {slowest.title}." if times >= FASTER else ""
    )
    return f"{has}; there are too few pictures to separate it from {titles}.{reason}"


def _factor(times: float) -> str:
    return f"{times:.1f}" if times < 2 else f"{times:.0f}"


def _sure(chosen: ApproachResult) -> Iterator[Sentence]:
    scores = _scores(chosen)
    text = (
        f"On other pictures like these, expect it to have {span(scores.interval)} right (95 % "
        "interval)"
    )
    if (more := scores.powered) is not None:
        text += (
            f"; with the help of {of_pictures(more.pictures)} without a label, "
            f"{span(more.interval)}"
        )
    if chosen.out_of_fold and chosen.test:
        text += f". {_locked(chosen.out_of_fold, chosen.test)}"
    yield Sentence("sure", f"{text}.")
    error, by_chance = scores.calibration_error, scores.calibration_null_level
    if by_chance is not None and error > by_chance:
        confident = sum(part.confidence * part.pictures for part in scores.reliability)
        over = confident / scores.pictures > scores.accuracy
        yield Sentence(
            "sure",
            f"It is {'overconfident' if over else 'underconfident'}: confidence is off by "
            f"{100 * error:.1f} points on average; {100 * by_chance:.1f} would be expected by "
            "chance.",
        )
    if chosen.trust is not None:
        yield from _trusted(chosen.trust)


def _pseudo(chosen: ApproachResult) -> Iterator[Sentence]:
    if chosen.pseudo is not None:
        yield Sentence("sure", chosen.pseudo.words)


def _trusted(trust: Trust) -> Iterator[Sentence]:
    measured = trust.measured
    if trust.sure is not None and trust.sure.least_probability is None:
        yield Sentence(
            "sure",
            "It calls no answer sure: there are not enough pictures to be sure that at most "
            f"{trust.sure.error_rate:.0%} of such answers are wrong, or too many are.",
        )
    elif measured and measured.sure_right is not None:
        yield Sentence(
            "sure",
            f"It is sure about {percent(measured.sure)} of pictures and has "
            f"{percent(measured.sure_right)} of these right.",
        )
    if measured and measured.others:
        others = measured.others
        yield Sentence(
            "sure",
            f"Of {others.pictures} drawings of other things it refuses {percent(others.refused)} "
            f"as none of these, and is sure about {percent(others.sure)}; with the page's pens "
            f"it refuses {percent(others.pen_refused)} of unseen pictures of the set.",
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
        f"Training took {_duration(seconds)}; it takes {_size(chosen.bytes)} on disk and "
        f"{chosen.latency.batch_1_ms:.2g} ms per picture on this machine"
    )
    others = [one for one in results.approaches if one is not chosen]
    if others:
        fastest = min(others, key=lambda one: one.latency.batch_1_ms)
        if _times(chosen, fastest) >= FASTER:
            text += f"; {fastest.title} is {_times(chosen, fastest):.0f} times as fast"
    return f"{text}."


def _unscored(results: Results) -> Iterator[Sentence]:
    if results.protocol.unscored:
        yield Sentence("sure", cannot_be_scored(results.protocol.unscored))


def _where(chosen: ApproachResult, scores: Scores) -> Iterator[Sentence]:
    if scores.correct == scores.pictures:
        yield Sentence("where", "It has all of these pictures right.")
    if few := [f"{one.name} ({one.pictures})" for one in scores.per_class if one.too_few]:
        yield Sentence("where", f"Too few pictures to score: {listed(few)}.")
    if weak := _weak(scores):
        named = listed([f"{score.name} ({percent(score.accuracy)} right)" for score in weak])
        yield Sentence("where", f"It fails most often on {named}.")
    often = [pair for pair in chosen.confused if pair.count >= REPEATED][:FEW]
    if often:
        named = listed([f"{pair.truth} for {pair.answer} ({pair.count} times)" for pair in often])
        yield Sentence("where", f"It mistakes {named}.")
    for group in _weak_groups(scores):
        yield Sentence(
            "where",
            f"On {group.name} it is worse than on the other groups: {percent(group.accuracy)} of "
            f"{of_pictures(group.pictures)} right.",
        )
    if chosen.robustness:
        yield Sentence("where", chosen.robustness.words, see="robustness")


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
                f"Add pictures of {listed([score.name for score in weak])} first.",
                see="class",
                name=weak[0].name,
            )
        )
    if groups := _weak_groups(scores):
        names = listed([one.name for one in groups])
        advice.append(
            Sentence(
                "next",
                f"Be careful with {names}, and add such pictures of every class.",
                see="group",
                name=groups[0].name,
            )
        )
    elif results.dataset.groups and not results.protocol.leave_one_group_out:
        advice.append(
            Sentence(
                "next",
                "How well it does on a new group is unknown: run again with --leave-one-group-out.",
            )
        )
    if chosen.learning:
        advice.append(Sentence("next", chosen.learning.words, see="learning"))
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
        advice.append(
            Sentence(
                "next",
                f"About {spaced(max(known))} more pictures would probably separate it from "
                f"{listed([one.title for one, more in zip(tied, needed, strict=True) if more])}.",
            )
        )
    yield from advice or [Sentence("next", "Nothing is urgent: try it on pictures from elsewhere.")]


def _about_the_set(results: Results) -> Iterator[Sentence]:
    health = results.health
    if health is None:
        return
    if health.suspects:
        first = health.suspects[0]
        yield Sentence(
            "next",
            f"Check the {len(health.suspects)} likely label errors, first “{first.name}”, which is "
            f"labelled {first.label} and looks like {first.proposed}: corrections.csv lists them."
            if len(health.suspects) > 1
            else f"Check “{first.name}”: it is labelled {first.label} and looks like "
            f"{first.proposed}.",
            see="suspects",
        )
    for shortcut in health.shortcuts:
        if shortcut.predicts == "class":
            yield Sentence("next", shortcut.words)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _size(size: int) -> str:
    return f"{size / 1e3:.0f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"
