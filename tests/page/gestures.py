"""Gestures beyond mouse and keys: files that are dropped, and fingers.

Chromium does them as its user would. Over WebDriver BiDi, Firefox ESR 153 drops nothing and its
taps do nothing; there the page gets the events that Firefox would send it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Locator, Page, expect

__all__ = ["Box", "box_of", "drop", "swipe", "tap", "tap_at"]

# Where something is, once it has been there for two frames.
AT_REST = """(target) => new Promise((done) => {
  let before = '';
  const look = () => {
    const { x, y, width, height } = target.getBoundingClientRect();
    const now = JSON.stringify({ x, y, width, height });
    if (width && now === before) done({ x, y, width, height });
    else requestAnimationFrame(look);
    before = now;
  };
  look();
})"""

# Let go of the files of an input over an element, under these paths.
DROP = """(target, paths) => {
  const input = document.querySelector('#dropped');
  const files = [...input.files], roots = new Map();
  input.remove();
  const folder = (name, fullPath) => {
    const inside = new Map();
    const readEntries = (batches) => (done) => done(batches.splice(0, 1)[0] ?? []);
    return { inside, name, fullPath, isFile: false, isDirectory: true,
      createReader: () => ({ readEntries: readEntries([[...inside.values()]]) }) };
  };
  paths.forEach((path, n) => {
    const names = path.split('/'), last = names.pop();
    let [among, at] = [roots, ''];
    for (const name of names) {
      at += `/${name}`;
      if (!among.has(name)) among.set(name, folder(name, at));
      among = among.get(name).inside;
    }
    among.set(last, { name: last, fullPath: `/${path}`, isFile: true, isDirectory: false,
      file: (done) => done(files[n]), dropped: files[n] });
  });
  const items = [...roots.values()].map((entry) => ({ kind: 'file',
    webkitGetAsEntry: () => entry, getAsFile: () => entry.dropped ?? null }));
  const dataTransfer = { items, files: [], types: ['Files'] };
  const box = target.getBoundingClientRect();
  const [clientX, clientY] = [box.x + box.width / 2, box.y + box.height / 2];
  const send = (type) => {
    const event = new DragEvent(type, { bubbles: true, cancelable: true, clientX, clientY });
    Object.defineProperty(event, 'dataTransfer', { value: dataTransfer });
    return !document.elementFromPoint(clientX, clientY).dispatchEvent(event);
  };
  send('dragenter');
  if (!send('dragover')) throw new Error('nothing can be dropped here');
  send('drop');
}"""

# What a finger does to what is at a place of the window.
TAP = """([x, y]) => {
  const target = document.elementFromPoint(x, y);
  target.setPointerCapture = () => {};  // there is no pointer of this number
  const options = { bubbles: true, cancelable: true, composed: true, pointerType: 'touch',
    pointerId: 7, isPrimary: true, button: 0, clientX: x, clientY: y };
  const send = (type, more) =>
    target.dispatchEvent(new PointerEvent(type, { ...options, ...more }));
  send('pointerdown', { buttons: 1, pressure: 0.5 });
  send('pointerup', { buttons: 0, pressure: 0 });
  target.closest('a, button, input, select, [tabindex]')?.focus();
  send('click', { detail: 1 });
}"""

# A finger that goes from place to place; what it does beyond that, such as to scroll, is missing.
SWIPE = """(places) => {
  const target = document.elementFromPoint(...places[0]);
  target.setPointerCapture = () => {};
  const send = (type, [clientX, clientY]) => target.dispatchEvent(new PointerEvent(type, {
    bubbles: true, cancelable: true, composed: true, pointerType: 'touch', pointerId: 7,
    isPrimary: true, button: type === 'pointermove' ? -1 : 0, clientX, clientY }));
  send('pointerdown', places[0]);
  for (const place of places.slice(1)) send('pointermove', place);
  send('pointerup', places.at(-1));
}"""


class Box(TypedDict):
    """A place in the window, in pixels."""

    x: float
    y: float
    width: float
    height: float


def box_of(target: Locator) -> Box:
    """Where something is, once it no longer moves: a room that fills may push it aside."""
    expect(target).to_be_visible()
    found: Box = target.evaluate(AT_REST)
    return found


def drop(page: Page, target: Locator, *paths: Path) -> None:
    """Let go of files or folders over something, as the mouse of a desktop does."""
    if _is_firefox(page):
        found = {
            file: file.relative_to(path.parent).as_posix()
            for path in paths
            for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
            if file.is_file()
        }
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('input'),"
            " { id: 'dropped', type: 'file', multiple: true, hidden: true }))"
        )
        page.locator("#dropped").set_input_files(list(found))
        target.evaluate(DROP, list(found.values()))
        return
    box = box_of(target)
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    session.detach()


def tap(target: Locator) -> None:
    """A finger on something."""
    if not _is_firefox(target.page):
        target.tap()
        return
    target.click(trial=True)  # waits until it can be hit
    box = box_of(target)
    tap_at(target.page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def tap_at(page: Page, x: float, y: float) -> None:
    """A finger at a place of the window, in pixels."""
    if _is_firefox(page):
        page.evaluate(TAP, [x, y])
    else:
        page.touchscreen.tap(x, y)


def swipe(page: Page, places: list[tuple[float, float]]) -> None:
    """A finger over these places of the window, in pixels."""
    if _is_firefox(page):
        page.evaluate(SWIPE, places)
        return
    finger = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(places):
        kind = "touchMove" if number else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finger.detach()


def _is_firefox(page: Page) -> bool:
    browser = page.context.browser
    return browser is not None and browser.browser_type.name == "firefox"
