"""Row 12: a server echoes the secret that it was sent. The page reads everything that it is given."""

import base64
import gzip
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from longwire.policy.needles import secret_forms
from longwire.protocol.errors import ErrorCode
from tests.threats.conftest import MakeGranted
from tests.upstreams import bodies
from tests.upstreams.connection import Request

FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda secret: secret,
    "among other JSON": lambda secret: f'{{"headers":{{"authorization":"Bearer {secret}"}}}}',
    "base64": lambda secret: base64.b64encode(f"Bearer {secret}".encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(f"user:{secret}".encode()).decode(),
    "URL-encoded": lambda secret: quote(f"Bearer {secret}", safe=""),
    "URL-encoded, but for what paths may hold": lambda secret: quote(secret, safe="/+=&"),
    "escaped in JSON": lambda secret: json.dumps(secret).replace("/", "\\/"),
    "escaped in HTML": html.escape,
}
HIDDEN = ("Set-Cookie", "Proxy-Authenticate", "Clear-Site-Data", "Alt-Svc")
CHALLENGES = ("WWW-Authenticate", "Authentication-Info")


def bearer(request: Request) -> str:
    return (request.header("authorization") or "").removeprefix("Bearer ")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["body", "gzip body", "header", "reason"])
async def test_what_is_echoed_does_not_reach_the_page(granted: MakeGranted, form: str, place: str) -> None:
    async def echo(request: Request) -> None:
        text = FORMS[form](bearer(request)).encode()
        if place == "reason":
            await request.connection.send(b"HTTP/1.1 200 " + text + b"\r\nContent-Length: 0\r\n\r\n")
        elif place == "header":
            await bodies.respond(request.connection, b"", headers=[("X-Echo", text.decode())])
        elif place == "body":
            await bodies.respond(request.connection, b"you said " + text)
        else:
            coded = gzip.compress(b"you said " + text)
            await bodies.respond(request.connection, coded, headers=[("Content-Encoding", "gzip")])

    site = await granted(echo)
    answer = await site.host.ask(site.url)
    assert answer.code is ErrorCode.SECRET_REFLECTED
    assert not any(text.decode("latin-1") in answer.shown for text in secret_forms(site.secret.encode()))


@pytest.mark.parametrize("name", HIDDEN)
async def test_headers_that_are_never_shown_are_no_way_round_it(granted: MakeGranted, name: str) -> None:
    async def echo(request: Request) -> None:
        await bodies.respond(request.connection, b"ok", headers=[(name, bearer(request))])

    site = await granted(echo)
    answer = await site.host.ask(site.url)
    assert (answer.code, answer.body) == (None, b"ok")
    assert site.secret not in answer.shown


@pytest.mark.parametrize("name", CHALLENGES)
async def test_a_challenge_that_quotes_the_secret_is_an_echo_like_any_other(granted: MakeGranted, name: str) -> None:
    async def challenge(request: Request) -> None:
        quoted = f'Bearer error="invalid_token", error_description="{bearer(request)} is not known here"'
        await bodies.respond(request.connection, b"who?", status=401, headers=[(name, quoted)])

    site = await granted(challenge)
    answer = await site.host.ask(site.url)
    assert answer.code is ErrorCode.SECRET_REFLECTED
    assert site.secret not in answer.shown


async def test_a_grant_that_says_so_lets_the_echo_through(granted: MakeGranted) -> None:
    async def echo(request: Request) -> None:
        await bodies.respond(request.connection, bearer(request)[:6].encode())

    site = await granted(echo, more="reflection_guard = false")
    assert (await site.host.ask(site.url)).body == site.secret[:6].encode()
