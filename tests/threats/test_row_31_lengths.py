"""Row 31: a page puts a guess beside the secret and looks how long the compressed whole is.

The server is honest: it echoes what it was asked with, and compresses as every server does. Whatever number the page
can see before the guard has seen a byte of the body must be the same for every guess of the same length.
"""

import gzip
import re
from collections.abc import Awaitable, Callable

import pytest

from longwire.protocol.errors import ErrorCode
from tests.threats.bench import Answer, Host
from tests.threats.conftest import SECRET, MakeGranted
from tests.upstreams import bodies
from tests.upstreams.connection import Request

# The first is right as far as it goes, the others wrong from their first character on.
GUESSES = (SECRET[:12], "#@!*^~<>;:{}", "0Kq9Zz8XyWvU", "AAAAAAAAAAAA")

Handler = Callable[[Request], Awaitable[None]]


def echo_of(request: Request) -> bytes:
    """What an honest server says of a request: what was asked for, and with which fields."""
    return f"q={request.header('x-guess')}\nauthorization={request.header('authorization')}\n".encode() * 2


async def compressing(request: Request) -> None:
    """As `nginx` with `gzip on`: coded where the client takes it, and HEAD answered as GET would be."""
    body, coding = echo_of(request), [("Vary", "Accept-Encoding")]
    if "gzip" in (request.header("accept-encoding") or ""):
        body = gzip.compress(body, mtime=0)
        coding.append(("Content-Encoding", "gzip"))
    head = bodies.head(200, [*coding, ("Content-Length", str(len(body)))])
    await request.connection.send(head if request.method == "HEAD" else head + body)


async def compressing_whatever_it_is_asked(request: Request) -> None:
    """Codes a HEAD's answer too, and says the length again in a field of its own, as stores and proxies do."""
    body = gzip.compress(echo_of(request), mtime=0)
    lengths = [("Content-Length", str(len(body))), ("X-Goog-Stored-Content-Length", str(len(body)))]
    head = bodies.head(200, [("Content-Encoding", "gzip"), *lengths])
    await request.connection.send(head if request.method == "HEAD" else head + body)


async def not_modified(request: Request) -> None:
    """A 304 may say how long the body would have been, and need not say how it would have been coded."""
    length = len(gzip.compress(echo_of(request), mtime=0))
    await request.connection.send(bodies.head(304, [("ETag", '"x"'), ("Content-Length", str(length))]))


async def seen(host: Host, url: str, method: str, guess: str) -> Answer:
    """What the page has before the first byte of the body: it goes no further, so that no guard ends it."""
    return await host.ask(url, method=method, headers=[("X-Guess", guess)], read=False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("server", [compressing, compressing_whatever_it_is_asked, not_modified])
async def test_no_length_goes_with_a_guess_of_the_secret(granted: MakeGranted, server: Handler, method: str) -> None:
    site = await granted(server)
    visible = [await seen(site.host, site.url, method, guess) for guess in GUESSES]
    assert all(answer.code is None for answer in visible)
    numbers = [re.findall(r"[0-9]+", str([answer.status, answer.reason, answer.headers])) for answer in visible]
    assert numbers == [numbers[0]] * len(GUESSES)


async def test_the_lengths_would_have_told_a_page_that_reads_them(granted: MakeGranted) -> None:
    """The attack is real: without the guard, the right guess is the shortest."""
    site = await granted(compressing, more="reflection_guard = false")
    answers = {guess: await seen(site.host, site.url, "GET", guess) for guess in GUESSES}
    lengths = {guess: int(dict(answer.headers)["content-length"]) for guess, answer in answers.items()}
    assert min(lengths, key=lengths.__getitem__) == GUESSES[0]
    assert len(set(lengths.values())) > 1


async def test_a_page_that_reads_on_meets_the_guard(granted: MakeGranted) -> None:
    site = await granted(compressing)
    assert (await site.host.ask(site.url)).code is ErrorCode.SECRET_REFLECTED
