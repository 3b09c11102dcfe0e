"""The browser's URL parser and the host's agree: what one makes canonical, the other leaves as it is (threat 8)."""

import ada_url

from longwire.policy.urls import comparable_path, parse_canonical
from longwire.protocol.errors import StreamError
from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.printed import say

FORMS = script("url_forms.js")


def refusal(url: str) -> str:
    try:
        assert parse_canonical(url).href == url
    except StreamError as error:
        return error.text
    return ""


def test_every_url_that_the_browser_writes_is_canonical_here(browser_of_module: Browser) -> None:
    page = browser_of_module.context.new_page()
    written: list[str] = page.evaluate(FORMS)
    page.close()
    refused = {url: reason for url in written if (reason := refusal(url))}

    say(f"URL forms that the browser wrote: {len(written)}, refused here: {len(refused)}")
    assert len(written) > 700
    # What is refused breaks a rule for hosts or credentials; nothing is refused for the way in which it is written.
    assert [url for url in refused if url.startswith("http://h/")] == []
    assert [reason for reason in refused.values() if "canonical" in reason] == []


# Beside ASCII and Latin: what is not seen, what looks like a slash, what normalises, and what needs two UTF-16 units.
OTHERS = "\u200d\u2028\u2044\u2215\uff0f\u3002\ufeff\u00ad\u0301\ud7ff\ufffd\U0001f600\U000e0001"
# Where the browser under test and ada part: (part of the URL, character) -> what each writes. Firefox goes with ada.
DISPUTED = {("path", "|"): ("%7C", "|")}
WRITTEN = """(characters) => characters.map((each) => [
  new URL(`http://h/a${each}b`).pathname, new URL(`http://h/?a${each}b`).search,
])"""


def test_the_characters_that_browsers_write_differently_are_known_and_compared_as_one(
    browser_of_module: Browser,
) -> None:
    characters = [chr(code) for code in range(0x180)] + list(OTHERS)
    page = browser_of_module.context.new_page()
    written: list[list[str]] = page.evaluate(WRITTEN, characters)
    page.close()
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for character, (path, query) in zip(characters, written, strict=True):
        here = ada_url.URL(f"http://h/a{character}b").pathname
        if path != here:
            found["path", character] = (path[2:-1], here[2:-1])
        asked = ada_url.URL(f"http://h/?a{character}b").search
        if query != asked:
            found["query", character] = (query[2:-1], asked[2:-1])
        assert comparable_path(path) == comparable_path(here)
    say(f"characters compared in path and query: {len(characters)}, written differently: {sorted(found)}")
    assert found == DISPUTED
