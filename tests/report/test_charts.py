from __future__ import annotations

import base64
import io
import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bakeoff.evaluation.records import ReliabilityBin
from bakeoff.record.results import EpochRecord, FoldResult
from bakeoff.report.charts.curves import Curves
from bakeoff.report.charts.heatmap import RIGHT, WRONG, heatmap
from bakeoff.report.charts.intervals import IntervalAxis, Whisker
from bakeoff.report.charts.reliability import reliability_diagram
from bakeoff.report.charts.scales import linear, log_ticks, logarithmic, nice_ticks, share_range
from bakeoff.report.charts.svg import SHAPES, marker, markup, root


def of_class(svg: str, class_: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(svg).iter() if class_ in node.get("class", "").split()]


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-3, 1e4), most=st.integers(2, 9))
def test_nice_ticks_are_few_round_even_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    ticks = nice_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    slack = 1e-6 * span
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    steps = np.diff(ticks)
    assert np.allclose(steps, steps[:1])


@given(low=st.floats(1e-4, 1), ratio=st.floats(2, 1e5))
def test_log_ticks_are_few_and_inside(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert len(ticks) <= 7
    assert all(low <= tick <= low * ratio for tick in ticks)


def test_scales() -> None:
    x = linear(0, 10, 100, 200)
    assert [x(v) for v in (-5, 0, 5, 10, 99)] == [100, 100, 150, 200, 200]
    y = logarithmic(0.01, 1, 100, 0)
    assert [round(y(v), 6) for v in (0, 0.01, 0.1, 1)] == [100, 100, 50, 0]


@given(st.lists(st.floats(0, 1), max_size=5))
def test_share_range_holds_all_and_is_never_empty(values: list[float]) -> None:
    low, high = share_range(values)
    assert 0 <= low < high <= 1
    assert all(low <= value <= high for value in values)


def test_titles_are_escaped() -> None:
    svg = markup(root(10, 10, "</title><script>alert(1)</script>"))
    assert "<script" not in svg
    assert ET.fromstring(svg)[0].text == "</title><script>alert(1)</script>"


def test_every_approach_has_a_mark_of_its_own() -> None:
    marks = set()
    for approach in range(len(SHAPES)):
        svg = root(10, 10, "")
        mark = marker(svg, approach, 5, 5)
        assert mark.get("class") == f"mark c{approach}"
        marks.add("".join(ET.tostring(part, encoding="unicode") for part in mark))
    assert len(marks) == len(SHAPES)


def test_intervals_lie_on_one_axis() -> None:
    better = Whisker(0, "CNN", 0.9, (0.85, 0.94))
    worse = Whisker(1, "Baseline", 0.5, (0.4, 0.6), hollow=True)
    axis = IntervalAxis([better, worse])
    row = axis.row([better, worse])
    first, second = of_class(row, "whisker")
    assert float(second.get("x2", "")) < float(first.get("x1", ""))
    (hollow,) = [mark for mark in of_class(row, "mark") if "hollow" in mark.get("class", "")]
    assert "c1" in hollow.get("class", "")
    title = ET.fromstring(row)[0].text or ""
    assert "CNN 90.0" in title
    assert "Baseline 50.0" in title
    ticks = [text.text for text in ET.fromstring(axis.head()).iter("text")]
    assert ticks == ["40", "60", "80 %"]


def fold(
    validation: list[float | None], name: str = "1", best: int = 1, train: float = 0.5
) -> FoldResult:
    curve = [
        EpochRecord(
            epoch=epoch,
            learning_rate=0.1,
            train_loss=train,
            train_accuracy=0.5,
            validation_loss=value,
            validation_accuracy=None if value is None else 1 - value / 4,
            seconds=1,
        )
        for epoch, value in enumerate(validation, 1)
    ]
    return FoldResult(
        name=name, pictures=10, accuracy=0.9, loss=0.3, best_epoch=best, temperature=1,
        seconds=1, curve=curve,
    )  # fmt: skip


def steps(path: ET.Element) -> list[tuple[float, ...]]:
    points = path.get("d", "").removeprefix("M").split("L")
    return [tuple(map(float, point.split())) for point in points]


def test_the_mean_ends_where_the_first_fold_does() -> None:
    folds = [fold([2.0, 1.0, 0.5, 0.2], "1", 4), fold([1.0, 0.5], "2", 2)]
    svg = Curves([folds]).loss(2, "CNN", folds)
    thin = [path for path in of_class(svg, "fold") if "validation" in path.get("class", "")]
    assert [len(steps(path)) for path in thin] == [4, 2]
    (mean,) = [path for path in of_class(svg, "mean") if "validation" in path.get("class", "")]
    assert "c2" in mean.get("class", "")
    assert len(steps(mean)) == 2
    upper, lower = steps(thin[0])[0][1], steps(thin[1])[0][1]
    assert upper < steps(mean)[0][1] < lower
    best = of_class(svg, "best")
    assert [mark.findtext("title") for mark in best] == [
        "fold 1: best epoch 4",
        "fold 2: best epoch 2",
    ]


def test_all_approaches_share_their_axes() -> None:
    good, bad = [fold([0.1, 0.05])], [fold([2.0, 1.5])]
    curves = Curves([good, bad])

    def labels(svg: str) -> list[str | None]:
        return [t.text for t in ET.fromstring(svg).iter("text") if t.get("text-anchor") == "end"]

    assert labels(curves.loss(0, "a", good)) == labels(curves.loss(1, "b", bad))
    assert labels(curves.accuracy(0, "a", good)) == labels(curves.accuracy(1, "b", bad))
    assert "%" in str(labels(curves.accuracy(0, "a", good)))


@pytest.mark.parametrize("loss", [math.nan, math.inf, 0.0])
def test_a_diverged_or_perfect_fit_is_still_drawn(loss: float) -> None:
    folds = [fold([1.0, 0.8, 0.6], train=loss)]
    svg = Curves([folds]).loss(0, "CNN", folds)
    assert "nan" not in svg
    assert "inf" not in svg
    (mean,) = [path for path in of_class(svg, "mean") if "validation" in path.get("class", "")]
    assert len(steps(mean)) == 3


def test_a_fit_without_validation_shows_training_alone() -> None:
    folds = [fold([None, None, None])]
    svg = Curves([folds]).accuracy(0, "CNN", folds)
    assert [path.get("class") for path in of_class(svg, "mean")] == ["mean train"]
    assert not of_class(svg, "best")


def test_one_epoch_is_no_line() -> None:
    folds = [fold([0.5])]
    svg = Curves([folds]).loss(0, "CNN", folds)
    assert not of_class(svg, "mean")
    assert len(of_class(svg, "best")) == 1


def test_reliability_shows_every_bin() -> None:
    bins = [ReliabilityBin(0.2, 0.5, 40, 0.4, 0.3), ReliabilityBin(0.5, 1.0, 40, 0.9, 0.9)]
    svg = reliability_diagram(1, "CNN", bins)
    too_sure, right = of_class(svg, "stem")
    # Down from the diagonal where it is too sure; no stem where it is right.
    assert float(too_sure.get("y2", "")) > float(too_sure.get("y1", ""))
    assert right.get("y1") == right.get("y2")
    titles = [mark.findtext("title") or "" for mark in of_class(svg, "mark")]
    assert [title.replace("\u202f", " ") for title in titles] == [
        "40 pictures: 40.0 % sure, 30.0 % right",
        "40 pictures: 90.0 % sure, 90.0 % right",
    ]


def test_heatmap() -> None:
    counts = np.array([[90, 10, 0], [0, 0, 0], [0, 1, 99]])
    with Image.open(io.BytesIO(base64.b64decode(heatmap(counts).split(",")[1]))) as image:
        pixels = np.asarray(image)
    assert tuple(pixels[0, 0, :3]) == RIGHT
    assert tuple(pixels[0, 1, :3]) == WRONG
    opacity = pixels[..., 3].astype(int)
    assert np.array_equal(opacity > 0, counts > 0)
    assert opacity[0, 0] > opacity[0, 1] > opacity[2, 1] >= 64
