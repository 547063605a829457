"""What a page shows that is in no catalogue: each text of the catalogues is put into brackets."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route

__all__ = ["bracket_texts", "texts_outside"]

# A catalogue as it is built, with brackets around each of its texts.
BRACKETED = """import whole from "./{name}?whole";
const within = (text) => typeof text === "string" ? `⟦${{text}}⟧`
  : Object.fromEntries(Object.entries(text).map(([form, one]) => [form, `⟦${{one}}⟧`]));
export default Object.fromEntries(
  Object.entries(whole).map(([key, text]) => [key, within(text)]));
"""
OUTSIDE = r"""() => {
  const found = new Set(), word = /\p{L}{3,}/u;
  const untold = "code, kbd, pre, script, style, noscript, [translate=no], body [lang]";
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


def texts_outside(page: Page) -> list[str]:
    """The words on the page that are in no catalogue, in text or read aloud."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_timeout(200)
    found: list[str] = page.evaluate(OUTSIDE)
    return found
