"""The form of the Anvil example, with stand-ins for what Anvil's editor and server give it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bakeoff.bundle.panel import SideBySide, load
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder

from .examples import EXAMPLES
from .strokes import strokes

COMPONENTS = ("file_loader", "image", "answers", "why")
Call = Callable[[str, object], object]


class Template:
    """What the editor makes of the components that form.py lists."""

    def init_components(self, **_: object) -> None:
        for name in COMPONENTS:
            setattr(self, name, SimpleNamespace(source=None, content=""))


@pytest.fixture
def form(monkeypatch: pytest.MonkeyPatch) -> Callable[[Call], Any]:
    """Makes the form, whose calls of the server go to a function."""

    def made(call: Call) -> Any:
        anvil, server = ModuleType("anvil"), ModuleType("anvil.server")
        server.call = call  # type: ignore[attr-defined]
        anvil.server = server  # type: ignore[attr-defined]
        designer = ModuleType("app._anvil_designer")
        designer.Form1Template = Template  # type: ignore[attr-defined]
        app = ModuleType("app")
        app.__path__ = []
        for module in (anvil, server, app, designer):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        spec = importlib.util.spec_from_file_location("app.form", EXAMPLES / "anvil" / "form.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Form1()

    return made


def test_the_form_shows_the_answers_of_every_model(
    form: Callable[[Call], Any], finished: RunFolder
) -> None:
    answers = load([finished.path]).predict(to_png(strokes(3).pictures[2]))
    assert isinstance(answers, SideBySide)
    plain = {name: answer.to_dict() for name, (answer, *_) in answers.items()}
    form1 = form(lambda name, file: plain if name == "predict" else f"why {file}")
    form1.file_loader_change("drawing.png", event_name="change", sender=form1.file_loader)
    assert form1.image.source == "drawing.png"
    assert form1.why.source == "why drawing.png"
    lines = form1.answers.content.splitlines()
    assert len(lines) == len(answers)
    for line, (name, (answer, *_)) in zip(lines, answers.items(), strict=True):
        assert line == f"- **{name}**: {answer.label} ({answer.probability:.0%}), {answer.words}"


def test_the_form_shows_what_is_wrong_with_a_file(form: Callable[[Call], Any]) -> None:
    form1 = form(lambda name, _: {"error": "notes.txt: it is not a picture"})
    form1.file_loader_change("notes.txt")
    assert form1.answers.content == "notes.txt: it is not a picture"
    assert form1.why.source is None
