"""The writer's panel alone, in the isolated world of a page that is not its friend."""

import subprocess
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.e2e.writer import WriterPanel
from tests.upstreams.threaded import ThreadedServer

EXTENSION = Path(__file__).parents[2] / "extension"
# A panel whose deeds are written down, and a way to say to it what a run would.
ENTRY = script("panel_alone.js")
PAGE = f"""<!doctype html><title>A pull request</title>
<style>body, body * {{ color: red !important; letter-spacing: 9px; direction: inherit }}</style>
<script>{script("listen_everywhere.js")}</script>
<body><form id="form" action="/saved">
  <textarea id="beside">Template</textarea>
  <input name="title"><button>Save</button>
</form>"""
STATS: Final = {"files": 5, "added": 1200, "deleted": 34, "bytes": 9}
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def panel_script() -> str:
    """The panel as a script."""
    command = ["node_modules/.bin/esbuild", "--bundle", "--format=iife", "--loader=ts", "--loader:.css=text"]
    built = subprocess.run(command, input=ENTRY, cwd=EXTENSION, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout


class World:
    """An isolated world in a page, as a content script's is."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        frame = self._session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        made = self._session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "writer"})
        self._id = made["executionContextId"]

    def evaluate(self, expression: str) -> Any:
        """Its value."""
        asked = {"expression": expression, "contextId": self._id, "awaitPromise": True, "returnByValue": True}
        answer = self._session.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")


class Shown:
    """A page with a panel."""

    def __init__(self, page: Page, panel_script: str) -> None:
        self.page = page
        self.world = World(page)
        self.world.evaluate(f"{panel_script};0")
        self.panel = WriterPanel(page)

    def hear(self, *events: dict[str, Any]) -> dict[str, Any]:
        """What is shown after a run said this."""
        for event in events:
            self.world.evaluate(f"hear({event})".replace("None", "null"))
        return self.panel.shown()

    def deeds(self) -> Any:
        """What the panel asked for."""
        return self.world.evaluate("deeds")


@pytest.fixture
def shown(browser: Browser, site: ThreadedServer, panel_script: str) -> Shown:
    page = browser.open(site.url("/blank"))
    page.set_viewport_size({"width": 640, "height": 420})
    page.route("**/pull/1", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
    page.goto(site.url("/pull/1"))
    return Shown(page, panel_script)


def phase(name: str, text: str) -> dict[str, Any]:
    return {"type": "phase", "phase": name, "text": text}


READING = phase("reading", "Reading the pull request…")
WRITING = phase("writing", "Writing (123 tokens)…")
DATA = {"type": "pr_data", "title": "t", "diffStats": STATS}
CUT = {"type": "cut", "originalBytes": 1_200_000, "cutBytes": 200_000}
PROGRESS = {"type": "progress", "tokens": 123, "elapsedMs": 4_200, "remainingMs": 12_345}
NEUTRALISED = {"type": "neutralised", "count": 2}
DONE = phase("done", "Done (412 tokens)")
LIMITED = "Too many requests. Write again later, or choose another provider in the settings."


def failed(code: str, retry_after_ms: int | None, text: str = LIMITED) -> tuple[dict[str, Any], dict[str, Any]]:
    return phase("failed", text), {"type": "failed", "code": code, "text": text, "retryAfterMs": retry_after_ms}


STATES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "idle": (),
    "reading": (READING,),
    "preparing": (READING, DATA, phase("preparing", "Preparing…")),
    "writing": (READING, DATA, CUT, WRITING, PROGRESS),
    "done": (READING, DATA, NEUTRALISED, PROGRESS, DONE),
    "stopped": (READING, DATA, PROGRESS, phase("stopped", "Stopped (123 tokens)")),
    "failed": (
        READING,
        *failed("AUTHENTICATION", None, "The key is not accepted. Have it corrected."),
    ),
    "limited": (READING, DATA, *failed("RATE_LIMITED", 3_600_000)),
    "gone": (READING, DATA, *failed("EDITOR_GONE", None, "The page took its editor away. It can be copied.")),
}


def test_a_run_is_shown_from_the_click_to_the_end(shown: Shown) -> None:
    assert shown.panel.shown()["buttons"] == ["Write description", "Settings of the writer"]
    shown.panel.write_why("To count right")
    shown.panel.press("Write description")
    assert shown.deeds() == [["start", "To count right"]]
    assert shown.hear(READING)["buttons"] == ["Stop", "Settings of the writer"]
    seen = shown.hear(DATA, CUT, WRITING, PROGRESS)
    assert (seen["line"], seen["figures"]) == ("Writing (123 tokens)…", "4 s · at most 13 s left")
    assert seen["stats"] == "+1,200 \N{MINUS SIGN}34 in 5 files"
    assert seen["notes"] == ["The diff is large: of 1.2 MB the model gets the most telling 200 kB."]
    seen = shown.hear(NEUTRALISED, DONE)
    assert (seen["buttons"], seen["tone"]) == (["Write again", "Settings of the writer"], "good")
    assert "2 places" in seen["notes"][1]


def test_a_screen_reader_hears_what_is_news_and_not_every_token(shown: Shown) -> None:
    assert shown.hear(READING)["spoken"] == "Reading the pull request…"
    assert shown.hear(WRITING)["spoken"] == "Writing…"
    assert shown.hear(phase("writing", "Writing (150 tokens)…"), PROGRESS)["spoken"] == "Writing…"
    assert shown.hear(DONE)["spoken"] == "Done (412 tokens)"


def test_only_a_real_click_does_anything(shown: Shown) -> None:
    click = "function () { for (const each of this.querySelectorAll('button')) each.click() }"
    shown.panel.evaluate(click)
    shown.panel.evaluate("function () { this.querySelector('button').dispatchEvent(new MouseEvent('click')) }")
    shown.page.evaluate("() => { for (const each of document.querySelectorAll('div')) each.click() }")
    assert shown.deeds() == []
    shown.panel.press("Settings of the writer")
    assert shown.deeds() == [["settings"]]


def test_it_is_operated_by_keyboard_and_the_focus_is_not_lost(shown: Shown) -> None:
    shown.page.focus("#beside")
    shown.page.keyboard.press("Tab")
    assert shown.panel.shown()["focused"] == "Write description"
    shown.page.keyboard.press("Enter")
    assert shown.deeds() == [["start", ""]]
    shown.hear(READING)
    shown.page.keyboard.press("Shift+Tab")
    shown.page.keyboard.press("Tab")
    assert shown.panel.shown()["focused"] == "Stop"
    shown.page.keyboard.press("Space")
    assert shown.deeds()[1:] == [["stop"]]
    assert shown.hear(phase("stopped", "Stopped"))["focused"] == "Write again"


@pytest.mark.parametrize("said", [(), (READING, DONE)], ids=["first", "again"])
def test_a_persons_words_are_replaced_only_when_they_say_so(shown: Shown, said: tuple[dict[str, Any], ...]) -> None:
    name = shown.hear(*said)["buttons"][0] if said else "Write description"
    shown.world.evaluate("changed = true")
    shown.panel.press(name)
    seen = shown.panel.shown()
    assert (seen["buttons"][1:], seen["focused"]) == (["Replace it", "Keep mine"], "Keep mine")
    assert seen["spoken"] == "Other text stands where the writer writes. Replace it?"
    shown.panel.press("Keep mine")
    assert shown.deeds() == []
    assert shown.panel.shown()["focused"] == name
    shown.panel.press(name)
    shown.panel.press("Replace it")
    assert shown.deeds() == [["start", "", "replace"]]


def test_another_try_waits_as_long_as_the_provider_asks(shown: Shown) -> None:
    seen = shown.hear(READING, *failed("RATE_LIMITED", 3_600_000))
    assert seen["line"] == LIMITED
    (again, _) = seen["buttons"]
    assert again.startswith("Write again in ")
    assert seen["disabled"]
    shown.panel.press(again)
    assert shown.deeds() == []
    shown.hear(READING, *failed("RATE_LIMITED", 900))
    ready = shown.panel.until(lambda now: not now["disabled"])
    assert (ready["buttons"][0], ready["spoken"]) == ("Write again", "You can write again now.")
    shown.panel.press("Write again")
    assert shown.deeds() == [["start", ""]]


def test_a_text_that_has_no_editor_any_more_is_copied(shown: Shown) -> None:
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.hear(*STATES["gone"])
    shown.panel.press("Copy the text")
    shown.panel.until(lambda now: "Copied" in now["buttons"])
    assert shown.page.evaluate("navigator.clipboard.readText()") == "the text"


def test_the_page_hears_nothing_of_what_is_typed_and_its_form_is_not_sent(shown: Shown) -> None:
    shown.panel.write_why("secret words")
    shown.page.keyboard.press("Enter")
    shown.panel.press("Write description")
    assert shown.deeds() == [["start", "secret words"]]
    # On their way in, clicks are seen by whoever captures them; they say nothing.
    assert set(shown.page.evaluate("heard")) <= {"click", "mousedown"}
    assert shown.page.url.endswith("/pull/1")
    # And what is typed elsewhere is the page's, as always.
    shown.page.fill("#beside", "x")
    assert "input" in shown.page.evaluate("heard")


def test_the_page_gets_nowhere_into_it(shown: Shown) -> None:
    shown.hear(*STATES["writing"])
    host = "document.querySelector('#beside').nextElementSibling"
    assert shown.page.evaluate(f"{host}.shadowRoot") is None
    assert shown.page.evaluate(f"{host}.innerText + {host}.outerHTML.replace(/<.*?>/gs, '')") == ""
    assert shown.page.evaluate("typeof deeds + typeof hear") == "undefinedundefined"
    # The page's sheet wants everything red and apart.
    style = "function () { return getComputedStyle(this.querySelector('button')).letterSpacing }"
    assert shown.panel.evaluate(style) == "normal"


@pytest.mark.parametrize("state", STATES)
def test_every_text_has_contrast_in_both_themes(shown: Shown, state: str, tmp_path: Path) -> None:
    shown.hear(*STATES[state])
    schemes: list[Scheme] = ["light", "dark"]
    for scheme in schemes:
        dress(shown, scheme)
        contrast, text = shown.panel.evaluate(script("writer_contrast.js"))
        assert contrast >= 4.5, (scheme, text)
        shown.page.screenshot(path=tmp_path / f"{state}-{scheme}.png")


def test_motion_is_for_those_who_did_not_ask_for_less(shown: Shown) -> None:
    shown.hear(READING)
    animation = "function () { return getComputedStyle(this.querySelector('.line'), '::before').animationName }"
    shown.page.emulate_media(reduced_motion="no-preference")
    assert shown.panel.evaluate(animation) == "breathe"
    shown.page.emulate_media(reduced_motion="reduce")
    assert shown.panel.evaluate(animation) == "none"


def test_it_is_read_with_forced_colours_and_from_right_to_left(shown: Shown, tmp_path: Path) -> None:
    shown.page.evaluate("document.documentElement.dir = 'rtl'")
    shown.page.emulate_media(forced_colors="active")
    shown.hear(*STATES["writing"])
    left = "function (part) { return this.querySelector(part).getBoundingClientRect().x }"
    settings, why = (shown.panel.evaluate(left, part) for part in (".plain", "input"))
    assert settings < why
    border = "function () { return getComputedStyle(this.querySelector('button:not([hidden])')).borderTopStyle }"
    assert shown.panel.evaluate(border) == "solid"
    shown.page.screenshot(path=tmp_path / "forced-rtl.png")


def dress(shown: Shown, scheme: Scheme) -> None:
    """The site's own theme where the browser prefers the other one; `light` first, as that is what it starts with."""
    shown.page.evaluate(
        "(dark) => { document.body.style.background = dark ? '#0d1117' : '#fff' }",
        scheme == "dark",
    )
    # The panel looks again as that changes. Chromium tells of two changes at once as of none.
    shown.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    shown.panel.until(lambda now: now["scheme"] == scheme)
