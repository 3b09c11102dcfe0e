"""Redirects on the wire: each hop is the caller's decision, and nothing follows that was not decided."""

import json

import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_REDIRECTS
from longwire.protocol.records import RedirectMode
from longwire.upstream import Hop, Redirect, UpstreamClient
from tests.unit.upstream.asking import ask, failure, fetch, hop
from tests.upstreams import app, faults, redirects
from tests.upstreams.connection import Request
from tests.upstreams.server import Server


async def test_a_redirect_is_followed_and_told(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        response, body = await fetch(client, ask(server.url(redirects.to("/digest?size=0") + "#part")))
        assert response.url == server.url("/digest?size=0")
        assert response.redirected
        assert response.status == 200
        assert len(body) == 64
        # An empty redirect leaves the connection usable.
        assert len(server.connections) == 1


async def test_the_hop_that_is_decided_is_the_one_that_is_sent(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as first, Server(app.make_app().routes) as second:
        seen: list[Redirect] = []

        async def decide(redirect: Redirect) -> Hop:
            seen.append(redirect)
            return hop(redirect.url, headers=[("X-Injected", "for the second")])

        target = redirects.to(second.url("/echo"), 307)
        request = ask(
            first.url(target),
            method="POST",
            body=b"body",
            headers=[("X-Injected", "for the first")],
            next_hop=decide,
        )
        _, body = await fetch(client, request)
        answer = json.loads(body)
        assert seen == [Redirect("POST", second.url("/echo"), True, False, True)]
        assert ["X-Injected", "for the second"] in answer["headers"]
        assert "for the first" not in body.decode()
        assert (answer["method"], answer["bytes"]) == ("POST", 4)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_status_ends_at_its_target(client: UpstreamClient, status: int) -> None:
    async with Server(app.make_app().routes) as server:
        url = server.url(redirects.to("/echo", status))
        _, body = await fetch(client, ask(url, method="POST", body=b"body"))
        expected = ("POST", 4) if status in (307, 308) else ("GET", 0)
        assert (json.loads(body)["method"], json.loads(body)["bytes"]) == expected


async def test_a_refused_hop_is_not_sent_and_its_connection_is_closed(client: UpstreamClient) -> None:
    async def refuse(redirect: Redirect) -> Hop:
        raise StreamError(ErrorCode.REDIRECT_DENIED, f"no grant for {redirect.url}", Phase.HEADERS)

    async with Server(app.make_app().routes) as server:
        request = ask(server.url(redirects.to("/echo")), next_hop=refuse)
        assert await failure(client, request) == (ErrorCode.REDIRECT_DENIED, Phase.HEADERS)
        assert len(server.requests) == 1
        await server.connections[0].wait_gone()


async def test_the_address_of_every_hop_is_checked(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:

        async def public(redirect: Redirect) -> Hop:
            return hop(redirect.url, network="public")

        request = ask(server.url(redirects.to("/echo")), next_hop=public)
        # A server has answered: to say `connect` would be to say that nothing was sent.
        assert await failure(client, request) == (ErrorCode.POLICY_DENIED, Phase.HEADERS)
        assert len(server.requests) == 1


async def test_mode_manual_delivers_the_redirect_itself(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        url = server.url(redirects.to("/echo", 307))
        response, _ = await fetch(client, ask(url, redirect=RedirectMode.MANUAL))
        assert (response.status, response.redirected) == (307, False)
        assert ("location", "/echo") in response.headers


async def test_mode_error_refuses_the_first_redirect_and_nothing_else(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        request = ask(server.url(redirects.to("/echo")), redirect=RedirectMode.ERROR)
        assert await failure(client, request) == (ErrorCode.REDIRECT_DENIED, Phase.HEADERS)
        response, _ = await fetch(client, ask(server.url("/echo"), redirect=RedirectMode.ERROR))
        assert response.status == 200


async def test_redirects_come_to_an_end(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        _, body = await fetch(client, ask(server.url(f"/countdown?n={MAX_REDIRECTS}")))
        assert body == b"done"
        request = ask(server.url(f"/countdown?n={MAX_REDIRECTS + 1}"))
        assert await failure(client, request) == (ErrorCode.TOO_MANY_REDIRECTS, Phase.HEADERS)
        assert len(server.requests) == 2 * (MAX_REDIRECTS + 1)


async def test_the_body_of_a_redirect_is_not_waited_for(client: UpstreamClient) -> None:
    answers = {
        "/": faults.raw(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 1000\r\n\r\nhalf", then="hold"),
        "/next": faults.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    }

    async def handler(request: Request) -> None:
        await answers[request.path](request)

    async with Server(handler) as server:
        assert (await fetch(client, ask(server.url(), header_s=5)))[1] == b"ok"
        await server.connections[0].wait_gone()


async def test_the_header_timeout_covers_all_hops_together(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        request = ask(server.url(redirects.to("/fault/silent")), header_s=0.2)
        assert await failure(client, request) == (ErrorCode.HEADER_TIMEOUT, Phase.HEADERS)
