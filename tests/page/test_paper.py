"""The paper: strokes by mouse, pen, finger and keyboard, taken back and erased."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page, expect

from .conftest import ONE, TRY, Served, answer, draw, in_both, watched
from .gestures import box_of, swipe


@in_both
def test_undo_redo_and_clear(room: Page) -> None:
    draw(room, ONE)
    draw(room, [(0.2, 0.5), (0.8, 0.5)])
    undo, redo = (room.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    room.keyboard.press("Control+z")
    undo.click()
    expect(room.get_by_text("Draw something")).to_be_visible()
    expect(answer(room, "CNN from scratch")).to_have_count(0)
    expect(undo).to_be_disabled()
    room.keyboard.press("Control+Shift+z")
    expect(answer(room, "CNN from scratch")).to_be_visible()
    redo.click()
    expect(redo).to_be_disabled()
    room.get_by_role("button", name="Clear").click()
    expect(room.get_by_text("Draw something")).to_be_visible()
    undo.click()  # clearing too
    expect(answer(room, "CNN from scratch")).to_be_visible()


def test_the_eraser_paints_white(room: Page) -> None:
    draw(room, ONE)
    room.get_by_label("Very thick pen").check(force=True)
    room.get_by_label("Eraser").check(force=True)
    draw(room, ONE)
    paper = room.locator("canvas").first
    dark = paper.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(one => one < 250)"
    )
    assert not dark


@in_both
def test_drawing_works_by_keyboard(room: Page) -> None:
    paper = room.get_by_role("application", name="Drawing pad")
    paper.focus()
    for _ in range(4):
        room.keyboard.press("Shift+ArrowUp")
    room.keyboard.press("Space")
    for _ in range(8):
        room.keyboard.press("Shift+ArrowDown")
    expect(room.get_by_text("Pen down")).to_have_count(1)
    room.keyboard.press("Space")
    expect(answer(room, "CNN from scratch")).to_be_visible()
    room.keyboard.press("Control+z")
    expect(room.get_by_text("Draw something")).to_be_visible()


@in_both
def test_a_pen_s_every_point_counts_and_a_resting_hand_does_not(room: Page) -> None:
    paper = room.locator("canvas").first
    marks = paper.evaluate(
        """(canvas) => {
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const send = (type, id, kind, x, y, pressure) => canvas.dispatchEvent(
            new PointerEvent(type, { bubbles: true, pointerId: id, pointerType: kind,
              pressure, button: 0, clientX: box.left + x * box.width,
              clientY: box.top + y * box.height }));
          const ink = () => {
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const at = (x, y) =>
              data[4 * (Math.round(y * height) * width + Math.round(x * width))] < 128;
            return [at(0.5, 0.5), at(0.2, 0.8)];
          };
          send('pointerdown', 1, 'pen', 0.3, 0.5, 0.4);
          send('pointerdown', 2, 'touch', 0.2, 0.8, 0.5);
          send('pointermove', 2, 'touch', 0.2, 0.9, 0.5);
          send('pointermove', 1, 'pen', 0.5, 0.5, 0.7);
          send('pointermove', 1, 'pen', 0.7, 0.5, 0.9);
          send('pointerup', 1, 'pen', 0.7, 0.5, 0);
          return ink();
        }"""
    )
    assert marks == [True, False]


def test_points_between_two_frames_count_too(room: Page) -> None:
    # On a busy machine one event stands for many points of the pen: a detour, not a straight line.
    dark = room.locator("canvas").first.evaluate(
        """(canvas) => {
          canvas.setPointerCapture = () => {};
          const box = canvas.getBoundingClientRect();
          const made = (type, x, y, more = {}) => new PointerEvent(type, { bubbles: true,
            pointerId: 1, pointerType: 'pen', pressure: 0.5, clientX: box.left + x * box.width,
            clientY: box.top + y * box.height, ...more });
          canvas.dispatchEvent(made('pointerdown', 0.2, 0.2));
          canvas.dispatchEvent(made('pointermove', 0.8, 0.2, { coalescedEvents:
            [[0.2, 0.5], [0.2, 0.8], [0.5, 0.8], [0.8, 0.8], [0.8, 0.5], [0.8, 0.2]]
              .map(([x, y]) => made('pointermove', x, y)) }));
          canvas.dispatchEvent(made('pointerup', 0.8, 0.2));
          const { width, height } = canvas;
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
          return [[0.5, 0.8], [0.5, 0.2]].map(([x, y]) =>
            data[4 * (Math.round(y * height) * width + Math.round(x * width))] < 128);
        }"""
    )
    assert dark == [True, False]


@in_both
def test_a_finger_draws_and_does_not_scroll(engine: Browser, served: Served) -> None:
    view: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "has_touch": True}
    mobile = {} if engine.browser_type.name == "firefox" else {"is_mobile": True}  # it knows none
    with watched(engine, **view, **mobile) as page:
        page.goto(served.at(TRY))
        expect(page.get_by_text("Draw something")).to_be_visible()
        paper = page.locator("canvas").first
        box = box_of(paper)
        middle = box["x"] + box["width"] / 2
        heights = [0.9 - step / 15 for step in range(12)]
        swipe(page, [(middle, box["y"] + box["height"] * height) for height in heights])
        expect(answer(page, "CNN from scratch")).to_be_visible()
        assert page.evaluate("scrollY") == 0
        assert paper.evaluate("(canvas) => getComputedStyle(canvas).touchAction") == "none"
        assert ink(page)[1] > 50


def ink(page: Page) -> tuple[tuple[int, int, int], int]:
    """The darkest colour on the paper, and how many points of 400×400 are not white."""
    found = page.locator("canvas").first.evaluate(
        """(canvas) => {
          const small = new OffscreenCanvas(400, 400).getContext('2d');
          small.drawImage(canvas, 0, 0, 400, 400);
          const { data } = small.getImageData(0, 0, 400, 400);
          let [dark, count] = [[255, 255, 255], 0];
          for (let at = 0; at < data.length; at += 4) {
            const one = [...data.slice(at, at + 3)];
            const sum = one[0] + one[1] + one[2];
            if (sum < 600) count++;
            if (sum < dark[0] + dark[1] + dark[2]) dark = one;
          }
          return [dark, count];
        }"""
    )
    (red, green, blue), count = found
    return (red, green, blue), count


def test_pens_have_widths_and_colours(room: Page) -> None:
    tools = room.get_by_role("group", name="Drawing tools")
    areas, colours = [], set()
    for width in tools.get_by_role("group", name="Pen width").get_by_role("radio").all():
        width.check(force=True)
        draw(room, ONE)
        areas.append(ink(room)[1])
        room.get_by_role("button", name="Clear").click()
    assert areas == sorted(areas)
    assert areas[-1] > 2 * areas[0] > 0
    pens = tools.get_by_role("group", name="Colour").get_by_role("radio").all()
    for pen in pens[:-1]:  # the last is the eraser
        pen.check(force=True)
        draw(room, ONE)
        colours.add(ink(room)[0])
        room.get_by_role("button", name="Clear").click()
    assert len(colours) == len(pens) - 1 >= 2
