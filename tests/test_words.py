"""Texts for users avoid words that readers stumbled over; each failure names the better word.

Read are the string literals and docstrings of the package, the visible text of the page, and the
documents. Comments and the names of variables are not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

AVOIDED = {
    r"mend(s|ed|ing)?": "hint, fix or correct",
    r"told (of|from|apart)": "reported or separated",
    r"tell(s|ing)? (\w+ ){0,3}apart": "separate or distinguish",
    r"anew": "again",
    r"once more": "again",
    r"who(m|so)?ever": "users, or anyone who",
    r"such as it is": "the noun itself",
    r"by lot": "at random",
    r"by (mere )?luck": "by chance",
    r"in the mean(?! (loss|accuracy))": "on average",
    r"so many": "N, or the number itself",
    r"(is|are|was|were) told(?! (to|that|how|of|from|apart))": "is reported or described",
    r"hang(s|ing)? on": "depends on",
    r"(tak|carr)(e|es|en|ing|y|ies|ied|ying) (it |them )?away": "download or export",
    r"learnt": "learned",
    r"can not(?! only)": "cannot",
    r"it takes two(?! (to|or|thirds))": "at least two … are needed",
    r"knobs?": "setting",
    r"giveaways?": "shortcut",
    r"strangeness(es)?": "OOD score",
    r"brittleness": "robustness",
}
BETTER = {
    re.compile(rf"\b(?:{words})\b".replace(" ", r"\s+"), re.IGNORECASE): better
    for words, better in AVOIDED.items()
}
# Fields of schema 1: a string that is one of these and nothing else names a field.
FORMER_FIELDS = {"thing": "subject", "mend": "hint", "understood": "description"}

# Files that may say such a word, which word, and why.
ALLOWED = {
    "src/bakeoff/record/old_names.py": "",  # reads every field of schema 1
    "web/src/lib/schema.d.ts": "",  # is made from docs/openapi.json, so from texts of the package
    "web/src/lib/answering.ts": "strangeness",  # an output of graphs of schema 1
    "src/bakeoff/server/oip.py": "strangeness",  # clients of schema 1 request it
    "src/bakeoff/server/runs.py": "brittleness",  # the table in runs and addresses of schema 1
    "web/src/rooms/compare/chosen.ts": "brittleness",  # in addresses of older versions
}
FORMER = "FORMER"  # begins the names of tables of former names, which are read for one release


class Text(NamedTuple):
    """A piece of text, and where its first line is."""

    path: Path
    line: int
    text: str


def texts_of_python(path: Path) -> Iterator[Text]:
    """Every string literal and docstring, but for tables of former names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(name, ast.Name) and name.id.startswith(FORMER) for name in targets):
                continue
        if isinstance(node, ast.JoinedStr):  # as one text: words may be around a value
            parts = [
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            ]
            yield Text(path, node.lineno, "".join(parts))
            waiting += [part for part in node.values if not isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Text(path, node.lineno, node.value)
        else:
            waiting += ast.iter_child_nodes(node)


QUOTED = r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`'
SCRIPT = re.compile(rf"//[^\n]*|/\*.*?\*/|({QUOTED})", re.DOTALL)
MARKUP = re.compile(r"<!--.*?-->|<style.*?</style>|<script.*?>(.*?)</script>", re.DOTALL)


def texts_of_script(path: Path, code: str, line: int = 1) -> Iterator[Text]:
    """Every string of TypeScript, without the comments."""
    for found in SCRIPT.finditer(code):
        if found[1]:
            yield Text(path, line + code.count("\n", 0, found.start()), found[1][1:-1])


def texts_of_component(path: Path) -> Iterator[Text]:
    """The strings of a Svelte component's script, and its markup."""
    text = path.read_text(encoding="utf-8")
    for found in MARKUP.finditer(text):
        if found[1]:
            yield from texts_of_script(path, found[1], 1 + text.count("\n", 0, found.start(1)))
    shown = MARKUP.sub(lambda found: "\n" * found[0].count("\n"), text)
    yield Text(path, 1, shown)


def texts_of_document(path: Path) -> Iterator[Text]:
    """A document without its code."""
    text = path.read_text(encoding="utf-8")
    code = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
    yield Text(path, 1, code.sub(lambda found: "\n" * found[0].count("\n"), text))


def texts() -> Iterator[Text]:
    """Everything that users read."""
    for path in sorted((ROOT / "src" / "bakeoff").rglob("*.py")):
        yield from texts_of_python(path)
    for path in sorted((ROOT / "web" / "src").rglob("*.svelte")):
        yield from texts_of_component(path)
    for path in sorted((ROOT / "web" / "src").rglob("*.ts")):
        if ".test." in path.name:
            continue
        yield from texts_of_script(path, path.read_text(encoding="utf-8"))
    english = ROOT / "web" / "src" / "languages" / "en.json"
    yield from texts_of_script(english, english.read_text(encoding="utf-8"))
    for path in sorted({*ROOT.glob("*.md"), *ROOT.glob("*/*.md")}):
        yield from texts_of_document(path)
    yield Text(ROOT / "Makefile", 1, (ROOT / "Makefile").read_text(encoding="utf-8"))


def avoided_in(text: Text, root: Path = ROOT) -> Iterator[str]:
    """What a text should say instead, with file and line."""
    name = text.path.relative_to(root).as_posix()
    allowed = ALLOWED.get(name)
    if allowed == "":
        return
    if text.text in FORMER_FIELDS:
        yield f"{name}:{text.line}: “{text.text}” is called {FORMER_FIELDS[text.text]}"
    for words, better in BETTER.items():
        for found in words.finditer(text.text):
            if found[0] != allowed:
                line = text.line + text.text.count("\n", 0, found.start())
                yield f"{name}:{line}: “{' '.join(found[0].split())}”: write {better}"


def test_users_read_plain_words() -> None:
    assert "\n".join(line for text in texts() for line in avoided_in(text)) == ""


def test_a_failure_names_file_line_and_the_better_word(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        '"""A run is told\nof anew."""\n# anew\nname = f"by luck {anew} or by lot"\nkey = "thing"\n'
        'FORMER_NAMES = {"knob": "setting"}\n'
    )
    (tmp_path / "b.svelte").write_text(
        '<script lang="ts">\n  // knob\n  const knob = "whoever";\n</script>\n\n'
        "<!-- anew -->\n<p>It is learnt</p>\n<style>\n  .knob {}\n</style>\n"
    )
    (tmp_path / "c.md").write_text("`mend`\n\n```\nanew\n```\nIt can\nnot.\n")
    found = [
        line
        for read, name in (
            (texts_of_python, "a.py"),
            (texts_of_component, "b.svelte"),
            (texts_of_document, "c.md"),
        )
        for text in read(tmp_path / name)
        for line in avoided_in(text, tmp_path)
    ]
    assert sorted(found) == [
        "a.py:1: “told of”: write reported or separated",
        "a.py:2: “anew”: write again",
        "a.py:4: “by lot”: write at random",
        "a.py:4: “by luck”: write by chance",
        "a.py:5: “thing” is called subject",
        "b.svelte:3: “whoever”: write users, or anyone who",
        "b.svelte:7: “learnt”: write learned",
        "c.md:6: “can not”: write cannot",
    ]
