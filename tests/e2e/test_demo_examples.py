"""The demo's examples, in a real Chromium: a button each, and the code of docs/client.md behind it."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from longwire.demo.chat import TEXT
from longwire.demo.counting import ITEM_BYTES, ITEMS
from longwire.demo.feed import ENTRIES, Feed
from longwire.demo.models import CAREFUL, QUICK
from longwire.demo.pages import EXAMPLES_PATH, examples, localized
from longwire.demo.talk import GREETINGS
from longwire.rpc.peer import RECEIVE_WINDOW
from tests.e2e.browser import Browser
from tests.e2e.demo_site import KEY, Demo, assert_fits_and_reads, serving, visit, visiting
from tests.e2e.durable import living_home
from tests.e2e.scripts import script

SIZE = 4 << 20
# Everything that an element ever said, and every value that a bar ever had.
LISTEN = script("listen_to_examples.js")


@pytest.fixture(scope="module")
def chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """With a daemon, which does not outlive it."""
    with living_home(playwright, tmp_path_factory.mktemp("home")) as home:
        yield home.start()


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    """A tab in which nothing goes wrong."""
    with visiting(chromium) as page:
        yield page


def open_examples(visitor: Page, chromium: Browser, demo: Demo, folder: Path) -> None:
    visit(visitor, chromium, demo, folder / "key", EXAMPLES_PATH, "durable = {}")
    visitor.evaluate(LISTEN)


def open_codes(visitor: Page) -> None:
    """Unfold every code, by keyboard."""
    for summary in visitor.get_by_text("The code", exact=True).all():
        summary.press("Enter")


def card(visitor: Page, title: str) -> Locator:
    """The part of the page with that heading."""
    return visitor.get_by_role("region", name=title, exact=True)


def reload(visitor: Page, lasting: Locator) -> None:
    """By its button. What the page said before stands there until it is another one."""
    with visitor.expect_event("domcontentloaded"):
        lasting.get_by_role("button", name="Reload the page").click()


def said(visitor: Page) -> list[str]:
    words: list[str] = visitor.evaluate("said.map(String)")
    return words


def test_a_chat_is_stopped_by_keyboard_keeps_its_text_and_is_asked_again(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, text_duration_s=60, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        chat = card(visitor, "A chat that can be stopped")
        chat.get_by_role("button", name="Ask").press("Enter")
        expect(visitor.locator("#answer")).to_contain_text("This text")
        visitor.keyboard.press("Tab")
        visitor.keyboard.press("Enter")
        expect(chat.get_by_role("status")).to_have_text("cancelled")

        kept = visitor.locator("#answer").inner_text()
        assert TEXT.startswith(kept.strip()) and 0 < len(kept) < len(TEXT)
        stopped = demo.upstream.chat
        assert stopped is not None
        assert demo.run(stopped.wait_ended()) is not None, "the upstream noticed"
        assert stopped.finished_at_s is None
        assert visitor.locator("#answer").inner_text() == kept
        visitor.keyboard.press("Shift+Tab")
        visitor.keyboard.press("Enter")
        expect(chat.get_by_role("status")).to_have_text("open")
        expect(visitor.locator("#answer")).to_contain_text("This text")
        assert TEXT.startswith(visitor.locator("#answer").inner_text().strip()), "from its beginning"
        assert demo.upstream.chat is not stopped


def test_a_chat_that_is_left_alone_arrives_whole(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, text_duration_s=0.2, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        chat = card(visitor, "A chat that can be stopped")
        chat.get_by_role("button", name="Ask").click()
        expect(chat.get_by_role("status")).to_have_text("done")
        assert visitor.locator("#answer").evaluate("answer => answer.textContent") == TEXT


def test_a_feed_counts_down_resumes_and_misses_nothing(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    entries = Feed(ENTRIES[:6], interval_s=0, retry_ms=1500)
    with serving(visitor, entries=entries, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        feed = card(visitor, "A feed that resumes")
        feed.get_by_role("button", name="Start").click()
        # For half a second: whoever looks now and then may miss it.
        visitor.wait_for_function("() => said.some((words) => String(words).startsWith('retrying in 2 s: '))")
        assert_fits_and_reads(visitor, tmp_path, "waiting")
        expect(feed.get_by_role("status")).to_have_text("done")

        shown = [f"{number} {entry}\n" for number, entry in enumerate(ENTRIES[:6], 1)]
        assert visitor.locator("#feed").evaluate("feed => feed.textContent") == "".join(shown)
        assert entries.asked == [None, "4"]
        waits = [words.partition(":")[0] for words in said(visitor) if "retrying" in words]
        assert waits[:2] == ["retrying in 2 s", "retrying in 1 s"]
        assert said(visitor)[-1] == "done"


def test_a_feed_is_stopped_while_it_waits(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    entries = Feed(interval_s=0, retry_ms=40_000)
    with serving(visitor, entries=entries, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        feed = card(visitor, "A feed that resumes")
        feed.get_by_role("button", name="Start").click()
        expect(feed.get_by_role("status")).to_contain_text("retrying in")
        feed.get_by_role("button", name="Stop").click()
        expect(feed.get_by_role("status")).to_have_text("cancelled")
        expect(feed.get_by_role("button", name="Start")).to_be_enabled()
        assert visitor.locator("#feed").inner_text().count("\n") == 4, "four entries stay"
        assert entries.asked == [None]


def test_an_upload_fills_the_bar_and_both_sides_have_one_digest(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, size=1, upload_bytes_per_s=1e9) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        upload = card(visitor, "An upload with progress")
        upload.get_by_role("button", name="Upload").click()
        expect(upload.get_by_role("status")).to_contain_text(re.compile("[0-9a-f]{64}, and so has this page$"))
        values = [int(value) for value in said(visitor) if value.isdecimal()]
        assert values == sorted(values) and len(set(values)) > 3 and values[-1] == 24 << 20

        mine = tmp_path / "mine"
        mine.write_bytes(b"of mine")
        upload.get_by_label("file of yours").set_input_files(mine)
        upload.get_by_role("button", name="Upload").click()
        digest = hashlib.sha256(b"of mine").hexdigest()
        expect(upload.get_by_role("status")).to_contain_text(f"{digest}, and so has this page")
        assert visitor.locator("#upload-bar").evaluate("bar => bar.value === 7 && bar.max === 7")

        upload.get_by_label("file of yours").set_input_files([])
        upload.get_by_role("button", name="Upload").click()
        nothing = hashlib.sha256().hexdigest()
        expect(upload.get_by_role("status")).to_contain_text(f"{nothing}, and so has this page")


def test_a_download_is_held_against_its_digest(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, size=SIZE) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        download = card(visitor, "A download with progress")
        button = download.get_by_role("button", name="Download")
        button.click()
        expect(download.get_by_role("status")).to_have_text("4.0 MiB, as announced")
        values = [int(value) for value in said(visitor) if value.isdecimal()]
        assert values == sorted(values) and len(set(values)) > 3 and values[-1] == SIZE

        whole = b"".join(demo.upstream.file.blocks())
        demo.upstream.file.blocks = lambda: iter([whole[:-1], b"?"])  # type: ignore[method-assign]
        button.click()
        expect(download.get_by_role("status")).to_have_text("4.0 MiB, not as announced")


def test_an_answer_goes_on_when_its_page_is_loaded_anew_and_is_forgotten_by_a_button(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, essay_duration_s=4, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        lasting = card(visitor, "An answer that outlives its page")
        lasting.get_by_role("button", name="Begin").click()
        expect(visitor.locator("#lasting")).to_contain_text("This text was not fetched")
        reload(visitor, lasting)
        # By itself, and from its first word.
        expect(lasting.get_by_role("status")).to_have_text(re.compile("^(open|done)$"))
        assert_fits_and_reads(visitor, tmp_path, "lasting")
        reload(visitor, lasting)
        expect(lasting.get_by_role("status")).to_have_text("done")
        assert visitor.locator("#lasting").evaluate("essay => essay.textContent") == TEXT
        (essay,) = demo.upstream.essays
        assert essay.finished_at_s is not None
        lasting.get_by_role("button", name="Begin").click()
        expect(lasting.get_by_role("status")).to_have_text("done")
        assert len(demo.upstream.essays) == 1

        visitor.evaluate("longwire.durable.forget('essay')")
        demo.upstream.essay_duration_s = 60  # it runs when it is forgotten
        lasting.get_by_role("button", name="Begin").click()
        # The text of before stands there until this one begins.
        expect(lasting.get_by_role("status")).to_have_text("open")
        expect(visitor.locator("#lasting")).to_contain_text("This text was not fetched")
        lasting.get_by_role("button", name="Forget").click()
        expect(lasting.get_by_role("button", name="Begin")).to_be_enabled()
        expect(lasting.get_by_role("status")).to_contain_text("forgotten")
        assert len(demo.upstream.essays) == 2
        assert visitor.evaluate("longwire.durable.list()") == []


def test_without_a_grant_each_says_what_is_missing(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        chromium.grant("http://127.0.0.1:1/", page="http://127.0.0.1:1")
        for button in ("Ask", "Start", "Begin", "Upload", "Download", "Ask both", "Connect", "Ask for four"):
            visitor.get_by_role("button", name=button, exact=True).click()
        for status in visitor.get_by_role("status").all():
            expect(status).to_contain_text("policy")
        open_codes(visitor)
        assert_fits_and_reads(visitor, tmp_path, "failed")
        assert demo.upstream.chat is None


def test_two_models_answer_one_question_side_by_side(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, models_speed=20, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        models = card(visitor, "One question to two models")
        models.get_by_role("button", name="Ask both").click()
        for name, said_by in (("quick", QUICK), ("careful", CAREFUL)):
            expect(visitor.locator(f"#{name}-text")).to_have_text(said_by.text)
            words = len(said_by.text.split())
            expect(visitor.locator(f"#{name}-status")).to_contain_text(f"{name}-1: {words} tokens in ")
        assert_fits_and_reads(visitor, tmp_path, "models")
        assert KEY not in visitor.content()


def test_both_models_are_stopped_with_one_button(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, models_speed=0.01, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        models = card(visitor, "One question to two models")
        models.get_by_role("button", name="Ask both").click()
        for name in ("quick", "careful"):
            expect(visitor.locator(f"#{name}-text")).not_to_have_text("")
        models.get_by_role("button", name="Stop").click()
        for name in ("quick", "careful"):
            expect(visitor.locator(f"#{name}-status")).to_have_text("cancelled")


def test_a_talk_goes_both_ways_over_a_socket_whose_key_the_page_has_not(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        talk = card(visitor, "A talk over a socket")
        words = talk.get_by_role("textbox", name="A message")
        expect(words).to_be_hidden()
        talk.get_by_role("button", name="Connect").click()
        said_by = [f"server: {words}\n" for words in GREETINGS]
        expect(visitor.locator("#said")).to_have_text("".join(said_by))
        words.fill("naïve 😀")
        words.press("Enter")
        said_by += ["page: naïve 😀\n", "server: 7 characters, backwards: 😀 evïan\n"]
        expect(visitor.locator("#said")).to_have_text("".join(said_by))
        expect(words).to_have_value("")
        assert_fits_and_reads(visitor, tmp_path, "talk")
        assert KEY not in visitor.content()
        assert demo.upstream.keys_refused == 0
        talk.get_by_role("button", name="Close").click()
        expect(talk.get_by_role("status")).to_have_text("closed: 1000 bye")
        expect(words).to_be_hidden()
        talk.get_by_role("button", name="Connect").click()
        expect(visitor.locator("#said")).to_have_text("".join(said_by[:3]))


def test_three_streams_are_whole_while_the_fourth_is_read_slowly_and_sent_little(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, size=1, streams_bytes_per_s=1e9) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        streams = card(visitor, "Four streams over one socket")
        streams.get_by_role("button", name="Ask for four").click()
        status = streams.get_by_role("status")
        expect(status).to_have_text(re.compile(r"^three are whole; of the slow one \d+ read, \d+ sent$"))
        read, sent = map(int, re.findall(r"\d+", status.inner_text()))
        assert 0 < read < ITEMS
        # What the reader's credit lets go before it is read, and the item that waits for more of it.
        assert read <= sent <= read + RECEIVE_WINDOW // ITEM_BYTES + 1
        bars = [streams.get_by_role("progressbar", name=name) for name in ("first", "second", "third", "slow")]
        assert [bar.evaluate("bar => [bar.value, bar.max]") for bar in bars] == [[ITEMS, ITEMS]] * 3 + [[read, ITEMS]]
        assert_fits_and_reads(visitor, tmp_path, "streams")
        streams.get_by_role("button", name="Ask for four").click()
        twice = "() => said.filter((words) => String(words).startsWith('three are whole')).length === 2"
        visitor.wait_for_function(twice)


def test_the_code_that_is_shown_is_the_code_that_runs(visitor: Page, chromium: Browser, tmp_path: Path) -> None:
    with serving(visitor, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        open_codes(visitor)
        shown = {code.strip() for code in visitor.locator("details code").all_inner_texts()}
        assert shown == {localized(code, demo.upstream_origin).strip() for code in examples().values()}


def test_the_code_is_as_large_as_the_text_marked_and_nowhere_cut(
    visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    with serving(visitor, size=1) as demo:
        open_examples(visitor, chromium, demo, tmp_path)
        open_codes(visitor)
        for width in (390, 1280):
            visitor.set_viewport_size({"width": width, "height": 900})
            measured = visitor.locator("details pre").evaluate_all(
                """pres => pres.map(pre => ({
                    size: parseFloat(getComputedStyle(pre.firstChild).fontSize),
                    cut: pre.scrollWidth > pre.clientWidth,
                    colours: new Set([...pre.querySelectorAll('i')].map(i => getComputedStyle(i).color)).size,
                }))"""
            )
            assert len(measured) == 9
            assert all(one["size"] >= 15 and not one["cut"] and one["colours"] >= 2 for one in measured), measured
