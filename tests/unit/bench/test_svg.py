"""Plots: what is drawn, that it is XML whatever the names are, and that it is read in the dark."""

import math
from xml.etree import ElementTree

import pytest

from tests.bench.figures import Point, Row
from tests.bench.pictures import PLOTS, pictures
from tests.bench.svg import bars, lines

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('&\"')</script>"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314  (ours)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_names_and_units_are_text_whatever_is_in_them() -> None:
    for svg in (
        bars(HOSTILE, HOSTILE, {HOSTILE: {HOSTILE: 1.0}}),
        lines(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: [(1.0, 2.0)]}),
    ):
        assert "<script" not in svg
        assert texts(svg).count(HOSTILE) >= 3


def test_a_bar_is_as_long_as_its_value_and_says_it() -> None:
    svg = bars("t", "MB/s", {"random": {"a": 10.0, "b": 40.0}, "text": {"b": 20.0}})
    long = [float(r.get("width", "0")) for r in parsed(svg).iter(f"{SVG}rect")][1:]
    assert long[0] / long[1] == pytest.approx(0.25, rel=0.01)
    assert long[2] / long[1] == pytest.approx(0.5, rel=0.01)
    assert {"10", "40", "20", "random", "text"} <= set(texts(svg))


def test_a_series_has_the_same_colour_in_every_group() -> None:
    svg = bars("t", "u", {"first": {"a": 1.0, "b": 1.0}, "second": {"b": 1.0}})
    colours = [r.get("class") for r in parsed(svg).iter(f"{SVG}rect")][1:]
    assert colours == ["f0", "f1", "f1"]


@pytest.mark.parametrize("from_zero", [False, True])
def test_points_stand_inside_the_plot_and_in_order(from_zero: bool) -> None:
    points = [(1024.0, 3.0), (1048576.0, 40.0), (1073741824.0, 39.0)]
    svg = parsed(lines("t", "u", "bytes", {"a": points}, from_zero=from_zero))
    places = [(float(c.get("cx", "nan")), float(c.get("cy", "nan"))) for c in svg.iter(f"{SVG}circle")]
    _, _, width, height = (float(part) for part in svg.get("viewBox", "").split())
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert places[0][1] > places[2][1] > places[1][1]  # more is higher


@pytest.mark.parametrize(
    "points", [pytest.param([], id="none"), pytest.param([(0.0, 0.0)], id="zero"), pytest.param([(5.0, 5.0)], id="one")]
)
def test_few_points_make_a_plot_too(points: list[tuple[float, float]]) -> None:
    assert "nan" not in lines("t", "u", "x", {"a": points})
    assert not any(math.isnan(len(text)) for text in texts(lines("t", "u", "x", {"a": points})))


def test_there_are_colours_for_light_and_for_dark() -> None:
    svg = bars("t", "u", {"g": {"a": 1.0}})
    light, _, dark = svg.partition("prefers-color-scheme:dark")
    assert ".f0{" in light and ".f0{" in dark


def test_longwire_has_the_same_place_in_every_plot() -> None:
    rows = [
        Row("a", "MB/s", [1.0], point=Point("bodies", name, kind))
        for kind in ("text", "random")
        for name in ("browser's fetch", "Longwire")
    ]
    shown = [text for text in texts(pictures(rows)["bodies.svg"]) if text in {"Longwire", "browser's fetch", "text"}]
    assert shown == ["text", "Longwire", "browser's fetch", "Longwire", "browser's fetch"]


def test_rows_make_the_plots_that_they_name() -> None:
    rows = [
        Row("random: Longwire", "MB/s", [3.0, 5.0, 4.0], point=Point("bodies", "Longwire", "random")),
        Row("events, 10/s: Longwire", "ms", [1.0], point=Point("delay by pace", "Longwire", 10)),
        Row("events, 100/s: Longwire", "ms", [2.0], point=Point("delay by pace", "Longwire", 100)),
        Row("of no plot", "ms", [2.0]),
    ]
    made = pictures(rows)
    assert set(made) == {"bodies.svg", "delay.svg"}
    assert "4" in texts(made["bodies.svg"])
    assert len({plot.file for plot in PLOTS.values()}) == len(PLOTS)
