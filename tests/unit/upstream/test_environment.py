"""Nothing from the environment changes a request, and nothing of a request gets into a log."""

import logging
from pathlib import Path

import pytest

from longwire.protocol.errors import ErrorCode, Phase
from longwire.upstream import UpstreamClient
from tests.unit.upstream.asking import ask, failure, fetch
from tests.upstreams import faults, uploads
from tests.upstreams.server import Server
from tests.upstreams.tls import Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_no_proxy_is_taken_from_the_environment(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    async with Server(faults.raw(OK)) as proxy, Server(faults.raw(OK)) as server:
        monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("NO_PROXY", raising=False)
        await fetch(client, ask(server.url()))
        assert (len(server.requests), len(proxy.connections)) == (1, 0)


async def test_no_netrc_and_no_cookies(client: UpstreamClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    async with Server(faults.raw(OK)) as server:
        for _ in range(2):
            await fetch(client, ask(server.url()))
        for request in server.requests:
            assert request.header("authorization") is None
            assert request.header("cookie") is None


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_no_trust_is_taken_from_the_environment(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    authority = Authority()
    path = authority.write_ca(tmp_path)
    monkeypatch.setenv(name, path if name == "SSL_CERT_FILE" else str(tmp_path))
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        assert await failure(client, ask(server.url())) == (ErrorCode.UPSTREAM_TLS, Phase.CONNECT)


async def test_no_session_keys_are_written(
    client: UpstreamClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority()
    ca_file = authority.write_ca(tmp_path)
    key_log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(key_log))
    async with Server(faults.raw(OK), context=authority.server_context()) as server:
        await fetch(client, ask(server.url(), ca_file=ca_file))
        await failure(client, ask(server.url()))
    assert not key_log.exists()


async def test_no_library_logs_a_secret_even_at_debug(client: UpstreamClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Server(uploads.echo) as server:
        headers = [("Authorization", "Bearer s3cret-token"), ("X-Q", "s3cret-token")]
        await fetch(client, ask(server.url("/?key=s3cret-token"), headers=headers))
    assert "s3cret-token" not in caplog.text
