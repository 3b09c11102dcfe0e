"""Short ways to say what a test asks of an upstream."""

from collections.abc import Callable, Sequence
from typing import Any

import ada_url

from longwire.addresses import Network
from longwire.authority import DEFAULT_PORTS
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import RedirectMode
from longwire.upstream import (
    Hop,
    NextHop,
    Redirect,
    RequestBody,
    Upstream,
    UpstreamRequest,
    UpstreamResponse,
    UpstreamTimeouts,
)
from longwire.upstream.decoding import Decoder


def hop(
    url: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    network: Network = "loopback",
    ca_file: str | None = None,
    proxy: tuple[str, int] | None = None,
) -> Hop:
    """The hop that a caller makes of `url`: what a policy decision would give, without a policy."""
    parsed = ada_url.URL(url)
    scheme = parsed.protocol.removesuffix(":")
    return Hop(
        scheme=scheme,
        host=parsed.hostname.strip("[]"),
        port=int(parsed.port or DEFAULT_PORTS[scheme]),
        # Not pathname + search: a bare "?" is part of the target, and `search` hides it.
        target="/" + parsed.href.partition("#")[0].split("/", 3)[3],
        href=parsed.href,
        headers=tuple(headers),
        network=network,
        ca_file=ca_file,
        proxy=proxy,
    )


class AnyMemory:
    """Decoders may hold what they like; how much it is now."""

    held = 0

    def hold(self, size: int) -> bool:
        """See `DecoderMemory`."""
        self.held = size
        return True


async def at_once(work: Callable[[], bytes]) -> bytes:
    """See `Turns.aside`: here in no thread."""
    return work()


def stepped(decoder: Decoder) -> bytes | None:
    """One step of a decoder whose work is done `at_once`: it waits for nothing."""
    step = decoder.step()
    try:
        step.send(None)
    except StopIteration as done:
        made: bytes | None = done.value
        return made
    raise AssertionError("it waited")


def ask(
    url: str,
    *,
    method: str = "GET",
    body: RequestBody = None,
    isolation: str = "https://page.test",
    redirect: RedirectMode = RedirectMode.FOLLOW,
    next_hop: NextHop | None = None,
    header_s: float | None = 10.0,
    idle_s: float | None = None,
    total_s: float | None = None,
    **hop_parts: Any,
) -> UpstreamRequest:
    """A request. Redirects go wherever they lead, with the same hop parts, unless `next_hop` decides."""

    async def anywhere(redirect: Redirect) -> Hop:
        return hop(redirect.url, **hop_parts)

    return UpstreamRequest(
        method=method,
        hop=hop(url, **hop_parts),
        body=body,
        isolation=isolation,
        redirect=redirect,
        next_hop=next_hop or anywhere,
        timeouts=UpstreamTimeouts(header_s, idle_s, total_s),
        memory=AnyMemory(),
    )


async def read_all(response: UpstreamResponse, max_bytes: int = 65536) -> bytes:
    """The rest of the body."""
    parts = []
    while data := await response.read(max_bytes):
        assert len(data) <= max_bytes
        parts.append(data)
    return b"".join(parts)


async def fetch(upstream: Upstream, request: UpstreamRequest) -> tuple[UpstreamResponse, bytes]:
    """The response, read and closed."""
    response = await upstream.open(request)
    try:
        return response, await read_all(response)
    finally:
        await response.aclose()


async def failure(upstream: Upstream, request: UpstreamRequest) -> tuple[ErrorCode, Phase]:
    """Code and phase of the error that the request must end with, before the head or inside the body."""
    return (await failing(upstream, request))[1:]


async def failing(upstream: Upstream, request: UpstreamRequest) -> tuple[str, ErrorCode, Phase]:
    """Message, code and phase of the error that the request must end with."""
    try:
        response, body = await fetch(upstream, request)
    except StreamError as error:
        return error.text, error.code, error.phase
    raise AssertionError(f"{response.status} with {len(body)} bytes ended cleanly")
