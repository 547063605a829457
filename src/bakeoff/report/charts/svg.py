"""The few parts that every chart is made of."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from markupsafe import Markup

__all__ = ["SHAPES", "element", "line", "marker", "markup", "path", "root"]

# Shape as well as colour tells approaches apart: about one man in twelve
# sees no difference between some of the colours.
SHAPES = ("circle", "square", "diamond", "triangle", "cross", "ring")


def root(width: float, height: float, title: str | None, class_: str = "chart") -> ET.Element:
    """An empty chart of width×height.

    A screen reader reads its `title`, and skips what has none: an ornament
    beside a text that says the same.
    """
    svg = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {_text(width)} {_text(height)}",
            "width": _text(width),
            "height": _text(height),
            "class": class_,
        },
    )
    if title is None:
        svg.set("aria-hidden", "true")
    else:
        svg.set("role", "img")
        element(svg, "title", title)
    return svg


def element(
    parent: ET.Element, tag: str, text: str | None = None, **attributes: str | float
) -> ET.Element:
    """Append an element. ``text_anchor`` is written text-anchor, ``class_`` class.

    Numbers are rounded to a tenth of a pixel: it saves half the bytes and no
    eye sees it.
    """
    names = (name.rstrip("_").replace("_", "-") for name in attributes)
    child = ET.SubElement(
        parent, tag, dict(zip(names, map(_text, attributes.values()), strict=True))
    )
    child.text = text
    return child


def line(parent: ET.Element, x1: float, y1: float, x2: float, y2: float, class_: str) -> ET.Element:
    """A straight line."""
    return element(parent, "line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(parent: ET.Element, points: Iterable[tuple[float, float]], class_: str) -> None:
    """A line through `points`; nothing where there are fewer than two."""
    steps = [f"{_text(x)} {_text(y)}" for x, y in points]
    if len(steps) > 1:
        element(parent, "path", d="M" + "L".join(steps), class_=class_)


def marker(
    parent: ET.Element, approach: int, x: float, y: float, size: float = 4, class_: str = ""
) -> ET.Element:
    """The mark of one approach, everywhere of the same shape and colour."""
    shape = approach % len(SHAPES)
    mark = element(parent, "g", class_=f"mark c{shape} {class_}".rstrip())
    match SHAPES[shape]:
        case "circle":
            element(mark, "circle", cx=x, cy=y, r=size)
        case "square":
            side = 1.8 * size
            element(mark, "rect", x=x - side / 2, y=y - side / 2, width=side, height=side)
        case "diamond":
            reach = 1.3 * size
            _polygon(mark, [(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)])
        case "triangle":
            reach = 1.2 * size
            _polygon(mark, [(x, y - reach), (x + reach, y + size), (x - reach, y + size)])
        case "cross":
            path(mark, [(x - size, y - size), (x + size, y + size)], "open")
            path(mark, [(x - size, y + size), (x + size, y - size)], "open")
        case _:
            element(mark, "circle", cx=x, cy=y, r=0.85 * size, class_="open")
    return mark


def markup(svg: ET.Element) -> Markup:
    """The finished chart, ready for the page: ElementTree has escaped every text in it."""
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704


def _polygon(parent: ET.Element, corners: list[tuple[float, float]]) -> None:
    points = " ".join(f"{_text(x)},{_text(y)}" for x, y in corners)
    element(parent, "polygon", points=points)


def _text(value: str | float) -> str:
    # Adding 0.0 turns the -0.0 that rounding leaves into 0.0.
    return value if isinstance(value, str) else f"{round(value, 1) + 0.0:g}"
