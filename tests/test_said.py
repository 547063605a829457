import ast
import json
import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bakeoff.approaches.registry import OURS
from bakeoff.errors import BakeoffError, LeftOut
from bakeoff.evaluation.health import Odd
from bakeoff.evaluation.records import Sentence
from bakeoff.record.events import RunFailed, parse_event
from bakeoff.said import FORMATS, Message, described, say, sentences

SOURCE = Path(__file__).parents[1] / "src" / "bakeoff"
PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
# What only programs and people at a terminal meet: protocols, tokens, and the limits on bodies.
OF_PROGRAMS = (
    "batching",
    "encoding",
    "guard",
    "limits",
    "models",
    "oip",
    "page",
    "predict",
    "upload",
)
SERVED = [one for one in sorted((SOURCE / "server").rglob("*.py")) if one.stem not in OF_PROGRAMS]


def calls(path: Path, name: str) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [one for one in found if isinstance(one.func, ast.Name) and one.func.id == name]


def plain_texts(path: Path, name: str) -> list[str]:
    """Where a call is given an English text in place of a message."""
    return [
        f"{path.name}:{call.lineno}"
        for call in calls(path, name)
        if isinstance(call.args[1], ast.Constant | ast.JoinedStr)
    ]


def test_a_sentence_knows_its_message() -> None:
    has = say("which.has", title="CNN", accuracy=0.975, pictures=1234)
    said = say("which.behind", has=has, title="ViT", pictures=1)
    assert said == (
        "CNN gets 97.5 % right on 1 234 pictures that its models had not seen; ViT is 1 picture "
        "behind."
    )
    assert said.message.values["has"] == Message(
        "which.has", {"title": "CNN", "accuracy": 0.975, "pictures": 1234}
    )


def test_a_record_keeps_the_message_and_a_plain_text() -> None:
    sentence = Sentence("next", say("next.nothing"))
    assert sentence.said == Message("next.nothing")
    assert type(sentence.text) is str
    assert Sentence("next", "An old sentence.").said is None


def test_why_a_picture_is_odd_keeps_its_message_and_older_runs_have_none() -> None:
    odd = Odd(3, "a.png", "cat", "empty", say("odd.nothing"))
    assert type(odd.why) is str
    assert odd.said == Message("odd.nothing")
    of_old = TypeAdapter(Odd).validate_python(
        {"index": 3, "name": "a.png", "label": "cat", "what": "empty", "why": "it is blank"}
    )
    assert (of_old.why, of_old.said) == ("it is blank", None)


def test_an_error_keeps_the_messages_of_its_parts() -> None:
    problem, hint = say("file.large", n="20"), say("file.smaller")
    error = BakeoffError("a.png", problem, hint)
    assert error.whole == str(error)
    assert LeftOut.because(error).said == Message(
        "file.leftOut", {"problem": problem.message, "hint": hint.message}
    )
    assert LeftOut("a.png", "is odd", "Look at it").said is None


def test_a_description_is_one_line_whose_parts_have_messages() -> None:
    line = described("", say("layout.folders"), "IDX", say("set.classes", n=1))
    assert line == "class folders, IDX, 1 class"
    parts: list[str | float | Message] = [
        Message("layout.folders"),
        "IDX",
        Message("set.classes", {"n": 1}),
    ]
    assert line.message == Message("set.description", {"parts": parts})
    assert described("", say("set.wait", n=30)) == "30 pictures without a label wait"


def test_a_record_of_pydantic_keeps_the_message_too() -> None:
    failed = RunFailed(why=say("failed.changed"))
    assert (failed.why, failed.why_said) == (str(say("failed.changed")), Message("failed.changed"))
    again = parse_event(failed.model_dump_json())
    assert isinstance(again, RunFailed)
    assert again.why_said == failed.why_said
    assert RunFailed(why="Odd.").why_said is None


def test_the_page_has_a_title_for_each_approach() -> None:
    english = json.loads((SOURCE.parents[1] / "web/src/languages/en.json").read_text("utf-8"))
    assert {entry.name: entry.title for entry in OURS} == {
        entry.name: english.get(f"title.{entry.name}") for entry in OURS
    }


def test_every_place_has_a_known_format() -> None:
    for code, text in sentences().items():
        for form in [text] if isinstance(text, str) else text.values():
            assert {kind for _, kind in PLACE.findall(form)} <= set(FORMATS), code


def test_every_sentence_is_used() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    named = {"what", "odd", "by", "looks", "corruption", "reader"}  # by a variable
    unused = [
        code
        for code in sentences()
        if f'"{code}"' not in written and code.partition(".")[0] not in named
    ]
    assert unused == []


def test_the_page_has_a_text_for_every_code() -> None:
    catalogues = [*(SOURCE.parents[1] / "web/src/languages/said").glob("*.json")]
    assert len(catalogues) == 5
    for path in catalogues:
        texts = json.loads(path.read_text(encoding="utf-8"))
        assert texts.keys() == sentences().keys(), path.name


@pytest.mark.parametrize("path", SERVED, ids=lambda one: one.stem)
def test_a_refusal_that_the_page_shows_has_a_message(path: Path) -> None:
    """New ones too, so that no page shows English among other words."""
    assert plain_texts(path, "Problem") == []


def test_a_sentence_of_the_verdict_has_a_message() -> None:
    assert plain_texts(SOURCE / "scoring" / "verdict.py", "Sentence") == []
