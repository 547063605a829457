"""What a page shows that is in no catalogue: each text of the catalogues is put into brackets."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

from playwright.sync_api import Page, Route

__all__ = ["bracket_texts", "texts_outside", "with_bracketed_texts"]

LANGUAGES = Path(__file__).resolve().parents[2] / "web" / "src" / "languages"

# A catalogue as it is built, with brackets around each of its texts.
BRACKETED = """import whole from "./{name}?whole";
const within = (text) => typeof text === "string" ? `⟦${{text}}⟧`
  : Object.fromEntries(Object.entries(text).map(([form, one]) => [form, `⟦${{one}}⟧`]));
export default Object.fromEntries(
  Object.entries(whole).map(([key, text]) => [key, within(text)]));
"""
OUTSIDE = r"""() => {
  const found = new Set(), word = /\p{L}{3,}/u;
  const untold = "code, kbd, pre, script, style, noscript, time, [translate=no], body [lang]";
  const note = (text) => word.test(text) && found.add(text.trim().replace(/\s+/g, " "));
  const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let depth = 0; // a text can be in several elements, and a text in another
  for (let node = all.nextNode(); node; node = all.nextNode()) {
    let outside = "";
    for (const sign of node.data) {
      if (sign === "⟦") depth++;
      else if (sign === "⟧") depth--;
      else if (!depth) outside += sign;
    }
    if (!node.parentElement.closest(untold)) note(outside);
  }
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest("[translate=no]")) continue;
    for (const name of ["aria-label", "aria-description", "alt", "placeholder", "title"]) {
      let text = one.getAttribute(name) ?? "";
      for (let before; before !== text;) [before, text] = [text, text.replace(/⟦[^⟦⟧]*⟧/g, "")];
      note(text);
    }
  }
  return [...found];
}"""


def bracket_texts(page: Page, language: str) -> None:
    """Put brackets around the texts of a language, whenever its catalogues are loaded."""

    def answer(route: Route) -> None:
        address = route.request.url
        if address.endswith("?whole"):
            route.continue_()
        else:
            body = BRACKETED.format(name=address.rpartition("/")[2])
            route.fulfill(content_type="text/javascript", body=body)

    page.route(re.compile(rf"/assets/{language}-[\w-]+\.js(\?whole)?$"), answer)


def with_bracketed_texts(report: str, language: str) -> str:
    """A report with brackets around the texts of a language, which it holds packed."""
    files = (LANGUAGES / f"{language}.json", LANGUAGES / "said" / f"{language}.json")
    catalogues = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    found = 0

    def bracketed(packed: re.Match[str]) -> str:
        nonlocal found
        texts = json.loads(gzip.decompress(base64.b64decode(packed[0])))
        if not any(texts.items() <= known.items() for known in catalogues):
            return packed[0]  # another language
        found += 1
        within = {
            key: f"⟦{text}⟧"
            if isinstance(text, str)
            else {form: f"⟦{one}⟧" for form, one in text.items()}
            for key, text in texts.items()
        }
        return base64.b64encode(gzip.compress(json.dumps(within).encode())).decode()

    whole = re.sub(r"H4sI[A-Za-z0-9+/]{200,}=*", bracketed, report)
    assert found == 2, "a report has a catalogue of the page's texts and one of the server's"
    # The policy has the hash of the script as it was.
    return re.sub(r'<meta\s+http-equiv="Content-Security-Policy".*?>', "", whole, flags=re.DOTALL)


def texts_outside(page: Page) -> list[str]:
    """The words on the page that are in no catalogue, in text or read aloud."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_timeout(200)
    found: list[str] = page.evaluate(OUTSIDE)
    return found
