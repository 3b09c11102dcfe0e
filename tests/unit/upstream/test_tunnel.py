"""A grant's proxy: asked for a tunnel to https, and for http itself; what can be checked without resolving is."""

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from longwire.addresses import Network
from longwire.protocol.errors import ErrorCode, Phase
from longwire.upstream import Hop, UpstreamClient
from tests.unit.upstream.asking import ask, failing, failure, fetch
from tests.upstreams import app, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority
from tests.upstreams.tunnel import Proxy


def via(proxy: Server, network: Network = "public") -> dict[str, Any]:
    return {"proxy": ("127.0.0.1", proxy.port), "network": network}


class ForwardingProxy:
    """As Squid comes: it fetches http itself, from `port` of this machine, and tunnels to 443 only."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[str] = []

    async def __call__(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.target}")
        near = request.connection
        if request.method == "CONNECT" or not request.target.startswith("http://"):
            await near.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        path = "/" + request.target.split("/", 3)[3]
        body = await request.body()
        lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
        async with await anyio.connect_tcp("127.0.0.1", self._port) as far:
            await far.send("\r\n".join([*lines, "Via: 1.1 squid", "Connection: close", "", ""]).encode() + body)
            answer = await far.receive(65536)
            await near.send(answer)


async def test_plain_http_goes_through_a_proxy_that_tunnels_to_443_only(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        through = ForwardingProxy(server.port)
        async with Server(through) as proxy:
            for method, body in (("GET", None), ("POST", b"four")):
                url = "http://nowhere.test:8080/echo?a=%2F"
                request = ask(url, method=method, body=body, headers=[("X-Key", "for the server")], **via(proxy))
                response, answer = await fetch(client, request)
                assert response.status == 200
                assert b"for the server" in answer
                assert response.url == url
            assert len(proxy.connections) == 1
    assert through.asked == [
        "GET http://nowhere.test:8080/echo?a=%2F",
        "POST http://nowhere.test:8080/echo?a=%2F",
    ]
    assert [request.target for request in server.requests] == ["/echo?a=%2F"] * 2
    assert dict(server.requests[0].headers)["Host"] == "nowhere.test:8080"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://nowhere.test/", "http://nowhere.test/"),
        ("http://nowhere.test:80/x?", "http://nowhere.test/x?"),
        ("http://nowhere.test/x#there", "http://nowhere.test/x"),
        ("http://[2606:4700::1111]:8080/", "http://[2606:4700::1111]:8080/"),
    ],
)
async def test_what_a_proxy_is_asked_for_is_the_whole_url(client: UpstreamClient, url: str, target: str) -> None:
    async with Server(faults.raw(b"HTTP/1.1 204 None\r\n\r\n")) as proxy:
        await fetch(client, ask(url, **via(proxy)))
        assert [request.target for request in proxy.requests] == [target]


async def test_a_redirect_from_http_to_https_goes_on_through_a_tunnel(
    client: UpstreamClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority()
    ca_file = authority.write_ca(tmp_path_factory.mktemp("ca"))
    async with Server(app.make_app().routes, context=authority.server_context("right.test")) as server:
        tunnels = Proxy(server.port)

        async def either(request: Request) -> None:
            if request.method == "CONNECT":
                return await tunnels(request)
            moved = b"HTTP/1.1 308 Moved\r\nLocation: https://right.test/echo\r\nContent-Length: 0\r\n\r\n"
            return await request.connection.send(moved)

        async with Server(either) as proxy:
            response, _ = await fetch(client, ask("http://right.test/echo", ca_file=ca_file, **via(proxy)))
            assert (response.status, response.url) == (200, "https://right.test/echo")
    assert tunnels.asked == ["CONNECT right.test:443"]


async def test_a_proxy_that_asks_for_a_login_is_not_taken_for_the_server(client: UpstreamClient) -> None:
    login = b"HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
    async with Server(faults.raw(login)) as proxy:
        message, code, _ = await failing(client, ask("http://nowhere.test/", **via(proxy)))
        assert code is ErrorCode.UPSTREAM_CONNECT
        assert "asks for a login" in message


async def test_tls_is_with_the_server_not_with_the_proxy(
    client: UpstreamClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority()
    ca_file = authority.write_ca(tmp_path_factory.mktemp("ca"))
    async with Server(app.make_app().routes, context=authority.server_context("right.test")) as server:
        through = Proxy(server.port)
        async with Server(through) as proxy:
            _, body = await fetch(client, ask("https://right.test/echo", ca_file=ca_file, **via(proxy)))
            assert b"GET" in body
            wrong = ask("https://wrong.test/echo", ca_file=ca_file, **via(proxy))
            assert await failure(client, wrong) == (ErrorCode.UPSTREAM_TLS, Phase.CONNECT)
    assert through.asked == ["CONNECT right.test:443", "CONNECT wrong.test:443"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "refused to connect to nowhere.test:443 (403)"),
        (b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n", "asks for a login"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", "(302)"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nforged", "bytes of its own"),
        (b"SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000, "proxy"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "more than the head"),
    ],
)
async def test_what_a_proxy_answers_is_judged(client: UpstreamClient, answer: bytes, says: str) -> None:
    async with Server(faults.raw(answer, then="close")) as proxy:
        message, code, phase = await failing(client, ask("https://nowhere.test/", **via(proxy)))
        assert (code, phase) == (ErrorCode.UPSTREAM_CONNECT, Phase.CONNECT)
        assert says in message
        await proxy.connections[0].wait_gone()


async def test_a_proxy_that_hangs_up_and_one_that_is_not_there(client: UpstreamClient) -> None:
    async with Server(faults.raw(b"", then="close")) as proxy:
        assert "before there was a tunnel" in (await failing(client, ask("https://nowhere.test/", **via(proxy))))[0]
        gone = via(proxy)
    message, code, _ = await failing(client, ask("https://nowhere.test/", **gone))
    assert code is ErrorCode.UPSTREAM_CONNECT
    assert f"127.0.0.1:{proxy.port} refused" in message


async def test_a_proxy_that_never_answers_is_left_in_time_and_its_socket_closed(
    client: UpstreamClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # The system's trust store takes longer to read than that.
    ca_file = Authority().write_ca(tmp_path_factory.mktemp("ca"))
    async with Server(faults.raw(b"", then="hold")) as proxy:
        request = ask("https://nowhere.test/", header_s=0.5, ca_file=ca_file, **via(proxy))
        assert await failure(client, request) == (ErrorCode.HEADER_TIMEOUT, Phase.CONNECT)
        await proxy.connections[0].wait_gone()


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("127.0.0.1", "public"),
        ("10.0.0.1", "public"),
        ("169.254.169.254", "private"),
        ("[::1]", "public"),
        ("[64:ff9b::7f00:1]", "public"),
        ("localhost", "public"),
        ("x.localhost", "private"),
        ("1.1.1.1", "private"),
    ],
)
async def test_what_an_address_spells_is_checked_before_the_proxy_is_asked(
    client: UpstreamClient, host: str, network: Network
) -> None:
    through = Proxy(1)
    async with Server(through) as proxy:
        for scheme in ("http", "https"):
            request = ask(f"{scheme}://{host}/", **via(proxy, network))
            assert await failure(client, request) == (ErrorCode.POLICY_DENIED, Phase.CONNECT)
        assert proxy.connections == []


class Names:
    """A resolver that answers from a table."""

    def __init__(self, table: dict[str, Sequence[str]]) -> None:
        self._table = table

    async def lookup(self, host: str, isolation: str) -> Sequence[str]:
        return self._table[host]


async def test_no_proxy_name_leads_to_a_metadata_service() -> None:
    client = UpstreamClient(resolver=Names({"proxy.test": ["169.254.169.254"]}))
    request = ask("http://nowhere.test/", network="public", proxy=("proxy.test", 80))
    assert await failure(client, request) == (ErrorCode.POLICY_DENIED, Phase.CONNECT)
    await client.aclose()


async def test_connections_are_not_shared_between_with_and_without_a_proxy(client: UpstreamClient) -> None:
    async with Server(app.make_app().routes) as server:
        through = ForwardingProxy(server.port)
        async with Server(through) as proxy:
            url = server.url("/digest?size=0")
            await fetch(client, ask(url))
            hop: Hop = ask(url).hop
            assert hop.proxy is None
            await fetch(client, ask(url.replace("127.0.0.1", "name.test"), **via(proxy)))
            await fetch(client, ask(url.replace("127.0.0.1", "name.test"), **via(proxy)))
            assert len(server.connections) == 3  # the proxy makes one for each request
            assert len(proxy.connections) == 1
            assert len(through.asked) == 2
