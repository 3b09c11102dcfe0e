"""What `longwire.fetch` takes beyond what the browser's own does, and how it fails where that does not get."""

import hashlib
from typing import Any

import pytest
from playwright.sync_api import Page

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.limits import INLINE_BODY_BYTES
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.e2e.typed import assert_typed
from tests.patience import PATIENCE_S
from tests.slices import sliced
from tests.upstreams import faults, uploads

# --- upload progress --------------------------------------------------------------------------------------------------

SEND_AND_TELL = script("send_and_tell.js")


SIZES = [1, INLINE_BODY_BYTES, 3_000_000]
BODIES = ["bytes", "text", "blob", "stream", "request"]


# Every body at its largest, one of them at every size.
@pytest.mark.parametrize(
    ("body", "size"),
    sliced(
        {f"{body}-{size}": (body, size) for body in BODIES for size in SIZES},
        *(f"{body}-{SIZES[-1]}" for body in BODIES),
        *(f"bytes-{size}" for size in SIZES),
        several=True,
    ),
)
def test_progress_of_an_upload_grows_to_all_of_it_before_the_response_is_there(
    page: Page, upstream: Upstream, body: str, size: int
) -> None:
    argument = {"url": upstream.url("/echo"), "body": body, "size": size}
    result: dict[str, Any] = page.evaluate(SEND_AND_TELL, argument)
    assert result["arrived"] == size
    sent = [progress["sent"] for progress in result["told"]]
    assert sent == sorted(set(sent)) and sent[-1] == size
    assert {progress["total"] for progress in result["told"]} == {None if body == "stream" else size}
    assert result["late"] == 0
    # More than one step, where there is more than one window.
    assert size < 1_000_000 or len(sent) > 3


def test_progress_of_no_body_is_not_told(page: Page, upstream: Upstream) -> None:
    told = page.evaluate(
        script("no_upload_no_progress.js"),
        upstream.url("/echo"),
    )
    assert told == []


def test_a_progress_callback_that_throws_is_the_pages_own_error_and_breaks_nothing(
    page: Page, upstream: Upstream
) -> None:
    result = page.evaluate(
        script("progress_that_throws.js"),
        upstream.url("/echo"),
    )
    assert result == {"errors": ["Uncaught RangeError: mine"], "status": 200}


# --- the end ----------------------------------------------------------------------------------------------------------

FETCH_AND_TELL = script("fetch_and_tell.js")


@pytest.mark.parametrize("read", [True, False])
def test_the_end_of_a_response_is_told_once_with_its_numbers_read_or_not(
    page: Page, upstream: Upstream, read: bool
) -> None:
    argument = {"url": upstream.url("/bytes?size=20000&framing=chunked"), "init": {}, "read": read}
    result = page.evaluate(FETCH_AND_TELL, argument)
    (end,) = result["told"]
    assert result["inTime"]
    assert (end["bytes"], end["completeness"]) == (20000, "chunked")
    times = list(end["timings"].values())
    assert times == sorted(times) and times[0] >= 0
    # On a kept connection nothing was connected.
    assert [name for name in result["timings"] if name != "connected"] == ["headers", "firstByte", "total"]


def test_the_end_of_what_has_no_body_is_told(page: Page, upstream: Upstream) -> None:
    argument = {"url": upstream.url("/bytes?size=10"), "init": {"method": "HEAD"}, "read": False}
    (end,) = page.evaluate(FETCH_AND_TELL, argument)["told"]
    assert (end["bytes"], end["completeness"]) == (0, "none")
    assert "firstByte" not in end["timings"]


def test_what_fails_or_is_given_up_has_no_end(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        script("ends_of_three.js"),
        {
            "broken": upstream.url("/fault/length-cut"),
            "endless": upstream.url("/endless"),
            "echo": upstream.url("/echo"),
        },
    )
    assert result == ["whole"]


def test_an_end_callback_that_throws_is_the_pages_own_error_and_breaks_nothing(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        script("end_that_throws.js"),
        upstream.url("/echo"),
    )
    assert result == {"errors": ["Uncaught RangeError: mine"], "arrived": 1}


NO_OPTIONS = [
    "5",
    "null",
    "'x'",
    "{ nonsense: 1 }",
    "{ headerTimeout: 0 }",
    "{ headerTimeout: -1 }",
    "{ idleTimeout: NaN }",
    "{ totalTimeout: Infinity }",
    "{ totalTimeout: '5' }",
    "{ headerTimeout: 86400001 }",
    "{ onUploadProgress: 5 }",
    "{ onEnd: 'x' }",
]


