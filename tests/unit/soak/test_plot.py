"""The picture of a long run: whole, small, and of every process."""

from xml.etree import ElementTree

import pytest

from longwire.protocol.limits import MIB
from tests.soak.load import Phase
from tests.soak.plot import COLOURS, PANELS, plot
from tests.soak.sampling import ROLES
from tests.unit.soak.samples import noise, series

SVG = "{http://www.w3.org/2000/svg}"
PHASES = [Phase("rounds", 0, 200), Phase("idle", 200, 400), Phase("long streams", 400, 3600)]
MOMENTS = [(700.0, "late first byte"), (3500.0, "the silent stream speaks")]


def test_an_hour_of_every_process_is_a_small_picture_with_a_line_in_each_panel() -> None:
    breath = noise(5 * MIB)
    samples = [
        sample
        for pid, role in enumerate([*ROLES, *ROLES])
        for sample in series(lambda at: 40 * MIB + breath(at), role=role, pid=pid, threads=lambda at: 3 + at % 2)
    ]

    text = plot(samples, PHASES, MOMENTS, "an hour & more")

    picture = ElementTree.fromstring(text)  # noqa: S314 - our own text
    lines = [path.get("stroke", "") for path in picture.iter(f"{SVG}path") if path.get("fill") == "none"]
    assert sorted(lines) == sorted([colour for colour in COLOURS.values() for _ in PANELS])
    words = {label.text for label in picture.iter(f"{SVG}text")}
    assert {"an hour & more", "the silent stream speaks", "long streams", "55 min", *ROLES} <= words
    assert len(text) < 60_000


@pytest.mark.parametrize("highest", [0, 0.003, 1, 3, 7, 49, 51, 200, 12_345])
def test_the_highest_point_is_inside_the_picture(highest: float) -> None:
    samples = series(lambda at: highest * MIB * at / 100, seconds=105)

    picture = ElementTree.fromstring(plot(samples, [], [], "t"))  # noqa: S314 - our own text

    height = float(picture.get("viewBox", "").split()[3])
    paths = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("fill") == "none"]
    points = [point.split(",") for path in paths for point in path.replace("M", " ").split()]
    assert all(0 < float(y) < height for _, y in points)
    assert len(paths) == len(PANELS)


def test_a_run_of_which_nothing_is_known_is_still_a_picture() -> None:
    assert ElementTree.fromstring(plot([], [], [], "nothing"))  # noqa: S314 - our own text
