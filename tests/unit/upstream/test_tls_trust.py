"""TLS: verified always, by the system or by the grant's own authority, with errors that name the fix."""

import ssl
from pathlib import Path

import pytest

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.records import Completeness
from longwire.upstream import UpstreamClient
from longwire.upstream.errors import tls_error
from tests.unit.upstream.asking import ask, failing, failure, fetch
from tests.upstreams import bodies, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TLS_FAILED = (ErrorCode.UPSTREAM_TLS, Phase.CONNECT)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def ca_file(authority: Authority, tmp_path: Path) -> str:
    return authority.write_ca(tmp_path)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost."])
async def test_a_trusted_server_is_talked_to(
    client: UpstreamClient, authority: Authority, ca_file: str, host: str
) -> None:
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        url = server.url().replace("127.0.0.1", host)
        for _ in range(2):
            assert (await fetch(client, ask(url, ca_file=ca_file)))[1] == b"ok"
        assert len(server.connections) == 1
        assert server.requests[0].header("host") == f"{host}:{server.port}"


async def test_a_large_body_over_tls(client: UpstreamClient, authority: Authority, ca_file: str) -> None:
    size = 8 * 1024 * 1024 + 1
    async with Server(bodies.random_bytes(), context=authority.server_context()) as server:
        request = ask(server.url(f"/?size={size}&seed=tls&framing=chunked"), ca_file=ca_file)
        _, body = await fetch(client, request)
        assert body == b"".join(bodies.seeded("tls", size))


async def test_the_system_does_not_trust_a_test_authority(client: UpstreamClient, authority: Authority) -> None:
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        message, *error = await failing(client, ask(server.url()))
        assert tuple(error) == TLS_FAILED
        assert "ca_file" in message


async def test_a_ca_file_replaces_the_systems_trust(
    client: UpstreamClient, authority: Authority, tmp_path: Path
) -> None:
    other = Authority().write_ca(tmp_path)
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        assert await failure(client, ask(server.url(), ca_file=other)) == TLS_FAILED


async def test_a_certificate_for_another_name(client: UpstreamClient, authority: Authority, ca_file: str) -> None:
    async with Server(faults.raw(OK), context=authority.server_context("other.test")) as server:
        message, *error = await failing(client, ask(server.url().replace("127.0.0.1", "localhost"), ca_file=ca_file))
        assert tuple(error) == TLS_FAILED
        assert "another name" in message


async def test_an_expired_certificate(client: UpstreamClient, authority: Authority, ca_file: str) -> None:
    async with Server(faults.raw(OK), context=authority.server_context(expired=True)) as server:
        message, *error = await failing(client, ask(server.url(), ca_file=ca_file))
        assert tuple(error) == TLS_FAILED
        assert "expired" in message


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_https_to_a_port_that_does_not_speak_tls(client: UpstreamClient, reply: bytes) -> None:
    async with faults.no_http(reply) as port:
        message, *error = await failing(client, ask(f"https://127.0.0.1:{port}/"))
    assert tuple(error) == TLS_FAILED
    assert "http port?" in message if reply else "closed the connection" in message


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_an_unusable_ca_file_names_the_fix(client: UpstreamClient, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    message, *error = await failing(client, ask("https://127.0.0.1:9/", ca_file=str(path)))
    assert tuple(error) == TLS_FAILED
    assert "ca_file" in message


async def test_a_ca_file_is_read_again_when_it_changes(
    client: UpstreamClient, authority: Authority, tmp_path: Path
) -> None:
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        path = Authority().write_ca(tmp_path)
        request = ask(server.url(), ca_file=path)
        assert await failure(client, request) == TLS_FAILED
        assert authority.write_ca(tmp_path) == path
        assert (await fetch(client, request))[1] == b"ok"


async def test_a_body_that_ends_with_the_connection_needs_the_tls_goodbye(
    client: UpstreamClient, authority: Authority, ca_file: str
) -> None:
    # RFC 9112 section 9.8: without close_notify anyone on the way could have cut the connection.
    async def cut_off(request: Request) -> None:
        await request.connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        request.connection.abort()

    async def goodbye(request: Request) -> None:
        await request.connection.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
        request.connection.close()

    async with Server(cut_off, context=authority.server_context()) as server:
        message, code, phase = await failing(client, ask(server.url(), ca_file=ca_file))
        assert (code, phase) == (ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY)
        assert "after 4 bytes" in message
        assert "announced no length" in message
    async with Server(goodbye, context=authority.server_context()) as server:
        response, body = await fetch(client, ask(server.url(), ca_file=ca_file))
        assert (response.completeness, body) == (Completeness.CLOSE, b"whole")


async def test_a_server_that_wants_a_client_certificate(
    client: UpstreamClient, authority: Authority, ca_file: str
) -> None:
    context = authority.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ca_file)
    async with Server(faults.raw(OK), context=context) as server:
        code, _ = await failure(client, ask(server.url(), ca_file=ca_file))
        # TLS 1.3 says so only after the handshake; the alert may be overtaken by the reset that follows it.
        assert code in (ErrorCode.UPSTREAM_TLS, ErrorCode.UPSTREAM_RESET)


def test_no_message_of_the_library_is_passed_on() -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL] certificate verify failed: secret detail (_ssl.c:1)")
    for raw in (error, ssl.SSLError(1, "secret detail"), OSError("secret detail")):
        assert "secret" not in tls_error(raw, "a.test").text