def test_an_option_that_is_none_is_refused(page: Page, upstream: Upstream) -> None:
    for options in NO_OPTIONS:
        asked = f"(url) => outcome(longwire.fetch(url, {{ longwire: {options} }}))"
        result = page.evaluate(asked, upstream.url("/echo"))
        assert result["error"]["name"] == "TypeError", options
        assert "longwire" in result["error"]["message"], options
    assert upstream.server.requests == []


# --- async iterables --------------------------------------------------------------------------------------------------

ITERABLES = {
    "bytes": ("(async function* () { yield new Uint8Array([97]); yield new Uint8Array([98]).buffer })()", b"ab"),
    "text": ("(async function* () { yield 'ä'; yield ''; yield '€' })()", "ä€".encode()),
    "views": ("(async function* () { yield new DataView(new Uint8Array([1, 2, 3]).buffer, 1) })()", b"\x02\x03"),
    "nothing": ("(async function* () {})()", b""),
    "an object of its own": (
        "{ [Symbol.asyncIterator]: () => ({ n: 0, async next() { return { done: this.n++ === 2, value: 'x' } } }) }",
        b"xx",
    ),
}


@pytest.mark.parametrize(("body", "sent"), ITERABLES.values(), ids=ITERABLES.keys())
def test_an_async_iterable_is_sent_piece_by_piece(page: Page, upstream: Upstream, body: str, sent: bytes) -> None:
    result = page.evaluate(
        f"async (url) => (await longwire.fetch(url, {{ method: 'POST', body: {body} }})).json()", upstream.url("/echo")
    )
    assert result["sha256"] == hashlib.sha256(sent).hexdigest()


def pass_after(page: Page, upstream: Upstream) -> None:
    """Have the server accept another connection, and so know of all before it when it is stopped."""
    assert page.evaluate("(url) => fetchText(url).then(({ where }) => where)", upstream.url("/echo")) == "done"


@pytest.mark.parametrize(
    "body",
    [
        "(async function* () { yield 'x'; throw new RangeError('mine') })()",
        "{ [Symbol.asyncIterator]() { throw new RangeError('mine') } }",
        "{ [Symbol.asyncIterator]: () => ({ next() { throw new RangeError('mine') } }) }",
    ],
)
def test_an_iterable_that_fails_ends_the_request_with_its_error_as_cause(
    page: Page, upstream: Upstream, body: str
) -> None:
    result = page.evaluate(
        f"""(url) => longwire.fetch(url, {{ method: 'POST', body: {body} }})
            .catch((error) => ({{ ...describeError(error), cause: String(error.cause) }}))""",
        upstream.url("/echo"),
    )
    assert_typed(result, ErrorCode.UPLOAD_FAILED, Phase.HEADERS, "its source failed")
    assert result["cause"] == "RangeError: mine"
    pass_after(page, upstream)


NEITHER = ["5", "null", "{}", "Symbol('s')", "[1, 2]"]


@pytest.mark.parametrize("value", sliced({value: value for value in NEITHER}, "null", "Symbol('s')"))
def test_an_iterable_of_what_is_neither_bytes_nor_text_fails(page: Page, upstream: Upstream, value: str) -> None:
    body = f"(async function* () {{ yield {value} }})()"
    result = page.evaluate(
        f"(url) => outcome(longwire.fetch(url, {{ method: 'POST', body: {body} }}))", upstream.url("/echo")
    )
    assert_typed(result["error"], ErrorCode.UPLOAD_FAILED, Phase.HEADERS)
    pass_after(page, upstream)


ENDLESS = script("endless_iterable.js")


def test_an_endless_iterable_ends_with_an_early_response(page: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/full", uploads.early(413, after_bytes=500_000, body=b"full"))
    result = page.evaluate(ENDLESS, {"url": upstream.url("/full"), "end": "response"})
    assert result["value"] == [413, "full"]
    assert result["seconds"] < PATIENCE_S


def test_an_endless_iterable_ends_with_an_abort(page: Page, upstream: Upstream) -> None:
    upstream.app.routes.add("/hold", faults.raw(b"", then="hold"))
    result = page.evaluate(ENDLESS, {"url": upstream.url("/hold"), "end": "abort"})
    assert result["name"] == "RangeError"
    assert result["seconds"] < PATIENCE_S


# --- integrity on a page where nothing can be checked -----------------------------------------------------------------


def test_a_signature_is_refused_rather_than_ignored(page: Page, upstream: Upstream) -> None:
    result = page.evaluate(
        "(url) => outcome(longwire.fetch(url, { integrity: 'ed25519-' + btoa('x'.repeat(32)) }))", upstream.url("/echo")
    )
    assert result["error"]["name"] == "TypeError"
    assert "signatures" in result["error"]["message"]
    assert upstream.server.requests == []
