"""A tunnel through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), for https destinations.

The proxy sees name and port, and nothing more. Plain http is asked of the proxy itself, in absolute form
(`Hop.asks_proxy`): proxies tunnel to 443 only, as a rule, and could read it in a tunnel too. Longwire cannot log in
to a proxy: a password would have to stand in the policy.
"""

from typing import Final

import anyio
import h11

from longwire.authority import authority
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.errors import shown
from longwire.upstream.interim_responses import InterimAnswers
from longwire.upstream.sockets import READ_BYTES, SocketStream

# A proxy's answer is a status line and a few fields; its interim answers are skipped, up to a bound.
_MAX_ANSWER_BYTES: Final = 16 * 1024

PROXY_LOGIN: Final = 407

_NO_HTTP: Final = "what answers where the grant's proxy should be does not speak HTTP"
_LOGIN: Final = "the proxy asks for a login, which Longwire does not have. Let this machine through without one"


async def open_tunnel(raw: SocketStream, host: str, port: int) -> None:
    """Ask the proxy at the other end of `raw` to connect to the destination. Afterwards `raw` is the destination's.

    `host` is canonical ASCII, IPv6 without brackets. Closes `raw` on any failure, cancellation included.

    Raises:
        StreamError: UPSTREAM_CONNECT; phase `connect`.
    """
    try:
        status = await _ask(raw, host, port)
        if not 200 <= status <= 299:
            reason = (
                _LOGIN if status == PROXY_LOGIN else f"the proxy refused to connect to {shown(host)}:{port} ({status})"
            )
            raise _failed(reason)
    except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError):
        raw.close()
        raise _failed("the proxy closed the connection before there was a tunnel") from None
    except h11.ProtocolError:
        raw.close()
        raise _failed(_NO_HTTP) from None
    except BaseException:
        raw.close()
        raise


def login_asked() -> StreamError:
    """The proxy answered with PROXY_LOGIN."""
    return _failed(_LOGIN)


async def _ask(raw: SocketStream, host: str, port: int) -> int:
    """Send CONNECT; the status of the final answer."""
    destination = authority(host, port)
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_ANSWER_BYTES)
    request = h11.Request(method="CONNECT", target=destination, headers=[("Host", destination)])
    await raw.send((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
    answers = InterimAnswers()
    received = 0
    while True:
        event = http.next_event()
        if isinstance(event, h11.Response):
            break
        if event is h11.NEED_DATA:
            data = await raw.receive(READ_BYTES)
            received += len(data)
            if received > _MAX_ANSWER_BYTES:
                raise _failed("the proxy answers with more than the head of a response")
            if final := _final(answers, data):
                http.receive_data(final)
    # Both protocols that go through a tunnel begin with the client: what is there already is not the destination's.
    if 200 <= event.status_code <= 299 and http.trailing_data[0]:
        raise _failed("the proxy sends bytes of its own into the tunnel")
    return event.status_code


def _final(answers: InterimAnswers, data: bytes) -> bytes:
    try:
        return answers.feed(data)
    except StreamError:  # nothing of the request has gone to anybody: not the phase that it names
        raise _failed(_NO_HTTP) from None


def _failed(text: str) -> StreamError:
    return StreamError(ErrorCode.UPSTREAM_CONNECT, text, Phase.CONNECT)
