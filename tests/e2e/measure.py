"""Rates and delays as a page sees them, for end-to-end tests and for the bench."""

from dataclasses import dataclass

from playwright.sync_api import Page

from tests.e2e.scripts import script

# How far a download must have come to count as running at its full window.
UNDER_WAY_BYTES = 16 << 20

# Each event's data is the server's clock in milliseconds when it was sent; the page is on the same machine.
EVENT_DELAYS = script("event_delays.js")


@dataclass(frozen=True)
class Events:
    """What a page got of an event stream: ids in their order, and milliseconds from the server's send."""

    ids: list[int]
    delays: list[float]


def read_events(page: Page, url: str, through: str = "longwire") -> Events:
    """Read `url` (`/paced` of the test server) to its end, through Longwire or the browser's own fetch."""
    return Events(**page.evaluate(EVENT_DELAYS, {"url": url, "through": through}))


def rate(page: Page, url: str, count: int) -> float:
    """MB/s of the first `count` bytes of a body, which is then cancelled."""
    milliseconds: float = page.evaluate(
        script("rate.js"),
        {"url": url, "count": count},
    )
    return round(count / 1000 / milliseconds, 1)


@dataclass(frozen=True)
class Beside:
    """An event stream, and how many bytes a download in another tab got meanwhile."""

    events: Events
    download_bytes: int


def events_beside_download(busy: Page, quiet: Page, download: str, paced: str) -> Beside:
    """Read the events of `paced` in `quiet` while `busy` takes all it can get of `download`, and goes on doing so."""
    busy.evaluate(
        script("download_all.js"),
        download,
    )
    busy.wait_for_function("(count) => downloaded >= count", arg=UNDER_WAY_BYTES)
    before = busy.evaluate("downloaded")
    events = read_events(quiet, paced)
    return Beside(events, busy.evaluate("downloaded") - before)
