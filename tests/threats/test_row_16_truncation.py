"""Row 16: a server cuts its answer. Every framing, every cut, through the real host: never a STREAM_END."""

from pathlib import Path

import pytest

from tests.host_process import HostProcess, grant
from tests.printed import say
from tests.upstreams import bodies, coded, faults
from tests.upstreams.bodies import Framing
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority

BODY = b"a body of some length, "
ENDS = ("close", "reset")
CUT_CODES = {"UPSTREAM_TRUNCATED", "UPSTREAM_RESET", "DECODE_FAILED", "UPSTREAM_TLS"}


def answer_of(framing: Framing, coding: str) -> bytes:
    body, encoding = coded.encode(BODY * 2, [coding] if coding else [])
    field = f"Content-Encoding: {encoding}\r\n".encode() if coding else b""
    return b"HTTP/1.1 200 OK\r\n" + field + bodies.framed(body, framing, [7, 20])


# Of a plain body that ends with the connection every cut is an end (RFC 9112 section 6.3): STREAM_END says `close`. So
# does that of a coded one of which nothing came at all: servers name a coding of empty bodies too.
ANSWERS = {
    f"{framing}, {coding or 'plain'}": answer_of(framing, coding)
    for framing in ("length", "chunked", "close")
    for coding in ("", "gzip", "zstd")
    if (framing, coding) != ("close", "")
}


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_no_cut_ends_cleanly(tmp_path: Path, *, secure: bool) -> None:
    authority = Authority()

    async def cut(request: Request) -> None:
        query = request.query
        then: faults.Then = "reset" if query["then"] == "reset" else "close"
        await faults.raw(ANSWERS[query["answer"]][: int(query["at"])], then=then)(request)

    context = authority.server_context() if secure else None
    with (
        ThreadedServer(lambda: Server(cut, context=context)) as server,
        HostProcess(tmp_path, grant(server.url("/"), more=f'ca_file = "{authority.write_ca(tmp_path)}"')) as host,
    ):
        host.hello()
        number = ended = 0
        for name, answer in ANSWERS.items():
            for at in range(0, len(answer), 19 if secure else 4):
                for then in ENDS:
                    if name.startswith("close") and answer[:at].endswith(b"\r\n\r\n"):
                        continue
                    number += 1
                    host.start(number, server.url(f"/?answer={name.replace(', ', ',%20')}&at={at}&then={then}"))
                    body, end = host.body(number)
                    ended += end["type"] == "STREAM_END"
                    assert end["type"] == "STREAM_ERROR", (name, at, then)
                    assert end["code"] in CUT_CODES, (name, at, then, end)
                    assert (BODY * 2).startswith(body)
        say(f"truncated answers{' over TLS' if secure else ''}: {number}, ended cleanly: {ended}")
