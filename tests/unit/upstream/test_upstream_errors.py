"""The one table of foreign exceptions: every kind has a row, every row a code and no foreign text."""

import errno
import inspect
import ssl

import anyio
import h11
import httpcore2
import pytest

from longwire.protocol.errors import ErrorCode, Phase
from longwire.upstream import UpstreamClient
from longwire.upstream.errors import FOREIGN, EndWithoutNotice, connect_error, exchange_error, shown
from tests.unit.upstream.asking import ask, failing
from tests.upstreams import faults

HEADERS, BODY = Phase.HEADERS, Phase.BODY


@pytest.mark.parametrize(
    ("error", "ended", "in_head", "in_body"),
    [
        (httpcore2.RemoteProtocolError("s3cret"), False, ErrorCode.UPSTREAM_PROTOCOL, ErrorCode.UPSTREAM_PROTOCOL),
        (httpcore2.RemoteProtocolError("s3cret"), True, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_TRUNCATED),
        (httpcore2.LocalProtocolError("s3cret"), False, ErrorCode.UPSTREAM_PROTOCOL, ErrorCode.UPSTREAM_PROTOCOL),
        (h11.LocalProtocolError("s3cret"), False, ErrorCode.UPSTREAM_PROTOCOL, ErrorCode.UPSTREAM_PROTOCOL),
        (httpcore2.ReadError("s3cret"), False, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_RESET),
        (httpcore2.WriteError("s3cret"), False, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_RESET),
        (EndWithoutNotice(), True, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_TRUNCATED),
        (anyio.BrokenResourceError(), False, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_RESET),
        (anyio.ClosedResourceError(), False, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_RESET),
        (anyio.EndOfStream(), True, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_TRUNCATED),
        (ssl.SSLError(1, "s3cret"), False, ErrorCode.UPSTREAM_TLS, ErrorCode.UPSTREAM_TLS),
        (ConnectionResetError("s3cret"), False, ErrorCode.UPSTREAM_RESET, ErrorCode.UPSTREAM_RESET),
    ],
)
def test_each_kind_has_its_code(error: Exception, ended: bool, in_head: ErrorCode, in_body: ErrorCode) -> None:
    assert isinstance(error, FOREIGN)
    for phase, code in ((HEADERS, in_head), (BODY, in_body)):
        made = exchange_error(error, phase, ended=ended, uploading=False)
        assert (made.code, made.phase) == (code, phase)
        assert "s3cret" not in made.text


def test_every_network_and_protocol_error_of_the_library_is_known() -> None:
    # Timeouts, pool and proxy errors are not: none of those parts of the library is in use.
    for _, kind in inspect.getmembers(httpcore2, inspect.isclass):
        if issubclass(kind, httpcore2.NetworkError | httpcore2.ProtocolError):
            assert issubclass(kind, FOREIGN), kind


def test_a_break_during_the_upload_is_the_uploads_failure() -> None:
    for error in (httpcore2.ReadError(), anyio.BrokenResourceError(), httpcore2.RemoteProtocolError()):
        made = exchange_error(error, HEADERS, ended=True, uploading=True)
        assert made.code is ErrorCode.UPLOAD_FAILED
    # What is not a break keeps its name.
    assert exchange_error(ssl.SSLError(), HEADERS, ended=False, uploading=True).code is ErrorCode.UPSTREAM_TLS


async def test_a_refused_connection_says_so(client: UpstreamClient) -> None:
    with faults.refusing_port() as port:
        message, code, phase = await failing(client, ask(f"http://127.0.0.1:{port}/"))
    assert (code, phase) == (ErrorCode.UPSTREAM_CONNECT, Phase.CONNECT)
    assert f"127.0.0.1:{port} refused" in message


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EHOSTUNREACH, errno.ETIMEDOUT, 9999, None])
def test_connect_errors_are_told_in_our_words(number: int | None) -> None:
    made = connect_error(OSError(number, "s3cret"), "a.test", 80)
    assert made.code is ErrorCode.UPSTREAM_CONNECT
    assert made.text.startswith("a.test:80 ")
    assert "s3cret" not in made.text


def test_an_absurd_host_does_not_make_an_absurd_message() -> None:
    assert len(shown("x" * 60_000)) < 300
    assert shown("a.test") == "a.test"
